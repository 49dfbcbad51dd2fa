/*
 * api/ngx_http_aigc_api.c — the way of a call to its verb.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_challenge.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "gateway/ngx_http_aigc_decide.h"


static ngx_int_t ngx_http_aigc_api_refuse(ngx_http_request_t *r,
    ngx_uint_t allowed);
static ngx_int_t ngx_http_aigc_api_identify(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, ngx_int_t *rc);
static void ngx_http_aigc_api_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_api_read_body(ngx_http_request_t *r,
    json_t **body);
static void ngx_http_aigc_api_free_body(void *data);


ngx_int_t
ngx_http_aigc_api_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_uint_t             allowed;
    ngx_http_aigc_ctx_t   *ctx;
    ngx_http_aigc_call_t  *call;

    ctx = ngx_http_aigc_get_ctx(r);
    call = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_call_t));

    if (ctx == NULL || call == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_call_t, call)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_api_identify(r, &call->user, &rc) != NGX_OK) {
        return rc;
    }

    ctx->user = call->user.sub;

    if (ngx_http_aigc_api_route(r, call, &allowed) != NGX_OK) {
        return ngx_http_aigc_api_refuse(r, allowed);
    }

    if (r->headers_in.content_length_n > NGX_HTTP_AIGC_BODY_MAX) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BODY_TOO_LARGE,
                                     NULL);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_aigc_api_body);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


/*
 * NGX_OK: user is signed in; NGX_DECLINED: the request is answered, *rc is what
 * the handler returns.  What a filter returns is never taken for a signed-in
 * user.
 */
static ngx_int_t
ngx_http_aigc_api_identify(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_int_t *rc)
{
    ngx_str_t                   value;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    outcome = ngx_http_aigc_identify_gateway(r, user, 1);

    /* a token in the query beside the header's (RFC 6750 2, 3.1) */

    if (user->credential == NGX_HTTP_AIGC_BEARER
        && outcome != NGX_HTTP_AIGC_ID_RENEWING
        && outcome != NGX_HTTP_AIGC_ID_FAILED
        && outcome != NGX_HTTP_AIGC_ID_BUSY
        && ngx_http_arg(r, (u_char *) "access_token", 12, &value) == NGX_OK)
    {
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INVALID_REQUEST,
                                     "token in header and query", NULL);
        outcome = NGX_HTTP_AIGC_ID_MALFORMED;
    }

    switch (outcome) {

    case NGX_HTTP_AIGC_ID_SIGNED_IN:

        /* a cookie comes along with any page's request, a token does not */

        if (user->credential != NGX_HTTP_AIGC_COOKIE
            || ngx_http_aigc_same_origin(r, NULL) == NGX_OK)
        {
            return NGX_OK;
        }

        *rc = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CROSS_ORIGIN, NULL);
        break;

    case NGX_HTTP_AIGC_ID_RENEWING:

        if (ngx_http_aigc_renew_wait(r) == NGX_OK) {
            r->main->count++;
            *rc = NGX_DONE;
            break;
        }

        /* fall through */

    case NGX_HTTP_AIGC_ID_FAILED:
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        break;

    case NGX_HTTP_AIGC_ID_BUSY:
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        *rc = ngx_http_aigc_refuse(r,
                                   ngx_aigc_sync_complete(mcf->zone) == NGX_OK
                                   ? NGX_HTTP_AIGC_BUSY : NGX_HTTP_AIGC_COLD);
        break;

    default:
        *rc = ngx_http_aigc_problem(r, ngx_http_aigc_outcome(outcome)->code,
                                    NULL);
        break;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_api_refuse(ngx_http_request_t *r, ngx_uint_t allowed)
{
    u_char      *p, *allow;
    ngx_uint_t   i;

    static struct {
        ngx_uint_t   method;
        const char  *names;
    } methods[] = {
        { NGX_HTTP_GET, "GET, HEAD" },
        { NGX_HTTP_POST, "POST" },
        { NGX_HTTP_DELETE, "DELETE" },
    };

    if (allowed == 0) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_FOUND,
                                     "There is no such call.");
    }

    allow = ngx_pnalloc(r->pool, sizeof("GET, HEAD, POST, DELETE"));
    if (allow == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = allow;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (allowed & methods[i].method) {
            p = ngx_sprintf(p, "%s%s", p == allow ? "" : ", ",
                            methods[i].names);
        }
    }

    *p = '\0';

    return ngx_http_aigc_not_allowed(r, (char *) allow);
}


static void
ngx_http_aigc_api_body(ngx_http_request_t *r)
{
    ngx_http_aigc_call_t  *call;

    call = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_call_t);

    switch (ngx_http_aigc_api_read_body(r, &call->body)) {

    case NGX_OK:
        ngx_http_aigc_call(r, call);
        return;

    case NGX_DECLINED:
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_JSON, NULL));
        return;

    default: /* NGX_ERROR */
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
}


/* NGX_OK: *body is the object, or NULL: no body; NGX_DECLINED; NGX_ERROR */
static ngx_int_t
ngx_http_aigc_api_read_body(ngx_http_request_t *r, json_t **body)
{
    size_t               len;
    u_char              *p, text[NGX_HTTP_AIGC_BODY_MAX];
    ngx_buf_t           *b;
    ngx_chain_t         *cl;
    ngx_pool_cleanup_t  *cln;

    *body = NULL;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    p = text;

    /* a chunked body comes in several buffers */

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        len = b->last - b->pos;

        if (b->in_file || len > (size_t) (text + sizeof(text) - p)) {
            return NGX_DECLINED;
        }

        if (len) {
            p = ngx_cpymem(p, b->pos, len);
        }
    }

    if (p == text) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    *body = json_loadb((char *) text, p - text, JSON_REJECT_DUPLICATES, NULL);

    cln->handler = ngx_http_aigc_api_free_body;
    cln->data = *body;

    return json_is_object(*body) ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_aigc_api_free_body(void *data)
{
    json_decref(data);
}
