/*
 * api/ngx_http_aigc_api.c — the way of a call to its verb.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_challenge.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "gateway/ngx_http_aigc_decide.h"

#include "oidc/ngx_aigc_revocation.h"


typedef struct {
    ngx_http_aigc_call_t    call;
    ngx_http_aigc_verb_pt   verb;
} ngx_http_aigc_api_ctx_t;


static ngx_int_t ngx_http_aigc_api_refuse(ngx_http_request_t *r,
    ngx_uint_t allowed);
static ngx_int_t ngx_http_aigc_api_identify(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_int_t *answer);
static ngx_uint_t ngx_http_aigc_api_malformed(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);
static void ngx_http_aigc_api_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_api_read_body(ngx_http_request_t *r,
    json_t **body);
static void ngx_http_aigc_api_free_body(void *data);


ngx_int_t
ngx_http_aigc_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 allowed;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_api_ctx_t   *api;

    ctx = ngx_http_aigc_get_ctx(r);
    api = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_api_ctx_t));

    if (ctx == NULL || api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_api_identify(r, &api->call, &rc) != NGX_OK) {
        return rc;
    }

    ctx->user = api->call.who.sub;

    api->verb = ngx_http_aigc_api_route(r, &api->call, &allowed);

    if (api->verb == NULL) {
        return ngx_http_aigc_api_refuse(r, allowed);
    }

    if (r->headers_in.content_length_n > NGX_HTTP_AIGC_BODY_MAX) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BODY_TOO_LARGE,
                                     NULL);
    }

    ctx->handler = api;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_aigc_api_body);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


/* NGX_OK; NGX_DECLINED: refused, and *answer is what the handler returns */
static ngx_int_t
ngx_http_aigc_api_identify(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_int_t *answer)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_http_aigc_identify_bound(r, &call->who);

    if (rc == NGX_DECLINED && call->who.expired) {
        rc = ngx_http_aigc_renew(r, &call->who);
    }

    if (rc == NGX_AGAIN && ngx_http_aigc_renew_wait(r) == NGX_OK) {
        r->main->count++;
        *answer = NGX_DONE;
        return NGX_DECLINED;
    }

    if (rc == NGX_ERROR || rc == NGX_AGAIN) {
        *answer = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_DECLINED;
    }

    if (rc == NGX_BUSY) {
        *answer = ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_UNRENEWED);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK && call->who.busy) {
        *answer = ngx_http_aigc_refuse(r,
                                       ngx_aigc_zone_synced(mcf->zone)
                                       == NGX_OK ? NGX_HTTP_AIGC_BUSY
                                                 : NGX_HTTP_AIGC_COLD);
        return NGX_DECLINED;
    }

    if (ngx_http_aigc_api_malformed(r, &call->who)) {
        *answer = ngx_http_aigc_problem(r,
                                        NGX_HTTP_AIGC_CODE_BAD_AUTHORIZATION,
                                        NULL);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK && (call->who.unscoped || call->who.machine)) {
        *answer = ngx_http_aigc_refuse(r, call->who.unscoped
                                          ? NGX_HTTP_AIGC_UNSCOPED
                                          : NGX_HTTP_AIGC_MACHINE);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK && call->who.revoked
        && ngx_aigc_revocation_user_gone(mcf->zone, &call->who.subject)
           == NGX_OK)
    {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_USER_GONE,
                                        NULL);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
                                        NULL);
        return NGX_DECLINED;
    }

    /* a cookie comes along with any page's request, a token does not */

    if (call->who.cookie && ngx_http_aigc_same_origin(r, NULL) != NGX_OK) {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CROSS_ORIGIN,
                                        NULL);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * What cannot be a token, or one in the query beside the header's (RFC 6750 2,
 * 3.1).  A session's request needs neither.
 */
static ngx_uint_t
ngx_http_aigc_api_malformed(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_str_t             value;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx && (who->bearer || ctx->challenge != NGX_HTTP_AIGC_NO_TOKEN)
        && ngx_http_arg(r, (u_char *) "access_token", 12, &value) == NGX_OK)
    {
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INVALID_REQUEST,
                                     "token in header and query");
    }

    return ctx && ctx->challenge == NGX_HTTP_AIGC_INVALID_REQUEST;
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
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_api_ctx_t  *api;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    api = ctx->handler;
    ctx->handler = NULL;

    switch (ngx_http_aigc_api_read_body(r, &api->call.body)) {

    case NGX_OK:
        api->verb(r, &api->call);
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
