/*
 * oidc/ngx_http_aigc_ticket.c — tickets, issued and redeemed.
 */

#include "ngx_http_aigc_ticket.h"
#include "ngx_aigc_host_session.h"
#include "ngx_aigc_provider.h"
#include "ngx_aigc_ticket.h"
#include "ngx_http_aigc_credential.h"
#include "base/ngx_aigc_base64url.h"
#include "base/ngx_aigc_cookie.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"


static ngx_int_t ngx_http_aigc_ticket_hide(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_ticket_once(ngx_http_request_t *r,
    ngx_str_t *text, ngx_aigc_ticket_t *ticket);
static ngx_int_t ngx_http_aigc_ticket_nonce_is(ngx_http_request_t *r,
    ngx_str_t *digest);
static ngx_int_t ngx_http_aigc_nonce_cookie(ngx_http_request_t *r,
    ngx_http_aigc_cookies_t *state, ngx_str_t *nonce);
static ngx_int_t ngx_http_aigc_ticket_text(ngx_http_request_t *r,
    ngx_aigc_session_t *session, ngx_str_t *nonce, ngx_str_t *host,
    ngx_str_t *text);


ngx_int_t
ngx_http_aigc_ticket_handler(ngx_http_request_t *r)
{
    ngx_str_t                   args, ticket, uri, rest;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_srv_conf_t   *scf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    scf = ngx_http_get_module_srv_conf(r, ngx_http_aigc_module);

    args = r->args;

    /* an auth_request of another server has to pass it on, to /auth */

    if (mcf->keys == NULL || (!scf->guards && !mcf->guard) || r != r->main
        || ngx_aigc_ticket_cut(&args, 1, &ticket) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* with aigc_guard it is anybody's server, but not anybody's host */

    if (!scf->guards && !ngx_http_aigc_is_instance_host(r)) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->entry = ticket;

    uri = r->unparsed_uri;

    if (ngx_aigc_ticket_cut(&uri, 0, &rest) == NGX_OK) {
        r->unparsed_uri = uri;
    }

    r->args = args;

    return (ngx_http_aigc_ticket_hide(r) == NGX_OK)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* Logs name a request by its first line. */
static ngx_int_t
ngx_http_aigc_ticket_hide(ngx_http_request_t *r)
{
    size_t      len;
    u_char     *p, *last, *end;
    ngx_str_t  *line, text;

    len = sizeof(NGX_AIGC_TICKET_ARG) - 1;
    line = &r->request_line;
    last = line->data + line->len;

    if (line->len < len) {
        return NGX_OK;
    }

    for (p = last - len; ngx_memcmp(p, NGX_AIGC_TICKET_ARG, len) != 0; p--) {

        if (p == line->data) {
            return NGX_OK;
        }
    }

    /* " HTTP/1.1" stays: those who read logs look for it */

    end = ngx_strlchr(p, last, ' ');
    if (end == NULL) {
        end = last;
    }

    /* the ticket itself is in this buffer, and is needed */

    len = p - 1 - line->data;

    text.len = len + (last - end);
    text.data = ngx_pnalloc(r->pool, text.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(text.data, line->data, len), end, last - end);

    *line = text;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_ticket_nonce(ngx_http_request_t *r, ngx_str_t *digest)
{
    ngx_str_t                   nonce;
    ngx_http_aigc_cookies_t     state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));

    /* several tabs come back with the same one */

    if (ngx_http_aigc_nonce_cookie(r, &state, &nonce) != NGX_OK
        && ngx_aigc_random(r->pool, 16, &nonce) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_aigc_set_cookie(r, &mcf->nonce_cookie, &nonce, NULL,
                                 NGX_HTTP_AIGC_NONCE_KEEP)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_sha256_base64url(r->pool, &nonce, digest);
}


/* The next nonce that the browser shows.  NGX_OK or NGX_DONE. */
static ngx_int_t
ngx_http_aigc_nonce_cookie(ngx_http_request_t *r,
    ngx_http_aigc_cookies_t *state, ngx_str_t *nonce)
{
    ngx_str_t                   name;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    while (ngx_http_aigc_cookie_next(r, state, &name, nonce) == NGX_OK) {

        if (ngx_aigc_text_eq(&name, &mcf->nonce_cookie)
            && nonce->len == NGX_AIGC_LOGIN_ID_LEN
            && ngx_aigc_base64url_is(nonce))
        {
            return NGX_OK;
        }
    }

    return NGX_DONE;
}


ngx_int_t
ngx_http_aigc_ticket_location(ngx_http_request_t *r,
    ngx_aigc_session_t *session, ngx_str_t *nonce, ngx_str_t *rd,
    ngx_str_t *location)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_aigc_url_t              url;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    *location = *rd;

    if (ngx_aigc_url_split(r->pool, rd, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_aigc_text_eq(&url.host, &mcf->gateway.host)) {
        return NGX_OK;
    }

    rc = ngx_http_aigc_ticket_text(r, session, nonce, &url.host, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    location->len = rd->len + sizeof("?" NGX_AIGC_TICKET_ARG) - 1 + text.len;
    location->data = ngx_pnalloc(r->pool, location->len);
    if (location->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(location->data, rd->data, rd->len);
    *p++ = ngx_strlchr(rd->data, rd->data + rd->len, '?') ? '&' : '?';
    p = ngx_cpymem(p, NGX_AIGC_TICKET_ARG, sizeof(NGX_AIGC_TICKET_ARG) - 1);
    ngx_memcpy(p, text.data, text.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_ticket_text(ngx_http_request_t *r, ngx_aigc_session_t *session,
    ngx_str_t *nonce, ngx_str_t *host, ngx_str_t *text)
{
    ngx_int_t                   rc;
    ngx_aigc_ticket_t           ticket;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_session_narrow(r->pool, mcf->provider->claims, session)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ticket.session = *session;
    ticket.nonce = *nonce;
    ticket.issued = ngx_time();

    rc = ngx_aigc_ticket_seal(r->pool, mcf->keys, host, &ticket, text);

    /* what the host could neither believe nor renew leads back here */

    return (rc == NGX_OK && ticket.session.refresh_token.len == 0
            && session->exp + NGX_HTTP_AIGC_SKEW <= ngx_time())
           ? NGX_DECLINED : rc;
}


ngx_int_t
ngx_http_aigc_ticket_redeem(ngx_http_request_t *r, ngx_str_t *host,
    ngx_str_t *text, ngx_uint_t bound)
{
    time_t                      age;
    ngx_int_t                   rc;
    ngx_aigc_ticket_t           ticket;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_ticket_open(r->pool, mcf->keys, host, text, &ticket);
    if (rc != NGX_OK) {
        return rc;
    }

    /* another gateway has issued it, perhaps, by another clock */

    age = ngx_time() - ticket.issued;

    if (age > NGX_AIGC_TICKET_TIME || age < -NGX_HTTP_AIGC_SKEW) {

        /* no clock is that wrong: an old address, of a tab or a bookmark */

        return (age > NGX_HTTP_AIGC_TICKET_OLD) ? NGX_DONE : NGX_DECLINED;
    }

    /* it is taken, whatever else is wrong with it: nobody tries others' */

    rc = ngx_http_aigc_ticket_once(r, text, &ticket);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ticket.nonce.len == 0 && bound) {
        return NGX_DONE;
    }

    if (ticket.nonce.len) {
        rc = ngx_http_aigc_ticket_nonce_is(r, &ticket.nonce);
        if (rc != NGX_OK) {
            return (rc == NGX_DONE && !bound) ? NGX_DECLINED : rc;
        }
    }

    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx == NULL
        || ngx_http_aigc_host_session_set(r, host, &ticket.session) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->entered = ctx->renewed;

    return NGX_OK;
}


/* As ngx_aigc_ticket_once(); NGX_ERROR: openssl. */
static ngx_int_t
ngx_http_aigc_ticket_once(ngx_http_request_t *r, ngx_str_t *text,
    ngx_aigc_ticket_t *ticket)
{
    u_char                      digest[NGX_AIGC_DIGEST_LEN];
    ngx_int_t                   rc;
    ngx_http_aigc_user_t        user;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_aigc_seldom_t    said;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    user.session = ticket->session;

    if (ngx_http_aigc_session_key(r, &user) != NGX_OK
        || ngx_http_aigc_digest(r, 't', text, digest) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_aigc_ticket_once(mcf->zone, user.key, digest, ngx_time(),
                              ticket->issued + NGX_AIGC_TICKET_TIME + 1);

    if (rc == NGX_BUSY) {
        ngx_aigc_count(mcf->zone, tickets_full);

        if (ngx_aigc_seldom(&said, NGX_HTTP_AIGC_TICKET_SAY)) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "aigc: somebody enters instances so often that no "
                          "more tickets can be remembered: they wait");
        }
    }

    return rc;
}


/* NGX_OK; NGX_DONE: the browser has another nonce; NGX_DECLINED: none. */
static ngx_int_t
ngx_http_aigc_ticket_nonce_is(ngx_http_request_t *r, ngx_str_t *digest)
{
    ngx_int_t                rc;
    ngx_str_t                nonce, its;
    ngx_http_aigc_cookies_t  state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));
    rc = NGX_DECLINED;

    while (ngx_http_aigc_nonce_cookie(r, &state, &nonce) == NGX_OK) {

        if (ngx_aigc_sha256_base64url(r->pool, &nonce, &its) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_aigc_text_eq(&its, digest)) {
            return NGX_OK;
        }

        rc = NGX_DONE;
    }

    return rc;
}
