/* t/unit/jose.c — signs with openssl, without any of the code under test. */

#include "jose.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <stdio.h>


#define JOSE_KEYS  12


static struct {
    char       kind[16];
    EVP_PKEY  *key;
} jose_keys[JOSE_KEYS];


ngx_str_t
jose_b64(unit_t *u, ngx_str_t *bytes)
{
    ngx_str_t  out;

    out.data = ngx_palloc(u->pool, ngx_base64_encoded_length(bytes->len) + 1);
    ngx_encode_base64url(&out, bytes);

    return out;
}


ngx_str_t
jose_fmt(unit_t *u, const char *fmt, ...)
{
    int        n;
    char      *buf;
    va_list    args;
    ngx_str_t  out;

    va_start(args, fmt);
    n = vasprintf(&buf, fmt, args);
    va_end(args);

    if (n < 0) {
        printf("Bail out! no memory\n");
        exit(1);
    }

    out = unit_bytes(u, buf, n);
    free(buf);

    return out;
}


EVP_PKEY *
jose_key(unit_t *u, const char *kind)
{
    ngx_uint_t  i;

    for (i = 0; i < JOSE_KEYS && jose_keys[i].key; i++) {
        if (ngx_strcmp(jose_keys[i].kind, kind) == 0) {
            return jose_keys[i].key;
        }
    }

    if (!ok(u, i < JOSE_KEYS)) {
        exit(1);
    }

    if (ngx_strncmp(kind, "RSA-", 4) == 0) {
        jose_keys[i].key = EVP_RSA_gen(atoi(kind + 4));

    } else if (ngx_strcmp(kind, "Ed25519") == 0) {
        jose_keys[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    } else {
        jose_keys[i].key = EVP_EC_gen(kind[0] == 'X' ? kind + 1 : kind);
    }

    if (!ok(u, jose_keys[i].key != NULL)) {
        exit(1);
    }

    (void) snprintf(jose_keys[i].kind, sizeof(jose_keys[i].kind), "%s", kind);

    return jose_keys[i].key;
}


void
jose_done(void)
{
    ngx_uint_t  i;

    for (i = 0; i < JOSE_KEYS; i++) {
        EVP_PKEY_free(jose_keys[i].key);
        jose_keys[i].key = NULL;
    }
}


static ngx_str_t
jose_sign(unit_t *u, EVP_PKEY *key, const char *alg, ngx_str_t *input)
{
    int                   n;
    size_t                len;
    u_char                buf[1024], raw[132];
    EVP_MD_CTX           *ctx;
    EVP_PKEY_CTX         *pctx;
    ECDSA_SIG            *sig;
    ngx_str_t             out;
    const u_char         *p;
    const char           *digest;

    digest = ngx_strcmp(alg, "ES384") == 0 ? "SHA384"
             : ngx_strcmp(alg, "ES512") == 0 ? "SHA512"
             : EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";

    ctx = EVP_MD_CTX_new();
    len = sizeof(buf);

    ok(u, EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, key, NULL)
          == 1);

    if (ngx_strncmp(alg, "PS256", 5) == 0 && EVP_PKEY_is_a(key, "RSA")) {
        ok(u, EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);

        /* "PS256-0", …: another salt than RFC 7518's */

        ok(u, EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, alg[5] ? atoi(alg + 6)
                                               : RSA_PSS_SALTLEN_DIGEST)
              == 1);
    }

    ok(u, EVP_DigestSign(ctx, buf, &len, input->data, input->len) == 1);
    EVP_MD_CTX_free(ctx);

    out.data = buf;
    out.len = len;

    if (EVP_PKEY_is_a(key, "EC")) {
        p = buf;
        sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
        n = (EVP_PKEY_get_bits(key) + 7) / 8;

        ok(u, BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, n) == n);
        ok(u, BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + n, n) == n);
        ECDSA_SIG_free(sig);

        out.data = raw;
        out.len = n * 2;
    }

    return jose_b64(u, &out);
}


ngx_str_t
jose_token(unit_t *u, EVP_PKEY *key, const char *alg, const char *header,
    const char *payload)
{
    ngx_str_t  h, p, input, sig;

    h = unit_str(u, header);
    h = jose_b64(u, &h);
    p = unit_str(u, payload);
    p = jose_b64(u, &p);

    input = jose_fmt(u, "%.*s.%.*s", (int) h.len, h.data, (int) p.len,
                     p.data);

    if (key) {
        sig = jose_sign(u, key, alg, &input);

    } else {
        sig = unit_str(u, "AAAA");
    }

    return jose_fmt(u, "%.*s.%.*s", (int) input.len, input.data,
                    (int) sig.len, sig.data);
}


static ngx_str_t
jose_number(unit_t *u, EVP_PKEY *key, const char *name, int pad)
{
    int         n;
    u_char      buf[2048];
    BIGNUM     *bn;
    ngx_str_t   bytes;

    bn = NULL;
    ok(u, EVP_PKEY_get_bn_param(key, name, &bn) == 1);

    n = pad ? pad : BN_num_bytes(bn);
    ok(u, BN_bn2binpad(bn, buf, n) == n);
    BN_free(bn);

    bytes.data = buf;
    bytes.len = n;

    return jose_b64(u, &bytes);
}


ngx_str_t
jose_jwk(unit_t *u, EVP_PKEY *key, const char *kid, const char *extra)
{
    int        n;
    char       id[160];
    size_t     len;
    u_char     raw[64];
    ngx_str_t  a, b;

    id[0] = '\0';

    if (kid) {
        (void) snprintf(id, sizeof(id), ",\"kid\":\"%s\"", kid);
    }

    if (EVP_PKEY_is_a(key, "RSA")) {
        a = jose_number(u, key, OSSL_PKEY_PARAM_RSA_N, 0);
        b = jose_number(u, key, OSSL_PKEY_PARAM_RSA_E, 0);

        return jose_fmt(u, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\""
                           "%s%s}", (int) a.len, a.data, (int) b.len, b.data,
                        id, extra);
    }

    if (EVP_PKEY_is_a(key, "ED25519")) {
        len = sizeof(raw);
        ok(u, EVP_PKEY_get_raw_public_key(key, raw, &len) == 1);

        b.data = raw;
        b.len = len;
        a = jose_b64(u, &b);

        return jose_fmt(u, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\""
                           ",\"x\":\"%.*s\"%s%s}", (int) a.len, a.data, id,
                        extra);
    }

    n = EVP_PKEY_get_bits(key);
    a = jose_number(u, key, OSSL_PKEY_PARAM_EC_PUB_X, (n + 7) / 8);
    b = jose_number(u, key, OSSL_PKEY_PARAM_EC_PUB_Y, (n + 7) / 8);

    return jose_fmt(u, "{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%.*s\""
                       ",\"y\":\"%.*s\"%s%s}", n, (int) a.len, a.data,
                    (int) b.len, b.data, id, extra);
}
