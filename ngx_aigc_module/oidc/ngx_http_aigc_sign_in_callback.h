/*
 * oidc/ngx_http_aigc_sign_in_callback.h — GET /sign-in-callback: back from the
 * provider with a code, which becomes a session (OIDC Core 3.1.2.5 to 3.1.3.7,
 * RFC 9207).
 */

#ifndef _NGX_HTTP_AIGC_SIGN_IN_CALLBACK_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGN_IN_CALLBACK_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_sign_in_callback_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_SIGN_IN_CALLBACK_H_INCLUDED_ */
