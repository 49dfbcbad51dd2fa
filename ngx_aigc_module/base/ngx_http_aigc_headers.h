/*
 * base/ngx_http_aigc_headers.h — request headers: found by lower-case name, so
 * that the code is the same in every nginx; and what an instance must not see.
 */

#ifndef _NGX_HTTP_AIGC_HEADERS_H_INCLUDED_
#define _NGX_HTTP_AIGC_HEADERS_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


/*
 * The next header line called name (lower case) after *state, which is zeroed
 * before the first call.  NULL: no more.
 */
typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
    size_t            len;
} ngx_http_aigc_header_t;

ngx_table_elt_t *ngx_http_aigc_header_next(ngx_http_request_t *r,
    const char *name, ngx_http_aigc_header_t *state);

/* The only one, or NULL: there is none, or more than one. */
ngx_table_elt_t *ngx_http_aigc_header_once(ngx_http_request_t *r,
    const char *name);

/* The first one, or NULL. */
ngx_table_elt_t *ngx_http_aigc_header(ngx_http_request_t *r,
    const char *name);

/*
 * The next cookie of all Cookie lines after *state, which is zeroed before the
 * first call.  NGX_OK: name and value point into the line, as by
 * ngx_aigc_cookie_next(); NGX_DONE: no more.
 */
typedef struct {
    ngx_http_aigc_header_t  header;
    ngx_table_elt_t        *line;
    size_t                  pos;
} ngx_http_aigc_cookies_t;

ngx_int_t ngx_http_aigc_cookie_next(ngx_http_request_t *r,
    ngx_http_aigc_cookies_t *state, ngx_str_t *name, ngx_str_t *value);

/* 1: r's host lies in the instances' domain and is not the gateway's. */
ngx_uint_t ngx_http_aigc_is_instance_host(ngx_http_request_t *r);

/* NGX_OK: the browser is going to a page, so a redirect helps. */
ngx_int_t ngx_http_aigc_is_navigation(ngx_http_request_t *r);

/* NGX_OK: what comes back is shown to a person, whatever the method. */
ngx_int_t ngx_http_aigc_is_person(ngx_http_request_t *r);

/*
 * NGX_OK: a browser asks whether a page of another origin may send a request
 * (Fetch, 4.8: OPTIONS without credentials, here without a body as well).
 */
ngx_int_t ngx_http_aigc_is_preflight(ngx_http_request_t *r);

/* NGX_OK: GET, HEAD without an upgrade; NGX_DECLINED: it may change state. */
ngx_int_t ngx_http_aigc_is_safe(ngx_http_request_t *r);

/*
 * NGX_OK: it asks for a WebSocket, and for nothing else (RFC 6455, 4.1; an
 * upgrade is HTTP/1.1's alone, RFC 9110, 7.8).
 */
ngx_int_t ngx_http_aigc_is_websocket(ngx_http_request_t *r);

/*
 * Where does the request come from?  Origin, else (none, or "null")
 * Sec-Fetch-Site, against own (an origin, or NULL) and the gateway's.  NGX_OK:
 * from there, or from no page; NGX_DECLINED: from another.
 */
ngx_int_t ngx_http_aigc_same_origin(ngx_http_request_t *r, ngx_str_t *own);

/* Empties every Cookie and Authorization: nobody has looked at them. */
void ngx_http_aigc_strip_user(ngx_http_request_t *r);

/* Cuts the gateway's cookies out of every Cookie header. */
void ngx_http_aigc_strip_cookies(ngx_http_request_t *r);

/*
 * Empties Upgrade, unless it asks for a WebSocket: any other protocol would be
 * a tunnel (h2c: of requests that nobody decides).
 */
void ngx_http_aigc_strip_upgrade(ngx_http_request_t *r);

/* Empties Authorization: its bearer token was for us. */
void ngx_http_aigc_strip_bearer(ngx_http_request_t *r);

/*
 * Has nginx make the variables of what was stripped anew: one that was looked at
 * before still holds it.  ngx_http_aigc_strip_init() was called.
 */
void ngx_http_aigc_strip_variables(ngx_http_request_t *r);

/* Once the whole configuration is read.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_strip_init(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_AIGC_HEADERS_H_INCLUDED_ */
