/*
 * oidc/ngx_http_aigc_ticket.h — how a session comes from the gateway's host to
 * an instance's, which shares no cookie with it:
 *
 *   the instance's host sets a nonce in the browser, and sends it to /sign-in
 *   with the nonce's digest; there, with a session, it is sent back to the very
 *   page with a ticket, for that host and nonce, 30 seconds, and one time; the
 *   instance's host takes it, sets a session of its own, and sends the browser
 *   to the page without it.
 */

#ifndef _NGX_HTTP_AIGC_TICKET_H_INCLUDED_
#define _NGX_HTTP_AIGC_TICKET_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_session.h"


#define NGX_HTTP_AIGC_NONCE_KEEP  7200  /* s: as long as a sign-in is kept */
#define NGX_HTTP_AIGC_TICKET_OLD  120   /* s: a ticket that is older comes from
                                           no sign-in that is under way */
#define NGX_HTTP_AIGC_TICKET_SAY  10000 /* ms between two lines */


/*
 * The post-read phase, in servers with "aigc_access on": a ticket leaves the
 * request, before anything logs it or passes it on, and is kept in r's context.
 */
ngx_int_t ngx_http_aigc_ticket_handler(ngx_http_request_t *r);

/*
 * On an instance's host: has the browser keep a nonce, the one that it has or a
 * new one, and sets digest to its SHA-256 in base64url.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_ticket_nonce(ngx_http_request_t *r,
    ngx_str_t *digest);

/*
 * On the gateway: sets location to rd (an absolute URL that was checked), with
 * a ticket of session if that is on an instance's host.  nonce: a digest, or
 * len 0.  session is the gateway's own, verified; its sub, kid and exp are
 * filled.  NGX_OK; NGX_DECLINED: session is past, and of no use on another
 * host; NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_ticket_location(ngx_http_request_t *r,
    ngx_aigc_session_t *session, ngx_str_t *nonce, ngx_str_t *rd,
    ngx_str_t *location);

/*
 * Takes a ticket for the instance's host (normalized).  bound: it has to have
 * a nonce; without, nobody is sent the same way again.
 * NGX_OK: r is of its user by now, and the response sets the instance's session
 * NGX_DONE: it is bound to no browser, or to a nonce that another tab has
 * replaced since, or it is old: the same way again leads in
 * NGX_DECLINED: it is none, is past, was taken before, is for another host, or
 * r shows no nonce at all
 * NGX_BUSY: ask again later;  NGX_ERROR
 */
ngx_int_t ngx_http_aigc_ticket_redeem(ngx_http_request_t *r, ngx_str_t *host,
    ngx_str_t *text, ngx_uint_t bound);


#endif /* _NGX_HTTP_AIGC_TICKET_H_INCLUDED_ */
