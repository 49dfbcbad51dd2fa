/*
 * ngx_http_aigc_variables.h — the module's variables.
 */

#ifndef _NGX_HTTP_AIGC_VARIABLES_H_INCLUDED_
#define _NGX_HTTP_AIGC_VARIABLES_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* name.len 0 ends it */
extern ngx_http_variable_t  ngx_http_aigc_variables[];

ngx_int_t ngx_http_aigc_add_variables(ngx_conf_t *cf);


#endif /* _NGX_HTTP_AIGC_VARIABLES_H_INCLUDED_ */
