/*
 * gateway/ngx_http_aigc_unanswered.h — a pod that gave no answer: nobody listens,
 * the process has died, what came is none, or nothing came in time.  nginx's own
 * 502 and 504 become a page that asks again by itself, or problem details; what
 * a pod answers itself, 502 included, is the application's and passes untouched.
 */

#ifndef _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_
#define _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * For the header filter: answers in nginx's place.  NGX_DECLINED: it is no such
 * answer, go on; else what the filter returns.
 */
ngx_int_t ngx_http_aigc_unanswered(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_UNANSWERED_H_INCLUDED_ */
