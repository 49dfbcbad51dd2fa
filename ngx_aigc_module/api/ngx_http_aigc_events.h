/*
 * api/ngx_http_aigc_events.h — all event streams of this worker.  One timer
 * reads the table for all of them; it runs only while there are streams.
 */

#ifndef _NGX_HTTP_AIGC_EVENTS_H_INCLUDED_
#define _NGX_HTTP_AIGC_EVENTS_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_conf.h"


#define NGX_HTTP_AIGC_EVENTS_GRACE  10      /* s of a stream while Logto is
                                               away and the token expired */
#define NGX_HTTP_AIGC_EVENTS_WAKE   200     /* ms between two checks */
#define NGX_HTTP_AIGC_EVENTS_BEAT   15000   /* ms without an event: a comment */
#define NGX_HTTP_AIGC_EVENTS_RETRY  1000    /* ms until clients reconnect, … */
#define NGX_HTTP_AIGC_EVENTS_SPREAD 2000    /* … and up to so many more: not all
                                               at one time after a reload */
#define NGX_HTTP_AIGC_EVENTS_EXPIRY 15      /* s between checks of the wall
                                               clock, which may step */
#define NGX_HTTP_AIGC_EVENTS_LIFE   86400   /* s that a stream may live */


/*
 * Checks the limits for one more stream.  NGX_OK; NGX_BUSY: the limit of user
 * sub is reached; NGX_DECLINED: the limit of this worker is.
 */
ngx_int_t ngx_http_aigc_events_room(ngx_str_t *sub);

/*
 * Turns r, whose header has been sent, into a stream of user sub: first a
 * snapshot, then changes.  It ends when the time until is reached, or before.
 * NGX_OK: the stream owns r from now on; NGX_ERROR: the caller finalizes r.
 */
ngx_int_t ngx_http_aigc_events_listen(ngx_http_request_t *r, ngx_str_t *sub,
    time_t until);


#endif /* _NGX_HTTP_AIGC_EVENTS_H_INCLUDED_ */
