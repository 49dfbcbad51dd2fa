/*
 * t/fuzz/sign.h — what stands between the input and the code below a
 * signature: a key for tokens, and keys for what is sealed.  All are made from
 * nothing but zeros: they are nobody's.
 */

#ifndef _FUZZ_SIGN_H_INCLUDED_
#define _FUZZ_SIGN_H_INCLUDED_

#include "fuzz.h"

#include "oidc/ngx_aigc_jwks.h"
#include "oidc/ngx_aigc_seal.h"


#define FUZZ_KID     "fuzz"             /* of the key that signs */
#define FUZZ_ISSUER  "https://logto.example.com/oidc"
#define FUZZ_CLIENT  "gateway"
#define FUZZ_NOW     1700000000


/* A token with that header and payload, signed by EdDSA. */
ngx_str_t fuzz_token(fuzz_t *f, ngx_str_t *header, ngx_str_t *payload);

/* The set with the key of fuzz_token() in it; made once. */
ngx_aigc_jwks_t *fuzz_jwks(fuzz_t *f);

/* One key; made once. */
ngx_aigc_seal_keys_t *fuzz_seal_keys(fuzz_t *f);

/* plain, sealed for purpose. */
ngx_str_t fuzz_sealed(fuzz_t *f, const char *purpose, ngx_str_t *plain);


#endif /* _FUZZ_SIGN_H_INCLUDED_ */
