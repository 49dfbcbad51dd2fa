/*
 * http/ngx_http_aigc_cookies_out.h — Set-Cookie of an instance that would set
 * one of the gateway's own cookies: dropped.
 */

#ifndef _NGX_HTTP_AIGC_COOKIES_OUT_H_INCLUDED_
#define _NGX_HTTP_AIGC_COOKIES_OUT_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/* For the header filter: looks at answers of instances only. */
void ngx_http_aigc_drop_set_cookies(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_COOKIES_OUT_H_INCLUDED_ */
