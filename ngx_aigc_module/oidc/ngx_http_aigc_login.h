/*
 * oidc/ngx_http_aigc_login.h — sign-ins under way, as the browser keeps them.
 * Each has a cookie of its own, named after its id, with its secrets; so tabs
 * do not disturb each other.  The page to return to travels in "state", which
 * the provider gives back, so that it is there when the cookie is not; one too
 * long for that stands in up to three more cookies, which go to the callback
 * alone.
 */

#ifndef _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_
#define _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_session.h"


#define NGX_HTTP_AIGC_LOGIN_TIME  600   /* s that a sign-in may take; a later
                                           answer begins another one */
#define NGX_HTTP_AIGC_LOGIN_KEEP  7200  /* s that its cookies are kept: a provider may
                                           keep each of two forms an hour */
#define NGX_HTTP_AIGC_LOGINS      8     /* unfinished ones of a browser: of more
                                           the oldest go */
#define NGX_HTTP_AIGC_LOGIN_PARTS 3     /* cookies of a long page */


/* Bytes of a page to return to that r's server can take back. */
size_t ngx_http_aigc_login_rd_max(ngx_http_request_t *r);

/*
 * Fills login with a new sign-in that returns to rd (an absolute URL that was
 * checked), sets its cookies, removes those of the oldest ones, and fills state
 * for the provider.  again: see ngx_aigc_state_t.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_login_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_uint_t again, ngx_aigc_login_t *login, ngx_str_t *state);

/* This browser's sign-in called id.  NGX_OK; NGX_DECLINED: it has none. */
ngx_int_t ngx_http_aigc_login_find(ngx_http_request_t *r, ngx_str_t *id,
    ngx_aigc_login_t *login);

/* Its long page to return to; rd stays as it is where there is none. */
void ngx_http_aigc_login_rd(ngx_http_request_t *r, ngx_aigc_login_t *login,
    ngx_str_t *rd);

/* Removes its cookies.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_login_forget(ngx_http_request_t *r,
    ngx_aigc_login_t *login);


#endif /* _NGX_HTTP_AIGC_LOGIN_H_INCLUDED_ */
