/*
 * oidc/ngx_aigc_rd.c — what was checked is what is kept: the URL is built anew
 * from its parts.
 */

#include "ngx_aigc_rd.h"
#include "ngx_aigc_ticket.h"
#include "base/ngx_aigc_text.h"


static ngx_int_t ngx_aigc_rd_text(ngx_pool_t *pool, ngx_str_t *args,
    ngx_aigc_rd_site_t *site, ngx_str_t *text);


ngx_int_t
ngx_aigc_rd_read(ngx_pool_t *pool, ngx_str_t *args, ngx_aigc_rd_site_t *site,
    ngx_str_t *rd)
{
    ngx_int_t        rc;
    ngx_str_t        text, uri;
    ngx_aigc_url_t   url;

    rc = ngx_aigc_rd_text(pool, args, site, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_aigc_url_split(pool, &text, &url);
    if (rc != NGX_OK) {
        return rc;
    }

    /* TLS ended in front of an ingress controller, which says "http" then */

    if (site->secure && url.scheme.len == sizeof("http") - 1) {
        url.scheme = site->gateway->scheme;

        if (url.authority.len == url.host.len) {
            url.port = 443;
        }
    }

    if (url.port != site->gateway->port
        || url.scheme.len != site->gateway->scheme.len
        || (ngx_aigc_host_within(&url.host, site->domain) != NGX_OK
            && !ngx_aigc_text_eq(&url.host, &site->gateway->host)))
    {
        return NGX_DECLINED;
    }

    /* one that was of no use is no part of the page */

    (void) ngx_aigc_ticket_cut(&url.uri, 0, &uri);

    if (ngx_aigc_url_escape_odd(pool, &url.uri, &uri) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (url.scheme.len + 3 + url.authority.len + uri.len > site->max) {
        ngx_str_set(&uri, "/");
        rc = NGX_DONE;
    }

    rd->len = url.scheme.len + 3 + url.authority.len + uri.len;
    rd->data = ngx_pnalloc(pool, rd->len);
    if (rd->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(rd->data, "%V://%V%V", &url.scheme, &url.authority,
                       &uri);

    return rc;
}


/* As an absolute URL, without the bytes that no request line can hold. */
static ngx_int_t
ngx_aigc_rd_text(ngx_pool_t *pool, ngx_str_t *args, ngx_aigc_rd_site_t *site,
    ngx_str_t *text)
{
    size_t     i;
    ngx_int_t  rc;
    ngx_str_t  raw, path;

    if (ngx_aigc_query_get(args, "rd", &raw) != NGX_OK || raw.len == 0) {
        ngx_str_set(&path, "/");

    } else {
        rc = ngx_aigc_url_decode(pool, &raw, &path);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    for (i = 0; i < path.len; i++) {
        if (path.data[i] < 0x20 || path.data[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    *text = path;

    if (path.len == 0 || path.data[0] != '/') {
        return NGX_OK;
    }

    text->len = site->origin->len + path.len;
    text->data = ngx_pnalloc(pool, text->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(text->data, "%V%V", site->origin, &path);

    return NGX_OK;
}
