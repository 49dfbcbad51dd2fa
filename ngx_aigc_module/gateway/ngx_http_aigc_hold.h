/*
 * gateway/ngx_http_aigc_hold.h — requests to instances while they last: WebSockets,
 * event streams, uploads.  Each one ends within a second or so when its session
 * or user is revoked, its instance is released or is somebody else's, or its
 * session's lifetime is over; that its token expires meanwhile is no reason.
 *
 * A ring of this worker's, looked at by one timer, which runs only while there
 * are any.  A glance compares two counters; only what has changed in the zone
 * since is looked up.  What one turn of the timer does not get to comes first
 * in the next, soon after.
 */

#ifndef _NGX_HTTP_AIGC_HOLD_H_INCLUDED_
#define _NGX_HTTP_AIGC_HOLD_H_INCLUDED_

#include "oidc/ngx_http_aigc_identity.h"

#include "instances/ngx_aigc_table.h"


#define NGX_HTTP_AIGC_HOLD_EVERY  200   /* ms between two rounds of all */
#define NGX_HTTP_AIGC_HOLD_SOON   10    /* ms between two turns of a round */
#define NGX_HTTP_AIGC_HOLD_WORK   10000 /* glances in a turn: about a ms */
#define NGX_HTTP_AIGC_HOLD_LOOK   20    /* glances that a lookup counts for */


/*
 * From the decision to let r in, by who to record, to its end; a second call
 * for the same request changes nothing.  record: its context's instance is set;
 * NULL: a long answer of the gateway's own, which no instance ends, and which
 * knows its own last moment.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_hold(ngx_http_request_t *r,
    ngx_aigc_record_t *record, ngx_http_aigc_who_t *who);


#endif /* _NGX_HTTP_AIGC_HOLD_H_INCLUDED_ */
