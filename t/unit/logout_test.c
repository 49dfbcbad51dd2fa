/* oidc/ngx_aigc_jwt.h: which tokens sign out (Back-Channel Logout 1.0, 2.6). */

#include "jose.h"
#include "oidc/ngx_aigc_jwt.h"


#define NOW     1790000000
#define EVENT   "\"events\":{\"http://schemas.openid.net/event/"              \
                "backchannel-logout\":{}}"
#define PARTY   "\"iss\":\"https://l/oidc\",\"aud\":\"app\",\"jti\":\"j\""
#define IAT     ",\"iat\":1790000000,"


static void
logout_claims(unit_t *u)
{
    ngx_str_t                token, iss, aud;
    ngx_uint_t               i;
    ngx_aigc_jwt_t           jwt;
    ngx_aigc_jwt_verdict_e   verdict;

    static const struct {
        const char              *typ, *claims;
        ngx_aigc_jwt_verdict_e   verdict;
    } cases[] = {
        { "logout+jwt", PARTY IAT EVENT ",\"sub\":\"u\",\"sid\":\"s\"",
          NGX_AIGC_JWT_OK },
        { "logout+jwt", PARTY IAT EVENT ",\"sub\":\"u\"", NGX_AIGC_JWT_OK },
        { "logout+jwt", PARTY IAT EVENT ",\"sid\":\"s\"", NGX_AIGC_JWT_OK },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\"", NGX_AIGC_JWT_OK },
        { "Application/Logout+JWT", PARTY IAT EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_OK },
        { "at+jwt", PARTY IAT EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_MALFORMED },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\",\"exp\":1790000060",
          NGX_AIGC_JWT_OK },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\",\"exp\":1789999960",
          NGX_AIGC_JWT_EXPIRED },
        { "JWT", PARTY IAT EVENT, NGX_AIGC_JWT_BAD_SUBJECT },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\\u0001\"",
          NGX_AIGC_JWT_BAD_SUBJECT },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\",\"sid\":\"s\\n\"",
          NGX_AIGC_JWT_BAD_SUBJECT },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\",\"nonce\":\"n\"",
          NGX_AIGC_JWT_MALFORMED },
        { "JWT", PARTY IAT EVENT ",\"sub\":\"u\",\"nonce\":\"\"",
          NGX_AIGC_JWT_MALFORMED },
        { "JWT", PARTY ",\"iat\":1790000000,\"sub\":\"u\"",
          NGX_AIGC_JWT_MALFORMED },
        { "JWT", "\"iss\":\"https://l/oidc\",\"aud\":\"app\"" IAT EVENT
          ",\"sub\":\"u\"", NGX_AIGC_JWT_MALFORMED },
        { "JWT", PARTY "," EVENT ",\"sub\":\"u\"", NGX_AIGC_JWT_EXPIRED },
        { "JWT", PARTY ",\"iat\":1789999851," EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_OK },
        { "JWT", PARTY ",\"iat\":1789999850," EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_EXPIRED },
        { "JWT", PARTY ",\"iat\":1790000030," EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_OK },
        { "JWT", PARTY ",\"iat\":1790000031," EVENT ",\"sub\":\"u\"",
          NGX_AIGC_JWT_NOT_YET },
        { "JWT", "\"iss\":\"https://m/oidc\",\"aud\":\"app\",\"jti\":\"j\"" IAT
          EVENT ",\"sub\":\"u\"", NGX_AIGC_JWT_BAD_ISSUER },
        { "JWT", "\"iss\":\"https://l/oidc\",\"aud\":\"b\",\"jti\":\"j\"" IAT
          EVENT ",\"sub\":\"u\"", NGX_AIGC_JWT_BAD_AUDIENCE }
    };

    iss = unit_str(u, "https://l/oidc");
    aud = unit_str(u, "app");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        token = jose_token(u, NULL, "ES384",
                           (char *) jose_fmt(u, "{\"alg\":\"ES384\",\"typ\":"
                                             "\"%s\"}%c", cases[i].typ, 0)
                                    .data,
                           (char *) jose_fmt(u, "{%s}%c", cases[i].claims, 0)
                                    .data);

        is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);

        verdict = ngx_aigc_jwt_check_logout(&jwt, &iss, &aud, NOW, 30);

        if (!is_int(u, verdict, cases[i].verdict)) {
            unit_note("%s %s", cases[i].typ, cases[i].claims);
        }

    }

    jose_done();
}


unit_test_t  logout_tests[] = {
    { "a logout token, and what is none", logout_claims },
    { NULL, NULL }
};
