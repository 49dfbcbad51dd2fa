/*
 * oidc/ngx_aigc_jwt.h — a JSON Web Token taken apart (RFC 7519, RFC 7515
 * compact form).  Pure: no request, no I/O, no key.  Whether the signature is
 * good is decided in ngx_aigc_jwks.h; whether the claims fit, here.
 */

#ifndef _NGX_AIGC_JWT_H_INCLUDED_
#define _NGX_AIGC_JWT_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_claims.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_LOGOUT_AGE     120     /* s for which a logout token without
                                           exp is good */


typedef enum {
    NGX_AIGC_ALG_NONE = 0,              /* "none", HMAC, unknown: refused */
    NGX_AIGC_ALG_ES256,
    NGX_AIGC_ALG_ES384,
    NGX_AIGC_ALG_ES512,
    NGX_AIGC_ALG_RS256,
    NGX_AIGC_ALG_PS256,
    NGX_AIGC_ALG_EDDSA                  /* Ed25519 (RFC 8037) */
} ngx_aigc_alg_e;


typedef struct {
    ngx_aigc_alg_e   alg;
    ngx_str_t        kid;               /* len 0: the header has none */
    ngx_str_t        typ;               /* never required; len 0: absent */

    ngx_str_t        signing_input;     /* points into the token */
    ngx_str_t        signature;         /* decoded */

    ngx_str_t        iss;
    ngx_array_t      aud;               /* ngx_str_t: a string or an array */
    ngx_str_t        sub;
    ngx_str_t        sid;
    ngx_str_t        nonce;             /* data NULL: there is none */
    ngx_str_t        jti;
    ngx_str_t        name;              /* len 0: none */
    ngx_str_t        scope;             /* len 0: none, or no string */
    ngx_str_t        client_id;         /* of an access token; likewise */
    ngx_str_t        azp;               /* whom it was issued to; likewise */
    ngx_array_t      roles;             /* ngx_str_t */
    time_t           exp;               /* seconds since the epoch; 0: none */
    time_t           nbf;
    time_t           iat;
    unsigned         roles_claim:1;     /* there is one, if only an empty one */
    unsigned         logout:1;          /* "events" says back-channel logout:
                                           never to be taken for an ID token */
} ngx_aigc_jwt_t;


typedef enum {
    NGX_AIGC_JWT_OK = 0,
    NGX_AIGC_JWT_MALFORMED,
    NGX_AIGC_JWT_BAD_ALG,               /* none, HS*, unknown, or not the
                                           key's */
    NGX_AIGC_JWT_UNKNOWN_KEY,
    NGX_AIGC_JWT_BAD_SIGNATURE,
    NGX_AIGC_JWT_BAD_ISSUER,
    NGX_AIGC_JWT_BAD_AUDIENCE,
    NGX_AIGC_JWT_EXPIRED,
    NGX_AIGC_JWT_NOT_YET,
    NGX_AIGC_JWT_BAD_SUBJECT            /* absent, empty, too long, controls */
} ngx_aigc_jwt_verdict_e;


/*
 * Parses a compact JWS without judging it.  All strings are allocated from
 * pool (signing_input points into token, which must outlive jwt).
 * NGX_OK; NGX_DECLINED: not a token of ours (malformed, over a bound, "crit"
 * present, JSON with duplicate keys); NGX_ERROR: no memory.
 * Unknown algorithms parse, with alg NGX_AIGC_ALG_NONE.
 */
ngx_int_t ngx_aigc_jwt_parse(ngx_pool_t *pool, ngx_str_t *token,
    ngx_aigc_jwt_t *jwt);

/*
 * The same, with roles and name where claims says.  What stands there may be of
 * any kind: it is no role and no name then.  claims NULL: as above, "roles" (an
 * array of strings, or none), and "name" or "username".
 */
ngx_int_t ngx_aigc_jwt_read(ngx_pool_t *pool, ngx_str_t *token,
    ngx_aigc_claims_t *claims, ngx_aigc_jwt_t *jwt);

/*
 * Checks iss (equal), aud (contains), sub, exp (required), nbf and an iat in
 * the future, with skew seconds of tolerance (OIDC Core 3.1.3.7).  The
 * signature is not looked at.  EXPIRED is found last: all the rest is right
 * then (and exp == 0 tells a token that has none).
 */
ngx_aigc_jwt_verdict_e ngx_aigc_jwt_check_claims(ngx_aigc_jwt_t *jwt,
    ngx_str_t *iss, ngx_str_t *aud, time_t now, time_t skew);

/*
 * The same for a logout token (OIDC Back-Channel Logout 1.0, 2.6): iss, aud,
 * sub or sid, jti, events, no nonce, an iat that is NGX_AIGC_LOGOUT_AGE old at
 * the most; exp where it has one.  typ logout+jwt, and JWT or none as in older
 * providers.
 */
ngx_aigc_jwt_verdict_e ngx_aigc_jwt_check_logout(ngx_aigc_jwt_t *jwt,
    ngx_str_t *iss, ngx_str_t *aud, time_t now, time_t skew);

/* NGX_OK: the token has that scope (RFC 6749 3.3); NGX_DECLINED: it has not. */
ngx_int_t ngx_aigc_jwt_has_scope(ngx_aigc_jwt_t *jwt, ngx_str_t *scope);

/*
 * NGX_OK: the token was issued to an application for itself
 * (client_credentials); NGX_DECLINED: it belongs to a user.
 */
ngx_int_t ngx_aigc_jwt_is_machine(ngx_aigc_jwt_t *jwt);

/* A short phrase for logs and problems, never token content. */
ngx_str_t *ngx_aigc_jwt_verdict_text(ngx_aigc_jwt_verdict_e verdict);


#endif /* _NGX_AIGC_JWT_H_INCLUDED_ */
