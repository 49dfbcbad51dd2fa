/*
 * oidc/ngx_http_aigc_sign_out.h — POST /sign-out: the session ends here and at
 * the provider (OIDC RP-Initiated Logout 1.0).
 */

#ifndef _NGX_HTTP_AIGC_SIGN_OUT_H_INCLUDED_
#define _NGX_HTTP_AIGC_SIGN_OUT_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_sign_out_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_SIGN_OUT_H_INCLUDED_ */
