/*
 * http/ngx_http_aigc_upstream.h — the balancer of "upstream { aigc_instances; }":
 * the one address is the pod of this request's own decision.
 */

#ifndef _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_
#define _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/* The directive's set function. */
char *ngx_http_aigc_instances(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_ */
