/*
 * oidc/ngx_http_aigc_identity.c — which credential of a request decides, and
 * what each outcome means.  How a credential is verified is in
 * ngx_http_aigc_session.c and ngx_http_aigc_bearer.c.
 */

#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_credential.h"
#include "ngx_http_aigc_renew.h"
#include "base/ngx_http_aigc_headers.h"

#include "base/ngx_aigc_cookie.h"

#include <openssl/sha.h>


#define NGX_HTTP_AIGC_COOKIES  8        /* session cookies that are looked at */


typedef enum {
    NGX_HTTP_AIGC_COOKIES_ANY = 0,      /* of that name, and of a size */
    NGX_HTTP_AIGC_COOKIES_SEALED,       /* … that open to a session */
    NGX_HTTP_AIGC_COOKIES_BOUND         /* … which this browser signed in */
} ngx_http_aigc_cookies_e;


static ngx_http_aigc_outcome_e ngx_http_aigc_identify_host(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user);
static ngx_http_aigc_outcome_e ngx_http_aigc_identify_gateway(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user);
static ngx_http_aigc_outcome_e ngx_http_aigc_identified(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, ngx_http_aigc_outcome_e outcome,
    ngx_uint_t renew);
static ngx_uint_t ngx_http_aigc_session_cookies(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *values);
static ngx_uint_t ngx_http_aigc_session_fits(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *value, ngx_str_t *values,
    ngx_uint_t n);
static ngx_int_t ngx_http_aigc_bound_cookie(ngx_http_request_t *r,
    ngx_aigc_session_t *session);


/* by ngx_http_aigc_outcome_e; the code of SIGNED_IN is never sent */
static const ngx_http_aigc_outcome_t  ngx_http_aigc_outcomes[] = {

    /* SIGNED_IN */
    { NGX_HTTP_AIGC_ALLOW, NGX_HTTP_AIGC_CODE_UNDECIDED,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* NONE */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* AMBIGUOUS */
    { NGX_HTTP_AIGC_AMBIGUOUS, NGX_HTTP_AIGC_CODE_AMBIGUOUS_SESSION,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* EXPIRED */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* RENEWING */
    { NGX_HTTP_AIGC_RENEWING, NGX_HTTP_AIGC_CODE_RENEWING,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* UNRENEWED */
    { NGX_HTTP_AIGC_UNRENEWED, NGX_HTTP_AIGC_CODE_SIGN_IN_UNAVAILABLE,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* MALFORMED */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_BAD_AUTHORIZATION,
      NGX_HTTP_AIGC_INVALID_REQUEST, "malformed Authorization header" },

    /* INVALID */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
      NGX_HTTP_AIGC_INVALID_TOKEN, NULL },

    /* REVOKED */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
      NGX_HTTP_AIGC_INVALID_TOKEN, "token revoked" },

    /* GONE */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_USER_GONE,
      NGX_HTTP_AIGC_INVALID_TOKEN, "token revoked" },

    /* UNSCOPED */
    { NGX_HTTP_AIGC_UNSCOPED, NGX_HTTP_AIGC_CODE_INSUFFICIENT_SCOPE,
      NGX_HTTP_AIGC_INSUFFICIENT_SCOPE, "the token lacks a scope" },

    /* MACHINE */
    { NGX_HTTP_AIGC_MACHINE, NGX_HTTP_AIGC_CODE_NO_USER,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* BUSY */
    { NGX_HTTP_AIGC_BUSY, NGX_HTTP_AIGC_CODE_BUSY,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* FAILED */
    { NGX_HTTP_AIGC_FAILED, NGX_HTTP_AIGC_CODE_FAILED,
      NGX_HTTP_AIGC_NO_TOKEN, NULL }
};


const ngx_http_aigc_outcome_t *
ngx_http_aigc_outcome(ngx_http_aigc_outcome_e outcome)
{
    return &ngx_http_aigc_outcomes[outcome];
}


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


ngx_http_aigc_outcome_e
ngx_http_aigc_identify(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    return ngx_http_aigc_identified(r, user,
                                    ngx_http_aigc_identify_host(r, user), 1);
}


ngx_http_aigc_outcome_e
ngx_http_aigc_identify_bound(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_uint_t renew)
{
    return ngx_http_aigc_identified(r, user,
                                    ngx_http_aigc_identify_gateway(r, user),
                                    renew);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_identified(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_http_aigc_outcome_e outcome, ngx_uint_t renew)
{
    const ngx_http_aigc_outcome_t  *row;
    ngx_http_aigc_main_conf_t      *mcf;

    if (outcome == NGX_HTTP_AIGC_ID_EXPIRED && renew) {
        outcome = ngx_http_aigc_renew(r, user);
    }

    row = ngx_http_aigc_outcome(outcome);

    if (user->credential == NGX_HTTP_AIGC_BEARER
        && row->challenge != NGX_HTTP_AIGC_NO_TOKEN)
    {
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        ngx_http_aigc_challenge_note(r, row->challenge,
                                     row->why ? row->why : user->why,
                                     outcome == NGX_HTTP_AIGC_ID_UNSCOPED
                                     ? &mcf->provider->scope : NULL);
    }

    return outcome;
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_identify_host(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    ngx_str_t                 values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t                n;
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_outcome_e   outcome;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    if (ctx->stripped) {
        /* error_page or try_files: let in before, nothing left to show */

        user->sub = ctx->user;
        return NGX_HTTP_AIGC_ID_SIGNED_IN;
    }

    n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_ANY, values);

    /* an instance can set others of this name: those open to no session */

    if (n > 1) {
        n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_SEALED,
                                          values);
    }

    if (n > 1) {
        return NGX_HTTP_AIGC_ID_AMBIGUOUS;
    }

    if (n == 1) {
        outcome = ngx_http_aigc_identify_cookie(r, &values[0], user);

        if (outcome != NGX_HTTP_AIGC_ID_NONE
            && outcome != NGX_HTTP_AIGC_ID_REVOKED
            && outcome != NGX_HTTP_AIGC_ID_GONE)
        {
            return outcome;
        }

        ngx_str_null(&user->session.sid);
    }

    return ngx_http_aigc_identify_bearer(r, user);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_identify_gateway(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user)
{
    ngx_int_t                   rc;
    ngx_str_t                   values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t                  i, n;
    ngx_aigc_session_t          session;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(user, sizeof(ngx_http_aigc_user_t));

    n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_ANY, values);

    if (n > 1) {
        n = ngx_http_aigc_session_cookies(r, NGX_HTTP_AIGC_COOKIES_BOUND,
                                          values);
    }

    for (i = 0; i < n; i++) {

        rc = ngx_aigc_session_open(r->pool, mcf->keys, &values[i], &session);

        if (rc == NGX_ERROR) {
            return NGX_HTTP_AIGC_ID_FAILED;
        }

        if (rc != NGX_OK || ngx_http_aigc_bound_cookie(r, &session) != NGX_OK)
        {
            continue;
        }

        outcome = ngx_http_aigc_identify_cookie(r, &values[i], user);

        user->session = session;
        user->token = session.id_token;

        return outcome;
    }

    return ngx_http_aigc_identify_bearer(r, user);
}


/* Up to NGX_HTTP_AIGC_COOKIES values; more count as that many. */
static ngx_uint_t
ngx_http_aigc_session_cookies(ngx_http_request_t *r,
    ngx_http_aigc_cookies_e which, ngx_str_t *values)
{
    ngx_str_t                   name, value;
    ngx_uint_t                  n;
    ngx_http_aigc_cookies_t     state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));
    n = 0;

    while (n < NGX_HTTP_AIGC_COOKIES
           && ngx_http_aigc_cookie_next(r, &state, &name, &value) == NGX_OK)
    {
        if (ngx_aigc_text_eq(&name, &mcf->cookie)
            && ngx_http_aigc_session_fits(r, which, &value, values, n))
        {
            values[n++] = value;
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
    ngx_str_t                   name, value;
    ngx_http_aigc_cookies_t     state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));

    while (ngx_http_aigc_cookie_next(r, &state, &name, &value) == NGX_OK) {

        if (ngx_aigc_text_eq(&name, &mcf->bind)
            && ngx_aigc_mac_check(mcf->keys, "bind", &session->sid, &value)
               == NGX_OK)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
