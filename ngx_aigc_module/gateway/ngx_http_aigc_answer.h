/*
 * gateway/ngx_http_aigc_answer.h — what a pod answers, before nginx passes it on:
 * not a byte of it may stand on the client's connection outside of an answer
 * whose headers nginx has written itself.
 */

#ifndef _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_
#define _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* r is an instance's answer: aigc_access has let this request in. */
ngx_uint_t ngx_http_aigc_is_answer(ngx_http_request_t *r);

/*
 * For the header filter.  NGX_OK: pass it on; NGX_HTTP_BAD_GATEWAY: do not.
 *
 * nginx takes an answer without a status line for one of HTTP/0.9, and, before
 * 1.29, an informational one for the last: what follows goes to the client as
 * it is, a second answer of the pod's own making with cookies in it.
 */
ngx_int_t ngx_http_aigc_check_answer(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_ANSWER_H_INCLUDED_ */
