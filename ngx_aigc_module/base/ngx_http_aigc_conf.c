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


ngx_int_t
ngx_http_aigc_keep_handler_ctx(ngx_http_request_t *r, const char *type,
    void *p)
{
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->handler = p;
    ctx->handler_type = type;

    return NGX_OK;
}


void *
ngx_http_aigc_kept_handler_ctx(ngx_http_request_t *r, const char *type)
{
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_find_ctx(r);

    if (ctx == NULL || ctx->handler == NULL
        || ngx_strcmp(ctx->handler_type, type) != 0)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "aigc: a handler asks for its %s, the request has %s",
                      type, ctx && ctx->handler ? ctx->handler_type : "none");
        return NULL;
    }

    return ctx->handler;
}


/* It is found by this handler; there is nothing to clean. */
static void
ngx_http_aigc_ctx_cleanup(void *data)
{
}
