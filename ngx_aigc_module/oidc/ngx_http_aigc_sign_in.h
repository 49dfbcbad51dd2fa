/*
 * oidc/ngx_http_aigc_sign_in.h — the calls by which a session begins and ends,
 * each with a file of its own.
 */

#ifndef _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_session.h"


/*
 * GET /sign-in?rd=…&nonce=…: off to the provider (authorization code flow, OIDC
 * Core 3.1.2.1, with state, nonce and PKCE S256).  Who has a session already
 * and comes from an instance's host is sent back there, with a ticket for that
 * nonce (see ngx_http_aigc_ticket.h).
 */
ngx_int_t ngx_http_aigc_sign_in_handler(ngx_http_request_t *r);

/*
 * Answers r with the redirect to the provider, after which the browser comes to
 * rd, an absolute URL that was checked; again: nobody asked for it, so that it
 * is not tried a second time.  nonce: as of a ticket.  Returns what a content
 * handler returns.
 */
ngx_int_t ngx_http_aigc_sign_in_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_str_t *nonce, ngx_uint_t again);

/*
 * Answers r, which is of the user by a session of the gateway's, with the
 * redirect to rd.
 */
ngx_int_t ngx_http_aigc_sign_in_done(ngx_http_request_t *r,
    ngx_aigc_session_t *session, ngx_str_t *nonce, ngx_str_t *rd);

/*
 * GET /sign-in-callback: back from the provider with a code, which becomes a
 * session (OIDC Core 3.1.2.5 to 3.1.3.7, RFC 9207).
 */
ngx_int_t ngx_http_aigc_sign_in_callback_handler(ngx_http_request_t *r);

/*
 * POST /sign-out: the session ends here and at the provider (OIDC RP-Initiated
 * Logout 1.0).
 */
ngx_int_t ngx_http_aigc_sign_out_handler(ngx_http_request_t *r);

/*
 * POST /backchannel-logout (OpenID Connect Back-Channel Logout 1.0): the
 * provider tells that a session of its own has ended, by a logout token.
 * "sid": that session; without it "sub": all of the user's.
 *
 *   200  they are revoked on every gateway (or were before)
 *   400  not a logout token of the provider's for this gateway
 *   413  over NGX_HTTP_AIGC_LOGOUT_MAX bytes
 *   503  it cannot be checked now: no keys yet, or a flood of forged ones
 */
ngx_int_t ngx_http_aigc_backchannel_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_ */
