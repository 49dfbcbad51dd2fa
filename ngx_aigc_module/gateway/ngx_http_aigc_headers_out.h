/*
 * gateway/ngx_http_aigc_headers_out.h — what an instance may not tell a browser,
 * as it holds for more than its own host: docs/security.md has the list.
 */

#ifndef _NGX_HTTP_AIGC_HEADERS_OUT_H_INCLUDED_
#define _NGX_HTTP_AIGC_HEADERS_OUT_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * Drops, or changes in place, header lines of r's answer when it is a pod's;
 * the administrator's own (add_header) come later and are not looked at.
 */
void ngx_http_aigc_guard_headers_out(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_HEADERS_OUT_H_INCLUDED_ */
