/* oidc/ngx_aigc_jwks.h: which keys are keys, and which signatures hold. */

#include "jose.h"
#include "oidc/ngx_aigc_jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>


#define PAYLOAD  "{\"sub\":\"u1\",\"iss\":\"https://l/oidc\"}"


static const struct {
    const char      *alg;
    const char      *kind;
    ngx_aigc_alg_e   id;
} algs[] = {
    { "ES256", "P-256", NGX_AIGC_ALG_ES256 },
    { "ES384", "P-384", NGX_AIGC_ALG_ES384 },
    { "ES512", "P-521", NGX_AIGC_ALG_ES512 },
    { "RS256", "RSA-2048", NGX_AIGC_ALG_RS256 },
    { "PS256", "RSA-2048", NGX_AIGC_ALG_PS256 },
    { "EdDSA", "Ed25519", NGX_AIGC_ALG_EDDSA }
};

#define NALGS  (sizeof(algs) / sizeof(algs[0]))


/* a public key for each of them, "k0", "k1", … */

static ngx_aigc_jwks_t *
all_keys(unit_t *u)
{
    ngx_str_t         json, jwk, extra;
    ngx_uint_t        i;
    ngx_aigc_jwks_t  *jwks;

    json = unit_str(u, "{\"keys\":[");

    for (i = 0; i < NALGS; i++) {
        jwk = jose_fmt(u, "k%d%c", (int) i, 0);
        extra = jose_fmt(u, ",\"use\":\"sig\",\"alg\":\"%s\"%c", algs[i].alg,
                         0);
        jwk = jose_jwk(u, jose_key(u, algs[i].kind), (char *) jwk.data,
                       (char *) extra.data);
        json = jose_fmt(u, "%.*s%s%.*s", (int) json.len, json.data,
                        i ? "," : "", (int) jwk.len, jwk.data);
    }

    json = jose_fmt(u, "%.*s]}", (int) json.len, json.data);

    if (!is_int(u, ngx_aigc_jwks_parse(&json, &jwks, u->log), NGX_OK)) {
        exit(1);
    }

    return jwks;
}


static ngx_int_t
parse_one(unit_t *u, ngx_str_t *jwk, ngx_aigc_jwks_t **jwks)
{
    ngx_str_t  json;

    json = jose_fmt(u, "{\"keys\":[%.*s]}", (int) jwk->len, jwk->data);

    return ngx_aigc_jwks_parse(&json, jwks, u->log);
}


static ngx_int_t
parse_text(unit_t *u, const char *text)
{
    ngx_int_t         rc;
    ngx_str_t         json;
    ngx_aigc_jwks_t  *jwks;

    json = unit_str(u, text);
    rc = ngx_aigc_jwks_parse(&json, &jwks, u->log);

    ok(u, (rc == NGX_OK) == (jwks != NULL));
    ngx_aigc_jwks_free(jwks);

    return rc;
}


static ngx_str_t
sign(unit_t *u, ngx_uint_t i, const char *kid)
{
    ngx_str_t  header;

    header = kid ? jose_fmt(u, "{\"alg\":\"%s\",\"kid\":\"%s\"}%c",
                            algs[i].alg, kid, 0)
                 : jose_fmt(u, "{\"alg\":\"%s\"}%c", algs[i].alg, 0);

    return jose_token(u, jose_key(u, algs[i].kind), algs[i].alg,
                      (char *) header.data, PAYLOAD);
}


/* what parse and verify say together; a token that does not parse is -1 */

static ngx_int_t
verify(unit_t *u, ngx_aigc_jwks_t *jwks, ngx_str_t *token)
{
    ngx_int_t       rc;
    ngx_aigc_jwt_t  jwt;

    rc = ngx_aigc_jwt_parse(u->pool, token, &jwt);

    if (rc != NGX_OK) {
        is_int(u, rc, NGX_DECLINED);
        return -1;
    }

    rc = ngx_aigc_jwks_verify(jwks, &jwt);
    is_int(u, ERR_peek_error(), 0);

    return rc;
}


static void
jwks_signatures(unit_t *u)
{
    char              kid[8];
    ngx_str_t         token;
    ngx_uint_t        i, j;
    ngx_aigc_jwks_t  *jwks;

    jwks = all_keys(u);

    for (i = 0; i < NALGS; i++) {
        for (j = 0; j < NALGS; j++) {
            (void) snprintf(kid, sizeof(kid), "k%d", (int) j);
            token = sign(u, i, kid);

            if (!is_int(u, verify(u, jwks, &token),
                        i == j ? NGX_AIGC_JWT_OK : NGX_AIGC_JWT_BAD_ALG))
            {
                unit_note("%s with the key of %s", algs[i].alg, algs[j].alg);
            }
        }

        token = sign(u, i, NULL);
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_OK);

        token = sign(u, i, "k9");
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);

        token = sign(u, i, "k");
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);
    }

    ngx_aigc_jwks_free(jwks);
    ngx_aigc_jwks_free(NULL);
}


/* r and s are numbers: some begin with zeros, or with a bit that is a sign */

static void
jwks_numbers(unit_t *u)
{
    u_char            first;
    ngx_str_t         token;
    ngx_uint_t        i, n, zeros, signs;
    ngx_aigc_jwt_t    jwt;
    ngx_aigc_jwks_t  *jwks;

    jwks = all_keys(u);

    for (i = 0; i < 3; i++) {
        zeros = 0;
        signs = 0;

        for (n = 0; n < 10000 && (n < 50 || !zeros || !signs); n++) {
            token = sign(u, i, NULL);

            is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);
            is_int(u, ngx_aigc_jwks_verify(jwks, &jwt), NGX_AIGC_JWT_OK);

            first = jwt.signature.data[(n % 2) * jwt.signature.len / 2];
            zeros += (first == 0);
            signs += (first >> 7) || i == 2;    /* P-521: none */
        }

        ok(u, zeros && signs);
    }

    ngx_aigc_jwks_free(jwks);
}


/* an RSA key that names no alg is for both; PSS has the salt of RFC 7518 */

static void
jwks_rsa(unit_t *u)
{
    EVP_PKEY         *key;
    ngx_str_t         jwk, token;
    ngx_uint_t        i;
    ngx_aigc_jwks_t  *jwks;

    static const struct {
        const char  *sign, *header;
        ngx_int_t    verdict;
    } cases[] = {
        { "RS256", "{\"alg\":\"RS256\"}", NGX_AIGC_JWT_OK },
        { "PS256", "{\"alg\":\"PS256\"}", NGX_AIGC_JWT_OK },
        { "PS256", "{\"alg\":\"RS256\"}", NGX_AIGC_JWT_BAD_SIGNATURE },
        { "RS256", "{\"alg\":\"PS256\"}", NGX_AIGC_JWT_BAD_SIGNATURE },
        { "PS256-0", "{\"alg\":\"PS256\"}", NGX_AIGC_JWT_BAD_SIGNATURE },
        { "PS256-20", "{\"alg\":\"PS256\"}", NGX_AIGC_JWT_BAD_SIGNATURE },
        { "PS256-64", "{\"alg\":\"PS256\"}", NGX_AIGC_JWT_BAD_SIGNATURE },
        { "RS256", "{\"alg\":\"ES256\"}", NGX_AIGC_JWT_UNKNOWN_KEY }
    };

    key = jose_key(u, "RSA-2048");
    jwk = jose_jwk(u, key, NULL, "");

    if (!is_int(u, parse_one(u, &jwk, &jwks), NGX_OK)) {
        return;
    }

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        token = jose_token(u, key, cases[i].sign, cases[i].header, PAYLOAD);

        if (!is_int(u, verify(u, jwks, &token), cases[i].verdict)) {
            unit_note("%s as %s", cases[i].sign, cases[i].header);
        }
    }

    ngx_aigc_jwks_free(jwks);
}


/* Ed25519 keys and nothing like them (RFC 8037) */

static void
jwks_okp(unit_t *u)
{
    ngx_uint_t        i;

    static const char  *bad[] = {
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":1}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":"
            "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":"
            "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":"
            "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
            "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURoA\"}"
    };

    static const char  *good =
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
        "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

    char              text[256];

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(text, sizeof(text), "{\"keys\":[%s]}", bad[i]);
        is_int(u, parse_text(u, text), NGX_DECLINED);
    }

    (void) snprintf(text, sizeof(text), "{\"keys\":[%s]}", good);
    is_int(u, parse_text(u, text), NGX_OK);
}


static void
jwks_damage(unit_t *u)
{
    char              kid[8];
    size_t            i, bytes;
    u_char           *sig;
    ngx_str_t         token, copy;
    ngx_uint_t        a, bit, step;
    ngx_aigc_jwt_t    jwt;
    ngx_aigc_jwks_t  *jwks;

    jwks = all_keys(u);

    for (a = 0; a < NALGS; a++) {
        (void) snprintf(kid, sizeof(kid), "k%d", (int) a);
        token = sign(u, a, kid);

        /* every truncation */

        for (i = 0; i < token.len; i++) {
            copy = unit_bytes(u, token.data, i);
            ok(u, verify(u, jwks, &copy) != NGX_AIGC_JWT_OK);
        }

        /* every character of the token another one */

        for (i = 0; i < token.len; i++) {
            copy = unit_bytes(u, token.data, token.len);
            copy.data[i] = copy.data[i] == 'A' ? 'B' : 'A';
            ok(u, verify(u, jwks, &copy) != NGX_AIGC_JWT_OK);
        }

        /* every byte of the signature, in all its bits for the short ones */

        is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);
        sig = jwt.signature.data;
        bytes = jwt.signature.len;
        step = bytes > 132 ? 8 : 1;

        for (i = 0; i < bytes; i++) {
            for (bit = 0; bit < 8; bit += step) {
                sig[i] ^= 1 << bit;
                is_int(u, ngx_aigc_jwks_verify(jwks, &jwt),
                       NGX_AIGC_JWT_BAD_SIGNATURE);
                sig[i] ^= 1 << bit;
            }
        }

        is_int(u, ngx_aigc_jwks_verify(jwks, &jwt), NGX_AIGC_JWT_OK);

        /* shorter, empty, longer */

        for (i = 0; i < bytes; i++) {
            jwt.signature = unit_bytes(u, sig, i);
            is_int(u, ngx_aigc_jwks_verify(jwks, &jwt),
                   NGX_AIGC_JWT_BAD_SIGNATURE);
        }

        jwt.signature.data = ngx_pcalloc(u->pool, bytes + 1);
        ngx_memcpy(jwt.signature.data, sig, bytes);
        jwt.signature.len = bytes + 1;
        is_int(u, ngx_aigc_jwks_verify(jwks, &jwt),
               NGX_AIGC_JWT_BAD_SIGNATURE);

        /* r = s = 0 (CVE-2022-21449), and all ones */

        jwt.signature.len = bytes;
        ngx_memzero(jwt.signature.data, bytes);
        is_int(u, ngx_aigc_jwks_verify(jwks, &jwt),
               NGX_AIGC_JWT_BAD_SIGNATURE);

        ngx_memset(jwt.signature.data, 0xff, bytes);
        is_int(u, ngx_aigc_jwks_verify(jwks, &jwt),
               NGX_AIGC_JWT_BAD_SIGNATURE);
    }

    is_int(u, ERR_peek_error(), 0);
    ngx_aigc_jwks_free(jwks);
}


static void
jwks_forged_algorithms(unit_t *u)
{
    BIO              *bio;
    char             *pem;
    long              len;
    u_char            mac[32];
    unsigned int      n;
    ngx_str_t         h, p, input, sig, token;
    ngx_uint_t        i;
    ngx_aigc_jwks_t  *jwks;

    static const char  *none[] = {
        "{\"alg\":\"none\",\"kid\":\"k1\"}", "{\"alg\":\"none\"}",
        "{\"alg\":\"None\",\"kid\":\"k1\"}", "{\"alg\":\"nOnE\"}",
        "{\"alg\":\"\",\"kid\":\"k1\"}"
    };

    jwks = all_keys(u);

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        token = jose_token(u, NULL, NULL, none[i], PAYLOAD);
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_ALG);

        token.len -= 4;                         /* and without a signature */
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_ALG);
    }

    /* HS256, the secret being what everybody knows */

    for (i = 0; i < NALGS; i++) {
        bio = BIO_new(BIO_s_mem());
        ok(u, PEM_write_bio_PUBKEY(bio, jose_key(u, algs[i].kind)) == 1);
        len = BIO_get_mem_data(bio, &pem);

        h = jose_fmt(u, "{\"alg\":\"HS256\",\"kid\":\"k%d\"}", (int) i);
        h = jose_b64(u, &h);
        p = unit_str(u, PAYLOAD);
        p = jose_b64(u, &p);
        input = jose_fmt(u, "%.*s.%.*s", (int) h.len, h.data, (int) p.len,
                         p.data);

        ok(u, HMAC(EVP_sha256(), pem, (int) len, input.data, input.len, mac,
                   &n) != NULL);
        BIO_free(bio);

        sig.data = mac;
        sig.len = n;
        sig = jose_b64(u, &sig);

        token = jose_fmt(u, "%.*s.%.*s", (int) input.len, input.data,
                         (int) sig.len, sig.data);
        is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_ALG);
    }

    /* signed well, but by somebody else's key of the same kind */

    token = jose_token(u, jose_key(u, "XP-384"), "ES384",
                       "{\"alg\":\"ES384\",\"kid\":\"k1\"}", PAYLOAD);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_SIGNATURE);

    /* a header that brings its own key */

    h = jose_jwk(u, jose_key(u, "XP-384"), "k1", "");
    h = jose_fmt(u, "{\"alg\":\"ES384\",\"kid\":\"k1\",\"jwk\":%.*s}%c",
                 (int) h.len, h.data, 0);
    token = jose_token(u, jose_key(u, "XP-384"), "ES384", (char *) h.data,
                       PAYLOAD);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_SIGNATURE);

    ngx_aigc_jwks_free(jwks);
}


static void
jwks_documents(unit_t *u)
{
    char        *big;
    ngx_str_t    jwk, kid;
    ngx_uint_t   i;

    static const char  *bad[] = {
        "", " ", "null", "[]", "{}", "{\"keys\":null}", "{\"keys\":{}}",
        "{\"keys\":[]}", "{\"keys\":\"x\"}", "{\"keys\":[null,1,\"x\",[]]}",
        "{\"keys\":[{}]}", "<html>502 Bad Gateway</html>",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"a\"}]}",
        "{\"keys\":[{\"kty\":\"EC\"}]}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":2}]}",
        "{\"keys\":[{\"kty\":1,\"crv\":2,\"x\":3,\"y\":4}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
        "{\"keys\":[],\"keys\":[]}", "{\"keys\":["
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, parse_text(u, bad[i]), NGX_DECLINED)) {
            unit_note("%s", bad[i]);
        }
    }

    /* the document's bound; a key id's bound */

    jwk = jose_jwk(u, jose_key(u, "P-256"), NULL, "");
    big = ngx_pcalloc(u->pool, NGX_AIGC_JWKS_MAX + 2);
    ngx_memset(big, ' ', NGX_AIGC_JWKS_MAX);
    (void) ngx_sprintf((u_char *) big, "{\"keys\":[%V]}", &jwk);
    is_int(u, parse_text(u, big), NGX_OK);

    big[NGX_AIGC_JWKS_MAX] = ' ';
    is_int(u, parse_text(u, big), NGX_DECLINED);

    for (i = NGX_AIGC_KID_MAX; i <= NGX_AIGC_KID_MAX + 1; i++) {
        kid = jose_fmt(u, "%0*d%c", (int) i, 1, 0);
        jwk = jose_jwk(u, jose_key(u, "P-256"), (char *) kid.data, "");
        big = (char *) jose_fmt(u, "{\"keys\":[%.*s]}%c", (int) jwk.len,
                                jwk.data, 0).data;
        is_int(u, parse_text(u, big),
               i == NGX_AIGC_KID_MAX ? NGX_OK : NGX_DECLINED);
    }
}


static void
jwks_bad_keys(unit_t *u)
{
    size_t              n;
    u_char             *x, point[80];
    EVP_PKEY           *ec;
    ngx_str_t           jwk, a, b;
    ngx_uint_t          i;
    ngx_aigc_jwks_t    *jwks;

    static const struct {
        const char  *kind, *extra;
        ngx_int_t    rc;
    } cases[] = {
        { "P-384", "", NGX_OK },
        { "P-384", ",\"use\":\"sig\",\"alg\":\"ES384\"", NGX_OK },
        { "P-384", ",\"key_ops\":[\"verify\"]", NGX_OK },
        { "P-384", ",\"key_ops\":[\"sign\",1,\"verify\"]", NGX_OK },
        { "P-384", ",\"use\":\"enc\"", NGX_DECLINED },
        { "P-384", ",\"use\":1", NGX_DECLINED },
        { "P-384", ",\"key_ops\":[\"encrypt\"]", NGX_DECLINED },
        { "P-384", ",\"key_ops\":[]", NGX_DECLINED },
        { "P-384", ",\"key_ops\":\"verify\"", NGX_DECLINED },
        { "P-384", ",\"alg\":\"ES256\"", NGX_DECLINED },
        { "P-384", ",\"alg\":\"ECDH-ES\"", NGX_DECLINED },
        { "P-384", ",\"alg\":384", NGX_DECLINED },
        { "P-384", ",\"d\":\"AAAA\"", NGX_DECLINED },
        { "P-384", ",\"d\":null", NGX_DECLINED },
        { "P-384", ",\"k\":\"AAAA\"", NGX_DECLINED },
        { "P-384", ",\"kid\":\"\"", NGX_DECLINED },
        { "P-384", ",\"kid\":1", NGX_DECLINED },
        { "RSA-2048", ",\"alg\":\"RS256\"", NGX_OK },
        { "RSA-2048", ",\"alg\":\"RS512\"", NGX_DECLINED },
        { "RSA-2048", ",\"alg\":\"PS256\"", NGX_OK },
        { "RSA-2048", ",\"alg\":\"PS512\"", NGX_DECLINED },
        { "RSA-1024", ",\"alg\":\"PS256\"", NGX_DECLINED },
        { "Ed25519", "", NGX_OK },
        { "Ed25519", ",\"alg\":\"EdDSA\"", NGX_OK },
        { "Ed25519", ",\"alg\":\"ES256\"", NGX_DECLINED },
        { "Ed25519", ",\"d\":\"AAAA\"", NGX_DECLINED },
        { "RSA-2048", ",\"alg\":\"HS256\"", NGX_DECLINED },
        { "RSA-2048", ",\"d\":\"AAAA\"", NGX_DECLINED },
        { "RSA-1024", "", NGX_DECLINED },
        { "P-224", "", NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jwk = jose_jwk(u, jose_key(u, cases[i].kind), NULL, cases[i].extra);

        if (!is_int(u, parse_one(u, &jwk, &jwks), cases[i].rc)) {
            unit_note("%s %s", cases[i].kind, cases[i].extra);
        }

        ngx_aigc_jwks_free(jwks);
    }

    /* a point beside the curve; another curve's; a coordinate too short */

    ec = jose_key(u, "P-384");
    jwk = jose_jwk(u, ec, NULL, "");
    x = ngx_strnstr(jwk.data, "\"x\":\"", jwk.len) + 5;
    x[10] = x[10] == 'A' ? 'B' : 'A';
    is_int(u, parse_one(u, &jwk, &jwks), NGX_DECLINED);

    jwk = jose_jwk(u, ec, NULL, "");
    x = ngx_strnstr(jwk.data, "P-384", jwk.len);
    ngx_memcpy(x, "P-256", 5);
    is_int(u, parse_one(u, &jwk, &jwks), NGX_DECLINED);
    ngx_memcpy(x, "P-521", 5);
    is_int(u, parse_one(u, &jwk, &jwks), NGX_DECLINED);

    /* the same point, but y's first byte is x's last */

    n = sizeof(point);
    ok(u, EVP_PKEY_get_octet_string_param(jose_key(u, "P-256"),
                                          OSSL_PKEY_PARAM_PUB_KEY, point, n,
                                          &n)
          == 1);
    is_int(u, n, 65);

    for (i = 31; i <= 33; i++) {
        a.data = point + 1;
        a.len = i;
        b.data = point + 1 + i;
        b.len = 64 - i;

        a = jose_b64(u, &a);
        b = jose_b64(u, &b);
        jwk = jose_fmt(u, "{\"kty\":\"EC\",\"crv\":\"P-256\","
                          "\"x\":\"%.*s\",\"y\":\"%.*s\"}", (int) a.len,
                       a.data, (int) b.len, b.data);

        is_int(u, parse_one(u, &jwk, &jwks),
               i == 32 ? NGX_OK : NGX_DECLINED);
        ngx_aigc_jwks_free(jwks);
    }

    jwk = jose_fmt(u, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%043d\","
                      "\"y\":\"%043d\"}", 0, 0);
    ngx_memset(ngx_strnstr(jwk.data, "000", jwk.len), 'A', 43);
    is_int(u, parse_one(u, &jwk, &jwks), NGX_DECLINED);
    is_int(u, ERR_peek_error(), 0);
}


static void
jwks_bad_rsa(unit_t *u)
{
    size_t            i;
    ngx_str_t         jwk;
    ngx_aigc_jwks_t  *jwks;

    static const struct {
        int          n;                 /* digits of n; all 1, so it is odd */
        const char  *e;
        ngx_int_t    rc;
    } cases[] = {
        { 342, "AQAB", NGX_OK },        /* 2052 bits */
        { 342, "Aw", NGX_OK },
        { 342, "AQ", NGX_DECLINED },    /* 1: anybody signs */
        { 342, "AA", NGX_DECLINED },
        { 342, "Ag", NGX_DECLINED },    /* even */
        { 342, "", NGX_DECLINED },
        { 342, "AQAB=", NGX_DECLINED },
        { 342, "AQAAAAAAAAAAAAAB", NGX_DECLINED },
        { 338, "AQAB", NGX_DECLINED },  /* 2028 bits */
        { 1364, "AQAB", NGX_OK },       /* 8184 bits */
        { 1368, "AQAB", NGX_DECLINED },
        { 8000, "AQAB", NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jwk = jose_fmt(u, "{\"kty\":\"RSA\",\"n\":\"%0*d\",\"e\":\"%s\"}",
                       cases[i].n, 0, cases[i].e);
        ngx_memset(ngx_strnstr(jwk.data, "000", jwk.len), '_', cases[i].n);

        /* 342 digits are 256.5 bytes: the last one has four idle bits */

        if (cases[i].n % 4 == 2) {
            jwk.data[ngx_strnstr(jwk.data, "\"n\":\"", jwk.len) - jwk.data
                     + 5 + cases[i].n - 1] = 'w';
        }

        if (!is_int(u, parse_one(u, &jwk, &jwks), cases[i].rc)) {
            unit_note("n of %d digits, e %s", cases[i].n, cases[i].e);
        }

        ngx_aigc_jwks_free(jwks);
    }

    is_int(u, ERR_peek_error(), 0);
}


static void
jwks_sets(unit_t *u)
{
    char              kid[8];
    ngx_str_t         json, a, b, token, id;
    ngx_uint_t        i;
    ngx_aigc_jwks_t  *jwks;

    /* two keys of one kind: without a kid nothing tells which */

    a = jose_jwk(u, jose_key(u, "P-384"), "a", "");
    b = jose_jwk(u, jose_key(u, "XP-384"), "b", "");
    json = jose_fmt(u, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":"
                       "\"c\"},%.*s,{\"kty\":\"?\"},%.*s]}", (int) a.len,
                    a.data, (int) b.len, b.data);
    is_int(u, ngx_aigc_jwks_parse(&json, &jwks, u->log), NGX_OK);

    token = sign(u, 1, NULL);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);
    token = sign(u, 1, "a");
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_OK);
    token = sign(u, 1, "b");
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_BAD_SIGNATURE);
    token = sign(u, 1, "c");
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);

    id = unit_str(u, "a");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_OK);
    id = unit_str(u, "b");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_OK);
    id = unit_str(u, "c");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_DECLINED);
    id = unit_str(u, "");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_DECLINED);
    id = unit_str(u, "aa");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_DECLINED);
    ngx_aigc_jwks_free(jwks);

    /* a key without a kid is found without one only */

    a = jose_jwk(u, jose_key(u, "P-384"), NULL, "");
    is_int(u, parse_one(u, &a, &jwks), NGX_OK);
    id = unit_str(u, "");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_DECLINED);
    token = sign(u, 1, NULL);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_OK);
    token = sign(u, 1, "a");
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);
    token = sign(u, 0, NULL);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_UNKNOWN_KEY);
    ngx_aigc_jwks_free(jwks);

    /* 16 keys are kept, the 17th is not */

    json = unit_str(u, "{\"keys\":[");

    for (i = 0; i < NGX_AIGC_JWKS_KEYS_MAX + 1; i++) {
        (void) snprintf(kid, sizeof(kid), "%d", (int) i);
        a = jose_jwk(u, jose_key(u, "P-256"), kid, "");
        json = jose_fmt(u, "%.*s%s%.*s", (int) json.len, json.data,
                        i ? "," : "", (int) a.len, a.data);
    }

    json = jose_fmt(u, "%.*s]}", (int) json.len, json.data);
    is_int(u, ngx_aigc_jwks_parse(&json, &jwks, u->log), NGX_OK);
    id = unit_str(u, "15");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_OK);
    id = unit_str(u, "16");
    is_int(u, ngx_aigc_jwks_has(jwks, &id), NGX_DECLINED);
    ngx_aigc_jwks_free(jwks);
}


/* RFC 7515 A.3, so that our own mistakes are not made twice */

static void
jwks_rfc7515(unit_t *u)
{
    ngx_str_t         jwk, token;
    ngx_aigc_jwks_t  *jwks;

    jwk = unit_str(u, "{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
    token = unit_str(u, "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEz"
        "MDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
        "pmWQxfKTUJqPP3-Kg6NU1Q");

    is_int(u, parse_one(u, &jwk, &jwks), NGX_OK);
    is_int(u, verify(u, jwks, &token), NGX_AIGC_JWT_OK);
    ngx_aigc_jwks_free(jwks);
}


/* the last one: frees what jose_key() has made */

static void
jwks_costs(unit_t *u)
{
    char              kid[8];
    double            parse, check;
    ngx_str_t         token;
    ngx_pool_t       *pool;
    ngx_uint_t        i, k;
    ngx_aigc_jwt_t    jwt;
    ngx_aigc_jwks_t  *jwks;

    jwks = all_keys(u);

    for (i = 0; i < NALGS; i++) {
        (void) snprintf(kid, sizeof(kid), "k%d", (int) i);
        token = sign(u, i, kid);

        parse = unit_usec();

        for (k = 0; k < 200; k++) {
            pool = ngx_create_pool(4096, u->log);
            is_int(u, ngx_aigc_jwt_parse(pool, &token, &jwt), NGX_OK);
            ngx_destroy_pool(pool);
        }

        parse = (unit_usec() - parse) / 200;

        is_int(u, ngx_aigc_jwt_parse(u->pool, &token, &jwt), NGX_OK);
        check = unit_usec();

        for (k = 0; k < 200; k++) {
            is_int(u, ngx_aigc_jwks_verify(jwks, &jwt), NGX_AIGC_JWT_OK);
        }

        check = (unit_usec() - check) / 200;

        unit_note("%s: parse %.1f us, verify %.1f us", algs[i].alg, parse,
                  check);
    }

    ngx_aigc_jwks_free(jwks);
    jose_done();
}


unit_test_t  jwks_tests[] = {
    { "six algorithms, each with its own kind of key", jwks_signatures },
    { "signatures by numbers of any length", jwks_numbers },
    { "an RSA key for both of its algorithms", jwks_rsa },
    { "Ed25519 keys and nothing like them", jwks_okp },
    { "a damaged token never holds", jwks_damage },
    { "none, HMAC and strangers' keys never hold", jwks_forged_algorithms },
    { "what is no JWKS never replaces one", jwks_documents },
    { "keys of other uses, private, off their curve", jwks_bad_keys },
    { "RSA keys that are too weak or too large", jwks_bad_rsa },
    { "keys are found by their id", jwks_sets },
    { "the RFC's own example", jwks_rfc7515 },
    { "what it costs", jwks_costs },
    { NULL, NULL }
};
