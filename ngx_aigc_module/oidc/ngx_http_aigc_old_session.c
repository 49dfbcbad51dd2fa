/*
 * oidc/ngx_http_aigc_old_session.c — the cookies of version 1.0, whose one
 * session was for all hosts of the root domain: taken once, on the gateway, and
 * replaced there; cleared wherever somebody who has a session shows them.
 */

#include "ngx_http_aigc_credential.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"


static ngx_int_t ngx_http_aigc_old_bound(ngx_http_request_t *r,
    ngx_str_t *sid);


ngx_int_t
ngx_http_aigc_old_session(ngx_http_request_t *r, ngx_str_t *old,
    ngx_str_t *value)
{
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_session_open_old(r->pool, mcf->keys, old, &session) != NGX_OK
        || ngx_http_aigc_old_bound(r, &session.sid) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return (ngx_aigc_session_seal_some(r->pool, mcf->keys, &session, value)
            == NGX_OK)
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_old_bound(ngx_http_request_t *r, ngx_str_t *sid)
{
    ngx_str_t                   name, value;
    ngx_http_aigc_cookies_t     state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));

    while (ngx_http_aigc_cookie_next(r, &state, &name, &value) == NGX_OK) {

        if (ngx_aigc_text_eq(&name, &mcf->old_bind)
            && ngx_aigc_mac_check(mcf->keys, "bind", sid, &value) == NGX_OK)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_old_session_clear(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx)
{
    ngx_str_t                   none;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);

    if (ngx_http_aigc_set_cookie(r, &mcf->old_cookie, &none, &mcf->domain, 0)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ctx->on_instance
           ? NGX_OK
           : ngx_http_aigc_set_cookie(r, &mcf->old_bind, &none, NULL, 0);
}
