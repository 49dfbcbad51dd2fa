/*
 * oidc/ngx_http_aigc_sign_in.c — the request to the provider's authorization
 * endpoint.
 */

#include "ngx_http_aigc_sign_in.h"
#include "ngx_aigc_provider.h"
#include "ngx_aigc_rd.h"
#include "ngx_http_aigc_identity.h"
#include "ngx_http_aigc_login.h"
#include "ngx_http_aigc_renew.h"
#include "ngx_http_aigc_ticket.h"
#include "base/ngx_aigc_base64url.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"


static ngx_int_t ngx_http_aigc_sign_in_framed(ngx_http_request_t *r);
static void ngx_http_aigc_sign_in_nonce(ngx_http_request_t *r,
    ngx_str_t *nonce);
static ngx_int_t ngx_http_aigc_sign_in_back(ngx_http_request_t *r,
    ngx_str_t *rd, ngx_str_t *nonce);
static ngx_int_t ngx_http_aigc_sign_in_long(ngx_http_request_t *r,
    ngx_str_t *rd);
static ngx_int_t ngx_http_aigc_rd(ngx_http_request_t *r, ngx_str_t *rd);
static ngx_int_t ngx_http_aigc_authorization(ngx_http_request_t *r,
    ngx_aigc_endpoints_t *ep, ngx_aigc_login_t *login, ngx_str_t *state,
    ngx_str_t *location);


ngx_int_t
ngx_http_aigc_sign_in_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc, framed;
    ngx_str_t  rd, nonce;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_aigc_not_allowed(r, "GET, HEAD");
    }

    framed = ngx_http_aigc_sign_in_framed(r);

    if (framed == NGX_ABORT) {
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SIGN_IN_FRAMED,
                                     NULL);
    }

    rc = ngx_http_aigc_rd(r, &rd);

    if (rc == NGX_DECLINED) {
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_BAD_RD, NULL);
    }

    if (rc == NGX_DONE && framed == NGX_DECLINED
        && ngx_http_aigc_is_navigation(r) == NGX_OK)
    {
        return ngx_http_aigc_sign_in_long(r, &rd);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_aigc_sign_in_nonce(r, &nonce);

    rc = ngx_http_aigc_sign_in_back(r, &rd, &nonce);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (framed == NGX_OK) {
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SIGN_IN_FRAMED,
                                     NULL);
    }

    return ngx_http_aigc_sign_in_begin(r, &rd, &nonce, 0);
}


/* A digest in base64url, or nothing. */
static void
ngx_http_aigc_sign_in_nonce(ngx_http_request_t *r, ngx_str_t *nonce)
{
    if (ngx_aigc_query_get(&r->args, "nonce", nonce) != NGX_OK
        || nonce->len != NGX_AIGC_NONCE_LEN
        || !ngx_aigc_base64url_is(nonce))
    {
        ngx_str_null(nonce);
    }
}


/*
 * To the instance that r comes from, if there is a session already.
 * NGX_DECLINED: r is to sign in; else what a content handler returns.
 */
static ngx_int_t
ngx_http_aigc_sign_in_back(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_str_t *nonce)
{
    ngx_aigc_url_t              url;
    ngx_http_aigc_user_t        user;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_url_split(r->pool, rd, &url) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* whoever asks for a sign-in at the gateway itself is to get one */

    if (ngx_aigc_text_eq(&url.host, &mcf->gateway.host)) {
        return NGX_DECLINED;
    }

    outcome = ngx_http_aigc_identify_gateway(r, &user, 1);

    if (outcome == NGX_HTTP_AIGC_ID_RENEWING) {

        if (ngx_http_aigc_renew_wait(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->main->count++;

        return NGX_DONE;
    }

    return (outcome == NGX_HTTP_AIGC_ID_SIGNED_IN
            && user.credential == NGX_HTTP_AIGC_COOKIE)
           ? ngx_http_aigc_sign_in_done(r, &user.session, nonce, rd)
           : NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_sign_in_done(ngx_http_request_t *r, ngx_aigc_session_t *session,
    ngx_str_t *nonce, ngx_str_t *rd)
{
    ngx_int_t  rc;
    ngx_str_t  location;

    rc = ngx_http_aigc_ticket_location(r, session, nonce, rd, &location);

    if (rc == NGX_DECLINED) {
        return ngx_http_aigc_sign_in_begin(r, rd, nonce, 0);
    }

    return (rc == NGX_OK) ? ngx_http_aigc_redirect(r, &location)
                          : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/*
 * NGX_OK: a browser asks for it in a frame: who has a session gets back to the
 * instance in it.  Nobody signs in there: the provider is not shown in a frame,
 * and a page of hundreds of them would fill the browser's cookies.  NGX_ABORT:
 * for a part of a page that is no page.  NGX_DECLINED: for a window.
 */
static ngx_int_t
ngx_http_aigc_sign_in_framed(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_http_aigc_header(r, "sec-fetch-dest");

    if (h == NULL || ngx_aigc_text_is(&h->value, "document")) {
        return NGX_DECLINED;
    }

    return (ngx_aigc_text_is(&h->value, "iframe")
            || ngx_aigc_text_is(&h->value, "frame"))
           ? NGX_OK : NGX_ABORT;
}


/* No error: the way in is there, but for the page within the site. */
static ngx_int_t
ngx_http_aigc_sign_in_long(ngx_http_request_t *r, ngx_str_t *rd)
{
    ngx_http_aigc_page_t  page;

    ngx_memzero(&page, sizeof(ngx_http_aigc_page_t));

    page.status = NGX_HTTP_OK;
    page.id = "rd-too-long";
    page.words = ngx_http_aigc_problem_words(page.id);
    page.sign_in = *rd;

    return ngx_http_aigc_page(r, &page);
}


ngx_int_t
ngx_http_aigc_sign_in_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_str_t *nonce, ngx_uint_t again)
{
    ngx_int_t                   rc;
    ngx_str_t                   state, location;
    ngx_aigc_login_t            login;
    ngx_aigc_endpoints_t        ep;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_issuer_here(mcf->zone);

    if (rc == NGX_OK) {
        rc = ngx_aigc_issuer_endpoints(mcf->zone, r->pool, &ep);
    }

    if (rc == NGX_DECLINED) {

        /* not sent there in vain; soon after it is back, we know */

        ngx_aigc_issuer_want_keys(mcf->zone);

        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SIGN_IN_UNAVAILABLE,
                                     "The sign-in service cannot be reached.");
    }

    if (rc != NGX_OK
        || ngx_http_aigc_login_begin(r, rd, nonce, again, &login, &state)
           != NGX_OK
        || ngx_http_aigc_authorization(r, &ep, &login, &state, &location)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_redirect(r, &location);
}


/* Where to go afterwards; returns as ngx_aigc_rd_read(). */
static ngx_int_t
ngx_http_aigc_rd(ngx_http_request_t *r, ngx_str_t *rd)
{
    ngx_aigc_rd_site_t          site;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    site.gateway = &mcf->gateway;
    site.origin = &mcf->origin;
    site.domain = &mcf->domain;
    site.secure = mcf->secure;
    site.max = ngx_http_aigc_login_rd_max(r);

    return ngx_aigc_rd_read(r->pool, &r->args, &site, rd);
}


static ngx_int_t
ngx_http_aigc_authorization(ngx_http_request_t *r, ngx_aigc_endpoints_t *ep,
    ngx_aigc_login_t *login, ngx_str_t *state, ngx_str_t *location)
{
    size_t                      len;
    ngx_str_t                   id, uri, scope, challenge;
    const char                 *offline;
    ngx_aigc_provider_t        *provider;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            format = ngx_string(
        "%V%sclient_id=%V&redirect_uri=%V&response_type=code&scope=%V%s%s%V"
        "&state=%V&nonce=%V&code_challenge=%V&code_challenge_method=S256");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    provider = mcf->provider;

    offline = (provider->offline
               && (ep->announced & NGX_AIGC_ANNOUNCED_OFFLINE))
              ? "%20offline_access" : "";

    if (ngx_aigc_url_encode(r->pool, &provider->client_id, &id) != NGX_OK
        || ngx_aigc_url_encode(r->pool, &provider->ask, &scope) != NGX_OK
        || ngx_aigc_url_encode(r->pool, &mcf->redirect_uri, &uri) != NGX_OK
        || ngx_aigc_sha256_base64url(r->pool, &login->verifier, &challenge)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = format.len + ep->authorization.len + id.len + uri.len + scope.len
          + ngx_strlen(offline) + sizeof("&prompt=") + provider->prompt.len
          + state->len + login->nonce.len + challenge.len;

    location->data = ngx_pnalloc(r->pool, len);
    if (location->data == NULL) {
        return NGX_ERROR;
    }

    location->len = ngx_snprintf(location->data, len, (char *) format.data,
                                 &ep->authorization,
                                 ngx_strlchr(ep->authorization.data,
                                             ep->authorization.data
                                             + ep->authorization.len, '?')
                                 ? "&" : "?",
                                 &id, &uri, &scope, offline,
                                 provider->prompt.len ? "&prompt=" : "",
                                 &provider->prompt, state, &login->nonce,
                                 &challenge)
                    - location->data;

    return NGX_OK;
}
