/*
 * oidc/ngx_http_aigc_memo.h — a worker's own cache of verified credentials.  It
 * is keyed by the bytes of the credential and stands in front of the cache in
 * the zone: a hit saves a digest and a lookup in shared memory.
 *
 * An entry holds what the zone said of the credential: its user, its expiry,
 * the keys that verified it, and what would revoke it.  The caller checks at
 * each request that this is still true.  Hosts and instances are not cached
 * here: they are read from the zone at each request.
 *
 * The cache is set-associative with LRU eviction, of fixed size, for one
 * configuration in one worker.  It is empty after a reload.  Only verified
 * credentials are put into it, so forged ones evict nothing.
 */

#ifndef _NGX_HTTP_AIGC_MEMO_H_INCLUDED_
#define _NGX_HTTP_AIGC_MEMO_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_token.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_HTTP_AIGC_MEMO_SETS  128
#define NGX_HTTP_AIGC_MEMO_WAYS  4      /* entries of a set */


typedef struct ngx_http_aigc_memo_s  ngx_http_aigc_memo_t;


/* Allocates an empty cache from pool.  NULL: no memory. */
ngx_http_aigc_memo_t *ngx_http_aigc_memo_create(ngx_pool_t *pool);

/*
 * Finds the entry with the same bytes and purpose.  The result is valid until
 * the next put; its seq and digest are meaningless.  NULL: not cached, or memo
 * is NULL.  Texts are compared in constant time.
 */
ngx_aigc_token_t *ngx_http_aigc_memo_find(ngx_http_aigc_memo_t *memo,
    u_char purpose, ngx_str_t *text);

/*
 * Adds a text that find has not found.  It replaces the least recently used
 * entry of its set.  Does nothing if the text is too long or too short, or if
 * memo is NULL.
 */
void ngx_http_aigc_memo_put(ngx_http_aigc_memo_t *memo, u_char purpose,
    ngx_str_t *text, ngx_aigc_token_t *token);

/* Removes an entry that find has returned, and wipes it from memory. */
void ngx_http_aigc_memo_drop(ngx_http_aigc_memo_t *memo,
    ngx_aigc_token_t *token);


#endif /* _NGX_HTTP_AIGC_MEMO_H_INCLUDED_ */
