/*
 * http/ngx_http_aigc_cookies_out.c — what an instance may not tell a browser.
 */

#include "ngx_http_aigc_cookies_out.h"

#include "core/ngx_aigc_cookie.h"


void
ngx_http_aigc_drop_set_cookies(ngx_http_request_t *r)
{
    size_t                      pos;
    ngx_str_t                   name, value;
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *h;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL || ctx->decision != NGX_HTTP_AIGC_ALLOW
        || ctx->socklen == 0)
    {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0 || h[i].key.len != sizeof("Set-Cookie") - 1
                || ngx_strncasecmp(h[i].key.data, (u_char *) "Set-Cookie",
                                   sizeof("Set-Cookie") - 1)
                   != 0)
            {
                continue;
            }

            pos = 0;

            if (ngx_aigc_cookie_next(&h[i].value, &pos, &name, &value)
                == NGX_OK
                && ngx_aigc_cookie_ours(&name, &mcf->cookie) == NGX_OK)
            {
                h[i].hash = 0;
            }
        }
    }
}
