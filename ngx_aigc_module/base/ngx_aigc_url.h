/*
 * base/ngx_aigc_url.h — URLs and hosts that come from outside: strict, so that
 * what is let through means to every browser what it means to us.
 */

#ifndef _NGX_AIGC_URL_H_INCLUDED_
#define _NGX_AIGC_URL_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_bounds.h"


typedef struct {
    ngx_str_t        scheme;            /* lower case, "http" or "https" */
    ngx_str_t        host;              /* lower case, no trailing dot */
    in_port_t        port;              /* the scheme's default when absent */
    ngx_str_t        authority;         /* host[:port] as written, lower case */
    ngx_str_t        uri;               /* path and query, "/" when empty */
} ngx_aigc_url_t;


/*
 * Parses an absolute http(s) URL.  Userinfo, backslashes, control bytes,
 * blanks, bytes over 0x7e, an empty or malformed host, port 0 or over 65535:
 * NGX_DECLINED.  A fragment is cut off.  Strings from pool.  NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_aigc_url_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_aigc_url_t *url);

/*
 * The same for a URL of a browser's, of which only the host decides anything:
 * path and query may hold whatever a request line or a header may, and uri is
 * what stands there, raw.  The caller bounds the length.
 */
ngx_int_t ngx_aigc_url_split(ngx_pool_t *pool, ngx_str_t *text,
    ngx_aigc_url_t *url);

/*
 * Lower case, port and one trailing dot cut off; a DNS name of letters,
 * digits, "-", "_" and "." with no empty label.  out from pool.
 * NGX_OK, NGX_DECLINED, NGX_ERROR.
 */
ngx_int_t ngx_aigc_host_normalize(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);

/* NGX_OK when host is domain itself or a name under it (both normalized). */
ngx_int_t ngx_aigc_host_within(ngx_str_t *host, ngx_str_t *domain);

/*
 * Percent-encodes text for a query component into out (RFC 3986: all but
 * unreserved; or, for a long one, only what cannot stand there: "%", "&", "+",
 * "#" and what ngx_aigc_url_parse() does not let in), and decodes one ("+"
 * stays), from pool.  Decoding refuses bad escapes and NUL with NGX_DECLINED.
 */
ngx_int_t ngx_aigc_url_encode(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);
ngx_int_t ngx_aigc_url_encode_little(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);
ngx_int_t ngx_aigc_url_decode(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);

/*
 * Percent-encodes what ngx_aigc_url_parse() does not let in and a request
 * target may hold all the same: backslashes (browsers leave them as they are
 * in a query) and bytes that are no printable ASCII.  out from pool.
 */
ngx_int_t ngx_aigc_url_escape_odd(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);

/*
 * The first argument called name in a query string, raw (undecoded), pointing
 * into query.  NGX_OK or NGX_DECLINED.
 */
ngx_int_t ngx_aigc_query_get(ngx_str_t *query, const char *name,
    ngx_str_t *value);

/* 1: one of names, which end with NULL, stands in a query string twice. */
ngx_uint_t ngx_aigc_query_repeats(ngx_str_t *query, const char *const *names);


#endif /* _NGX_AIGC_URL_H_INCLUDED_ */
