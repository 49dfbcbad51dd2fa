/*
 * oidc/ngx_http_aigc_backchannel.c — a logout token becomes a revocation.
 */

#include "ngx_http_aigc_sign_in.h"
#include "ngx_aigc_provider.h"
#include "ngx_aigc_revocation.h"
#include "ngx_http_aigc_signature_limit.h"
#include "base/ngx_http_aigc_body.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"

#include "ngx_aigc_jwt.h"
#include "ngx_aigc_revocation_entry.h"
#include "ngx_aigc_verify.h"


#define NGX_HTTP_AIGC_LOGOUT_MAX      16384 /* bytes of the form */
#define NGX_HTTP_AIGC_LOGOUT_PAUSE    20    /* ms for each wrong signature: 50
                                               a second and worker are
                                               verified */
#define NGX_HTTP_AIGC_LOGOUT_WAITING  32    /* of a worker, for a new key */


typedef struct {
    ngx_str_t       token;
    ngx_uint_t      waits;
} ngx_http_aigc_logout_t;


static void ngx_http_aigc_logout_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_aigc_logout_form(ngx_http_request_t *r,
    ngx_str_t *body, ngx_str_t *token);
static void ngx_http_aigc_logout_try(ngx_http_request_t *r);
static ngx_aigc_jwt_verdict_e ngx_http_aigc_logout_verify(
    ngx_http_request_t *r, ngx_str_t *token, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy);
static ngx_int_t ngx_http_aigc_logout_revoke(ngx_http_request_t *r,
    ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_http_aigc_logout_bad(ngx_http_request_t *r,
    const char *detail);
static ngx_int_t ngx_http_aigc_logout_busy(ngx_http_request_t *r);
static void ngx_http_aigc_logout_cleanup(void *data);


static ngx_uint_t  ngx_http_aigc_logout_waiting;


ngx_int_t
ngx_http_aigc_backchannel_handler(ngx_http_request_t *r)
{
    return ngx_http_aigc_body(r, NGX_HTTP_AIGC_LOGOUT_MAX,
                              ngx_http_aigc_logout_body);
}


static void
ngx_http_aigc_logout_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                rc;
    ngx_http_aigc_logout_t  *logout;

    logout = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_logout_t));

    if (logout == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_logout_t, logout)
           != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_aigc_logout_form(r, body, &logout->token);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc == NGX_DECLINED
                 ? ngx_http_aigc_logout_bad(r, "A form with one logout_token "
                                            "is expected.")
                 : NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_aigc_logout_try(r);
}


/* NGX_DECLINED: not a form, or not one logout_token */
static ngx_int_t
ngx_http_aigc_logout_form(ngx_http_request_t *r, ngx_str_t *body,
    ngx_str_t *token)
{
    ngx_str_t         raw, rest, again;
    ngx_table_elt_t  *h;

    static ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");

    h = ngx_http_aigc_header(r, "content-type");

    if (h == NULL || h->value.len < form.len
        || ngx_strncasecmp(h->value.data, form.data, form.len) != 0
        || (h->value.len > form.len && h->value.data[form.len] != ';'
            && h->value.data[form.len] != ' '))
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_query_get(body, "logout_token", &raw) != NGX_OK
        || raw.len == 0)
    {
        return NGX_DECLINED;
    }

    rest.data = raw.data + raw.len;
    rest.len = body->data + body->len - rest.data;

    if (rest.len) {
        rest.data++;
        rest.len--;

        if (ngx_aigc_query_get(&rest, "logout_token", &again) == NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return ngx_aigc_url_decode(r->pool, &raw, token);
}


/* Again while a new key is on its way. */
static void
ngx_http_aigc_logout_try(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_uint_t               busy;
    ngx_aigc_jwt_t           jwt;
    ngx_http_cleanup_t      *cln;
    ngx_aigc_jwt_verdict_e   verdict;
    ngx_http_aigc_logout_t  *logout;

    logout = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_logout_t);

    verdict = ngx_http_aigc_logout_verify(r, &logout->token, &jwt, &busy);

    if (!busy && ngx_aigc_verify_wait(verdict, &logout->waits)) {

        if (logout->waits == 1) {
            cln = ngx_http_cleanup_add(r, 0);

            if (cln == NULL || ngx_http_aigc_logout_waiting
                               >= NGX_HTTP_AIGC_LOGOUT_WAITING)
            {
                ngx_http_aigc_finish(r, ngx_http_aigc_logout_busy(r));
                return;
            }

            cln->handler = ngx_http_aigc_logout_cleanup;
            ngx_http_aigc_logout_waiting++;
        }

        if (ngx_http_aigc_wait(r, NGX_AIGC_KEY_WAIT,
                               ngx_http_aigc_logout_try)
            == NGX_OK)
        {
            return;
        }
    }

    if (busy) {
        rc = ngx_http_aigc_logout_busy(r);

    } else if (verdict != NGX_AIGC_JWT_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aigc: a logout token was refused: %V",
                      ngx_aigc_jwt_verdict_text(verdict));

        rc = ngx_http_aigc_logout_bad(r, "The logout token is not valid.");

    } else {
        rc = ngx_http_aigc_logout_revoke(r, &jwt);
    }

    ngx_http_aigc_finish(r, rc);
}


/* As ngx_http_aigc_verify(), of a token that signs out. */
static ngx_aigc_jwt_verdict_e
ngx_http_aigc_logout_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_aigc_jwt_t *jwt, ngx_uint_t *busy)
{
    ngx_aigc_jwt_verdict_e      verdict;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_http_aigc_signature_limit_t  limit = {
        NGX_HTTP_AIGC_LOGOUT_PAUSE, 0, { 0 }
    };

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    *busy = 0;

    if (ngx_aigc_jwt_read(r->pool, token, mcf->provider->claims, jwt)
        != NGX_OK)
    {
        return NGX_AIGC_JWT_MALFORMED;
    }

    verdict = ngx_aigc_jwt_check_logout(jwt, &mcf->provider->issuer,
                                        &mcf->provider->client_id, ngx_time(),
                                        NGX_HTTP_AIGC_SKEW);
    if (verdict != NGX_AIGC_JWT_OK) {
        return verdict;
    }

    if (ngx_http_aigc_signature_limit_check(&limit, r) != NGX_OK) {
        *busy = 1;
        return NGX_AIGC_JWT_UNKNOWN_KEY;
    }

    verdict = ngx_aigc_verify_signature(mcf->zone, jwt, busy);

    if (verdict == NGX_AIGC_JWT_BAD_SIGNATURE) {
        ngx_http_aigc_signature_limit_count(&limit, r);
    }

    return verdict;
}


static ngx_int_t
ngx_http_aigc_logout_revoke(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_revocation_put(mcf->zone, jwt->sid.len ? &jwt->sid
                                                        : &jwt->sub,
                                ngx_aigc_revocation_time(ngx_time(), jwt->iat),
                                NGX_AIGC_REVOCATION_SESSION, ngx_cycle->log)
        == NGX_ERROR)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_json(r, NGX_HTTP_OK, json_object());
}


static ngx_int_t
ngx_http_aigc_logout_bad(ngx_http_request_t *r, const char *detail)
{
    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_LOGOUT_TOKEN,
                                 detail);
}


static ngx_int_t
ngx_http_aigc_logout_busy(ngx_http_request_t *r)
{
    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BUSY,
                                 "The gateway cannot check logout tokens at "
                                 "this moment.");
}


static void
ngx_http_aigc_logout_cleanup(void *data)
{
    ngx_http_aigc_logout_waiting--;
}
