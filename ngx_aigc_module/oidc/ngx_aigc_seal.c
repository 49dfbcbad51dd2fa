/*
 * oidc/ngx_aigc_seal.c — sealed text is base64url, without padding, of
 *
 *     1 byte      version, 1
 *     3 bytes     key hint: which key sealed it, so that the right one is
 *                 tried; not secret, not trusted
 *     12 bytes    nonce, random for each seal
 *     n bytes     AES-256-GCM ciphertext
 *     16 bytes    GCM tag
 *
 * with the version byte and the purpose as additional data (the hint needs
 * none: under another key the tag is wrong).  Random nonces bound a key to 2^32
 * seals: at 100 a second that is more than a year; rotate before.
 */

#include "ngx_aigc_seal.h"
#include "base/ngx_aigc_base64url.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>


#define NGX_AIGC_SEAL_VERSION   1
#define NGX_AIGC_SEAL_NONCE     12
#define NGX_AIGC_SEAL_TAG       16
#define NGX_AIGC_SEAL_HEAD      (1 + NGX_AIGC_SEAL_HINT_LEN                   \
                                 + NGX_AIGC_SEAL_NONCE)
#define NGX_AIGC_SHA256_LEN     32


static ngx_int_t ngx_aigc_seal_encrypt(EVP_CIPHER_CTX *ctx, u_char *key,
    const char *purpose, ngx_str_t *plain, u_char *box);
static ngx_int_t ngx_aigc_seal_decrypt(EVP_CIPHER_CTX *ctx, u_char *key,
    const char *purpose, ngx_str_t *box, u_char *out);
static ngx_int_t ngx_aigc_mac_make(u_char *key, const char *purpose,
    ngx_str_t *value, u_char *out);


ngx_int_t
ngx_aigc_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *plain, ngx_str_t *out)
{
    u_char          *p;
    ngx_int_t        rc;
    ngx_str_t        box;
    EVP_CIPHER_CTX  *ctx;

    if (keys->n == 0
        || plain->len > NGX_AIGC_SEAL_MAX / 4 * 3 - NGX_AIGC_SEAL_OVERHEAD)
    {
        return NGX_ERROR;
    }

    box.len = plain->len + NGX_AIGC_SEAL_OVERHEAD;
    box.data = ngx_pnalloc(pool, box.len);
    if (box.data == NULL) {
        return NGX_ERROR;
    }

    p = box.data;
    *p++ = NGX_AIGC_SEAL_VERSION;
    p = ngx_cpymem(p, keys->hint[0], NGX_AIGC_SEAL_HINT_LEN);

    rc = NGX_ERROR;
    ctx = EVP_CIPHER_CTX_new();

    if (ctx && RAND_bytes(p, NGX_AIGC_SEAL_NONCE) == 1) {
        rc = ngx_aigc_seal_encrypt(ctx, keys->key[0], purpose, plain,
                                   box.data);
    }

    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();

    return rc == NGX_OK ? ngx_aigc_base64url_encode(pool, &box, out) : rc;
}


/* box holds version, hint and nonce, and has room for the rest */

static ngx_int_t
ngx_aigc_seal_encrypt(EVP_CIPHER_CTX *ctx, u_char *key, const char *purpose,
    ngx_str_t *plain, u_char *box)
{
    int      n;
    u_char  *nonce, *p;

    nonce = box + 1 + NGX_AIGC_SEAL_HINT_LEN;
    p = box + NGX_AIGC_SEAL_HEAD;

    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1
        || EVP_EncryptUpdate(ctx, NULL, &n, box, 1) != 1
        || EVP_EncryptUpdate(ctx, NULL, &n, (u_char *) purpose,
                             (int) ngx_strlen(purpose))
           != 1
        || EVP_EncryptUpdate(ctx, p, &n, plain->data, (int) plain->len) != 1
        || (size_t) n != plain->len)
    {
        return NGX_ERROR;
    }

    p += n;

    /* GCM has nothing left to write */

    if (EVP_EncryptFinal_ex(ctx, p, &n) != 1 || n != 0
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, NGX_AIGC_SEAL_TAG,
                               p)
           != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_unseal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *sealed, ngx_str_t *plain)
{
    ngx_int_t        rc;
    ngx_str_t        box;
    ngx_uint_t       i;
    EVP_CIPHER_CTX  *ctx;

    if (sealed->len > NGX_AIGC_SEAL_MAX) {
        return NGX_DECLINED;
    }

    box.data = ngx_pnalloc(pool, ngx_base64_decoded_length(sealed->len) + 1);
    if (box.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_base64url_decode(sealed, &box) != NGX_OK
        || box.len < NGX_AIGC_SEAL_OVERHEAD
        || box.data[0] != NGX_AIGC_SEAL_VERSION)
    {
        return NGX_DECLINED;
    }

    plain->len = box.len - NGX_AIGC_SEAL_OVERHEAD;
    plain->data = ngx_pnalloc(pool, plain->len + 1);
    if (plain->data == NULL) {
        return NGX_ERROR;
    }

    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;

    for (i = 0; rc == NGX_DECLINED && i < keys->n; i++) {

        if (ngx_memcmp(box.data + 1, keys->hint[i], NGX_AIGC_SEAL_HINT_LEN)
            == 0)
        {
            rc = ngx_aigc_seal_decrypt(ctx, keys->key[i], purpose, &box,
                                       plain->data);
        }
    }

    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();

    if (rc != NGX_OK) {
        ngx_explicit_memzero(plain->data, plain->len);
        ngx_str_null(plain);
    }

    return rc;
}


static ngx_int_t
ngx_aigc_seal_decrypt(EVP_CIPHER_CTX *ctx, u_char *key, const char *purpose,
    ngx_str_t *box, u_char *out)
{
    int      n;
    size_t   len;
    u_char  *nonce, *p, *tag;

    nonce = box->data + 1 + NGX_AIGC_SEAL_HINT_LEN;
    p = box->data + NGX_AIGC_SEAL_HEAD;
    len = box->len - NGX_AIGC_SEAL_OVERHEAD;
    tag = p + len;

    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1
        || EVP_DecryptUpdate(ctx, NULL, &n, box->data, 1) != 1
        || EVP_DecryptUpdate(ctx, NULL, &n, (u_char *) purpose,
                             (int) ngx_strlen(purpose))
           != 1
        || EVP_DecryptUpdate(ctx, out, &n, p, (int) len) != 1
        || (size_t) n != len
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, NGX_AIGC_SEAL_TAG,
                               tag)
           != 1)
    {
        return NGX_ERROR;
    }

    /* the tag is compared here, in constant time */

    return EVP_DecryptFinal_ex(ctx, out + len, &n) == 1 ? NGX_OK
                                                        : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_mac_check(ngx_aigc_seal_keys_t *keys, const char *purpose,
    ngx_str_t *value, ngx_str_t *mac)
{
    u_char      given[NGX_AIGC_SHA256_LEN + 4], want[NGX_AIGC_SHA256_LEN];
    ngx_str_t   bytes;
    ngx_uint_t  i, good;

    bytes.data = given;

    if (ngx_base64_decoded_length(mac->len) > sizeof(given)
        || ngx_aigc_base64url_decode(mac, &bytes) != NGX_OK
        || bytes.len != sizeof(want))
    {
        return NGX_DECLINED;
    }

    good = 0;

    for (i = 0; i < keys->n; i++) {
        if (ngx_aigc_mac_make(keys->hmac[i], purpose, value, want) == NGX_OK
            && CRYPTO_memcmp(want, given, sizeof(want)) == 0)
        {
            good = 1;
        }
    }

    return good ? NGX_OK : NGX_DECLINED;
}


/* HMAC-SHA256(key, purpose || NUL || value) */

static ngx_int_t
ngx_aigc_mac_make(u_char *key, const char *purpose, ngx_str_t *value,
    u_char *out)
{
    int           rc;
    size_t        len;
    EVP_MAC      *mac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *) "SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();

    rc = 0;
    len = 0;
    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    if (ctx
        && EVP_MAC_init(ctx, key, NGX_AIGC_SEAL_KEY_LEN, params) == 1
        && EVP_MAC_update(ctx, (u_char *) purpose, ngx_strlen(purpose) + 1)
           == 1
        && EVP_MAC_update(ctx, value->data, value->len) == 1)
    {
        rc = EVP_MAC_final(ctx, out, &len, NGX_AIGC_SHA256_LEN);
    }

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    ERR_clear_error();

    return (rc == 1 && len == NGX_AIGC_SHA256_LEN) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_aigc_random(ngx_pool_t *pool, size_t n, ngx_str_t *out)
{
    int        rc;
    u_char     buf[64];
    ngx_str_t  bytes;

    if (n == 0 || n > sizeof(buf)) {
        return NGX_ERROR;
    }

    rc = RAND_bytes(buf, (int) n);

    ERR_clear_error();

    if (rc != 1) {
        return NGX_ERROR;
    }

    bytes.data = buf;
    bytes.len = n;

    return ngx_aigc_base64url_encode(pool, &bytes, out);
}


ngx_int_t
ngx_aigc_sha256_base64url(ngx_pool_t *pool, ngx_str_t *value, ngx_str_t *out)
{
    u_char        buf[EVP_MAX_MD_SIZE];
    ngx_str_t     bytes;
    unsigned int  len;

    if (EVP_Digest(value->data, value->len, buf, &len, EVP_sha256(), NULL)
        != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    bytes.data = buf;
    bytes.len = len;

    return ngx_aigc_base64url_encode(pool, &bytes, out);
}
