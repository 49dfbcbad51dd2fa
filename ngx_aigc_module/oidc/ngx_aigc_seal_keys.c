/*
 * oidc/ngx_aigc_seal_keys.c — reads the key file of ngx_aigc_seal.h.
 *
 * A key of the file is the AES key itself.  Out of it come, by HKDF-SHA256
 * without salt, the HMAC key (info "aigc mac") and the hint ("aigc hint").
 */

#include "ngx_aigc_seal.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_file.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>


static ngx_int_t ngx_aigc_seal_file(ngx_str_t *path, u_char *buf, size_t *len,
    const char **why, ngx_err_t *no);
static ngx_int_t ngx_aigc_seal_lines(ngx_aigc_seal_keys_t *keys, u_char *p,
    u_char *last, ngx_uint_t *line, const char **why);
static ngx_int_t ngx_aigc_seal_key(ngx_aigc_seal_keys_t *keys, u_char *p,
    const char **why);
static ngx_int_t ngx_aigc_seal_derive(u_char *key, const char *info,
    u_char *out, size_t len);


ngx_int_t
ngx_aigc_seal_keys_load(ngx_pool_t *pool, ngx_str_t *path,
    ngx_aigc_seal_keys_t *keys, ngx_str_t *err)
{
    size_t       len;
    u_char       buf[NGX_AIGC_KEY_FILE_MAX], *p, *last;
    ngx_int_t    rc;
    ngx_err_t    no;
    ngx_uint_t   line;
    const char  *why;

    ngx_memzero(keys, sizeof(ngx_aigc_seal_keys_t));

    len = 0;
    line = 0;
    why = NULL;

    no = 0;

    rc = ngx_aigc_seal_file(path, buf, &len, &why, &no);

    if (rc == NGX_OK) {
        rc = ngx_aigc_seal_lines(keys, buf, buf + len, &line, &why);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_explicit_memzero(keys, sizeof(ngx_aigc_seal_keys_t));

    len = sizeof("\"\" line : ") + path->len + NGX_INT_T_LEN
          + ngx_strlen(why) + NGX_MAX_ERROR_STR / 8;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        ngx_str_set(err, "no memory");
        return NGX_ERROR;
    }

    err->data = p;
    last = p + len;

    p = ngx_slprintf(p, last, "\"%V\" ", path);

    if (line) {
        p = ngx_slprintf(p, last, "line %ui ", line);
    }

    p = ngx_slprintf(p, last, "%s", why);

    if (no) {
        *p++ = ' ';
        *p++ = '(';
        p = ngx_strerror(no, p, last - p - 1);
        *p++ = ')';
    }

    err->len = p - err->data;

    return NGX_ERROR;
}


static ngx_int_t
ngx_aigc_seal_file(ngx_str_t *path, u_char *buf, size_t *len,
    const char **why, ngx_err_t *no)
{
    off_t      size;
    u_char     name[NGX_MAX_PATH + 1];
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (path->len == 0 || path->len > NGX_MAX_PATH) {
        *why = "is no path of a file";
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name, path->data, path->len + 1);

    if (ngx_aigc_file_open(name, 1, &fd, &size, why, no) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (size > NGX_AIGC_KEY_FILE_MAX) {
        *why = "is larger than 4096 bytes: one key of 64 hexadecimal digits "
               "a line";

    } else {
        n = 1;

        while (*len < NGX_AIGC_KEY_FILE_MAX && n > 0) {
            n = ngx_read_fd(fd, buf + *len, NGX_AIGC_KEY_FILE_MAX - *len);

            if (n > 0) {
                *len += n;
            }
        }

        if (n == -1) {
            *no = ngx_errno;
            *why = "cannot be read";

        } else {
            rc = NGX_OK;
        }
    }

    /* only read: close has nothing to lose */

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_aigc_seal_lines(ngx_aigc_seal_keys_t *keys, u_char *p, u_char *last,
    ngx_uint_t *line, const char **why)
{
    u_char  *next, *end;

    for ( /* void */ ; p < last; p = next) {
        (*line)++;

        end = ngx_strlchr(p, last, '\n');
        if (end == NULL) {
            end = last;
        }

        next = end + 1;

        while (end > p && (end[-1] == '\r' || end[-1] == ' '
                           || end[-1] == '\t'))
        {
            end--;
        }

        if (end == p || *p == '#') {
            continue;
        }

        if (end - p != NGX_AIGC_SEAL_KEY_LEN * 2) {
            *why = "is not 64 hexadecimal digits: make one with "
                   "openssl rand -hex 32";
            return NGX_ERROR;
        }

        if (ngx_aigc_seal_key(keys, p, why) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    *line = 0;

    if (keys->n == 0) {
        *why = "has no key: make one with openssl rand -hex 32";
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_seal_key(ngx_aigc_seal_keys_t *keys, u_char *p, const char **why)
{
    u_char      *key;
    ngx_int_t    byte;
    ngx_uint_t   i;

    if (keys->n == NGX_AIGC_SEAL_KEYS_MAX) {
        *why = "is one key too many: 8 are enough, remove the oldest";
        return NGX_ERROR;
    }

    key = keys->key[keys->n];

    for (i = 0; i < NGX_AIGC_SEAL_KEY_LEN; i++) {
        byte = ngx_hextoi(p + i * 2, 2);

        if (byte == NGX_ERROR) {
            *why = "is not 64 hexadecimal digits: make one with "
                   "openssl rand -hex 32";
            return NGX_ERROR;
        }

        key[i] = (u_char) byte;
    }

    for (i = 0; i < keys->n; i++) {
        if (CRYPTO_memcmp(keys->key[i], key, NGX_AIGC_SEAL_KEY_LEN) == 0) {
            *why = "repeats a key: remove it";
            return NGX_ERROR;
        }
    }

    if (ngx_aigc_seal_derive(key, "aigc mac", keys->hmac[keys->n],
                             NGX_AIGC_SEAL_KEY_LEN)
        != NGX_OK
        || ngx_aigc_seal_derive(key, "aigc hint", keys->hint[keys->n],
                                NGX_AIGC_SEAL_HINT_LEN)
        != NGX_OK)
    {
        *why = "is of no use: openssl has no HKDF-SHA256";
        return NGX_ERROR;
    }

    keys->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_seal_derive(u_char *key, const char *info, u_char *out, size_t len)
{
    int           rc;
    EVP_KDF      *kdf;
    OSSL_PARAM    params[4];
    EVP_KDF_CTX  *ctx;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 (char *) "SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key,
                                                  NGX_AIGC_SEAL_KEY_LEN);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
                                                  (void *) info,
                                                  ngx_strlen(info));
    params[3] = OSSL_PARAM_construct_end();

    rc = 0;
    kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

    if (ctx) {
        rc = EVP_KDF_derive(ctx, out, len, params);
    }

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();

    return rc == 1 ? NGX_OK : NGX_ERROR;
}
