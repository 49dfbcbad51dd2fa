/*
 * gateway/ngx_http_aigc_upstream_response.h — what is done to an instance's
 * response before nginx passes it on, and what takes its place when there is
 * none.
 */

#ifndef _NGX_HTTP_AIGC_UPSTREAM_RESPONSE_H_INCLUDED_
#define _NGX_HTTP_AIGC_UPSTREAM_RESPONSE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/* 1: r goes to an instance, for aigc_access has let it in; else 0. */
ngx_uint_t ngx_http_aigc_is_proxied(ngx_http_request_t *r);

/*
 * Has r's upstream read past informational responses (100, 102, 103), which
 * come before the final one.  nginx takes the first response for the only one
 * (of 103, until 1.29), and would send what follows to the client as it is.
 * 101 is a final response.  All that comes before the end of the final
 * response's header shares one proxy_buffer_size.
 */
void ngx_http_aigc_skip_informational(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);

/*
 * For the early hints filter: keeps nothing but Link of what a pod hints at,
 * whichever upstream the request goes by.  NGX_DECLINED: nothing is left.
 */
ngx_int_t ngx_http_aigc_guard_early_hints(ngx_http_request_t *r);

/*
 * For the header filter.  NGX_OK: pass it on; NGX_HTTP_BAD_GATEWAY: do not, for
 * each byte must reach the client within a response whose header nginx has
 * written itself.
 *
 * nginx takes a response without a status line for HTTP/0.9 and, before 1.29,
 * an informational response for the final one.  The bytes after it would
 * reach the client unfiltered: a second response, forged, with cookies in it.
 */
ngx_int_t ngx_http_aigc_check_upstream_response(ngx_http_request_t *r);

/*
 * For the header filter: drops, or changes in place, header lines of a pod's
 * response by which an instance would tell a browser something about more than
 * its own host (docs/security.md has the list).  The administrator's own lines
 * (add_header) come later and stay.
 */
void ngx_http_aigc_guard_headers_out(ngx_http_request_t *r);

/*
 * For the header filter: replaces nginx's own 502 or 504 by a page that reloads
 * itself, or by problem details.  nginx makes these when a pod has sent no
 * response: nothing listens, the process died, the response was invalid, or it
 * timed out.  A response of the pod, a 502 included, passes unchanged.
 * NGX_DECLINED: it is none of these, go on; else the value that the filter
 * returns.
 */
ngx_int_t ngx_http_aigc_no_response(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_UPSTREAM_RESPONSE_H_INCLUDED_ */
