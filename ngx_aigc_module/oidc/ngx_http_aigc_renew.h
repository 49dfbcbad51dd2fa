/*
 * oidc/ngx_http_aigc_renew.h — renews a session whose ID token has expired.
 * Single flight: one request calls the provider, and the other requests of the
 * session, in any worker, wait for the result.  Not used while the token is
 * good.
 */

#ifndef _NGX_HTTP_AIGC_RENEW_H_INCLUDED_
#define _NGX_HTTP_AIGC_RENEW_H_INCLUDED_

#include "ngx_http_aigc_identity.h"


#define NGX_HTTP_AIGC_RENEW_WAKE   50       /* ms between checks of a flight */
#define NGX_HTTP_AIGC_RENEW_WAIT   3000     /* ms that a request waits if grace
                                               would let it in */
#define NGX_HTTP_AIGC_RENEW_SAY    10000    /* ms between log lines that say
                                               that no slot is free */
#define NGX_HTTP_AIGC_RENEW_WAIT_MAX  20000 /* ms that it waits otherwise:
                                               a call, and a key's fetch */


/*
 * Renews the EXPIRED session in user.
 * SIGNED_IN: with the renewed session, which the response sets as a cookie; or
 * with the old one, because a newer one was seen here or because grace= covers
 * it.  RENEWING: call ngx_http_aigc_renew_wait().  UNRENEWED, BUSY, FAILED.  If
 * the provider has ended the session, the response clears its cookie, and the
 * outcome is that of the bearer token.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_renew(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);

/*
 * Suspends r after RENEWING; nginx later calls its current phase handler or
 * content handler again.  The body stays unread.  After NGX_OK a phase handler
 * returns NGX_AGAIN; a content handler increments r->main->count and returns
 * NGX_DONE.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_renew_wait(ngx_http_request_t *r);

/*
 * The session in user has ended: the response clears its cookie.  NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_session_over(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);

/*
 * Header filter: sets the renewed session's cookie, or clears an ended one, and
 * clears those of version 1.0.
 */
ngx_int_t ngx_http_aigc_renew_header(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_RENEW_H_INCLUDED_ */
