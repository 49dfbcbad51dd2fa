/*
 * base/ngx_http_aigc_body.h — the body of a POST to the gateway itself, read
 * whole into memory.
 */

#ifndef _NGX_HTTP_AIGC_BODY_H_INCLUDED_
#define _NGX_HTTP_AIGC_BODY_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/* Handles the body, which is from r->pool, and finalizes r. */
typedef void (*ngx_http_aigc_body_pt)(ngx_http_request_t *r, ngx_str_t *body);

/*
 * For a content handler, which returns the result.  Calls handler once, with a
 * body of at most max bytes.  Answers another method than POST with 405, and a
 * larger body with 413, without a call of handler.
 */
ngx_int_t ngx_http_aigc_body(ngx_http_request_t *r, size_t max,
    ngx_http_aigc_body_pt handler);


#endif /* _NGX_HTTP_AIGC_BODY_H_INCLUDED_ */
