/*
 * base/ngx_http_aigc_challenge.c — WWW-Authenticate.
 */

#include "ngx_http_aigc_challenge.h"


typedef struct {
    ngx_uint_t    status;
    const char   *name;
} ngx_http_aigc_error_t;


/* by ngx_http_aigc_challenge_e */
static ngx_http_aigc_error_t  ngx_http_aigc_errors[] = {
    { 0, NULL },
    { NGX_HTTP_BAD_REQUEST, "invalid_request" },
    { NGX_HTTP_UNAUTHORIZED, "invalid_token" },
    { NGX_HTTP_FORBIDDEN, "insufficient_scope" }
};


void
ngx_http_aigc_challenge_note(ngx_http_request_t *r,
    ngx_http_aigc_challenge_e error, const char *description,
    ngx_str_t *scope)
{
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx) {
        ctx->challenge = error;
        ctx->challenge_why = description;
        ctx->challenge_scope = scope;
    }
}


ngx_int_t
ngx_http_aigc_challenge_header(ngx_http_request_t *r, ngx_uint_t status)
{
    u_char                     *p;
    ngx_table_elt_t            *h;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_challenge_e   error;

    static const char           realm[] = "Bearer realm=\"aigc\"";
    static const char           more[] = ", error=\"%s\""
                                         ", error_description=\"%s\"";
    static const char           scope[] = ", scope=\"%V\"";

    ctx = ngx_http_aigc_find_ctx(r);
    error = ctx ? ctx->challenge : NGX_HTTP_AIGC_NO_TOKEN;

    if (status == NGX_HTTP_UNAUTHORIZED) {
        if (error != NGX_HTTP_AIGC_NO_TOKEN) {
            error = NGX_HTTP_AIGC_INVALID_TOKEN;
        }

    } else if (ngx_http_aigc_errors[error].status != status) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    ngx_str_set(&h->key, "WWW-Authenticate");
    h->value.data = (u_char *) realm;
    h->value.len = sizeof(realm) - 1;

    if (error != NGX_HTTP_AIGC_NO_TOKEN) {
        h->value.len += sizeof(more)
                        + ngx_strlen(ngx_http_aigc_errors[error].name)
                        + ngx_strlen(ctx->challenge_why)
                        + (ctx->challenge_scope ? sizeof(scope)
                                                  + ctx->challenge_scope->len
                                                : 0);

        p = ngx_pnalloc(r->pool, h->value.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        h->value.data = p;

        p = ngx_cpymem(p, realm, sizeof(realm) - 1);
        p = ngx_sprintf(p, more, ngx_http_aigc_errors[error].name,
                        ctx->challenge_why);

        if (ctx->challenge_scope) {
            p = ngx_sprintf(p, scope, ctx->challenge_scope);
        }

        h->value.len = p - h->value.data;
    }

    h->hash = 1;

    /* where auth_request looks for what to pass on with its own 401 */

    r->headers_out.www_authenticate = h;

    return NGX_OK;
}
