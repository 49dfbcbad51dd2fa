/*
 * gateway/ngx_http_aigc_auth.c — the decision, asked for by an auth subrequest.
 */

#include "ngx_http_aigc_access.h"
#include "ngx_http_aigc_decide.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_ticket.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "oidc/ngx_http_aigc_ticket.h"


static ngx_int_t ngx_http_aigc_auth_host(ngx_http_request_t *r,
    ngx_aigc_url_t *url);
static ngx_int_t ngx_http_aigc_auth_ticket(ngx_http_request_t *r,
    ngx_aigc_url_t *url);


ngx_int_t
ngx_http_aigc_auth_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc, ticket;
    ngx_aigc_url_t             url;
    ngx_aigc_record_t          record;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_user_t       user;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_aigc_auth_host(r, &url);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_BAD_HOST);
    }

    ticket = ngx_http_aigc_auth_ticket(r, &url);

    if (ticket == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ticket == NGX_BUSY) {
        return ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_BUSY);
    }

    /*
     * ingress-nginx asks with GET whatever the request's own method is, so
     * what a page of another origin sends cannot be told from the rest here.
     */

    ctx->decision = ngx_http_aigc_decide(r, &url.host, NULL, &record, &user);
    ctx->user = user.sub;

    /*
     * An nginx in front passes one Set-Cookie on, or makes one of two: the new
     * session goes first, and what is to be cleared waits for another answer.
     */

    if (ctx->renewed.len || ctx->over) {
        ctx->old = 0;
    }

    if (ctx->decision == NGX_HTTP_AIGC_RENEWING) {

        if (ngx_http_aigc_renew_wait(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->main->count++;

        return NGX_DONE;
    }

    /*
     * A pod that is not ready has no address to protect from its own owner;
     * the ingress controller answers 503 for it by itself.
     */

    if (ctx->decision == NGX_HTTP_AIGC_NOT_READY
        || ctx->decision == NGX_HTTP_AIGC_STALE)
    {
        ctx->decision = NGX_HTTP_AIGC_ALLOW;
    }

    /* 401 leads to the sign-in, which leads back here: not in circles */

    if (ctx->decision == NGX_HTTP_AIGC_ANONYMOUS && ticket == NGX_ABORT) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_TICKET_REFUSED,
                                     NULL);
    }

    if (ctx->decision != NGX_HTTP_AIGC_ALLOW) {

        /* a ticket of somebody else's neither replaces nor ends a session */

        if (ctx->entered.len) {
            ngx_str_null(&ctx->renewed);
            ctx->over = 0;
        }

        return ngx_http_aigc_refuse(r, ctx->decision);
    }

    if (ngx_http_aigc_add_header(r, "X-Auth-Request-User", &ctx->user)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_empty(r);
}


/*
 * X-Original-URL is one absolute URL: the host is its authority, whatever its
 * path and query hold.  Two of them, or none, are a mistake of the
 * configuration.
 */
static ngx_int_t
ngx_http_aigc_auth_host(ngx_http_request_t *r, ngx_aigc_url_t *url)
{
    ngx_table_elt_t  *h;

    h = ngx_http_aigc_header_once(r, "x-original-url");

    if (h == NULL || h->value.len > NGX_HTTP_AIGC_ORIGINAL_MAX) {
        return NGX_DECLINED;
    }

    return ngx_aigc_url_split(r->pool, &h->value, url);
}


/*
 * NGX_OK: there was a ticket, and r is of its user; NGX_DECLINED: there is
 * none; NGX_ABORT: one of no use; NGX_BUSY, NGX_ERROR.
 */
static ngx_int_t
ngx_http_aigc_auth_ticket(ngx_http_request_t *r, ngx_aigc_url_t *url)
{
    ngx_int_t             rc;
    ngx_str_t             ticket;
    ngx_http_aigc_ctx_t  *ctx;

    if (ngx_aigc_ticket_cut(&url->uri, 0, &ticket) != NGX_OK) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_aigc_find_ctx(r);

    if (ctx && ctx->entered.len) {
        return NGX_OK;                  /* taken, and then renewed */
    }

    /* the ingress controller's redirect to the sign-in carries no nonce */

    rc = ngx_http_aigc_ticket_redeem(r, &url->host, &ticket, 0);

    return (rc == NGX_DECLINED) ? NGX_ABORT : rc;
}
