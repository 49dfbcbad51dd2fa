/*
 * gateway/ngx_http_aigc_informational.h — informational answers (1xx) that come
 * before the answer: 100, 102, 103.  nginx takes the first answer for the only
 * one (of 103, until 1.29), and would send what follows to the client as it is.
 */

#ifndef _NGX_HTTP_AIGC_INFORMATIONAL_H_INCLUDED_
#define _NGX_HTTP_AIGC_INFORMATIONAL_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * Has r's upstream read past them.  Not past 101, which is an answer.  All that
 * comes before the answer's end of header shares one proxy_buffer_size.
 */
void ngx_http_aigc_skip_informational(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);


#endif /* _NGX_HTTP_AIGC_INFORMATIONAL_H_INCLUDED_ */
