/*
 * gateway/ngx_http_aigc_upstream.h — the balancer of "upstream {
 * aigc_instances; }": the one address is the pod of this request's own
 * decision.
 */

#ifndef _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_
#define _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* The directive's set function. */
char *ngx_http_aigc_instances(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* 1: us, which may be NULL, is an upstream with that directive; 0. */
ngx_uint_t ngx_http_aigc_is_instances(ngx_http_upstream_srv_conf_t *us);

/* 1: such a one is what r, which has an upstream, is passed to; 0. */
ngx_uint_t ngx_http_aigc_to_instances(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_UPSTREAM_H_INCLUDED_ */
