/*
 * api/ngx_http_aigc_write.h — a request's write to a GameServerSet: queued in
 * the zone, sent together with those of others by whoever has the right to
 * write, answered when the table shows it.
 */

#ifndef _NGX_HTTP_AIGC_WRITE_H_INCLUDED_
#define _NGX_HTTP_AIGC_WRITE_H_INCLUDED_

#include "ngx_http_aigc_api.h"

#include "instances/ngx_aigc_queue.h"


#define NGX_HTTP_AIGC_WRITE_WAKE  20    /* ms between checks of the queue, at
                                           most */
#define NGX_HTTP_AIGC_WRITE_TIME  10000 /* ms: then 503 and Retry-After */
#define NGX_HTTP_AIGC_SENT_TIME   15000 /* ms more for a patch under way */
#define NGX_HTTP_AIGC_LOCK_TIME   3000  /* ms, renewed: a dead writer's ends */


/*
 * Starts kind for owner on a template's slot and on the instance in record
 * (which lives as long as r; NULL: a new one) and answers r in the end, with
 * 200, 202 or a problem.  The caller holds a count of r->main for it: returns
 * nothing.
 */
void ngx_http_aigc_write(ngx_http_request_t *r, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_aigc_record_t *record, ngx_str_t *owner);


#endif /* _NGX_HTTP_AIGC_WRITE_H_INCLUDED_ */
