/*
 * gateway/ngx_http_aigc_access.c — the decision carried out: in, off to sign
 * in, the waiting page, or a refusal.
 */

#include "ngx_http_aigc_access.h"
#include "ngx_http_aigc_decide.h"
#include "ngx_http_aigc_enter.h"
#include "ngx_http_aigc_guard.h"
#include "ngx_http_aigc_held.h"
#include "ngx_http_aigc_waiting.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "kube/ngx_aigc_subrequest.h"


static ngx_int_t ngx_http_aigc_allow(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx, ngx_aigc_record_t *record,
    ngx_http_aigc_user_t *user);


ngx_int_t
ngx_http_aigc_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 preflight;
    ngx_aigc_record_t          record;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_user_t       user;
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);

    if (!lcf->access && !ngx_http_aigc_guards(r)) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    preflight = lcf->cross_origin && ngx_http_aigc_is_preflight(r) == NGX_OK;

    rc = ngx_http_aigc_visit(r, ngx_http_aigc_is_safe(r) != NGX_OK, &record,
                             &user);

    if (rc == NGX_DECLINED) {
        return ngx_http_aigc_allow(r, ctx, &record, preflight ? NULL : &user);
    }

    if (rc == NGX_DONE) {
        return NGX_DONE;
    }

    /* NGX_AGAIN, too: a part of the answer is still to be sent */

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t
ngx_http_aigc_visit(ngx_http_request_t *r, ngx_uint_t from,
    ngx_aigc_record_t *record, ngx_http_aigc_user_t *user)
{
    ngx_str_t                  origin, *own;
    ngx_uint_t                 preflight;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);

    own = NULL;
    ctx = ngx_http_aigc_get_ctx(r);
    preflight = lcf->cross_origin && ngx_http_aigc_is_preflight(r) == NGX_OK;

    ngx_memzero(user, sizeof(ngx_http_aigc_user_t));

    if (!lcf->cross_origin && from) {
        own = &origin;
    }

    if (ctx == NULL || (own && ngx_http_aigc_own_origin(r, own) != NGX_OK)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->socklen = 0;
    ctx->decision = NGX_HTTP_AIGC_UNDECIDED;

    if (ngx_http_aigc_host_agrees(r, 1) != NGX_OK) {
        ctx->decision = NGX_HTTP_AIGC_BAD_HOST;

    } else if (ctx->entry.len) {
        ctx->decision = NGX_HTTP_AIGC_ANONYMOUS;

        return ngx_http_aigc_enter(r, &ctx->entry);

    } else {
        ctx->decision = preflight
                        ? ngx_http_aigc_decide_preflight(r,
                                                 &r->headers_in.server, record)
                        : ngx_http_aigc_decide(r, &r->headers_in.server, own,
                                               record, user);
        ctx->user = user->sub;

        if (ctx->decision == NGX_HTTP_AIGC_UNKNOWN
            && ngx_http_aigc_host_agrees(r, 0) != NGX_OK)
        {
            ctx->decision = NGX_HTTP_AIGC_BAD_HOST;
        }
    }

    if (ctx->decision == NGX_HTTP_AIGC_ALLOW) {
        return NGX_DECLINED;
    }

    if (ctx->decision == NGX_HTTP_AIGC_RENEWING) {
        return (ngx_http_aigc_renew_wait(r) == NGX_OK)
               ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_aigc_count(((ngx_http_aigc_main_conf_t *)
                    ngx_http_get_module_main_conf(r, ngx_http_aigc_module))
                   ->zone, refused);

    if (ctx->decision == NGX_HTTP_AIGC_ANONYMOUS
        && ngx_http_aigc_is_navigation(r) == NGX_OK)
    {
        return ngx_http_aigc_to_sign_in(r);
    }

    /* why it is not ready is its owner's to know */

    return (ctx->decision == NGX_HTTP_AIGC_NOT_READY && !preflight)
           ? ngx_http_aigc_waiting(r, record)
           : ngx_http_aigc_refuse_visitor(r, ctx->decision);
}


/* user: NULL of a preflight, which has nothing that a pod could do for one */
static ngx_int_t
ngx_http_aigc_allow(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx,
    ngx_aigc_record_t *record, ngx_http_aigc_user_t *user)
{
    u_char                     *p;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    p = ngx_palloc(r->pool, record->socklen + record->address.len
                            + record->ns.len + record->name.len + 2
                            + NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->sockaddr = (struct sockaddr *) p;
    p = ngx_cpymem(p, &record->addr, record->socklen);

    ctx->address.data = p;
    ctx->address.len = record->address.len;
    p = ngx_cpymem(p, record->address.data, record->address.len);

    ctx->instance.data = p;
    p = ngx_cpymem(p, record->ns.data, record->ns.len);
    *p++ = '/';
    p = ngx_cpymem(p, record->name.data, record->name.len);
    p = ngx_sprintf(p, "/%D", record->id);

    ctx->instance.len = p - ctx->instance.data;

    if (user && ngx_http_aigc_held_add(r, record, user) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->socklen = record->socklen;
    ctx->decided = ngx_current_msec;

    ctx->strip = (user == NULL) ? NGX_HTTP_AIGC_STRIP_USER
                 : (user->credential == NGX_HTTP_AIGC_BEARER)
                 ? NGX_HTTP_AIGC_STRIP_BEARER
                 : NGX_HTTP_AIGC_STRIP_COOKIES;

    ngx_aigc_count(mcf->zone, allowed);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_strip_handler(ngx_http_request_t *r)
{
    ngx_uint_t            allowed;
    ngx_http_aigc_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_aigc_find_ctx(r);

    allowed = ctx && ctx->decision == NGX_HTTP_AIGC_ALLOW && ctx->socklen;

    if (ngx_http_aigc_got_past(r, allowed)) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (!allowed) {
        return NGX_DECLINED;
    }

    ngx_http_aigc_strip_upgrade(r);

    if (ctx->strip == NGX_HTTP_AIGC_STRIP_USER) {
        ngx_http_aigc_strip_user(r);

    } else {
        ngx_http_aigc_strip_cookies(r);

        if (ctx->strip == NGX_HTTP_AIGC_STRIP_BEARER) {
            ngx_http_aigc_strip_bearer(r);
        }
    }

    ngx_http_aigc_strip_variables(r);

    ctx->stripped = 1;

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_internal_handler(ngx_http_request_t *r)
{
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);

    if (lcf->internal && ngx_aigc_subrequest_ctx(r) == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    return NGX_DECLINED;
}
