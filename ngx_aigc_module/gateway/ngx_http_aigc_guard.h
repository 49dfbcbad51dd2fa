/*
 * gateway/ngx_http_aigc_guard.h — instances' hosts in servers that others have
 * written, such as an ingress controller's (aigc_guard on).
 */

#ifndef _NGX_HTTP_AIGC_GUARD_H_INCLUDED_
#define _NGX_HTTP_AIGC_GUARD_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * The post-read phase, with aigc_guard: 400 for a request whose absolute-form
 * target and Host name different hosts.  nginx goes by the one, and $http_host,
 * which goes to auth-url and to pods, is the other.  421 where an instance's own
 * server, by its first name, is asked for another host: its pod would answer.
 */
ngx_int_t ngx_http_aigc_guard_handler(ngx_http_request_t *r);

/*
 * 1: aigc_guard decides on r: its host is an instance's, or could be one of a
 * template's, or lies in the instances' domain and the table does not know yet.
 * 0: there is no aigc_guard, or the host is somebody else's, whom nothing here
 * concerns.  Shared memory only.
 */
ngx_uint_t ngx_http_aigc_guards(ngx_http_request_t *r);

/*
 * The precontent phase.  1: aigc_guard decides on r, and did not let it in:
 * "satisfy any" had another module do so, an error page has led it past the
 * post-read phase, or its host has become an instance's since.  allowed: there
 * is a decision.
 */
ngx_uint_t ngx_http_aigc_got_past(ngx_http_request_t *r, ngx_uint_t allowed);

/*
 * nginx chose the server, and we the instance, by headers_in.server; a Host
 * header beside an absolute-form target may name another.  known: the server's
 * name may be taken for a host name, as one that the table knows is.
 * NGX_OK: there is one host; NGX_DECLINED: there are two, or none.
 */
ngx_int_t ngx_http_aigc_host_agrees(ngx_http_request_t *r, ngx_uint_t known);


#endif /* _NGX_HTTP_AIGC_GUARD_H_INCLUDED_ */
