/*
 * gateway/ngx_http_aigc_auth.h — GET /auth for ingress-nginx's `auth-url`: the
 * decision for the host that the ingress controller names in X-Original-URL.
 * 200, or the status of the refusal; never a body that matters.
 */

#ifndef _NGX_HTTP_AIGC_AUTH_H_INCLUDED_
#define _NGX_HTTP_AIGC_AUTH_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_auth_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_AUTH_H_INCLUDED_ */
