/*
 * base/ngx_http_aigc_poll.h — a request that waits for something in the zone: looked
 * at by a timer, in whichever worker the request is.  Unlinked in a cleanup.
 */

#ifndef _NGX_HTTP_AIGC_POLL_H_INCLUDED_
#define _NGX_HTTP_AIGC_POLL_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/*
 * Calls handler(r) once, after ms milliseconds.  One timer a request; a second
 * call before it fires sets it anew.  The timer keeps an exiting worker alive.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_poll(ngx_http_request_t *r, ngx_msec_t ms,
    void (*handler)(ngx_http_request_t *r));

/*
 * The one way to end a request that has waited: neither its timer nor a write
 * event comes to it any more, however slowly the answer goes out.
 */
void ngx_http_aigc_finish(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_HTTP_AIGC_POLL_H_INCLUDED_ */
