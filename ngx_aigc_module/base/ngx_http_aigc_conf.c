/*
 * base/ngx_http_aigc_conf.c — the context of a main request, also after an
 * internal redirect: nginx forgets modules' contexts then, a pool does not.
 */

#include "ngx_http_aigc_conf.h"


static void ngx_http_aigc_ctx_cleanup(void *data);


ngx_http_aigc_ctx_t *
ngx_http_aigc_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_find_ctx(r);

    if (ctx) {
        return ctx;
    }

    r = r->main;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_aigc_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, sizeof(ngx_http_aigc_ctx_t));
    cln->handler = ngx_http_aigc_ctx_cleanup;

    ngx_http_set_ctx(r, cln->data, ngx_http_aigc_module);

    return cln->data;
}


ngx_http_aigc_ctx_t *
ngx_http_aigc_find_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_aigc_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);

    if (ctx) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_aigc_ctx_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_aigc_module);
            return cln->data;
        }
    }

    return NULL;
}


/* It is found by this handler; there is nothing to clean. */
static void
ngx_http_aigc_ctx_cleanup(void *data)
{
}
