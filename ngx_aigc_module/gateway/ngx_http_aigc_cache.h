/*
 * gateway/ngx_http_aigc_cache.h — checks nginx's cache keys (proxy_cache,
 * proxy_store and the like).  A cached response is found by its key alone, so
 * before instances the key must contain "$aigc_instance": without it one user
 * would get a response that was made for another.
 */

#ifndef _NGX_HTTP_AIGC_CACHE_H_INCLUDED_
#define _NGX_HTTP_AIGC_CACHE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


typedef enum {
    NGX_HTTP_AIGC_KEY_GOOD = 0,
    NGX_HTTP_AIGC_KEY_WITHOUT,          /* "$aigc_instance" is not in it */
    NGX_HTTP_AIGC_KEY_AMBIGUOUS         /* it is, but a client writes what
                                           stands before and after it */
} ngx_http_aigc_key_e;


/* Judges the text of a cache key in the configuration. */
ngx_http_aigc_key_e ngx_http_aigc_cache_key(ngx_str_t *key);

/* 1: r's response comes from a cache, or may go to one, or to a store; 0. */
ngx_uint_t ngx_http_aigc_remembers(ngx_http_request_t *r);

/*
 * At run time, before an upstream is asked and before a response, remembered or
 * new, goes out: NGX_OK; NGX_DECLINED: it is remembered, or would be, under a
 * key that does not name r's instance (logged): answer 500.
 */
ngx_int_t ngx_http_aigc_cache_check(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_CACHE_H_INCLUDED_ */
