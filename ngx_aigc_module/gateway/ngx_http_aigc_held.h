/*
 * gateway/ngx_http_aigc_held.h — long requests: WebSockets, streams, uploads.
 * The gateway closes one within about a second when its session or user is
 * revoked, when its instance is released or changes its owner, or when its
 * session's lifetime ends.  The expiry of its token does not close it.
 *
 * Each worker keeps a ring of its long requests, checked round-robin by one
 * timer, which runs only while the ring is not empty.  A check compares two
 * counters, and looks into the zone only if they have changed.  A turn that
 * reaches its limit of work is continued soon after.
 */

#ifndef _NGX_HTTP_AIGC_HELD_H_INCLUDED_
#define _NGX_HTTP_AIGC_HELD_H_INCLUDED_

#include "oidc/ngx_http_aigc_identity.h"

#include "instances/ngx_aigc_table.h"


#define NGX_HTTP_AIGC_HELD_EVERY  200   /* ms between two rounds of the ring */
#define NGX_HTTP_AIGC_HELD_SOON   10    /* ms between two turns of a round */
#define NGX_HTTP_AIGC_HELD_WORK   10000 /* checks in a turn: about 1 ms */
#define NGX_HTTP_AIGC_HELD_LOOKUP 20   /* a lookup counts as so many checks */


/*
 * Adds r to the ring until it ends; to be called when r has been let in.  user
 * is its user, record its instance, which is set in r's context, too.  record
 * NULL: r is a long response of the gateway itself, which has no instance and
 * ends itself in time.  A second call for the same request does nothing.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_held_add(ngx_http_request_t *r,
    ngx_aigc_record_t *record, ngx_http_aigc_user_t *user);


#endif /* _NGX_HTTP_AIGC_HELD_H_INCLUDED_ */
