/*
 * t/fuzz/logout_fuzz.c — logout tokens, signed: the input is the payload.  None
 * is taken for an ID token's, and none that says nobody ends anything.
 */

#include "sign.h"

#include "base/ngx_aigc_text.h"
#include "oidc/ngx_aigc_revocation_entry.h"


FUZZ(logout)
{
    u_char                  key[NGX_AIGC_REVOCATION_KEY_LEN];
    time_t                  when;
    ngx_str_t               header, payload, token, iss, aud;
    ngx_aigc_jwt_t          jwt;
    ngx_aigc_jwt_verdict_e  verdict;

    header = fuzz_text(f, "{\"alg\":\"EdDSA\",\"typ\":\"logout+jwt\"}");
    payload = fuzz_rest(f);
    token = fuzz_token(f, &header, &payload);

    if (ngx_aigc_jwt_parse(f->pool, &token, &jwt) != NGX_OK) {
        return;
    }

    must(ngx_aigc_jwks_verify(fuzz_jwks(f), &jwt) == NGX_AIGC_JWT_OK);

    iss = fuzz_text(f, FUZZ_ISSUER);
    aud = fuzz_text(f, FUZZ_CLIENT);

    verdict = ngx_aigc_jwt_check_logout(&jwt, &iss, &aud, FUZZ_NOW, 60);

    if (verdict != NGX_AIGC_JWT_OK) {
        return;
    }

    must(jwt.logout && jwt.jti.len > 0 && jwt.nonce.data == NULL);
    must(jwt.sub.len <= NGX_AIGC_SUB_MAX && jwt.sid.len <= NGX_AIGC_SID_MAX);
    must(fuzz_plain(&jwt.sub) && fuzz_plain(&jwt.sid));
    must(ngx_aigc_revocation_key(jwt.sid.len ? &jwt.sid : &jwt.sub, key)
         == NGX_OK);

    when = ngx_aigc_revocation_time(FUZZ_NOW, jwt.iat);
    must(when >= jwt.iat && when <= jwt.iat + NGX_AIGC_REVOCATION_LATE);
}
