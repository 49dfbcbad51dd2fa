/*
 * oidc/ngx_aigc_token.h — verified credentials: the digest of a session cookie
 * or bearer token that was once found good → whose it is and until when.
 * A set-associative cache; any worker writes it, nobody waits for anybody.
 */

#ifndef _NGX_AIGC_TOKEN_H_INCLUDED_
#define _NGX_AIGC_TOKEN_H_INCLUDED_

#include "ngx_aigc_revocation.h"

#include "base/ngx_aigc_text.h"


#define NGX_AIGC_TOKEN_WAYS  4          /* slots in which a digest may be */


typedef struct {
    ngx_atomic_t                       seq;
    ngx_atomic_t                       writer;  /* pid of the worker that writes
                                                   it; 0: nobody does */
    u_char                             digest[NGX_AIGC_DIGEST_LEN];
    ngx_atomic_uint_t                  keys;    /* version of the key set that
                                                   it was verified with */
    ngx_atomic_uint_t                  revocations; /* it is not revoked by
                                                   this version of them */
    time_t                             exp;     /* refused from then on */
    ngx_aigc_subject_t                 subject;
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX) sub;
} ngx_aigc_token_t;


extern ngx_aigc_part_t  ngx_aigc_token_part;


/*
 * NGX_OK: token is filled and good: not expired at now, and verified under the
 * key set keys; NGX_DONE: it was, and has expired; NGX_DECLINED: not known.
 */
ngx_int_t ngx_aigc_token_find(ngx_aigc_zone_t *zone, u_char *digest,
    ngx_atomic_uint_t keys, time_t now, ngx_aigc_token_t *token);

/*
 * Remembers a verified credential, with all but seq and digest of token; drops
 * the one of the set that expires first.  Does nothing where another worker
 * writes the same one at that moment.  A slot that a worker has died in is as
 * good as a free one.
 */
void ngx_aigc_token_put(ngx_aigc_zone_t *zone, u_char *digest,
    ngx_aigc_token_t *token);


#endif /* _NGX_AIGC_TOKEN_H_INCLUDED_ */
