/*
 * ngx_http_aigc_module.h — what the module's own tables name of the root's
 * files, besides directives.
 */

#ifndef _NGX_HTTP_AIGC_MODULE_H_INCLUDED_
#define _NGX_HTTP_AIGC_MODULE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* A worker begins, and ends: what it runs besides requests. */
ngx_int_t ngx_http_aigc_init_process(ngx_cycle_t *cycle);
void ngx_http_aigc_exit_process(ngx_cycle_t *cycle);

/* The module's variables; name.len 0 ends the array. */
extern ngx_http_variable_t  ngx_http_aigc_variables[];

ngx_int_t ngx_http_aigc_add_variables(ngx_conf_t *cf);

/*
 * aigc_describe: the module's own account of its names, as JSON, for documents
 * and tests to be compared with: API calls, problem codes, decisions, metrics,
 * variables, annotations, and directives with their parameters.
 *
 * Each list is made from the very table that the module works with; a new one
 * comes in as a line of this handler.
 */
ngx_int_t ngx_http_aigc_describe_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_MODULE_H_INCLUDED_ */
