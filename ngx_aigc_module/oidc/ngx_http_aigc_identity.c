/*
 * oidc/ngx_http_aigc_identity.c — which credential of a request decides.  How
 * each is looked at is in ngx_http_aigc_session.c and ngx_http_aigc_bearer.c.
 */

#include "ngx_http_aigc_identity.h"
#include "ngx_aigc_provider.h"
#include "base/ngx_http_aigc_headers.h"

#include "base/ngx_aigc_cookie.h"

#include <openssl/sha.h>


#define NGX_HTTP_AIGC_COOKIES  8        /* session cookies that are looked at */


typedef enum {
    NGX_HTTP_AIGC_COOKIES_ANY = 0,      /* of that name, and of a size */
    NGX_HTTP_AIGC_COOKIES_SEALED,       /* … that open to a session */
    NGX_HTTP_AIGC_COOKIES_BOUND         /* … which this browser signed in */
} ngx_http_aigc_cookies_e;


static ngx_uint_t ngx_http_aigc_session_cookies(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *values);
static ngx_uint_t ngx_http_aigc_session_fits(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *value, ngx_str_t *values,
    ngx_uint_t n);
static ngx_int_t ngx_http_aigc_bound_cookie(ngx_http_request_t *r,
    ngx_aigc_session_t *session);


ngx_int_t
ngx_http_aigc_identity_init(ngx_pool_t *pool, ngx_http_aigc_main_conf_t *mcf)
{
    u_char  *p, *start;
    size_t   len;

    len = mcf->provider->issuer.len + mcf->provider->client_id.len
          + mcf->provider->audience.len + mcf->provider->scope.len
          + NGX_TIME_T_LEN + 5
          + mcf->keys->n * NGX_AIGC_SEAL_HINT_LEN;

    start = ngx_pnalloc(pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(start, "%V\n%V\n%V\n%V\n%T\n", &mcf->provider->issuer,
                    &mcf->provider->client_id, &mcf->provider->audience,
                    &mcf->provider->scope, mcf->lifetime);
    p = ngx_cpymem(p, mcf->keys->hint,
                   mcf->keys->n * NGX_AIGC_SEAL_HINT_LEN);

    return SHA256(start, p - start, mcf->rules) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_aigc_identify(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_int_t             rc;
    ngx_str_t             values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t            n;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->stripped) {
        /* error_page or try_files: let in before, nothing left to show */

        who->sub = ctx->user;
        return NGX_OK;
    }

    n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_ANY, values);

    /* an instance can set others of this name: what opens to no session is one */

    if (n > 1) {
        n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_SEALED,
                                          values);
    }

    if (n > 1) {
        who->ambiguous = 1;
        return NGX_DECLINED;
    }

    if (n == 1) {
        rc = ngx_http_aigc_identify_cookie(r, &values[0], who);

        if (rc != NGX_DECLINED || who->busy || who->expired) {
            return rc;
        }

        ngx_str_null(&who->session.sid);
        who->revoked = 0;
    }

    return ngx_http_aigc_identify_bearer(r, who);
}


ngx_int_t
ngx_http_aigc_identify_bound(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_int_t                   rc;
    ngx_str_t                   values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t                  i, n;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(who, sizeof(ngx_http_aigc_who_t));

    n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_ANY, values);

    if (n > 1) {
        n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_BOUND,
                                          values);
    }

    for (i = 0; i < n; i++) {

        rc = ngx_aigc_session_open(r->pool, mcf->keys, &values[i], &session);

        if (rc == NGX_ERROR) {
            return rc;
        }

        if (rc != NGX_OK || ngx_http_aigc_bound_cookie(r, &session) != NGX_OK)
        {
            continue;
        }

        rc = ngx_http_aigc_identify_cookie(r, &values[i], who);

        who->session = session;
        who->token = session.id_token;

        return rc;
    }

    return ngx_http_aigc_identify_bearer(r, who);
}


/* Up to NGX_HTTP_AIGC_COOKIES values; more count as that many. */
static ngx_uint_t
ngx_http_aigc_session_cookies(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *values)
{
    size_t                      pos;
    ngx_str_t                   name, value;
    ngx_uint_t                  n;
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));
    n = 0;

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {

        pos = 0;

        while (ngx_aigc_cookie_next(&h->value, &pos, &name, &value)
               == NGX_OK)
        {
            if (name.len == mcf->cookie.len && n < NGX_HTTP_AIGC_COOKIES
                && ngx_memcmp(name.data, mcf->cookie.data, name.len) == 0
                && ngx_http_aigc_session_fits(r, which, &value, values, n))
            {
                values[n++] = value;
            }
        }
    }

    return n;
}


static ngx_uint_t
ngx_http_aigc_session_fits(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *value, ngx_str_t *values,
    ngx_uint_t n)
{
    ngx_uint_t                  i;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    if (value->len == 0 || value->len > NGX_AIGC_SESSION_COOKIE_MAX) {
        return 0;
    }

    if (which == NGX_HTTP_AIGC_COOKIES_ANY) {
        return 1;
    }

    /* the same one twice is one */

    for (i = 0; i < n; i++) {
        if (ngx_aigc_text_eq(&values[i], value)) {
            return 0;
        }
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_session_open(r->pool, mcf->keys, value, &session) != NGX_OK) {
        return 0;
    }

    return which == NGX_HTTP_AIGC_COOKIES_SEALED
           || ngx_http_aigc_bound_cookie(r, &session) == NGX_OK;
}


/* NGX_OK when one of the bind cookies is this session's. */
static ngx_int_t
ngx_http_aigc_bound_cookie(ngx_http_request_t *r, ngx_aigc_session_t *session)
{
    size_t                      pos;
    ngx_str_t                   name, value;
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {

        pos = 0;

        while (ngx_aigc_cookie_next(&h->value, &pos, &name, &value)
               == NGX_OK)
        {
            if (ngx_aigc_text_eq(&name, &mcf->bind)
                && ngx_aigc_mac_check(mcf->keys, "bind", &session->sid, &value)
                   == NGX_OK)
            {
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}
