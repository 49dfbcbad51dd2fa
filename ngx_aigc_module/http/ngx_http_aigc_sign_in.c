/*
 * http/ngx_http_aigc_sign_in.c — the request to Logto's authorization endpoint.
 */

#include "ngx_http_aigc_sign_in.h"
#include "ngx_http_aigc_headers.h"
#include "ngx_http_aigc_page.h"
#include "ngx_http_aigc_reply.h"

#include "core/ngx_aigc_cookie.h"
#include "core/ngx_aigc_session.h"


static ngx_int_t ngx_http_aigc_rd(ngx_http_request_t *r, ngx_str_t *rd);
static ngx_int_t ngx_http_aigc_login_cookie(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_aigc_authorization(ngx_http_request_t *r,
    ngx_aigc_endpoints_t *ep, ngx_aigc_login_t *login, ngx_str_t *location);


ngx_int_t
ngx_http_aigc_sign_in_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   name, value, location;
    ngx_aigc_login_t            login;
    ngx_aigc_endpoints_t        ep;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_aigc_not_allowed(r, "GET, HEAD");
    }

    rc = ngx_http_aigc_rd(r, &login.rd);

    if (rc == NGX_DECLINED) {
        return ngx_http_aigc_say(r, NGX_HTTP_BAD_REQUEST, "bad-rd",
                                 "The page to return to (rd) is not one "
                                 "of this site.", 0);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_aigc_issuer_here(mcf->zone);

    if (rc == NGX_OK) {
        rc = ngx_aigc_issuer_endpoints(mcf->zone, r->pool, &ep);
    }

    if (rc == NGX_DECLINED) {

        /* not sent there in vain; soon after it is back, we know */

        ngx_aigc_issuer_want_keys(mcf->zone);

        return ngx_http_aigc_say(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "sign-in-unavailable",
                                 "The sign-in service cannot be reached.",
                                 NGX_HTTP_AIGC_RETRY);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    login.start = ngx_time();

    if (ngx_aigc_random(r->pool, 32, &login.state) != NGX_OK
        || ngx_aigc_random(r->pool, 32, &login.nonce) != NGX_OK
        || ngx_aigc_random(r->pool, 32, &login.verifier) != NGX_OK
        || ngx_aigc_login_seal(r->pool, mcf->keys, &login, &value) != NGX_OK
        || ngx_http_aigc_login_cookie(r, &name) != NGX_OK
        || ngx_http_aigc_set_cookie(r, &name, &value, NULL,
                                    NGX_HTTP_AIGC_LOGIN_TIME) != NGX_OK
        || ngx_http_aigc_authorization(r, &ep, &login, &location) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_redirect(r, &location);
}


/*
 * Where to go afterwards: an http(s) URL on the root domain with the gateway's
 * scheme and port, or a path on the gateway; its front page without one.
 */
static ngx_int_t
ngx_http_aigc_rd(ngx_http_request_t *r, ngx_str_t *rd)
{
    ngx_int_t                   rc;
    ngx_str_t                   raw, text;
    ngx_aigc_url_t              url;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_query_get(&r->args, "rd", &raw) != NGX_OK || raw.len == 0) {
        ngx_str_set(&text, "/");

    } else {
        rc = ngx_aigc_url_decode(r->pool, &raw, &text);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (text.len == 0 || text.len > NGX_HTTP_AIGC_RD_MAX) {
        return NGX_DECLINED;
    }

    if (text.data[0] == '/') {

        rd->len = mcf->origin.len + text.len;
        rd->data = ngx_pnalloc(r->pool, rd->len);
        if (rd->data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(rd->data, "%V%V", &mcf->origin, &text);

        text = *rd;
    }

    rc = ngx_aigc_url_parse(r->pool, &text, &url);
    if (rc != NGX_OK) {
        return rc;
    }

    if (url.port != mcf->gateway.port
        || url.scheme.len != mcf->gateway.scheme.len
        || ngx_aigc_host_within(&url.host, &mcf->domain) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* what was checked is what is kept: built anew from its parts */

    rd->len = url.scheme.len + 3 + url.authority.len + url.uri.len;
    rd->data = ngx_pnalloc(r->pool, rd->len);
    if (rd->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(rd->data, "%V://%V%V", &url.scheme, &url.authority,
                       &url.uri);

    return NGX_OK;
}


/*
 * A free one of the numbered cookies, so that several tabs can sign in at once;
 * when all are taken one of them at random.
 */
static ngx_int_t
ngx_http_aigc_login_cookie(ngx_http_request_t *r, ngx_str_t *name)
{
    size_t                      pos;
    ngx_str_t                   cookie, value;
    ngx_uint_t                  i, taken;
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));
    taken = 0;

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {

        pos = 0;

        while (ngx_aigc_cookie_next(&h->value, &pos, &cookie, &value)
               == NGX_OK)
        {
            if (cookie.len == mcf->login.len + 1
                && ngx_memcmp(cookie.data, mcf->login.data, mcf->login.len)
                   == 0
                && cookie.data[mcf->login.len] >= '0'
                && cookie.data[mcf->login.len] < '0' + NGX_HTTP_AIGC_LOGINS)
            {
                taken |= 1 << (cookie.data[mcf->login.len] - '0');
            }
        }
    }

    for (i = 0; i < NGX_HTTP_AIGC_LOGINS; i++) {
        if (!(taken & (1 << i))) {
            break;
        }
    }

    if (i == NGX_HTTP_AIGC_LOGINS) {
        i = ngx_random() % NGX_HTTP_AIGC_LOGINS;
    }

    name->len = mcf->login.len + 1;
    name->data = ngx_pnalloc(r->pool, name->len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name->data, "%V%ui", &mcf->login, i);

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_authorization(ngx_http_request_t *r, ngx_aigc_endpoints_t *ep,
    ngx_aigc_login_t *login, ngx_str_t *location)
{
    size_t                      len;
    ngx_str_t                   id, uri, challenge;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            format = ngx_string(
        "%V%sclient_id=%V&redirect_uri=%V&response_type=code"
        "&scope=openid%%20profile%%20email%%20roles%%20offline_access"
        "&prompt=consent&state=%V&nonce=%V&code_challenge=%V"
        "&code_challenge_method=S256");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_url_encode(r->pool, &mcf->logto->app_id, &id) != NGX_OK
        || ngx_aigc_url_encode(r->pool, &mcf->redirect_uri, &uri) != NGX_OK
        || ngx_aigc_sha256_base64url(r->pool, &login->verifier, &challenge)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = format.len + ep->authorization.len + id.len + uri.len
          + login->state.len + login->nonce.len + challenge.len;

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
                                 &id, &uri, &login->state, &login->nonce,
                                 &challenge)
                    - location->data;

    return NGX_OK;
}
