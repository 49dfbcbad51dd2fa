/*
 * oidc/ngx_http_aigc_sign_in.h — GET /sign-in?rd=…: off to the provider
 * (authorization code flow, OIDC Core 3.1.2.1, with state, nonce and PKCE
 * S256).
 */

#ifndef _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_sign_in_handler(ngx_http_request_t *r);

/*
 * Answers r with the redirect to the provider, after which the browser comes to
 * rd, an absolute URL that was checked; again: nobody asked for it, so that it
 * is not tried a second time.  Returns what a content handler returns.
 */
ngx_int_t ngx_http_aigc_sign_in_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_uint_t again);


#endif /* _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_ */
