/*
 * gateway/ngx_http_aigc_upstream_response.c — the form of a pod's
 * response.
 */

#include "ngx_http_aigc_upstream_response.h"


ngx_uint_t
ngx_http_aigc_is_proxied(ngx_http_request_t *r)
{
    ngx_http_aigc_ctx_t  *ctx;

    /* nginx may have forgotten it: a pod says X-Accel-Redirect, and "return" */

    ctx = ngx_http_aigc_find_ctx(r);

    /* what auth_request asks before the keys are out goes to no instance */

    return ctx && ctx->decision == NGX_HTTP_AIGC_ALLOW && ctx->socklen
           && ctx->stripped;
}


ngx_int_t
ngx_http_aigc_check_upstream_response(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    if (r->upstream == NULL || !ngx_http_aigc_is_proxied(r)) {
        return NGX_OK;
    }

    status = r->headers_out.status;

    if (r->http_version < NGX_HTTP_VERSION_10) {

        /* or the refusal would have no header either */

        r->http_version = NGX_HTTP_VERSION_11;
        status = 0;
    }

    if (status >= NGX_HTTP_OK
        || (status == NGX_HTTP_SWITCHING_PROTOCOLS && r->upstream->upgrade))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aigc: an instance's answer with status %ui is none: it is "
                  "not passed on", status);

    return NGX_HTTP_BAD_GATEWAY;
}
