/*
 * gateway/ngx_http_aigc_between.h — what differs on the two sides of the
 * gateway: fields of a connection, and an instance's address, which its browser
 * knows by the public scheme and port (aigc_gateway), its application perhaps
 * not.
 */

#ifndef _NGX_HTTP_AIGC_BETWEEN_H_INCLUDED_
#define _NGX_HTTP_AIGC_BETWEEN_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * For the header filter.  Drops the fields that Connection names, and, where
 * the client's protocol has no such fields (HTTP/2 and later; RFC 9113 8.2.2),
 * all of the connection.  Location and Refresh that lead to the request's own
 * host are given the public scheme and port: behind a TLS terminator an
 * application may know neither.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_translate_headers_out(ngx_http_request_t *r);

/*
 * $aigc_connection and $aigc_upgrade, by data: "upgrade" and "websocket" for a
 * WebSocket, or nothing: keepalive.  $http_upgrade would not do: from nginx
 * 1.23 on it joins two lines, also emptied ones, by a comma.
 */
enum {
    NGX_HTTP_AIGC_CONNECTION = 0,
    NGX_HTTP_AIGC_UPGRADE
};

ngx_int_t ngx_http_aigc_websocket_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

/* $aigc_scheme, $aigc_host, $aigc_port: the public address, by data. */
enum {
    NGX_HTTP_AIGC_SCHEME = 0,
    NGX_HTTP_AIGC_HOST,
    NGX_HTTP_AIGC_PORT
};

ngx_int_t ngx_http_aigc_public_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#endif /* _NGX_HTTP_AIGC_BETWEEN_H_INCLUDED_ */
