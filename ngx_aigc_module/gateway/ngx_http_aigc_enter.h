/*
 * gateway/ngx_http_aigc_enter.h — how somebody without a session on an
 * instance's host gets one: away to sign in, and back with a ticket (see
 * oidc/ngx_http_aigc_ticket.h).
 */

#ifndef _NGX_HTTP_AIGC_ENTER_H_INCLUDED_
#define _NGX_HTTP_AIGC_ENTER_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * Sets origin to that of r's host as the browser writes it, from r->pool:
 * scheme and port are the gateway's public ones.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_own_origin(ngx_http_request_t *r, ngx_str_t *origin);

/* Redirects to the gateway, to sign in and come back to the very page. */
ngx_int_t ngx_http_aigc_to_sign_in(ngx_http_request_t *r);

/* Redirects to the very request (307), for the sake of a cookie. */
ngx_int_t ngx_http_aigc_to_itself(ngx_http_request_t *r);

/*
 * Takes r's ticket, and redirects to the page without it; answers with a page
 * that says so where it is of no use.  Returns what a content handler returns.
 */
ngx_int_t ngx_http_aigc_enter(ngx_http_request_t *r, ngx_str_t *ticket);


#endif /* _NGX_HTTP_AIGC_ENTER_H_INCLUDED_ */
