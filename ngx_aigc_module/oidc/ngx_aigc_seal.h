/*
 * oidc/ngx_aigc_seal.h — authenticated encryption of what the browser carries
 * for us (AES-256-GCM), and the keys for it.  The first key of the file seals,
 * every key of it opens, so that a key can be rotated without sign-outs.
 */

#ifndef _NGX_AIGC_SEAL_H_INCLUDED_
#define _NGX_AIGC_SEAL_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_SEAL_KEY_LEN   32      /* bytes: AES-256 */
#define NGX_AIGC_SEAL_HINT_LEN  3       /* bytes that tell one key from
                                           another */
#define NGX_AIGC_SEAL_OVERHEAD  32      /* version, key hint, nonce, tag */


typedef struct ngx_aigc_seal_keys_s {
    ngx_uint_t       n;
    u_char           key[NGX_AIGC_SEAL_KEYS_MAX][NGX_AIGC_SEAL_KEY_LEN];
    u_char           hmac[NGX_AIGC_SEAL_KEYS_MAX][NGX_AIGC_SEAL_KEY_LEN];
    u_char           hint[NGX_AIGC_SEAL_KEYS_MAX][NGX_AIGC_SEAL_HINT_LEN];
} ngx_aigc_seal_keys_t;                 /* hmac, hint: derived, HKDF-SHA256 */


/*
 * Reads a key file: one key a line, 64 hexadecimal digits; empty lines and
 * lines that begin with "#" are skipped.  Refuses a file that others can read,
 * as ngx_aigc_file_open() does.  NGX_OK or NGX_ERROR; then *err is a sentence
 * with the fix and no key material in it, allocated from pool.
 */
ngx_int_t ngx_aigc_seal_keys_load(ngx_pool_t *pool, ngx_str_t *path,
    ngx_aigc_seal_keys_t *keys, ngx_str_t *err);

/*
 * Seals plain under the first key: out is base64url text from pool.  purpose
 * (for example "session") is authenticated, so that a value sealed for one
 * purpose never opens for another.  NGX_OK or NGX_ERROR (out would be longer
 * than NGX_AIGC_SEAL_MAX, too).
 */
ngx_int_t ngx_aigc_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *plain, ngx_str_t *out);

/* NGX_OK, plain from pool; NGX_DECLINED: not sealed by us; NGX_ERROR. */
ngx_int_t ngx_aigc_unseal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *sealed, ngx_str_t *plain);

/*
 * Is mac the HMAC-SHA256 of value, as base64url, under any of the keys?  Looked
 * at in constant time.  NGX_OK; NGX_DECLINED: it is another value's.
 */
ngx_int_t ngx_aigc_mac_check(ngx_aigc_seal_keys_t *keys, const char *purpose,
    ngx_str_t *value, ngx_str_t *mac);

/*
 * Makes n random bytes (openssl) and sets out to their base64url text, from
 * pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_random(ngx_pool_t *pool, size_t n, ngx_str_t *out);

/*
 * Sets out to the SHA-256 of value as base64url (PKCE S256, RFC 7636 4.2), from
 * pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_sha256_base64url(ngx_pool_t *pool, ngx_str_t *value,
    ngx_str_t *out);


#endif /* _NGX_AIGC_SEAL_H_INCLUDED_ */
