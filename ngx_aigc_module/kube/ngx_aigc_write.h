/*
 * kube/ngx_aigc_write.h — what the API server's response to a write means, and
 * the body of a DELETE (pure; no request, no I/O).
 */

#ifndef _NGX_AIGC_WRITE_H_INCLUDED_
#define _NGX_AIGC_WRITE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>


typedef enum {
    NGX_AIGC_WRITE_DONE = 0,
    NGX_AIGC_WRITE_GONE,                /* there is no such object */
    NGX_AIGC_WRITE_MOVED,               /* the object is not what was seen: a
                                           test of the patch, or a precondition
                                           of the deletion, has failed */
    NGX_AIGC_WRITE_REFUSED,             /* not this one: the right to it, an
                                           admission webhook, a quota */
    NGX_AIGC_WRITE_UNSURE               /* no answer, an error of the server,
                                           too many requests: it may be done */
} ngx_aigc_verdict_e;


/* What a Kubernetes Status (an error's body) says; len 0: it is none. */
typedef struct {
    ngx_str_t            reason;        /* "Conflict", "Invalid", "NotFound" */
    ngx_str_t            message;       /* bounded to 256 bytes, no controls */
} ngx_aigc_status_t;


/*
 * On the response with the HTTP status http (0: there was none) and, of an
 * error, body, of at most 16 KiB.  status is allocated from pool; both may be
 * NULL.
 */
ngx_aigc_verdict_e ngx_aigc_verdict(ngx_pool_t *pool, ngx_uint_t http,
    ngx_str_t *body, ngx_aigc_status_t *status);

/* Returns the level at which a verdict other than DONE is logged. */
ngx_uint_t ngx_aigc_verdict_level(ngx_aigc_verdict_e verdict);

/*
 * Builds DeleteOptions.  The API server deletes only the object with this uid,
 * and answers 409 if another object has its name now; uid->len 0: it deletes
 * any.  With version not NULL it also answers 409 if the object is no longer at
 * that resourceVersion.  out is from pool.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_delete_options(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_str_t *version, ngx_str_t *out);


#endif /* _NGX_AIGC_WRITE_H_INCLUDED_ */
