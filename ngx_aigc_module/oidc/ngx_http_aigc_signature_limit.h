/*
 * oidc/ngx_http_aigc_signature_limit.h — rate limit for tokens whose signature
 * is wrong.  To verify a signature blocks the worker for half a millisecond.  A
 * credential that is in a cache is not verified again, so the limit delays only
 * new ones.
 *
 * Two leaky buckets, as in limit_req: one of the client's address, one of the
 * worker.  Each wrong signature adds to both; both drain at a constant rate.
 * While one is full, no new signature is verified.  Per process.
 */

#ifndef _NGX_HTTP_AIGC_SIGNATURE_LIMIT_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGNATURE_LIMIT_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


#define NGX_HTTP_AIGC_BUCKET_BURST    20    /* wrong signatures that fill a
                                               bucket: 10 ms of CPU */
#define NGX_HTTP_AIGC_BUCKET_SOURCE   50    /* ms to drain one, by address:
                                               20/s, 1 % of a CPU */
#define NGX_HTTP_AIGC_BUCKET_SOURCES  256   /* buckets, by hash of address */


typedef struct {
    ngx_msec_t  pause;                  /* ms to drain one from the worker's */
    ngx_msec_t  due;                    /* when the worker's bucket is empty */
    ngx_msec_t  sources[NGX_HTTP_AIGC_BUCKET_SOURCES];  /* … address's */
} ngx_http_aigc_signature_limit_t;


/* NGX_OK: a signature of r may be verified; NGX_BUSY: rate limit reached. */
ngx_int_t ngx_http_aigc_signature_limit_check(
    ngx_http_aigc_signature_limit_t *limit, ngx_http_request_t *r);

/* Counts a signature of r that was verified and is wrong. */
void ngx_http_aigc_signature_limit_count(ngx_http_aigc_signature_limit_t *limit,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_SIGNATURE_LIMIT_H_INCLUDED_ */
