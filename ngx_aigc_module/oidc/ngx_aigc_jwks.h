/*
 * oidc/ngx_aigc_jwks.h — the issuer's keys (RFC 7517) and the signature check.
 * An openssl key is made once from each JWK; HMAC ("oct") and private keys are
 * left out.  Pure: fetching and sharing are other files'.
 */

#ifndef _NGX_AIGC_JWKS_H_INCLUDED_
#define _NGX_AIGC_JWKS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_jwt.h"
#include "base/ngx_aigc_bounds.h"


typedef struct ngx_aigc_jwks_s  ngx_aigc_jwks_t;


/*
 * Parses a JWKS document into an object that belongs to no pool and lives until
 * ngx_aigc_jwks_free().  Keys of unknown kty, use other than "sig",
 * RSA below 2048 bits, points not on their curve: skipped.
 * NGX_OK: at least one usable key; NGX_DECLINED: none, or not a JWKS (the
 * caller keeps the old set); NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_jwks_parse(ngx_str_t *json, ngx_aigc_jwks_t **jwks,
    ngx_log_t *log);

void ngx_aigc_jwks_free(ngx_aigc_jwks_t *jwks);

/* NGX_OK when the set has this key id, else NGX_DECLINED. */
ngx_int_t ngx_aigc_jwks_has(ngx_aigc_jwks_t *jwks, ngx_str_t *kid);

/*
 * Checks the signature of a parsed token: the key is found by kid (without a
 * kid: the only key of the set that fits alg), the key's type, curve and own
 * "alg" must fit the token's alg.  An RSA key without one is for RS256 and
 * PS256.  Two keys that both fit: _UNKNOWN_KEY.
 * NGX_AIGC_JWT_OK, _BAD_ALG, _UNKNOWN_KEY or _BAD_SIGNATURE.
 */
ngx_aigc_jwt_verdict_e ngx_aigc_jwks_verify(ngx_aigc_jwks_t *jwks,
    ngx_aigc_jwt_t *jwt);


#endif /* _NGX_AIGC_JWKS_H_INCLUDED_ */
