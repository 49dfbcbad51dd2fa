/*
 * gateway/ngx_http_aigc_unanswered.h — a pod that sent no response: nothing
 * listens, the process died, the response was invalid, or it timed out.
 * nginx's own 502 and 504 are replaced by a page that reloads itself, or by
 * problem details.  A response of the pod, a 502 included, passes unchanged.
 */

#ifndef _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_
#define _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * Header filter: replaces nginx's own 502 or 504.  NGX_DECLINED: it is none of
 * these, go on; else the value that the filter returns.
 */
ngx_int_t ngx_http_aigc_unanswered(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_ */
