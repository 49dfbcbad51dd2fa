/*
 * oidc/ngx_aigc_verify.c — is a token good?
 */

#include "ngx_aigc_verify.h"

#include "base/ngx_aigc_text.h"


ngx_aigc_jwt_verdict_e
ngx_aigc_verify(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_verify_t *verify, ngx_str_t *token, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy)
{
    ngx_aigc_jwt_verdict_e  verdict;

    *busy = 0;

    /* a logout token (back-channel logout) signs nobody in */

    if (ngx_aigc_jwt_read(pool, token, verify->claims, jwt) != NGX_OK
        || jwt->logout)
    {
        return NGX_AIGC_JWT_MALFORMED;
    }

    /* OIDC Core 3.1.3.7, 5: another client's, though it is for us as well */

    if (verify->party && jwt->azp.len
        && !ngx_aigc_text_eq(&jwt->azp, verify->party))
    {
        return NGX_AIGC_JWT_BAD_AUDIENCE;
    }

    /* what the claims rule out costs no signature */

    verdict = ngx_aigc_jwt_check_claims(jwt, verify->issuer, verify->audience,
                                        ngx_time(), verify->skew);

    return (verdict == NGX_AIGC_JWT_OK)
           ? ngx_aigc_verify_signature(zone, jwt, busy)
           : verdict;
}


ngx_aigc_jwt_verdict_e
ngx_aigc_verify_signature(ngx_aigc_zone_t *zone, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy)
{
    ngx_aigc_jwks_t         *jwks;
    ngx_atomic_uint_t        keys;
    ngx_aigc_jwt_verdict_e   verdict;

    /* no request's log: its lines quote the request, and so a sign-in's code */

    jwks = ngx_aigc_issuer_keys(zone, &keys, ngx_cycle->log);

    *busy = (jwks == NULL);

    if (jwks == NULL) {
        return NGX_AIGC_JWT_UNKNOWN_KEY;
    }

    verdict = ngx_aigc_jwks_verify(jwks, jwt);

    if (verdict == NGX_AIGC_JWT_UNKNOWN_KEY) {
        ngx_aigc_issuer_want_keys(zone);
    }

    return verdict;
}


ngx_uint_t
ngx_aigc_verify_wait(ngx_aigc_jwt_verdict_e verdict, ngx_uint_t *waits)
{
    return verdict == NGX_AIGC_JWT_UNKNOWN_KEY
           && (*waits)++ < NGX_AIGC_KEY_WAITS;
}
