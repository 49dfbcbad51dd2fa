/*
 * ngx_http_aigc_process.h — what runs in which of nginx's processes.
 */

#ifndef _NGX_HTTP_AIGC_PROCESS_H_INCLUDED_
#define _NGX_HTTP_AIGC_PROCESS_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_init_process(ngx_cycle_t *cycle);
void ngx_http_aigc_exit_process(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_AIGC_PROCESS_H_INCLUDED_ */
