/*
 * oidc/ngx_http_aigc_identity.c — which credential of a request decides, and
 * what each outcome means.  How a credential is verified is in
 * ngx_http_aigc_session.c, ngx_http_aigc_host_session.c and
 * ngx_http_aigc_bearer.c.
 */

#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_credential.h"
#include "ngx_http_aigc_renew.h"
#include "base/ngx_http_aigc_headers.h"

#include <openssl/sha.h>


static ngx_http_aigc_outcome_e ngx_http_aigc_identify_sessions(
    ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx,
    ngx_http_aigc_user_t *user);
static ngx_int_t ngx_http_aigc_identify_session(ngx_http_request_t *r,
    ngx_str_t *value, ngx_http_aigc_user_t *user,
    ngx_http_aigc_outcome_e *outcome);
static ngx_http_aigc_outcome_e ngx_http_aigc_identified(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx, ngx_http_aigc_user_t *user,
    ngx_http_aigc_outcome_e outcome, ngx_uint_t renew);


/* by ngx_http_aigc_outcome_e; the code of SIGNED_IN is never sent */
static const ngx_http_aigc_outcome_t  ngx_http_aigc_outcomes[] = {

    /* SIGNED_IN */
    { NGX_HTTP_AIGC_ALLOW, NGX_HTTP_AIGC_CODE_UNDECIDED,
      NGX_HTTP_AIGC_NO_TOKEN, NULL },

    /* NONE */
    { NGX_HTTP_AIGC_ANONYMOUS, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
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
ngx_http_aigc_identify_instance(ngx_http_request_t *r, ngx_str_t *host,
    ngx_http_aigc_user_t *user)
{
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

    ctx->on_instance = 1;
    user->host = host;

    outcome = ngx_http_aigc_identify_sessions(r, ctx, user);

    return ngx_http_aigc_identified(r, ctx, user, outcome, 1);
}


ngx_http_aigc_outcome_e
ngx_http_aigc_identify_gateway(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, ngx_uint_t renew)
{
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_outcome_e   outcome;

    ngx_memzero(user, sizeof(ngx_http_aigc_user_t));

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    outcome = ngx_http_aigc_identify_sessions(r, ctx, user);

    return ngx_http_aigc_identified(r, ctx, user, outcome, renew);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_identified(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx,
    ngx_http_aigc_user_t *user, ngx_http_aigc_outcome_e outcome,
    ngx_uint_t renew)
{
    const ngx_http_aigc_outcome_t  *row;
    ngx_http_aigc_main_conf_t      *mcf;

    if (outcome == NGX_HTTP_AIGC_ID_EXPIRED && renew) {
        outcome = ngx_http_aigc_renew(r, user);
    }

    if (user->old && outcome == NGX_HTTP_AIGC_ID_SIGNED_IN) {
        ctx->old = 1;
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


/*
 * The first session that opens decides, and without one the bearer token.  With
 * TLS there is one at the most: no other host can set a cookie of that name.
 * An old one stands before it, as browsers show older cookies first.
 */
static ngx_http_aigc_outcome_e
ngx_http_aigc_identify_sessions(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx, ngx_http_aigc_user_t *user)
{
    ngx_str_t                   name, value, old, *cookie;
    ngx_http_aigc_cookies_t     state;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    cookie = user->host ? &mcf->instance_cookie : &mcf->session_cookie;

    ngx_str_null(&old);
    ngx_memzero(&state, sizeof(ngx_http_aigc_cookies_t));

    if (ctx->entered.len
        && ngx_http_aigc_identify_session(r, &ctx->entered, user, &outcome)
           == NGX_OK)
    {
        return outcome;
    }

    while (ngx_http_aigc_cookie_next(r, &state, &name, &value) == NGX_OK) {

        if (ngx_aigc_text_eq(&name, cookie)) {

            if (ngx_http_aigc_identify_session(r, &value, user, &outcome)
                == NGX_OK)
            {
                return outcome;
            }

        } else if (ngx_aigc_text_eq(&name, &mcf->old_cookie)) {
            user->old = 1;
            old = value;
        }
    }

    /* taken once: the response replaces it */

    if (old.len && user->host == NULL
        && ngx_http_aigc_old_session(r, &old, &value) == NGX_OK
        && ngx_http_aigc_identify_session(r, &value, user, &outcome) == NGX_OK)
    {
        if (outcome == NGX_HTTP_AIGC_ID_SIGNED_IN
            || outcome == NGX_HTTP_AIGC_ID_EXPIRED)
        {
            ctx->renewed = value;
        }

        return outcome;
    }

    return ngx_http_aigc_identify_bearer(r, user);
}


/*
 * NGX_OK: outcome is that of the session which value is; NGX_DECLINED: it is
 * none.  On an instance's host one that has ended counts as none, too.
 */
static ngx_int_t
ngx_http_aigc_identify_session(ngx_http_request_t *r, ngx_str_t *value,
    ngx_http_aigc_user_t *user, ngx_http_aigc_outcome_e *outcome)
{
    ngx_int_t                   rc;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    if (user->host) {
        *outcome = ngx_http_aigc_identify_host_cookie(r, value, user);

        if (*outcome == NGX_HTTP_AIGC_ID_NONE
            || *outcome == NGX_HTTP_AIGC_ID_REVOKED
            || *outcome == NGX_HTTP_AIGC_ID_GONE)
        {
            ngx_str_null(&user->session.sid);
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_session_open(r->pool, mcf->keys, value, &session);

    if (rc == NGX_DECLINED) {
        return rc;
    }

    *outcome = (rc == NGX_OK) ? ngx_http_aigc_identify_cookie(r, value, user)
                              : NGX_HTTP_AIGC_ID_FAILED;

    user->session = session;
    user->token = session.id_token;

    return NGX_OK;
}
