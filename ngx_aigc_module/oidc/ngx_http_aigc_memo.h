/*
 * oidc/ngx_http_aigc_memo.h — the credentials that this worker has lately seen,
 * by their very bytes: in front of the zone's cache of them, it saves a digest
 * and a lookup for each request.
 *
 * What it holds is what the zone said, and no more: whose a credential is,
 * until when, by which keys, and what would revoke it.  Whether that still
 * holds is for the caller to see, each time.  Of hosts and instances nothing is in it:
 * these are read from the zone at each request.
 *
 * A fixed number of entries of one configuration in one worker; a reload begins
 * without any.  Only what has been verified gets in, so that forged credentials
 * drive nobody out.
 */

#ifndef _NGX_HTTP_AIGC_MEMO_H_INCLUDED_
#define _NGX_HTTP_AIGC_MEMO_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_token.h"


#define NGX_HTTP_AIGC_MEMO_SETS  128
#define NGX_HTTP_AIGC_MEMO_WAYS  4      /* entries that a credential may take */
#define NGX_HTTP_AIGC_MEMO_TEXT  4096   /* bytes of one; all of them: 2 MiB */


typedef struct ngx_http_aigc_memo_s  ngx_http_aigc_memo_t;


/* From pool, for as long as that lives.  NULL: no memory. */
ngx_http_aigc_memo_t *ngx_http_aigc_memo_create(ngx_pool_t *pool);

/*
 * What was put for the same bytes and purpose, until the next put; seq and
 * digest mean nothing in it.  NULL: nothing; memo may be NULL.  The time that
 * it takes tells nobody which bytes of a text are wrong.
 */
ngx_aigc_token_t *ngx_http_aigc_memo_find(ngx_http_aigc_memo_t *memo,
    u_char purpose, ngx_str_t *text);

/*
 * Remembers a text that is not in it, in place of the one of its set that was
 * not asked for for the longest time.  Does nothing with one that is too long,
 * or with memo NULL.
 */
void ngx_http_aigc_memo_put(ngx_http_aigc_memo_t *memo, u_char purpose,
    ngx_str_t *text, ngx_aigc_token_t *token);

/* Forgets what find has returned, and wipes it. */
void ngx_http_aigc_memo_drop(ngx_http_aigc_memo_t *memo,
    ngx_aigc_token_t *token);


#endif /* _NGX_HTTP_AIGC_MEMO_H_INCLUDED_ */
