/*
 * oidc/ngx_http_aigc_login.h — the cookies of sign-ins under way.  Each
 * sign-in keeps its secrets in a cookie of its own, named after its id, so
 * that tabs do not disturb each other.  The page to return to is in "state",
 * which the provider returns, so that it is known even without the cookie.  A
 * page too long for "state" is in up to three more cookies, which are sent to
 * the callback only.
 */

#ifndef _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_
#define _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_session.h"


#define NGX_HTTP_AIGC_LOGIN_TIME  600   /* s that a sign-in may take; a later
                                           answer begins another one */
#define NGX_HTTP_AIGC_LOGIN_KEEP  7200  /* s that its cookies are kept: a
                                           provider may keep each of two forms
                                           an hour */


/*
 * Returns the bytes that a page to return to may have, so that r's server takes
 * its cookies back.
 */
size_t ngx_http_aigc_login_rd_max(ngx_http_request_t *r);

/*
 * Fills login with a new sign-in that returns to rd (an absolute URL that was
 * checked), sets its cookies, removes those of the oldest ones, and fills state
 * for the provider.  nonce, again: see ngx_aigc_state_t.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_login_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_str_t *nonce, ngx_uint_t again, ngx_aigc_login_t *login,
    ngx_str_t *state);

/*
 * Reads the sign-in with that id.  NGX_OK; NGX_DECLINED: r has no cookie of
 * it.
 */
ngx_int_t ngx_http_aigc_login_find(ngx_http_request_t *r, ngx_str_t *id,
    ngx_aigc_login_t *login);

/* Sets rd to the long page to return to of login; leaves rd if it has none. */
void ngx_http_aigc_login_rd(ngx_http_request_t *r, ngx_aigc_login_t *login,
    ngx_str_t *rd);

/* Has the browser remove the cookies of login.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_login_forget(ngx_http_request_t *r,
    ngx_aigc_login_t *login);


#endif /* _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_ */
