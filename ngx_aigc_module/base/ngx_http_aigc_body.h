/*
 * base/ngx_http_aigc_body.h — what somebody posts to the gateway itself, whole
 * and in memory.
 */

#ifndef _NGX_HTTP_AIGC_BODY_H_INCLUDED_
#define _NGX_HTTP_AIGC_BODY_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/*
 * For a content handler, which returns what this returns: handler is called
 * once with body, from r->pool, of at most max bytes, and finalizes r.  Refused
 * before: another method than POST (405), a body over max (413).
 */
typedef void (*ngx_http_aigc_body_pt)(ngx_http_request_t *r, ngx_str_t *body);

ngx_int_t ngx_http_aigc_body(ngx_http_request_t *r, size_t max,
    ngx_http_aigc_body_pt handler);


#endif /* _NGX_HTTP_AIGC_BODY_H_INCLUDED_ */
