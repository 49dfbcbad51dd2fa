/*
 * oidc/ngx_http_aigc_session.c — who the gateway's session cookie is of.
 */

#include "ngx_aigc_provider.h"
#include "ngx_aigc_token.h"
#include "ngx_http_aigc_credential.h"

#include "ngx_aigc_verify.h"


static ngx_http_aigc_outcome_e ngx_http_aigc_session_verify(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user, u_char *digest,
    ngx_aigc_jwt_t *jwt);


ngx_http_aigc_outcome_e
ngx_http_aigc_identify_cookie(ngx_http_request_t *r, ngx_str_t *value,
    ngx_http_aigc_user_t *user)
{
    u_char                      digest[NGX_AIGC_DIGEST_LEN];
    time_t                      exp;
    ngx_int_t                   rc;
    ngx_aigc_jwt_t              jwt;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    user->credential = NGX_HTTP_AIGC_COOKIE;
    user->genuine = 0;

    if (value->len == 0 || value->len > NGX_AIGC_SESSION_COOKIE_MAX) {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    outcome = ngx_http_aigc_known(r, 's', value, digest, user);

    if (outcome != NGX_HTTP_AIGC_ID_NONE) {
        return outcome;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_session_open(r->pool, mcf->keys, value, &user->session);

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_HTTP_AIGC_ID_FAILED
                                 : NGX_HTTP_AIGC_ID_NONE;
    }

    outcome = ngx_http_aigc_session_verify(r, user, digest, &jwt);

    if (outcome != NGX_HTTP_AIGC_ID_SIGNED_IN) {
        return outcome;
    }

    user->sub = jwt.sub;

    exp = ngx_min(jwt.exp + NGX_HTTP_AIGC_SKEW,
                  user->session.start + mcf->lifetime);

    ngx_http_aigc_remember(r, digest, exp, &jwt.sub, user);

    /* the newest session of this sign-in that has been here */

    ngx_http_aigc_remember(r, user->key, exp, &jwt.sub, user);

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


/* The session's age and its ID token; digest is its cookie's. */
static ngx_http_aigc_outcome_e
ngx_http_aigc_session_verify(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    u_char *digest, ngx_aigc_jwt_t *jwt)
{
    ngx_uint_t                  busy;
    ngx_aigc_jwt_verdict_e      verdict, signature;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (user->session.start + mcf->lifetime <= ngx_time()
        || ngx_http_aigc_session_key(r, user) != NGX_OK)
    {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    verdict = ngx_http_aigc_verify(r, &user->session.id_token,
                                   &mcf->provider->client_id, jwt, &busy);

    /* what is revoked is not renewed either */

    outcome = ngx_http_aigc_unrevoked(r, &user->session.sid,
                                      user->session.start, &jwt->sid,
                                      &jwt->sub, user);

    if (outcome != NGX_HTTP_AIGC_ID_SIGNED_IN) {
        return outcome;
    }

    if (verdict == NGX_AIGC_JWT_EXPIRED && !user->genuine) {

        /* the seal alone proves nothing; once proven, it is remembered */

        signature = ngx_aigc_verify_signature(mcf->zone, jwt, &busy);

        if (signature == NGX_AIGC_JWT_OK) {
            user->genuine = 1;
            ngx_http_aigc_remember(r, digest, jwt->exp, &jwt->sub, user);

        } else if (signature != NGX_AIGC_JWT_UNKNOWN_KEY) {
            verdict = signature;
        }
    }

    if (verdict == NGX_AIGC_JWT_OK) {
        return NGX_HTTP_AIGC_ID_SIGNED_IN;
    }

    if (busy) {
        return NGX_HTTP_AIGC_ID_BUSY;
    }

    /* a token whose key has gone is as good as an expired one */

    if (user->session.refresh_token.len == 0
        || (verdict != NGX_AIGC_JWT_EXPIRED
            && verdict != NGX_AIGC_JWT_UNKNOWN_KEY))
    {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    user->exp = jwt->exp;
    user->holder = jwt->sub;

    return NGX_HTTP_AIGC_ID_EXPIRED;
}


ngx_int_t
ngx_http_aigc_identify_newer(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    time_t *exp)
{
    ngx_aigc_token_t            token;
    ngx_atomic_uint_t           keys;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_issuer_keys(mcf->zone, &keys, r->connection->log) == NULL
        || !user->genuine
        || ngx_aigc_token_find(mcf->zone, user->key, keys, ngx_time(), &token)
           != NGX_OK
        || !ngx_aigc_fixed_eq(&token.sub, &user->holder))
    {
        return NGX_DECLINED;
    }

    *exp = token.exp;

    return NGX_OK;
}
