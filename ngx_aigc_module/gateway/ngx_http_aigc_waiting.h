/*
 * gateway/ngx_http_aigc_waiting.h — what the owner of an instance that is not
 * ready sees on its host: why, on a page that loads itself again, and where it
 * can be started: on the dashboard, whose page asks, since only the gateway's
 * own pages may change something; a program gets JSON.
 */

#ifndef _NGX_HTTP_AIGC_WAITING_H_INCLUDED_
#define _NGX_HTTP_AIGC_WAITING_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_table.h"


/* record: as the decision left it.  Returns what a content handler returns. */
ngx_int_t ngx_http_aigc_waiting(ngx_http_request_t *r,
    ngx_aigc_record_t *record);

/*
 * What a page calls an instance "ns/name/id": its template's title, or else
 * name.  From r->pool or a part of instance.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_waiting_name(ngx_http_request_t *r,
    ngx_str_t *instance, ngx_str_t *name);


#endif /* _NGX_HTTP_AIGC_WAITING_H_INCLUDED_ */
