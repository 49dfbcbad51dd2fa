/*
 * t/unit/jose.h — tokens and keys for the tests of jwt and jwks: what Logto
 * would sign, and what it never would.
 */

#ifndef _UNIT_JOSE_H_INCLUDED_
#define _UNIT_JOSE_H_INCLUDED_

#include "unit.h"

#include <openssl/evp.h>


/* base64url of text */
ngx_str_t jose_b64(unit_t *u, ngx_str_t *bytes);

/* A printf whose result is a string of its exact size. */
ngx_str_t jose_fmt(unit_t *u, const char *fmt, ...);

/* header and payload as they are, with a signature (alg "PS256-0": by a salt of
   that length); a token without key is
   header.payload.AAAA */
ngx_str_t jose_token(unit_t *u, EVP_PKEY *key, const char *alg,
    const char *header, const char *payload);

/* "P-256", "P-384", "P-521", "Ed25519", "RSA-<bits>"; made once, freed by jose_done() */
EVP_PKEY *jose_key(unit_t *u, const char *kind);
void jose_done(void);

/* The public JWK; extra is put behind a comma, kid may be NULL. */
ngx_str_t jose_jwk(unit_t *u, EVP_PKEY *key, const char *kid,
    const char *extra);


#endif /* _UNIT_JOSE_H_INCLUDED_ */
