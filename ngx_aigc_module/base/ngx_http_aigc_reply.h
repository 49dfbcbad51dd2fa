/*
 * base/ngx_http_aigc_reply.h — the responses that the module makes itself:
 * problem+json (RFC 9457), JSON, HTML, a redirect.
 *
 * Each sends the whole response and returns what a content handler returns.  In
 * the access phase finalize with it and return NGX_DONE.  Nothing is cached.
 */

#ifndef _NGX_HTTP_AIGC_REPLY_H_INCLUDED_
#define _NGX_HTTP_AIGC_REPLY_H_INCLUDED_

#include "ngx_http_aigc_code.h"
#include "ngx_http_aigc_conf.h"

#include <jansson.h>


/*
 * Status, word and Retry-After are the code's; the type is
 * "urn:aigc-gateway:<word>".  detail: a sentence for people; NULL: the code's.
 */
ngx_int_t ngx_http_aigc_problem(ngx_http_request_t *r,
    ngx_http_aigc_code_e code, const char *detail);

/* The same with the members of more, which it takes over; NULL: 500. */
ngx_int_t ngx_http_aigc_problem_with(ngx_http_request_t *r,
    ngx_http_aigc_code_e code, const char *detail, json_t *more);

/* Takes over json; NULL: 500. */
ngx_int_t ngx_http_aigc_json(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json);

/*
 * Takes over json: its text on one line, from pool.  NGX_OK; NGX_ERROR: json is
 * NULL, or no memory.
 */
ngx_int_t ngx_http_aigc_json_dump(ngx_pool_t *pool, json_t *json,
    ngx_str_t *text);

/* body: HTML, policy: its Content-Security-Policy; from r->pool or static. */
ngx_int_t ngx_http_aigc_html(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body, ngx_str_t *policy, time_t retry);

/*
 * 200 without a body.  An nginx that asks by auth_request does not read one,
 * and so keeps the connection only without.
 */
ngx_int_t ngx_http_aigc_empty(ngx_http_request_t *r);

/*
 * The header alone, for a body of len bytes (-1: unknown) that the caller
 * sends. Returns as ngx_http_send_header(), or 500.
 */
ngx_int_t ngx_http_aigc_send_header(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t len);

/* 302, or 303 after a POST.  location: from r->pool. */
ngx_int_t ngx_http_aigc_redirect(ngx_http_request_t *r, ngx_str_t *location);

/* Adds a header line to the response.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/* Adds a Set-Cookie line; domain NULL: a cookie of this host alone. */
ngx_int_t ngx_http_aigc_set_cookie(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *domain, time_t max_age);

/* A JSON string; what is no UTF-8 becomes "". */
json_t *ngx_http_aigc_json_text(u_char *data, size_t len);

#define ngx_http_aigc_json_str(str)                                           \
    ngx_http_aigc_json_text((str)->data, (str)->len)

/* The same of a string in a slot of the zone. */
#define ngx_http_aigc_json_fixed(f)                                           \
    ngx_http_aigc_json_text((f)->data, (f)->len)

/* 405 with Allow. */
ngx_int_t ngx_http_aigc_not_allowed(ngx_http_request_t *r, const char *allow);


#endif /* _NGX_HTTP_AIGC_REPLY_H_INCLUDED_ */
