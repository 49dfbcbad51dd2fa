/*
 * gateway/ngx_http_aigc_answer.h — checks a pod's response before nginx passes
 * it on: each byte of it must reach the client within a response whose headers
 * nginx has written itself.
 */

#ifndef _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_
#define _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* 1: r goes to an instance, for aigc_access has let it in; else 0. */
ngx_uint_t ngx_http_aigc_is_answer(ngx_http_request_t *r);

/*
 * For the header filter.  NGX_OK: pass it on; NGX_HTTP_BAD_GATEWAY: do not.
 *
 * nginx takes a response without a status line for HTTP/0.9 and, before 1.29,
 * an informational response for the final one.  The bytes after it would
 * reach the client unfiltered: a second response, forged, with cookies in it.
 */
ngx_int_t ngx_http_aigc_check_answer(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_ */
