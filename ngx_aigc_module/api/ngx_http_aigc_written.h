/*
 * api/ngx_http_aigc_written.h — the response to a request that has written to a
 * GameServerSet.
 */

#ifndef _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_
#define _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_queue.h"


/*
 * Checks whether the table shows what op has written.  NGX_OK: it does, or a
 * later state; record is filled, from was if the instance is already
 * uninstalled (was: the record before the write; NULL: an install).  NGX_AGAIN:
 * not yet.  NGX_DECLINED: there is no such instance.
 */
ngx_int_t ngx_http_aigc_written_shown(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was, ngx_aigc_record_t *record);

/* Sends the response to op, which is WRITTEN or DONE. */
ngx_int_t ngx_http_aigc_written_reply(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was);

/*
 * Sends the response to an op that has timed out: 502 if the API server's
 * responses were invalid, else 503.
 */
ngx_int_t ngx_http_aigc_written_timeout(ngx_http_request_t *r,
    ngx_aigc_op_t *op);


#endif /* _NGX_HTTP_AIGC_WRITTEN_H_INCLUDED_ */
