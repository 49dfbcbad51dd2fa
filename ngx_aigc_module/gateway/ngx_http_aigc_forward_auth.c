/*
 * gateway/ngx_http_aigc_forward_auth.c — the decision, asked for by Envoy
 * (ext_authz over HTTP), what follows Gateway API's ExternalAuth (GEP-1494), or
 * Traefik (forwardAuth).
 */

#include "ngx_http_aigc_access.h"
#include "ngx_http_aigc_enter.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_ticket.h"


static ngx_int_t ngx_http_aigc_forwarded(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);
static ngx_uint_t ngx_http_aigc_forwarded_method(ngx_str_t *name);


ngx_int_t
ngx_http_aigc_forward_auth_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 from;
    ngx_aigc_record_t          record;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_user_t       user;
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (lcf->dialect == NGX_HTTP_AIGC_AUTH_TRAEFIK) {

        rc = ngx_http_aigc_forwarded(r, ctx);

        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (rc != NGX_OK) {
            ctx->decision = NGX_HTTP_AIGC_BAD_HOST;
            return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_HOST, NULL);
        }
    }

    /* a proxy does not pass Upgrade on: by Origin a WebSocket is known */

    from = ngx_http_aigc_is_safe(r) != NGX_OK
           || ngx_http_aigc_header(r, "origin");

    rc = ngx_http_aigc_visit(r, from, &record, &user);

    if (rc == NGX_AGAIN) {
        r->main->count++;
        return NGX_DONE;
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* cookies of a 200 do not reach the browser; those of a redirect do */

    if (ctx->renewed.len) {
        return ngx_http_aigc_to_itself(r);
    }

    if (ngx_http_aigc_add_header(r, "X-Auth-Request-User", &ctx->user)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_empty(r);
}


/*
 * Makes of r the request that Traefik asks about: host, URI, ticket, method.
 * Each of the three headers is there once, for Traefik replaces a client's.
 * NGX_OK; NGX_DECLINED: they are none of Traefik's; NGX_ERROR.
 */
static ngx_int_t
ngx_http_aigc_forwarded(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx)
{
    ngx_str_t         uri, ticket, host;
    ngx_uint_t        i;
    ngx_table_elt_t  *h[3];

    static const char  *names[] = {
        "x-forwarded-host", "x-forwarded-uri", "x-forwarded-method"
    };

    for (i = 0; i < 3; i++) {

        h[i] = ngx_http_aigc_header_once(r, names[i]);

        if (h[i] == NULL || h[i]->value.len == 0
            || h[i]->value.len > NGX_HTTP_AIGC_ORIGINAL_MAX)
        {
            return NGX_DECLINED;
        }
    }

    uri = h[1]->value;

    if (uri.data[0] != '/'
        || ngx_aigc_host_normalize(r->pool, &h[0]->value, &host) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_ticket_cut(&uri, 0, &ticket) == NGX_OK) {
        ctx->entry = ticket;
        h[1]->value = uri;
    }

    /* who asks with HEAD reads no body, whatever the method asked about is */

    if (r->method == NGX_HTTP_HEAD) {
        r->header_only = 1;
    }

    r->headers_in.server = host;
    r->unparsed_uri = uri;
    r->method = ngx_http_aigc_forwarded_method(&h[2]->value);

    /* its own Host is only the address of who is asked */

    if (r->headers_in.host) {
        r->headers_in.host->value = host;
    }

    return NGX_OK;
}


/* Not HEAD: of an answer to GET, this one has a body. */
static ngx_uint_t
ngx_http_aigc_forwarded_method(ngx_str_t *name)
{
    if (ngx_aigc_text_is(name, "GET") || ngx_aigc_text_is(name, "HEAD")) {
        return NGX_HTTP_GET;
    }

    return ngx_aigc_text_is(name, "OPTIONS") ? NGX_HTTP_OPTIONS
                                             : NGX_HTTP_POST;
}
