/*
 * http/ngx_http_aigc_waiting.h — what the owner of an instance that is not ready
 * sees on its host: why, and a page that reloads itself; a program gets JSON.
 */

#ifndef _NGX_HTTP_AIGC_WAITING_H_INCLUDED_
#define _NGX_HTTP_AIGC_WAITING_H_INCLUDED_

#include "ngx_http_aigc_conf.h"

#include "zone/ngx_aigc_table.h"


/* record: as the decision left it.  An HTTP status, or a handler's answer. */
ngx_int_t ngx_http_aigc_waiting(ngx_http_request_t *r,
    ngx_aigc_record_t *record);


#endif /* _NGX_HTTP_AIGC_WAITING_H_INCLUDED_ */
