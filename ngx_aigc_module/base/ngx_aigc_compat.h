/*
 * base/ngx_aigc_compat.h — every difference between nginx versions, and nowhere
 * else.
 */

#ifndef _NGX_AIGC_COMPAT_H_INCLUDED_
#define _NGX_AIGC_COMPAT_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <nginx.h>


/* 1.23.0: header lines of one name are linked, ngx_table_elt_t has a next */

#if (nginx_version >= 1023000)
#define ngx_aigc_header_end(h)  (h)->next = NULL
#else
#define ngx_aigc_header_end(h)
#endif


/* 1.29.0: what process_header answers to 103, which nginx then passes on */

#if (nginx_version >= 1029000)
#define NGX_AIGC_EARLY_HINTS  NGX_HTTP_UPSTREAM_EARLY_HINTS
#else
#define NGX_AIGC_EARLY_HINTS  0
#endif


/*
 * 1.29.0: a chain of filters for 103, as there is one for the final response's
 * header.  Adds filter, and returns what it has to call; NULL: nobody calls it.
 */
static ngx_inline ngx_http_output_header_filter_pt
ngx_aigc_add_early_hints_filter(ngx_http_output_header_filter_pt filter)
{
#if (nginx_version >= 1029000)

    ngx_http_output_header_filter_pt  next;

    next = ngx_http_top_early_hints_filter;
    ngx_http_top_early_hints_filter = filter;

    return next;

#else

    return NULL;

#endif
}


/*
 * Removes Cookie headers without a value from the list that $http_cookie is
 * made of.  In headers_in.headers they have another name by then.
 */
static ngx_inline void
ngx_aigc_drop_empty_cookies(ngx_http_request_t *r)
{
#if (nginx_version >= 1023000)

    ngx_table_elt_t  **h;

    h = &r->headers_in.cookie;

    while (*h) {
        if ((*h)->value.len == 0) {
            *h = (*h)->next;

        } else {
            h = &(*h)->next;
        }
    }

#else

    ngx_uint_t         i, n;
    ngx_table_elt_t  **h;

    h = r->headers_in.cookies.elts;

    for (i = 0, n = 0; i < r->headers_in.cookies.nelts; i++) {
        if (h[i]->value.len) {
            h[n++] = h[i];
        }
    }

    r->headers_in.cookies.nelts = n;

#endif
}


/*
 * Is the response of r, which has an upstream, read from or written to a cache
 * or a store?  0: no; 1: yes.  *keys is set to the parts of the cache's key, or
 * to NULL for a store.
 */
static ngx_inline ngx_uint_t
ngx_aigc_remembered(ngx_http_request_t *r, ngx_array_t **keys)
{
    *keys = NULL;

#if (NGX_HTTP_CACHE)
    if (r->cache && (r->cached || r->upstream->cacheable)) {
        *keys = &r->cache->keys;
        return 1;
    }
#endif

    return r->upstream->store;
}


/* Keeps the response of r out of cache and store. */
static ngx_inline void
ngx_aigc_remember_not(ngx_http_request_t *r)
{
    r->upstream->store = 0;

#if (NGX_HTTP_CACHE)
    r->cached = 0;
    r->upstream->cacheable = 0;
#endif
}


#if (NGX_HTTP_CACHE)
#define ngx_aigc_conf_caches(conf)  ((conf)->cache > 0)
#else
#define ngx_aigc_conf_caches(conf)  0
#endif


#endif /* _NGX_AIGC_COMPAT_H_INCLUDED_ */
