/*
 * oidc/ngx_aigc_rotation_entry.h — the newest refresh token of a session, for
 * a provider that replaces refresh tokens, and its entry in the Secret
 * aigc-sessions (pure; no request, no I/O):
 *
 *     <base64url(SHA-256(sid and start))>: "1 <exp> <until> <sealed> <claim>
 *         <gateway>"
 *
 * exp      end of the ID token that came with the refresh token: of two entries
 *          of a session the one with the greater exp is the newer one; 0: no
 *          refresh token is known yet
 * until    end of the session, when the entry is worth nothing any more
 * sealed   the refresh token, sealed for this key, exp and until; "-": none
 * claim    until then <gateway> alone may use the refresh token; 0: anybody
 * gateway  a random name of the gateway that has claimed it; "-": none
 *
 * Times are seconds.  The Secret comes from docker/kubernetes/rbac.yaml, with
 * an entry "version", so that it has data to add to.
 */

#ifndef _NGX_AIGC_ROTATION_ENTRY_H_INCLUDED_
#define _NGX_AIGC_ROTATION_ENTRY_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_seal.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_ROTATION_NAME      "aigc-sessions"
#define NGX_AIGC_ROTATION_KEY_LEN   32  /* bytes: SHA-256 */
#define NGX_AIGC_ROTATION_KEY_TEXT  43  /* the same as base64url */


typedef struct {
    time_t           exp;
    time_t           until;
    ngx_str_t        sealed;            /* len 0: none */
    time_t           claim;
    ngx_str_t        gateway;           /* len 0: none */
} ngx_aigc_rotation_t;


/* The key of the session with this sid and start.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_rotation_key(ngx_str_t *sid, time_t start, u_char *key);

/* An entry's name as key: NGX_OK; NGX_DECLINED: it is none of ours. */
ngx_int_t ngx_aigc_rotation_key_parse(ngx_str_t *name, u_char *key);

/*
 * Parses the text of an entry; its strings are parts of text.  NGX_OK;
 * NGX_DECLINED: not in the form that this file writes.
 */
ngx_int_t ngx_aigc_rotation_parse(ngx_str_t *text,
    ngx_aigc_rotation_t *rotation);

/*
 * Writes the text of an entry, from pool.  NGX_OK; NGX_DECLINED: it is longer
 * than NGX_AIGC_ROTATION_TEXT_MAX; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_text(ngx_pool_t *pool,
    ngx_aigc_rotation_t *rotation, ngx_str_t *text);

/*
 * Seal a refresh token into rotation, whose exp and until are set, and open it
 * again; from pool.  NGX_OK; NGX_DECLINED: nobody of us has sealed it for this
 * key, exp and until; NGX_ERROR.
 */
ngx_int_t ngx_aigc_rotation_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_str_t *token, ngx_aigc_rotation_t *rotation);
ngx_int_t ngx_aigc_rotation_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_aigc_rotation_t *rotation, ngx_str_t *token);

/*
 * Sets token to the refresh token of the entry text, and *exp to its exp,
 * unless *exp is greater: at the same exp a cookie may have been given the date
 * of a renewal elsewhere, without its token.  NGX_OK; NGX_DECLINED: it is
 * greater, or the entry is none of ours; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_newer(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_str_t *text, time_t *exp, ngx_str_t *token);

/*
 * Builds the JSON Patch (RFC 6902) that makes the entry at key what now says,
 * or removes it (now->len 0).  It fails if the entry is not, byte for byte,
 * what was says (was->len 0: there is none; was NULL: the Secret has no data at
 * all).  It drops managedFields, which would repeat every key.  NGX_OK: out is
 * from pool; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_patch(ngx_pool_t *pool, u_char *key,
    ngx_str_t *was, ngx_str_t *now, ngx_str_t *out);

/*
 * Builds the merge patch (RFC 7396) that removes the entries at n keys, each of
 * NGX_AIGC_ROTATION_KEY_LEN bytes, one behind the other.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_rotation_patch_remove(ngx_pool_t *pool, u_char *keys,
    ngx_uint_t n, ngx_str_t *out);

/*
 * The value of an entry in the Secret's JSON, with its quotes, as text.
 * text->data has room for NGX_AIGC_ROTATION_TEXT_MAX bytes.  NGX_OK;
 * NGX_DECLINED: it is longer, or no base64.
 */
ngx_int_t ngx_aigc_rotation_value(ngx_str_t *value, ngx_str_t *text);

/*
 * Finds the entry at key in the text of the Secret: text is from pool; len 0:
 * there is none.  NGX_OK; NGX_DONE: it has no data; NGX_DECLINED: it is no
 * Secret; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_pick(ngx_pool_t *pool, ngx_str_t *secret,
    u_char *key, ngx_str_t *text);


#endif /* _NGX_AIGC_ROTATION_ENTRY_H_INCLUDED_ */
