/*
 * oidc/ngx_aigc_jwk.h — one key of a set: from JWK (RFC 7517, 8037) to openssl
 * key, once, and the check of a signature with it.  For ngx_aigc_jwks.c.
 */

#ifndef _NGX_AIGC_JWK_H_INCLUDED_
#define _NGX_AIGC_JWK_H_INCLUDED_

#include "ngx_aigc_jwks.h"

#include <jansson.h>
#include <openssl/evp.h>


typedef struct ngx_aigc_jwk_kind_s  ngx_aigc_jwk_kind_t;

typedef struct {
    ngx_aigc_jwk_kind_t  *kind;
    ngx_uint_t            open;             /* the JWK names no alg */
    EVP_PKEY             *pkey;
    EVP_MD               *md;               /* for kinds that have a digest … */
    EVP_PKEY_CTX         *ctx;              /* … ready to verify; else NULL */
    size_t                kid_len;          /* 0: the key has none */
    u_char                kid[NGX_AIGC_KID_MAX];
} ngx_aigc_jwk_t;


/*
 * NGX_OK; NGX_DECLINED: not a public key for signatures that is known and
 * strong enough.  jwk is zeroed before.  Errors of openssl are left in its
 * queue.
 */
ngx_int_t ngx_aigc_jwk_read(json_t *object, ngx_aigc_jwk_t *jwk);

/* Frees what openssl has allocated for jwk. */
void ngx_aigc_jwk_free(ngx_aigc_jwk_t *jwk);

/* 1: the key is for tokens with that algorithm. */
ngx_uint_t ngx_aigc_jwk_fits(ngx_aigc_jwk_t *jwk, ngx_aigc_alg_e alg);

/*
 * Checks the signature of a token whose alg fits.  NGX_OK; NGX_DECLINED: it is
 * wrong.
 */
ngx_int_t ngx_aigc_jwk_check(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt);


#endif /* _NGX_AIGC_JWK_H_INCLUDED_ */
