/*
 * http/ngx_http_aigc_sign_in.h — GET /sign-in?rd=…: off to Logto (authorization code
 * flow, OIDC Core 3.1.2.1, with state, nonce and PKCE S256).
 */

#ifndef _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_sign_in_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_SIGN_IN_H_INCLUDED_ */
