/*
 * oidc/ngx_aigc_jwk.c — from JWK to openssl key, and signatures.
 */

#include "ngx_aigc_jwk.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>


#define NGX_AIGC_RSA_BYTES_MAX   (NGX_AIGC_RSA_BITS_MAX / 8)

/* a SEQUENCE of two INTEGERs, each with a byte that says "not negative" */
#define NGX_AIGC_DER_MAX         (3 + 2 * (2 + 1 + NGX_AIGC_EC_BYTES_MAX))


struct ngx_aigc_jwk_kind_s {
    ngx_aigc_alg_e   alg;                   /* the only one it is used with */
    const char      *name;                  /* of alg, as JOSE calls it */
    const char      *kty;
    const char      *crv;                   /* NULL: RSA */
    const char      *digest;                /* NULL: the algorithm's own */
    size_t           bytes;                 /* of a coordinate, of r and s */
};


static ngx_int_t ngx_aigc_jwk_may_verify(json_t *object);
static ngx_aigc_jwk_kind_t *ngx_aigc_jwk_kind(json_t *object);
static ngx_int_t ngx_aigc_jwk_bytes(json_t *object, const char *name,
    size_t max, ngx_str_t *out);
static EVP_PKEY *ngx_aigc_jwk_ec(json_t *object, ngx_aigc_jwk_kind_t *kind);
static EVP_PKEY *ngx_aigc_jwk_okp(json_t *object, ngx_aigc_jwk_kind_t *kind);
static EVP_PKEY *ngx_aigc_jwk_rsa(json_t *object);
static EVP_PKEY *ngx_aigc_jwk_make(const char *type, OSSL_PARAM_BLD *bld);
static ngx_int_t ngx_aigc_jwk_prepare(ngx_aigc_jwk_t *jwk);
static int ngx_aigc_jwk_verify(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt,
    ngx_str_t *sig);
static int ngx_aigc_jwk_verify_text(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt,
    ngx_str_t *sig);
static void ngx_aigc_jwk_der(ngx_str_t *signature, size_t bytes,
    ngx_str_t *der);
static u_char *ngx_aigc_jwk_der_integer(u_char *p, u_char *src, size_t len);


static ngx_aigc_jwk_kind_t  ngx_aigc_jwk_kinds[] = {
    { NGX_AIGC_ALG_ES384, "ES384", "EC", "P-384", "SHA384", 48 },
    { NGX_AIGC_ALG_ES256, "ES256", "EC", "P-256", "SHA256", 32 },
    { NGX_AIGC_ALG_ES512, "ES512", "EC", "P-521", "SHA512", 66 },
    { NGX_AIGC_ALG_RS256, "RS256", "RSA", NULL, "SHA256", 0 },
    { NGX_AIGC_ALG_PS256, "PS256", "RSA", NULL, "SHA256", 0 },
    { NGX_AIGC_ALG_EDDSA, "EdDSA", "OKP", "Ed25519", NULL, 32 },
    { NGX_AIGC_ALG_NONE, NULL, NULL, NULL, NULL, 0 }
};


ngx_int_t
ngx_aigc_jwk_read(json_t *object, ngx_aigc_jwk_t *jwk)
{
    size_t   len;
    json_t  *kid;

    if (ngx_aigc_jwk_may_verify(object) != NGX_OK) {
        return NGX_DECLINED;
    }

    jwk->kind = ngx_aigc_jwk_kind(object);
    if (jwk->kind == NULL) {
        return NGX_DECLINED;
    }

    jwk->kid_len = 0;
    kid = json_object_get(object, "kid");

    if (kid) {
        len = json_string_length(kid);

        if (len == 0 || len > NGX_AIGC_KID_MAX) {
            return NGX_DECLINED;
        }

        ngx_memcpy(jwk->kid, json_string_value(kid), len);
        jwk->kid_len = len;
    }

    jwk->open = (json_object_get(object, "alg") == NULL);

    jwk->pkey = jwk->kind->crv == NULL ? ngx_aigc_jwk_rsa(object)
                : jwk->kind->digest ? ngx_aigc_jwk_ec(object, jwk->kind)
                                    : ngx_aigc_jwk_okp(object, jwk->kind);

    if (jwk->pkey == NULL || ngx_aigc_jwk_prepare(jwk) != NGX_OK) {
        ngx_aigc_jwk_free(jwk);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Once for a key what would else be done for each signature. */
static ngx_int_t
ngx_aigc_jwk_prepare(ngx_aigc_jwk_t *jwk)
{
    if (jwk->kind->digest == NULL) {
        return NGX_OK;                      /* the text itself is signed */
    }

    jwk->md = EVP_MD_fetch(NULL, jwk->kind->digest, NULL);
    jwk->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, jwk->pkey, NULL);

    /* RSA's padding is PKCS #1 v1.5 by default, which is RS256's */

    if (jwk->md && jwk->ctx
        && EVP_PKEY_verify_init(jwk->ctx) == 1
        && EVP_PKEY_CTX_set_signature_md(jwk->ctx, jwk->md) == 1)
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


void
ngx_aigc_jwk_free(ngx_aigc_jwk_t *jwk)
{
    EVP_PKEY_CTX_free(jwk->ctx);
    EVP_MD_free(jwk->md);
    EVP_PKEY_free(jwk->pkey);

    jwk->ctx = NULL;
    jwk->md = NULL;
    jwk->pkey = NULL;
}


/* a public key, for signatures */

static ngx_int_t
ngx_aigc_jwk_may_verify(json_t *object)
{
    size_t       i;
    json_t      *use, *ops;
    const char  *op;

    if (!json_is_object(object)
        || json_object_get(object, "d")
        || json_object_get(object, "k"))
    {
        return NGX_DECLINED;
    }

    use = json_object_get(object, "use");

    if (use
        && (!json_is_string(use)
            || ngx_strcmp(json_string_value(use), "sig") != 0))
    {
        return NGX_DECLINED;
    }

    ops = json_object_get(object, "key_ops");
    if (ops == NULL) {
        return NGX_OK;
    }

    for (i = 0; i < json_array_size(ops); i++) {
        op = json_string_value(json_array_get(ops, i));

        if (op && ngx_strcmp(op, "verify") == 0) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* by kty and crv; an "alg" of the key's own has to say the same */

static ngx_aigc_jwk_kind_t *
ngx_aigc_jwk_kind(json_t *object)
{
    json_t               *alg;
    const char           *kty, *crv;
    ngx_aigc_jwk_kind_t  *kind;

    kty = json_string_value(json_object_get(object, "kty"));
    crv = json_string_value(json_object_get(object, "crv"));
    alg = json_object_get(object, "alg");

    if (kty == NULL) {
        return NULL;
    }

    for (kind = ngx_aigc_jwk_kinds; kind->name; kind++) {

        if (ngx_strcmp(kty, kind->kty) == 0
            && (kind->crv == NULL
                || (crv && ngx_strcmp(crv, kind->crv) == 0))
            && (alg == NULL
                || (json_is_string(alg)
                    && ngx_strcmp(json_string_value(alg), kind->name) == 0)))
        {
            return kind;
        }
    }

    return NULL;
}


/* out->data has room for ngx_base64_decoded_length() of max bytes' text */

static ngx_int_t
ngx_aigc_jwk_bytes(json_t *object, const char *name, size_t max,
    ngx_str_t *out)
{
    json_t     *value;
    ngx_str_t   text;

    value = json_object_get(object, name);

    text.len = json_string_length(value);
    text.data = (u_char *) json_string_value(value);

    if (text.len == 0 || text.len > ngx_base64_encoded_length(max)) {
        return NGX_DECLINED;
    }

    return ngx_aigc_base64url_decode(&text, out);
}


static EVP_PKEY *
ngx_aigc_jwk_ec(json_t *object, ngx_aigc_jwk_kind_t *kind)
{
    EVP_PKEY        *pkey;
    ngx_str_t        x, y;
    EVP_PKEY_CTX    *ctx;
    OSSL_PARAM_BLD  *bld;
    u_char           point[1 + NGX_AIGC_EC_BYTES_MAX * 2 + 6];
    u_char           ybuf[NGX_AIGC_EC_BYTES_MAX + 3];

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    x.data = point + 1;
    y.data = ybuf;

    if (ngx_aigc_jwk_bytes(object, "x", kind->bytes, &x) != NGX_OK
        || ngx_aigc_jwk_bytes(object, "y", kind->bytes, &y) != NGX_OK
        || x.len != kind->bytes
        || y.len != kind->bytes)
    {
        return NULL;
    }

    ngx_memcpy(point + 1 + x.len, y.data, y.len);

    bld = OSSL_PARAM_BLD_new();
    if (bld == NULL) {
        return NULL;
    }

    pkey = NULL;

    if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                        kind->crv, 0)
        && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                            point, 1 + x.len + y.len))
    {
        pkey = ngx_aigc_jwk_make("EC", bld);
    }

    OSSL_PARAM_BLD_free(bld);

    if (pkey == NULL) {
        return NULL;
    }

    /* on the curve, and not at infinity */

    ctx = EVP_PKEY_CTX_new(pkey, NULL);

    if (ctx == NULL || EVP_PKEY_public_check(ctx) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


static EVP_PKEY *
ngx_aigc_jwk_okp(json_t *object, ngx_aigc_jwk_kind_t *kind)
{
    ngx_str_t  x;
    u_char     xbuf[NGX_AIGC_EC_BYTES_MAX + 3];

    x.data = xbuf;

    if (ngx_aigc_jwk_bytes(object, "x", kind->bytes, &x) != NGX_OK
        || x.len != kind->bytes)
    {
        return NULL;
    }

    return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.data,
                                          x.len);
}


static EVP_PKEY *
ngx_aigc_jwk_rsa(json_t *object)
{
    BIGNUM          *bn, *be;
    EVP_PKEY        *pkey;
    ngx_str_t        n, e;
    OSSL_PARAM_BLD  *bld;
    u_char           nbuf[NGX_AIGC_RSA_BYTES_MAX + 3];
    u_char           ebuf[NGX_AIGC_RSA_EXP_MAX + 3];

    n.data = nbuf;
    e.data = ebuf;

    if (ngx_aigc_jwk_bytes(object, "n", NGX_AIGC_RSA_BYTES_MAX, &n) != NGX_OK
        || ngx_aigc_jwk_bytes(object, "e", NGX_AIGC_RSA_EXP_MAX, &e)
           != NGX_OK)
    {
        return NULL;
    }

    pkey = NULL;

    bn = BN_bin2bn(n.data, (int) n.len, NULL);
    be = BN_bin2bn(e.data, (int) e.len, NULL);
    bld = OSSL_PARAM_BLD_new();

    /* with e = 1 anybody signs */

    if (bn && be && bld
        && BN_num_bits(bn) >= NGX_AIGC_RSA_BITS_MIN
        && BN_num_bits(bn) <= NGX_AIGC_RSA_BITS_MAX
        && BN_is_odd(bn) && BN_is_odd(be) && !BN_is_one(be)
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn)
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be))
    {
        pkey = ngx_aigc_jwk_make("RSA", bld);
    }

    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    BN_free(be);

    return pkey;
}


static EVP_PKEY *
ngx_aigc_jwk_make(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1
        && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return pkey;
}


ngx_uint_t
ngx_aigc_jwk_fits(ngx_aigc_jwk_t *jwk, ngx_aigc_alg_e alg)
{
    return jwk->kind->alg == alg
           || (jwk->open && jwk->kind->alg == NGX_AIGC_ALG_RS256
               && alg == NGX_AIGC_ALG_PS256);
}


ngx_int_t
ngx_aigc_jwk_check(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt)
{
    int        rc;
    u_char     data[NGX_AIGC_DER_MAX];
    ngx_str_t  sig;

    sig = jwt->signature;

    if (jwk->kind->crv && jwk->kind->digest) {

        if (sig.len != 2 * jwk->kind->bytes) {
            return NGX_DECLINED;
        }

        sig.data = data;
        ngx_aigc_jwk_der(&jwt->signature, jwk->kind->bytes, &sig);

    } else if (sig.len != (size_t) EVP_PKEY_get_size(jwk->pkey)) {
        return NGX_DECLINED;
    }

    rc = (jwk->ctx && jwt->alg != NGX_AIGC_ALG_PS256)
         ? ngx_aigc_jwk_verify(jwk, jwt, &sig)
         : ngx_aigc_jwk_verify_text(jwk, jwt, &sig);

    return rc == 1 ? NGX_OK : NGX_DECLINED;
}


static int
ngx_aigc_jwk_verify(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt, ngx_str_t *sig)
{
    u_char        digest[EVP_MAX_MD_SIZE];
    unsigned int  len;

    if (EVP_Digest(jwt->signing_input.data, jwt->signing_input.len, digest,
                   &len, jwk->md, NULL)
        != 1)
    {
        return 0;
    }

    return EVP_PKEY_verify(jwk->ctx, sig->data, sig->len, digest, len);
}


/* Where there is no digest, or the padding is that of one token. */
static int
ngx_aigc_jwk_verify_text(ngx_aigc_jwk_t *jwk, ngx_aigc_jwt_t *jwt,
    ngx_str_t *sig)
{
    int            rc;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    rc = 0;
    ctx = EVP_MD_CTX_new();

    if (ctx
        && EVP_DigestVerifyInit_ex(ctx, &pctx, jwk->kind->digest, NULL, NULL,
                                   jwk->pkey, NULL)
           == 1
        && (jwt->alg != NGX_AIGC_ALG_PS256
            || (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
                                                    RSA_PSS_SALTLEN_DIGEST)
                   == 1)))
    {
        rc = EVP_DigestVerify(ctx, sig->data, sig->len,
                              jwt->signing_input.data,
                              jwt->signing_input.len);
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* r || s (RFC 7518 3.4) to what openssl takes: Ecdsa-Sig-Value (RFC 3279) */

static void
ngx_aigc_jwk_der(ngx_str_t *signature, size_t bytes, ngx_str_t *der)
{
    u_char  *p, *body, data[NGX_AIGC_DER_MAX];
    size_t   len;

    body = ngx_aigc_jwk_der_integer(data, signature->data, bytes);
    body = ngx_aigc_jwk_der_integer(body, signature->data + bytes, bytes);

    len = body - data;
    p = der->data;

    *p++ = 0x30;                            /* SEQUENCE */

    if (len > 0x7f) {
        *p++ = 0x81;                        /* one byte of length follows */
    }

    *p++ = (u_char) len;
    p = ngx_cpymem(p, data, len);

    der->len = p - der->data;
}


static u_char *
ngx_aigc_jwk_der_integer(u_char *p, u_char *src, size_t len)
{
    ngx_uint_t  negative;

    while (len > 1 && *src == 0) {
        src++;
        len--;
    }

    negative = *src >> 7;

    *p++ = 0x02;                            /* INTEGER */
    *p++ = (u_char) (len + negative);

    if (negative) {
        *p++ = 0;
    }

    return ngx_cpymem(p, src, len);
}
