/*
 * http/ngx_http_aigc_cookies_out.c — what an instance may not tell a browser.
 */

#include "ngx_http_aigc_answer.h"
#include "ngx_http_aigc_cookies_out.h"

#include "core/ngx_aigc_cookie.h"


static ngx_uint_t ngx_http_aigc_sets_ours(ngx_str_t *line,
    ngx_str_t *session);


void
ngx_http_aigc_drop_set_cookies(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *h;
    ngx_http_aigc_main_conf_t  *mcf;

    if (!ngx_http_aigc_is_answer(r)) {
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

            if (ngx_http_aigc_sets_ours(&h[i].value, &mcf->cookie)) {
                h[i].hash = 0;
            }
        }
    }
}


/*
 * A cookie without a name, "=a=b", comes back from the browser as "a=b": it
 * counts as what it will be taken for.
 */
static ngx_uint_t
ngx_http_aigc_sets_ours(ngx_str_t *line, ngx_str_t *session)
{
    size_t      pos;
    ngx_str_t   name, value, pair;

    pos = 0;

    if (ngx_aigc_cookie_next(line, &pos, &name, &value) != NGX_OK) {
        return 0;
    }

    if (name.len == 0) {
        pair = value;
        pos = 0;

        if (ngx_aigc_cookie_next(&pair, &pos, &name, &value) != NGX_OK) {
            return 0;
        }
    }

    return ngx_aigc_cookie_ours(&name, session) == NGX_OK;
}
