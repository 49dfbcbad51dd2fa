/* t/fuzz/sign.c — keys of zeros, and what they sign and seal. */

#include "sign.h"

#include "base/ngx_aigc_base64url.h"

#include <openssl/evp.h>


#define SIGN_KEY_LEN  32                /* bytes of an Ed25519 key */
#define SIGN_LEN      64                /* bytes of its signature */


static EVP_PKEY *sign_key(void);


ngx_str_t
fuzz_token(fuzz_t *f, ngx_str_t *header, ngx_str_t *payload)
{
    u_char       signature[SIGN_LEN];
    size_t       len;
    ngx_str_t    bytes, part[3], input;
    EVP_MD_CTX  *ctx;

    must(ngx_aigc_base64url_encode(f->pool, header, &part[0]) == NGX_OK);
    must(ngx_aigc_base64url_encode(f->pool, payload, &part[1]) == NGX_OK);

    input = fuzz_fmt(f, "%V.%V", &part[0], &part[1]);

    ctx = EVP_MD_CTX_new();
    len = SIGN_LEN;

    must(ctx != NULL);
    must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, sign_key()) == 1);
    must(EVP_DigestSign(ctx, signature, &len, input.data, input.len) == 1);

    EVP_MD_CTX_free(ctx);

    bytes.data = signature;
    bytes.len = len;

    must(ngx_aigc_base64url_encode(f->pool, &bytes, &part[2]) == NGX_OK);

    return fuzz_fmt(f, "%V.%V", &input, &part[2]);
}


static EVP_PKEY *
sign_key(void)
{
    static EVP_PKEY  *key;

    u_char            zeros[SIGN_KEY_LEN];

    if (key == NULL) {
        ngx_memzero(zeros, sizeof(zeros));
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, zeros,
                                           sizeof(zeros));
        must(key != NULL);
    }

    return key;
}


ngx_aigc_jwks_t *
fuzz_jwks(fuzz_t *f)
{
    static ngx_aigc_jwks_t  *jwks;

    size_t     len;
    u_char     key[SIGN_KEY_LEN];
    ngx_str_t  bytes, x, text;

    if (jwks == NULL) {
        len = sizeof(key);
        must(EVP_PKEY_get_raw_public_key(sign_key(), key, &len) == 1);

        bytes.data = key;
        bytes.len = len;
        must(ngx_aigc_base64url_encode(f->pool, &bytes, &x) == NGX_OK);

        text = fuzz_fmt(f, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                        "\"kid\":\"" FUZZ_KID "\",\"x\":\"%V\"}]}", &x);

        must(ngx_aigc_jwks_parse(&text, &jwks, f->log) == NGX_OK);
    }

    return jwks;
}


ngx_aigc_seal_keys_t *
fuzz_seal_keys(fuzz_t *f)
{
    static ngx_aigc_seal_keys_t  keys;

    if (keys.n == 0) {
        keys.n = 1;                     /* the rest is zeros */
    }

    return &keys;
}


ngx_str_t
fuzz_sealed(fuzz_t *f, const char *purpose, ngx_str_t *plain)
{
    ngx_str_t  sealed;

    ngx_str_null(&sealed);

    if (ngx_aigc_seal(f->pool, fuzz_seal_keys(f), purpose, plain, &sealed)
        != NGX_OK)
    {
        ngx_str_null(&sealed);          /* too long */
    }

    return sealed;
}
