/*
 * base/ngx_http_aigc_wait.h — a timer by which a request waits for a
 * change in the zone, in its own worker.  A pool cleanup deletes the timer.
 */

#ifndef _NGX_HTTP_AIGC_WAIT_H_INCLUDED_
#define _NGX_HTTP_AIGC_WAIT_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/*
 * Calls handler(r) once, after ms milliseconds.  A request has one timer;
 * a second call before it fires restarts it.  The timer keeps an exiting worker
 * alive.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_wait(ngx_http_request_t *r, ngx_msec_t ms,
    void (*handler)(ngx_http_request_t *r));

/*
 * The same for what comes soon, awaited since the time start: after an eighth
 * of what it has taken so far, at least 1 ms and at most max.
 */
ngx_int_t ngx_http_aigc_wait_soon(ngx_http_request_t *r, ngx_msec_t start,
    ngx_msec_t max, void (*handler)(ngx_http_request_t *r));

/*
 * Finalizes a request that has waited; nothing else may.  Neither its timer nor
 * a write event calls it again, however slowly the response is sent.
 */
void ngx_http_aigc_finish(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_HTTP_AIGC_WAIT_H_INCLUDED_ */
