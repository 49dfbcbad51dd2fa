/*
 * t/fuzz/jwt_fuzz.c — tokens: the input as it is, and, signed, a header (the
 * first line) with a payload (the rest), so that what is behind the signature
 * is reached.
 */

#include "sign.h"

#include "base/ngx_aigc_text.h"


#define JWT_SKEW  60


static ngx_aigc_claims_t *jwt_claims(fuzz_t *f);
static void jwt_judged(fuzz_t *f, ngx_str_t *token, ngx_aigc_jwt_t *jwt);
static void jwt_payload(fuzz_t *f, ngx_str_t *payload, ngx_aigc_jwt_t *jwt);


FUZZ(jwt)
{
    ngx_str_t               token, header, payload;
    ngx_aigc_jwt_t          jwt;
    ngx_aigc_jwt_verdict_e  verdict;

    token = fuzz_all(f);

    if (ngx_aigc_jwt_parse(f->pool, &token, &jwt) == NGX_OK) {
        jwt_judged(f, &token, &jwt);
    }

    header = fuzz_line(f);
    payload = fuzz_rest(f);
    token = fuzz_token(f, &header, &payload);

    if (ngx_aigc_jwt_read(f->pool, &token, jwt_claims(f), &jwt) == NGX_OK) {
        jwt_judged(f, &token, &jwt);
    }

    if (ngx_aigc_jwt_parse(f->pool, &token, &jwt) != NGX_OK) {
        return;
    }

    jwt_judged(f, &token, &jwt);
    jwt_payload(f, &payload, &jwt);

    verdict = ngx_aigc_jwks_verify(fuzz_jwks(f), &jwt);

    if (jwt.alg != NGX_AIGC_ALG_EDDSA) {
        must(verdict == NGX_AIGC_JWT_BAD_ALG
             || verdict == NGX_AIGC_JWT_UNKNOWN_KEY);
        return;
    }

    if (jwt.kid.len == 0 || ngx_aigc_text_is(&jwt.kid, FUZZ_KID)) {
        must(verdict == NGX_AIGC_JWT_OK);

        token.data[0] ^= 1;
        must(ngx_aigc_jwks_verify(fuzz_jwks(f), &jwt)
             == NGX_AIGC_JWT_BAD_SIGNATURE);

    } else {
        must(verdict == NGX_AIGC_JWT_UNKNOWN_KEY);
    }
}


static ngx_aigc_claims_t *
jwt_claims(fuzz_t *f)
{
    ngx_str_t           text;
    ngx_aigc_claims_t  *claims;

    claims = fuzz_alloc(f, sizeof(ngx_aigc_claims_t));

    text = fuzz_text(f, "realm_access.roles");
    must(ngx_aigc_claim_path(f->pool, &text, &claims->roles) == NGX_OK);

    text = fuzz_text(f, "name");
    must(ngx_aigc_claim_path(f->pool, &text, &claims->name) == NGX_OK);

    return claims;
}


static void
jwt_judged(fuzz_t *f, ngx_str_t *token, ngx_aigc_jwt_t *jwt)
{
    ngx_str_t               iss, aud, scope;
    ngx_aigc_jwt_verdict_e  verdict;

    must(token->len <= NGX_AIGC_JWT_MAX);
    must(fuzz_inside(&jwt->signing_input, token));
    must(jwt->exp >= 0 && jwt->nbf >= 0 && jwt->iat >= 0);

    iss = fuzz_text(f, FUZZ_ISSUER);
    aud = fuzz_text(f, FUZZ_CLIENT);
    scope = fuzz_text(f, "aigc");

    verdict = ngx_aigc_jwt_check_claims(jwt, &iss, &aud, FUZZ_NOW, JWT_SKEW);
    must(ngx_aigc_jwt_verdict_text(verdict)->len > 0);

    if (verdict == NGX_AIGC_JWT_OK) {
        must(fuzz_eq(&jwt->iss, &iss));
        must(jwt->exp > FUZZ_NOW - JWT_SKEW);
        must(jwt->nbf <= FUZZ_NOW + JWT_SKEW);
        must(jwt->sub.len > 0 && jwt->sub.len <= NGX_AIGC_SUB_MAX);
        must(fuzz_plain(&jwt->sub));
    }

    verdict = ngx_aigc_jwt_check_logout(jwt, &iss, &aud, FUZZ_NOW, JWT_SKEW);

    if (verdict == NGX_AIGC_JWT_OK) {
        must(jwt->logout && jwt->nonce.data == NULL);
        must(jwt->sub.len + jwt->sid.len > 0);
        must(jwt->iat > FUZZ_NOW - JWT_SKEW - NGX_AIGC_LOGOUT_AGE);
    }

    if (ngx_aigc_jwt_has_scope(jwt, &scope) == NGX_OK) {
        must(jwt->scope.len >= scope.len);
    }

    (void) ngx_aigc_jwt_is_machine(jwt);
}


/* What jansson reads in the payload is what the token says. */
static void
jwt_payload(fuzz_t *f, ngx_str_t *payload, ngx_aigc_jwt_t *jwt)
{
    json_t     *root;
    ngx_str_t   text;

    root = fuzz_json(f, payload, JSON_REJECT_DUPLICATES);
    must(json_is_object(root));

    text = ngx_aigc_json_text(root, "iss");
    must(fuzz_eq(&text, &jwt->iss));

    text = ngx_aigc_json_text(root, "sub");
    must(fuzz_eq(&text, &jwt->sub));

    text = ngx_aigc_json_text(root, "sid");
    must(fuzz_eq(&text, &jwt->sid));

    if (json_is_integer(json_object_get(root, "exp"))) {
        must(jwt->exp
             == json_integer_value(json_object_get(root, "exp")));
    }
}
