/*
 * gateway/ngx_http_aigc_access.c — the decision carried out: in, off to sign
 * in, the waiting page, or a refusal.
 */

#include "ngx_http_aigc_access.h"
#include "ngx_http_aigc_decide.h"
#include "ngx_http_aigc_enter.h"
#include "ngx_http_aigc_held.h"
#include "ngx_http_aigc_waiting.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "kube/ngx_aigc_subrequest.h"


static ngx_int_t ngx_http_aigc_allow(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx, ngx_aigc_record_t *record,
    ngx_http_aigc_user_t *user);
static ngx_int_t ngx_http_aigc_check_host(ngx_http_request_t *r,
    ngx_uint_t known);
static ngx_uint_t ngx_http_aigc_plain_host(ngx_str_t *value,
    ngx_str_t *server);


ngx_int_t
ngx_http_aigc_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  origin, *own;
    ngx_uint_t                 preflight;
    ngx_aigc_record_t          record;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_user_t       user;
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);

    if (!lcf->access) {
        return NGX_DECLINED;
    }

    own = NULL;
    ctx = ngx_http_aigc_get_ctx(r);
    preflight = lcf->cross_origin && ngx_http_aigc_is_preflight(r) == NGX_OK;

    ngx_memzero(&user, sizeof(ngx_http_aigc_user_t));

    if (!lcf->cross_origin && ngx_http_aigc_is_safe(r) != NGX_OK) {
        own = &origin;
    }

    if (ctx == NULL || (own && ngx_http_aigc_own_origin(r, own) != NGX_OK)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->socklen = 0;
    ctx->decision = NGX_HTTP_AIGC_UNDECIDED;

    if (ngx_http_aigc_check_host(r, 1) != NGX_OK) {
        ctx->decision = NGX_HTTP_AIGC_BAD_HOST;

    } else if (ctx->entry.len) {
        ctx->decision = NGX_HTTP_AIGC_ANONYMOUS;

        rc = ngx_http_aigc_enter(r, &ctx->entry);

        ngx_http_finalize_request(r, rc);

        return NGX_DONE;

    } else {
        ctx->decision = preflight
                        ? ngx_http_aigc_decide_preflight(r,
                                                &r->headers_in.server, &record)
                        : ngx_http_aigc_decide(r, &r->headers_in.server, own,
                                               &record, &user);
        ctx->user = user.sub;

        if (ctx->decision == NGX_HTTP_AIGC_UNKNOWN
            && ngx_http_aigc_check_host(r, 0) != NGX_OK)
        {
            ctx->decision = NGX_HTTP_AIGC_BAD_HOST;
        }
    }

    if (ctx->decision == NGX_HTTP_AIGC_ALLOW) {
        return ngx_http_aigc_allow(r, ctx, &record, preflight ? NULL : &user);
    }

    if (ctx->decision == NGX_HTTP_AIGC_RENEWING) {
        return (ngx_http_aigc_renew_wait(r) == NGX_OK)
               ? NGX_AGAIN : NGX_HTTP_INTERNAL_SERVER_ERROR;
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

    rc = (ctx->decision == NGX_HTTP_AIGC_NOT_READY && !preflight)
         ? ngx_http_aigc_waiting(r, &record)
         : ngx_http_aigc_refuse_visitor(r, ctx->decision);

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
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

    /* untrusted code gets none of the keys that opened the door */

    ctx->stripped = 1;

    ngx_http_aigc_strip_upgrade(r);

    if (user == NULL) {
        ngx_http_aigc_strip_user(r);

    } else {
        ngx_http_aigc_strip_cookies(r);

        if (user->credential == NGX_HTTP_AIGC_BEARER) {
            ngx_http_aigc_strip_bearer(r);
        }
    }

    ngx_aigc_count(mcf->zone, allowed);

    return NGX_OK;
}


/*
 * nginx chose the server, and we the instance, by headers_in.server; a Host
 * header beside an absolute-form target may name another.  known: the server's
 * name may be taken for a host name, as one that the table knows is.
 */
static ngx_int_t
ngx_http_aigc_check_host(ngx_http_request_t *r, ngx_uint_t known)
{
    ngx_str_t                host;
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    if (r->headers_in.server.len == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, "host", &state))) {

        if (known
            && ngx_http_aigc_plain_host(&h->value, &r->headers_in.server))
        {
            continue;
        }

        if (ngx_aigc_host_normalize(r->pool, &h->value, &host) != NGX_OK
            || host.len != r->headers_in.server.len
            || ngx_strncasecmp(host.data, r->headers_in.server.data, host.len)
               != 0)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* As browsers send it: the very bytes of the server's name, and a port. */
static ngx_uint_t
ngx_http_aigc_plain_host(ngx_str_t *value, ngx_str_t *server)
{
    u_char     *port, *last;
    ngx_int_t   n;

    if (value->len < server->len
        || ngx_memcmp(value->data, server->data, server->len) != 0)
    {
        return 0;
    }

    port = value->data + server->len;
    last = value->data + value->len;

    if (port == last) {
        return 1;
    }

    if (*port++ != ':') {
        return 0;
    }

    n = ngx_atoi(port, last - port);

    return n > 0 && n <= 65535 && *port != '0';
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
