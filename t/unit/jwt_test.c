/* oidc/ngx_aigc_jwt.h: parsing and claims; no signature is looked at here. */

#include "jose.h"
#include "oidc/ngx_aigc_jwt.h"

#include <openssl/err.h>


#define HEADER  "{\"alg\":\"ES384\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define ISS     "https://logto.example.com/oidc"
#define NOW     1790000000


static ngx_int_t
parse(unit_t *u, const char *header, const char *payload, ngx_aigc_jwt_t *jwt)
{
    ngx_str_t  token;

    token = jose_token(u, NULL, NULL, header, payload);

    return ngx_aigc_jwt_parse(u->pool, &token, jwt);
}


static void
jwt_all_claims(unit_t *u)
{
    ngx_str_t       token, *s;
    ngx_aigc_jwt_t  jwt;

    token = jose_token(u, NULL, NULL, HEADER,
        "{\"sub\":\"u1234567890a\",\"name\":null,\"username\":\"alice\","
        "\"picture\":null,\"updated_at\":1790000000123,\"roles\":[\"admin\","
        "\"b\"],\"sid\":\"s1\",\"aud\":\"app\",\"exp\":1790003600,"
        "\"iat\":1790000000.75,\"nbf\":1789999999,\"nonce\":\"n\","
        "\"iss\":\"" ISS "\"}");

    is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);
    is_int(u, jwt.alg, NGX_AIGC_ALG_ES384);
    is_str(u, &jwt.kid, "k1");
    is_str(u, &jwt.typ, "JWT");
    is_str(u, &jwt.sub, "u1234567890a");
    is_str(u, &jwt.name, "alice");
    is_str(u, &jwt.sid, "s1");
    is_str(u, &jwt.nonce, "n");
    is_str(u, &jwt.iss, ISS);
    is_int(u, jwt.exp, 1790003600);
    is_int(u, jwt.iat, 1790000000);
    is_int(u, jwt.nbf, 1789999999);
    is_int(u, jwt.logout, 0);
    is_int(u, jwt.signature.len, 3);
    is_int(u, jwt.signing_input.len, token.len - 5);
    ok(u, jwt.signing_input.data == token.data);

    if (is_int(u, jwt.aud.nelts, 1)) {
        is_str(u, (ngx_str_t *) jwt.aud.elts, "app");
    }

    if (is_int(u, jwt.roles.nelts, 2)) {
        s = jwt.roles.elts;
        is_str(u, &s[0], "admin");
        is_str(u, &s[1], "b");
    }

    is_int(u, parse(u, "{\"alg\":\"RS256\"}", "{}", &jwt), NGX_OK);
    is_int(u, jwt.alg, NGX_AIGC_ALG_RS256);
    is_int(u, jwt.kid.len + jwt.typ.len + jwt.sub.len + jwt.iss.len, 0);
    is_int(u, jwt.sid.len + jwt.nonce.len + jwt.name.len, 0);
    is_int(u, jwt.exp + jwt.nbf + jwt.iat, 0);
    is_int(u, jwt.aud.nelts + jwt.roles.nelts, 0);

    is_int(u, parse(u, HEADER, "{\"name\":\"A\",\"username\":\"b\"}", &jwt),
           NGX_OK);
    is_str(u, &jwt.name, "A");

    is_int(u, parse(u, HEADER, "{\"name\":\"\",\"username\":\"b\"}", &jwt),
           NGX_OK);
    is_str(u, &jwt.name, "b");

    is_int(u, parse(u, HEADER, "{\"name\":{\"x\":1},\"username\":[]}", &jwt),
           NGX_OK);
    is_int(u, jwt.name.len, 0);

    /* the types that libjwt 1.10 refuses */

    is_int(u, parse(u, "{\"alg\":\"ES384\",\"typ\":\"logout+jwt\"}",
                    "{\"events\":{\"http://schemas.openid.net/event/"
                    "backchannel-logout\":{}}}", &jwt), NGX_OK);
    is_int(u, jwt.logout, 1);
    is_str(u, &jwt.typ, "logout+jwt");

    is_int(u, parse(u, "{\"alg\":\"ES384\",\"typ\":\"at+jwt\"}",
                    "{\"events\":[\"backchannel-logout\"]}", &jwt), NGX_OK);
    is_int(u, jwt.logout, 0);
}


static void
jwt_algorithms(unit_t *u)
{
    ngx_str_t       header;
    ngx_uint_t      i;
    ngx_aigc_jwt_t  jwt;

    static const struct {
        const char      *name;
        ngx_aigc_alg_e   alg;
    } cases[] = {
        { "ES256", NGX_AIGC_ALG_ES256 }, { "ES384", NGX_AIGC_ALG_ES384 },
        { "ES512", NGX_AIGC_ALG_ES512 }, { "RS256", NGX_AIGC_ALG_RS256 },
        { "PS256", NGX_AIGC_ALG_PS256 }, { "EdDSA", NGX_AIGC_ALG_EDDSA },
        { "eddsa", NGX_AIGC_ALG_NONE }, { "PS384", NGX_AIGC_ALG_NONE },
        { "none", NGX_AIGC_ALG_NONE }, { "None", NGX_AIGC_ALG_NONE },
        { "NONE", NGX_AIGC_ALG_NONE }, { "HS256", NGX_AIGC_ALG_NONE },
        { "HS384", NGX_AIGC_ALG_NONE }, { "es256", NGX_AIGC_ALG_NONE },
        { "ES256 ", NGX_AIGC_ALG_NONE }, { "", NGX_AIGC_ALG_NONE },
        { "RS512", NGX_AIGC_ALG_NONE }, { "ES256K", NGX_AIGC_ALG_NONE }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        header = jose_fmt(u, "{\"alg\":\"%s\"}%c", cases[i].name, 0);

        is_int(u, parse(u, (char *) header.data, "{}", &jwt), NGX_OK);

        if (!is_int(u, jwt.alg, cases[i].alg)) {
            unit_note("%s", cases[i].name);
        }
    }
}


static void
jwt_bad_headers(unit_t *u)
{
    char            big[NGX_AIGC_JWT_HEADER_MAX + 64];
    ngx_uint_t      i;
    ngx_aigc_jwt_t  jwt;

    static const char  *cases[] = {
        " ", "x", "null", "[]", "\"ES384\"", "{", "{}", "{\"alg\":null}",
        "{\"alg\":384}", "{\"alg\":[\"ES384\"]}", "{\"Alg\":\"ES384\"}",
        "{\"alg\":\"ES384\",\"alg\":\"none\"}",
        "{\"alg\":\"none\",\"alg\":\"ES384\"}",
        "{\"alg\":\"ES384\",\"\\u0061lg\":\"ES384\"}",
        "{\"alg\":\"ES384\",\"kid\":\"a\",\"kid\":\"a\"}",
        "{\"alg\":\"ES384\",\"kid\":1}", "{\"alg\":\"ES384\",\"kid\":null}",
        "{\"alg\":\"ES384\",\"kid\":\"\"}",
        "{\"alg\":\"ES384\",\"kid\":\"a\\u0000b\"}",
        "{\"alg\":\"ES384\",\"typ\":1}",
        "{\"alg\":\"ES384\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"ES384\",\"crit\":[]}", "{\"alg\":\"ES384\",\"crit\":null}",
        "{\"alg\":\"ES384\"} ,", "{\"alg\":\"ES384\"}{}",
        "{\"alg\":\"ES384\\ud800\"}", "{\"alg\":\"ES384\xff\"}",
        "{\"alg\":\"ES384\",}", "{'alg':'ES384'}", "{alg:\"ES384\"}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!is_int(u, parse(u, cases[i], "{}", &jwt), NGX_DECLINED)) {
            unit_note("%s", cases[i]);
        }
    }

    /* the bound, and one byte more */

    ngx_memset(big, ' ', sizeof(big));
    ngx_memcpy(big, "{\"alg\":\"ES384\"", 14);

    big[NGX_AIGC_JWT_HEADER_MAX - 1] = '}';
    big[NGX_AIGC_JWT_HEADER_MAX] = '\0';
    is_int(u, parse(u, big, "{}", &jwt), NGX_OK);

    big[NGX_AIGC_JWT_HEADER_MAX - 1] = ' ';
    big[NGX_AIGC_JWT_HEADER_MAX] = '}';
    big[NGX_AIGC_JWT_HEADER_MAX + 1] = '\0';
    is_int(u, parse(u, big, "{}", &jwt), NGX_DECLINED);
}


static void
jwt_bad_payloads(unit_t *u)
{
    char           *deep;
    ngx_uint_t      i, n;
    ngx_str_t       token, h, p, long_sid;
    ngx_aigc_jwt_t  jwt;

    static const char  *cases[] = {
        " ", "x", "null", "[]", "1", "\"a\"", "{", "{\"a\":1",
        "{\"a\":1,\"a\":1}", "{\"sub\":\"a\",\"sub\":\"b\"}",
        "{\"sub\":\"a\",\"s\\u0075b\":\"b\"}", "{\"x\":{\"a\":1,\"a\":2}}",
        "{\"sub\":1}", "{\"sub\":null}", "{\"sub\":[\"a\"]}",
        "{\"sub\":{}}", "{\"sub\":true}", "{\"sub\":\"a\\u0000b\"}",
        "{\"iss\":1}", "{\"iss\":[\"" ISS "\"]}", "{\"sid\":1}",
        "{\"nonce\":1}", "{\"nonce\":false}",
        "{\"aud\":1}", "{\"aud\":null}", "{\"aud\":{\"a\":1}}",
        "{\"aud\":[1]}", "{\"aud\":[\"a\",null]}", "{\"aud\":[[\"a\"]]}",
        "{\"roles\":\"admin\"}", "{\"roles\":{}}", "{\"roles\":[1]}",
        "{\"roles\":null}",
        "{\"exp\":\"1790003600\"}", "{\"exp\":null}", "{\"exp\":true}",
        "{\"exp\":[1]}", "{\"exp\":{}}", "{\"exp\":1e400}",
        "{\"exp\":1e300}", "{\"exp\":-1e300}",
        "{\"exp\":1790003600000}", "{\"exp\":9223372036854775807}",
        "{\"exp\":-9223372036854775808}", "{\"exp\":9223372036854775808}",
        "{\"exp\":99999999999999999999999}", "{\"exp\":NaN}",
        "{\"exp\":Infinity}", "{\"exp\":0x10}", "{\"exp\":01}",
        "{\"nbf\":\"1\"}", "{\"iat\":\"1\"}", "{\"iat\":[]}",
        "{} {}", "{},", "{\"a\":\"\xc3\"}", "\xef\xbb\xbf{}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!is_int(u, parse(u, HEADER, cases[i], &jwt), NGX_DECLINED)) {
            unit_note("%s", cases[i]);
        }
    }

    /* a NUL in or behind the JSON */

    h = unit_str(u, HEADER);
    h = jose_b64(u, &h);

    for (i = 0; i < 3; i++) {
        p = unit_bytes(u, "{} ", 3);
        p.data[i] = '\0';
        p = jose_b64(u, &p);
        token = jose_fmt(u, "%.*s.%.*s.AAAA", (int) h.len, h.data,
                         (int) p.len, p.data);
        is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_DECLINED);
    }

    /* as deep as a token can be: refused or read, never a crash */

    for (n = 100; n <= 2950; n += 950) {
        deep = ngx_pcalloc(u->pool, n * 2 + 16);
        (void) ngx_cpystrn((u_char *) deep, (u_char *) "{\"aud\":", 8);
        ngx_memset(deep + 7, '[', n);
        ngx_memset(deep + 7 + n, ']', n);
        deep[7 + n * 2] = '}';

        is_int(u, parse(u, HEADER, deep, &jwt), NGX_DECLINED);

        ngx_memcpy(deep + 1, "\"xyz\"", 5);
        is_int(u, parse(u, HEADER, deep, &jwt),
               n < 2047 ? NGX_OK : NGX_DECLINED);
    }

    /* a session id and its bound */

    long_sid = jose_fmt(u, "{\"sid\":\"%0128d\"}%c", 7, 0);
    is_int(u, parse(u, HEADER, (char *) long_sid.data, &jwt), NGX_OK);
    is_int(u, jwt.sid.len, NGX_AIGC_SID_MAX);

    long_sid = jose_fmt(u, "{\"sid\":\"%0129d\"}%c", 7, 0);
    is_int(u, parse(u, HEADER, (char *) long_sid.data, &jwt), NGX_DECLINED);
}


static void
jwt_bad_shapes(unit_t *u)
{
    size_t          i;
    u_char         *p;
    ngx_str_t       token, copy;
    ngx_uint_t      n;
    ngx_aigc_jwt_t  jwt;

    static const char  *cases[] = {
        "", ".", "..", "...", "a", "a.b", "a.b.c", "e30", "e30.e30",
        "e30.e30.", "e30.e30.AAAA", ".e30.AAAA", "eyJhbGciOiJFUzM4NCJ9..AAAA",
        "eyJhbGciOiJFUzM4NCJ9.e30.AAAA.AAAA",
        "eyJhbGciOiJFUzM4NCJ9.e30.AAAA.",
        "eyJhbGciOiJFUzM4NCJ9.e30.AAA=",
        "eyJhbGciOiJFUzM4NCJ9.e30=.AAAA",
        "eyJhbGciOiJFUzM4NCJ9.e31.AAAA",
        "eyJhbGciOiJFUzM4NCJ9.e30.AB",
        "eyJhbGciOiJFUzM4NCJ9.e30.A",
        "eyJhbGciOiJFUzM4NCJ9.e30.AA+/",
        " eyJhbGciOiJFUzM4NCJ9.e30.AAAA",
        "eyJhbGciOiJFUzM4NCJ9.e30.AAAA ",
        "eyJhbGciOiJFUzM4NCJ9. e30.AAAA",
        "eyJhbGciOiJFUzM4NCJ9\n.e30.AAAA",
        "Bearer eyJhbGciOiJFUzM4NCJ9.e30.AAAA"
    };

    token = unit_str(u, "eyJhbGciOiJFUzM4NCJ9.e30.AAAA");
    is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        token = unit_str(u, cases[i]);

        if (!is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt),
                    NGX_DECLINED))
        {
            unit_note("%s", cases[i]);
        }
    }

    /* truncations: whole groups of the signature may go, nothing else */

    token = jose_token(u, NULL, NULL, HEADER, "{\"sub\":\"abc\"}");

    for (i = 0; i < token.len - 5; i++) {
        copy = unit_bytes(u, token.data, i);
        is_int(u, ngx_aigc_jwt_parse(u->pool, &copy, &jwt), NGX_DECLINED);
    }

    /* 8 KiB, and a byte more */

    token.len = NGX_AIGC_JWT_MAX;
    token.data = ngx_palloc(u->pool, token.len + 4);
    ngx_memset(token.data, 'A', token.len + 4);
    p = ngx_cpymem(token.data, "eyJhbGciOiJFUzM4NCJ9.e30.", 25);
    token.len -= (token.len - 25) % 4;

    is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);
    is_int(u, jwt.signature.len, (token.len - 25) / 4 * 3);
    ok(u, p > token.data);

    token.len += 4;
    is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_DECLINED);

    /* noise, the same each time */

    srandom(1);
    n = 0;

    for (i = 0; i < 2000; i++) {
        token = jose_token(u, NULL, NULL, HEADER, "{\"sub\":\"abc\"}");
        token.data[random() % token.len] = (u_char) random();
        token.data[random() % token.len] = (u_char) random();
        n += ngx_aigc_jwt_parse(u->pool, &token, &jwt) == NGX_OK;
    }

    ok(u, n < 2000);
    is_int(u, ERR_peek_error(), 0);
}


static ngx_aigc_jwt_verdict_e
check(unit_t *u, const char *fmt, ...)
{
    int             n;
    char           *payload;
    va_list         args;
    ngx_str_t       iss, aud;
    ngx_aigc_jwt_t  jwt;

    va_start(args, fmt);
    n = vasprintf(&payload, fmt, args);
    va_end(args);

    ok(u, n > 0);
    n = parse(u, HEADER, payload, &jwt);

    if (!is_int(u, n, NGX_OK)) {
        unit_note("%s", payload);
    }

    free(payload);

    iss = unit_str(u, ISS);
    aud = unit_str(u, "app");

    return ngx_aigc_jwt_check_claims(&jwt, &iss, &aud, NOW, 60);
}


#define BASE  "\"iss\":\"" ISS "\",\"aud\":\"app\",\"sub\":\"u\""


static void
jwt_claims_times(unit_t *u)
{
    is_int(u, check(u, "{%s,\"exp\":%d}", BASE, NOW + 1), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":%d}", BASE, NOW), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":%d}", BASE, NOW - 59), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":%d}", BASE, NOW - 60),
           NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":%d.999}", BASE, NOW - 60),
           NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":%d.0}", BASE, NOW - 59),
           NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":1.79e9}", BASE), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":0}", BASE), NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":-1}", BASE), NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":-0.5}", BASE), NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":-253402300798}", BASE),
           NGX_AIGC_JWT_EXPIRED);
    is_int(u, check(u, "{%s,\"exp\":253402300798}", BASE), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s}", BASE), NGX_AIGC_JWT_EXPIRED);

    is_int(u, check(u, "{%s,\"exp\":%d,\"nbf\":%d}", BASE, NOW + 9, NOW + 60),
           NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":%d,\"nbf\":%d}", BASE, NOW + 9, NOW + 61),
           NGX_AIGC_JWT_NOT_YET);
    is_int(u, check(u, "{%s,\"exp\":%d,\"iat\":%d}", BASE, NOW + 9, NOW + 60),
           NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{%s,\"exp\":%d,\"iat\":%d}", BASE, NOW + 9, NOW + 61),
           NGX_AIGC_JWT_NOT_YET);
    is_int(u, check(u, "{%s,\"exp\":%d,\"iat\":-5}", BASE, NOW + 9),
           NGX_AIGC_JWT_OK);
}


static void
jwt_claims_who(unit_t *u)
{
    u_char       c;
    ngx_uint_t   i;

    static const char  *iss[] = {
        "", "https://logto.example.com/oidc/", "https://logto.example.com/",
        "https://logto.example.com/oidcx", "https://LOGTO.example.com/oidc",
        "http://logto.example.com/oidc", "https://logto.example.com/oid"
    };

    static const char  *aud[] = {
        "\"\"", "\"ap\"", "\"app2\"", "\"APP\"", "[]", "[\"\"]",
        "[\"a\",\"b\"]", "\"app \"", "\"app,app2\""
    };

    for (i = 0; i < sizeof(iss) / sizeof(iss[0]); i++) {
        is_int(u, check(u, "{\"iss\":\"%s\",\"aud\":\"app\",\"sub\":\"u\","
                           "\"exp\":%d}", iss[i], NOW + 9),
               NGX_AIGC_JWT_BAD_ISSUER);
    }

    is_int(u, check(u, "{\"aud\":\"app\",\"sub\":\"u\",\"exp\":%d}", NOW + 9),
           NGX_AIGC_JWT_BAD_ISSUER);

    for (i = 0; i < sizeof(aud) / sizeof(aud[0]); i++) {
        is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":%s,\"sub\":\"u\","
                           "\"exp\":%d}", aud[i], NOW + 9),
               NGX_AIGC_JWT_BAD_AUDIENCE);
    }

    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"sub\":\"u\",\"exp\":%d}",
                    NOW + 9), NGX_AIGC_JWT_BAD_AUDIENCE);

    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":[\"x\",\"app\"],"
                       "\"sub\":\"u\",\"exp\":%d}", NOW + 9),
           NGX_AIGC_JWT_OK);

    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\",\"exp\":%d}",
                    NOW + 9), NGX_AIGC_JWT_BAD_SUBJECT);
    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\",\"sub\":\"\","
                       "\"exp\":%d}", NOW + 9), NGX_AIGC_JWT_BAD_SUBJECT);
    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\",\"sub\":\"%0128d"
                       "\",\"exp\":%d}", 1, NOW + 9), NGX_AIGC_JWT_OK);
    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\",\"sub\":\"%0129d"
                       "\",\"exp\":%d}", 1, NOW + 9),
           NGX_AIGC_JWT_BAD_SUBJECT);

    for (i = 1; i < 0x80; i++) {
        c = (u_char) i;

        is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\","
                           "\"sub\":\"u\\u%04x\",\"exp\":%d}", c, NOW + 9),
               (c < 0x20 || c == 0x7f) ? NGX_AIGC_JWT_BAD_SUBJECT
                                       : NGX_AIGC_JWT_OK);
    }

    /* who comes before when: "expired" says that the rest is right */

    is_int(u, check(u, "{\"iss\":\"x\",\"aud\":\"app\",\"sub\":\"u\","
                       "\"exp\":1}"), NGX_AIGC_JWT_BAD_ISSUER);
    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"x\",\"sub\":\"u\","
                       "\"exp\":1}"), NGX_AIGC_JWT_BAD_AUDIENCE);
    is_int(u, check(u, "{\"iss\":\"" ISS "\",\"aud\":\"app\",\"exp\":1}"),
           NGX_AIGC_JWT_BAD_SUBJECT);
    is_int(u, check(u, "{%s,\"nbf\":%d,\"exp\":1}", BASE, NOW + 99),
           NGX_AIGC_JWT_NOT_YET);
}


static void
jwt_words(unit_t *u)
{
    ngx_str_t   *a, *b;
    ngx_uint_t   i, j;

    for (i = 0; i <= NGX_AIGC_JWT_BAD_SUBJECT; i++) {
        a = ngx_aigc_jwt_verdict_text(i);
        ok(u, a->len > 0);

        for (j = 0; j < i; j++) {
            b = ngx_aigc_jwt_verdict_text(j);
            ok(u, a->len != b->len || ngx_memcmp(a->data, b->data, a->len));
        }
    }

    is_str(u, ngx_aigc_jwt_verdict_text(NGX_AIGC_JWT_OK), "valid");
    is_str(u, ngx_aigc_jwt_verdict_text(NGX_AIGC_JWT_BAD_SUBJECT),
           "unusable subject");
    is_str(u, ngx_aigc_jwt_verdict_text(99), "malformed token");
}


static void
jwt_scopes(unit_t *u)
{
    size_t          i;
    u_char          text[256];
    ngx_str_t       scope;
    ngx_aigc_jwt_t  jwt;

    static struct {
        const char  *claims;
        ngx_int_t    scoped, machine;
    } cases[] = {
        { "\"scope\":\"aigc\",\"sub\":\"u\",\"client_id\":\"c\"", NGX_OK,
          NGX_DECLINED },
        { "\"scope\":\"a aigc b\",\"sub\":\"c\",\"client_id\":\"c\"", NGX_OK,
          NGX_OK },
        { "\"scope\":\" aigc\",\"sub\":\"c\"", NGX_OK, NGX_DECLINED },
        { "\"scope\":\"aigc \",\"sub\":\"c\",\"client_id\":5", NGX_OK,
          NGX_DECLINED },
        { "\"scope\":\"aigcx xaigc aig\",\"sub\":\"c\",\"client_id\":\"cc\"",
          NGX_DECLINED, NGX_DECLINED },
        { "\"scope\":\"\",\"sub\":\"u\"", NGX_DECLINED, NGX_DECLINED },
        { "\"scope\":\" \",\"sub\":\"u\"", NGX_DECLINED, NGX_DECLINED },
        { "\"scope\":[\"aigc\"],\"sub\":\"u\"", NGX_DECLINED, NGX_DECLINED },
        { "\"scope\":null,\"sub\":\"u\"", NGX_DECLINED, NGX_DECLINED },
        { "\"sub\":\"u\"", NGX_DECLINED, NGX_DECLINED }
    };

    scope = unit_str(u, "aigc");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(text, "{%s}", cases[i].claims) = '\0';

        if (!is_int(u, parse(u, HEADER, (char *) text, &jwt), NGX_OK)
            || !is_int(u, ngx_aigc_jwt_has_scope(&jwt, &scope),
                       cases[i].scoped)
            || !is_int(u, ngx_aigc_jwt_is_machine(&jwt), cases[i].machine)
            || !is_int(u, jwt.roles_claim, 0))
        {
            unit_note("%s", cases[i].claims);
        }
    }

    is_int(u, parse(u, HEADER, "{\"roles\":[]}", &jwt), NGX_OK);
    is_int(u, jwt.roles_claim, 1);
}


unit_test_t  jwt_tests[] = {
    { "a token's claims are read", jwt_all_claims },
    { "four algorithms, and no other spelling", jwt_algorithms },
    { "a header that is not plain is no header", jwt_bad_headers },
    { "a claim of a wrong type spoils the token", jwt_bad_payloads },
    { "what is not exactly a token is none", jwt_bad_shapes },
    { "times, to the second", jwt_claims_times },
    { "issuer, audience, subject", jwt_claims_who },
    { "scopes, and whose own a token is", jwt_scopes },
    { "each verdict has its words", jwt_words },
    { NULL, NULL }
};
