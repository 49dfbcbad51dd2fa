/*
 * api/ngx_http_aigc_status.h — for those who run it, not on the public host:
 * /healthz, /readyz, /metrics, and the table as JSON.
 */

#ifndef _NGX_HTTP_AIGC_STATUS_H_INCLUDED_
#define _NGX_HTTP_AIGC_STATUS_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include <jansson.h>


ngx_int_t ngx_http_aigc_healthz_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_readyz_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_metrics_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_table_handler(ngx_http_request_t *r);

/* [{"name","type","labels"?}] of /metrics. */
json_t *ngx_http_aigc_metrics_names(ngx_http_aigc_main_conf_t *mcf);


#endif /* _NGX_HTTP_AIGC_STATUS_H_INCLUDED_ */
