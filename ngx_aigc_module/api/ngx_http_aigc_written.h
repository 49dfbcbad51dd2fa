/*
 * api/ngx_http_aigc_written.h — what a request is told in the end of its write
 * to a GameServerSet.
 */

#ifndef _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_
#define _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_queue.h"


/*
 * NGX_OK when the table has what op has written, or has gone on from there;
 * record is filled then: from was (the record before; NULL: an install) for an
 * instance whose uninstall is over already.  Else NGX_AGAIN, or NGX_DECLINED:
 * there is no such instance.
 */
ngx_int_t ngx_http_aigc_written_shown(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was, ngx_aigc_record_t *record);

/* The answer to op, which is WRITTEN or DONE. */
ngx_int_t ngx_http_aigc_written_reply(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was);

/*
 * The answer to an op that took too long: 502 when the API server's answers
 * made no sense, else 503.
 */
ngx_int_t ngx_http_aigc_written_timeout(ngx_http_request_t *r,
    ngx_aigc_op_t *op);


#endif /* _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_ */
