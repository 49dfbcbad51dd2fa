/*
 * ngx_http_aigc_describe.h — aigc_describe: the module's own account of its
 * names, as JSON, for documents and tests to be compared with: API calls,
 * problem codes, decisions, metrics, variables, annotations, and directives with
 * their parameters.
 *
 * Each list is made from the very table that the module works with; a new one
 * comes in as a line of ngx_http_aigc_describe_handler().
 */

#ifndef _NGX_HTTP_AIGC_DESCRIBE_H_INCLUDED_
#define _NGX_HTTP_AIGC_DESCRIBE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_describe_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_DESCRIBE_H_INCLUDED_ */
