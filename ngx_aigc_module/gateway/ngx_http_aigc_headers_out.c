/*
 * gateway/ngx_http_aigc_headers_out.c — line by line: dropped, changed, or
 * passed as it is.
 */

#include "ngx_http_aigc_upstream_response.h"

#include "ngx_aigc_clear.h"
#include "base/ngx_aigc_cookie.h"


typedef struct {
    ngx_str_t     name;
    /* NULL: it never passes; else NGX_DECLINED: this line does not */
    ngx_int_t   (*change)(ngx_http_request_t *r, ngx_str_t *value);
} ngx_http_aigc_guarded_t;


static void ngx_http_aigc_guard_line(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_aigc_guard_cookie(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_int_t ngx_http_aigc_guard_clear(ngx_http_request_t *r,
    ngx_str_t *value);


/*
 * Those that never pass speak for the connection between browser and gateway:
 * which port, certificate and protocol it has, and whom its errors are told to.
 */
static ngx_http_aigc_guarded_t  ngx_http_aigc_guarded[] = {
    { ngx_string("Set-Cookie"), ngx_http_aigc_guard_cookie },
    { ngx_string("Clear-Site-Data"), ngx_http_aigc_guard_clear },
    { ngx_string("Alt-Svc"), NULL },
    { ngx_string("Strict-Transport-Security"), NULL },
    { ngx_string("Public-Key-Pins"), NULL },
    { ngx_string("Public-Key-Pins-Report-Only"), NULL },
    { ngx_string("Expect-CT"), NULL },
    { ngx_string("NEL"), NULL },
    { ngx_null_string, NULL }
};


void
ngx_http_aigc_guard_headers_out(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (!ngx_http_aigc_is_proxied(r)) {
        return;
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash) {
                ngx_http_aigc_guard_line(r, &h[i]);
            }
        }
    }
}


static void
ngx_http_aigc_guard_line(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_http_aigc_guarded_t  *guarded;

    for (guarded = ngx_http_aigc_guarded; guarded->name.len; guarded++) {

        if (h->key.len != guarded->name.len
            || ngx_strncasecmp(h->key.data, guarded->name.data, h->key.len)
               != 0)
        {
            continue;
        }

        if (guarded->change == NULL
            || guarded->change(r, &h->value) != NGX_OK)
        {
            h->hash = 0;
        }

        return;
    }
}


/*
 * The gateway's own cookies are not the pod's to set.  Another's with the
 * Domain of all hosts is a cookie of this host alone: it would stand beside,
 * or in the place of, those of the user's other instances.
 *
 * A cookie without a name, "=a=b", comes back from the browser as "a=b": it
 * counts as what it will be taken for.
 */
static ngx_int_t
ngx_http_aigc_guard_cookie(ngx_http_request_t *r, ngx_str_t *value)
{
    size_t                      pos;
    ngx_str_t                   name, pair, rest;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    pos = 0;

    if (ngx_aigc_cookie_next(value, &pos, &name, &rest) == NGX_OK) {

        if (name.len == 0) {
            pair = rest;
            pos = 0;

            (void) ngx_aigc_cookie_next(&pair, &pos, &name, &rest);
        }

        if (ngx_aigc_cookie_ours(&name, &mcf->old_cookie) == NGX_OK) {
            return NGX_DECLINED;
        }
    }

    ngx_aigc_cookie_narrow(value, &r->headers_in.server);

    return NGX_OK;
}


/*
 * Cookies belong to the whole site: the gateway's session and other instances'
 * would go, too.  What belongs to the origin is the pod's to clear.
 */
static ngx_int_t
ngx_http_aigc_guard_clear(ngx_http_request_t *r, ngx_str_t *value)
{
    return ngx_aigc_clear_strip(value) ? NGX_OK : NGX_DECLINED;
}
