/*
 * t/fuzz/jwks_fuzz.c — a provider's key set.  The first line is a key id, the
 * rest the document; its keys look at a token that none of them has signed.
 */

#include "sign.h"


FUZZ(jwks)
{
    ngx_str_t         kid, text, token, header, payload;
    ngx_int_t         rc;
    ngx_uint_t        alg;
    ngx_aigc_jwt_t    jwt;
    ngx_aigc_jwks_t  *jwks;

    kid = fuzz_line(f);
    text = fuzz_rest(f);

    jwks = NULL;
    rc = ngx_aigc_jwks_parse(&text, &jwks, f->log);
    must((rc == NGX_OK) == (jwks != NULL));

    if (rc != NGX_OK) {
        must(rc == NGX_DECLINED);
        return;
    }

    must(text.len <= NGX_AIGC_JWKS_MAX);

    if (ngx_aigc_jwks_has(jwks, &kid) == NGX_OK) {
        must(kid.len > 0 && kid.len <= NGX_AIGC_KID_MAX);
        must(fuzz_json(f, &text, JSON_REJECT_DUPLICATES) != NULL);
    }

    header = fuzz_text(f, "{\"alg\":\"EdDSA\"}");
    payload = fuzz_text(f, "{\"sub\":\"x\"}");
    token = fuzz_token(f, &header, &payload);

    must(ngx_aigc_jwt_parse(f->pool, &token, &jwt) == NGX_OK);

    jwt.kid = kid;

    for (alg = NGX_AIGC_ALG_NONE; alg <= NGX_AIGC_ALG_EDDSA; alg++) {
        jwt.alg = alg;
        must(ngx_aigc_jwks_verify(jwks, &jwt) != NGX_AIGC_JWT_OK);
    }

    ngx_aigc_jwks_free(jwks);
}
