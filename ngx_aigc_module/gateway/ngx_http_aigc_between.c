/*
 * gateway/ngx_http_aigc_between.c — fields of the connection to a pod, and the
 * address that a pod takes for its own.
 */

#include "ngx_http_aigc_between.h"
#include "ngx_http_aigc_upstream_response.h"
#include "base/ngx_http_aigc_headers.h"


static void ngx_http_aigc_drop_connection_fields(ngx_http_request_t *r);
static ngx_uint_t ngx_http_aigc_of_connection(ngx_str_t *name);
static ngx_uint_t ngx_http_aigc_nominated(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_uint_t ngx_http_aigc_in_list(ngx_str_t *list, ngx_str_t *name);
static ngx_int_t ngx_http_aigc_public_location(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_public_url(ngx_http_request_t *r,
    ngx_str_t *value, size_t prefix);
static u_char *ngx_http_aigc_behind_own_host(ngx_http_request_t *r, u_char *p,
    u_char *last);


#define ngx_http_aigc_name_is(name, literal)                                  \
    ((name)->len == sizeof(literal) - 1                                       \
     && ngx_strncasecmp((name)->data, (u_char *) literal,                     \
                        sizeof(literal) - 1)                                  \
        == 0)


ngx_int_t
ngx_http_aigc_translate_headers_out(ngx_http_request_t *r)
{
    if (r->upstream == NULL || !ngx_http_aigc_is_proxied(r)) {
        return NGX_OK;
    }

    ngx_http_aigc_drop_connection_fields(r);

    return ngx_http_aigc_public_location(r);
}


static void
ngx_http_aigc_drop_connection_fields(ngx_http_request_t *r)
{
    ngx_uint_t        i, all;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    all = (r->http_version >= NGX_HTTP_VERSION_20);

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash
                && ((all && ngx_http_aigc_of_connection(&h[i].key))
                    || ngx_http_aigc_nominated(r, &h[i].key)))
            {
                h[i].hash = 0;
            }
        }
    }
}


static ngx_uint_t
ngx_http_aigc_of_connection(ngx_str_t *name)
{
    return ngx_http_aigc_name_is(name, "Connection")
           || ngx_http_aigc_name_is(name, "Keep-Alive")
           || ngx_http_aigc_name_is(name, "Proxy-Connection")
           || ngx_http_aigc_name_is(name, "Transfer-Encoding")
           || ngx_http_aigc_name_is(name, "Upgrade")
           || ngx_http_aigc_name_is(name, "HTTP2-Settings")
           || ngx_http_aigc_name_is(name, "TE");
}


/*
 * RFC 9110 7.6.1: the pod's Connection names it.  Over HTTP/1.1 an upgrade
 * goes on to the client, and Upgrade with it.
 */
static ngx_uint_t
ngx_http_aigc_nominated(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (ngx_http_aigc_name_is(name, "Upgrade")) {
        return 0;
    }

    for (part = &r->upstream->headers_in.headers.part; part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_aigc_name_is(&h[i].key, "Connection")
                && ngx_http_aigc_in_list(&h[i].value, name))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_aigc_in_list(ngx_str_t *list, ngx_str_t *name)
{
    u_char  *p, *last, *begin, *end;

    p = list->data;
    last = p + list->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        begin = p;

        while (p < last && *p != ',') {
            p++;
        }

        for (end = p; end > begin && (end[-1] == ' ' || end[-1] == '\t');
             end--)
        {
            /* void */
        }

        if ((size_t) (end - begin) == name->len && name->len
            && ngx_strncasecmp(begin, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_aigc_public_location(ngx_http_request_t *r)
{
    u_char           *url;
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            rc = NGX_OK;

            if (h[i].hash && ngx_http_aigc_name_is(&h[i].key, "Location")) {
                rc = ngx_http_aigc_public_url(r, &h[i].value, 0);

            } else if (h[i].hash
                       && ngx_http_aigc_name_is(&h[i].key, "Refresh"))
            {
                url = ngx_strlcasestrn(h[i].value.data,
                                       h[i].value.data + h[i].value.len,
                                       (u_char *) "url=", 4 - 1);
                if (url) {
                    rc = ngx_http_aigc_public_url(r, &h[i].value,
                                                  url + 4 - h[i].value.data);
                }
            }

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* value: a URL behind prefix bytes. */
static ngx_int_t
ngx_http_aigc_public_url(ngx_http_request_t *r, ngx_str_t *value,
    size_t prefix)
{
    u_char                     *rest, *last, *p;
    size_t                      len;
    ngx_http_aigc_main_conf_t  *mcf;

    last = value->data + value->len;

    rest = ngx_http_aigc_behind_own_host(r, value->data + prefix, last);
    if (rest == NULL) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    len = prefix + mcf->gateway.scheme.len + 3 + r->headers_in.server.len
          + mcf->port.len + (last - rest);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_cpymem(p, value->data, prefix);
    last = ngx_sprintf(last, "%V://%V%V", &mcf->gateway.scheme,
                       &r->headers_in.server, &mcf->port);

    ngx_memcpy(last, rest, len - (last - p));

    value->data = p;
    value->len = len;

    return NGX_OK;
}


/*
 * Of http(s)://own-host[:port]: what follows.  NULL: it is none.  Whatever its
 * port, the request has come by the public one alone.
 */
static u_char *
ngx_http_aigc_behind_own_host(ngx_http_request_t *r, u_char *p, u_char *last)
{
    size_t  len;

    if (last - p > 7
        && ngx_strncasecmp(p, (u_char *) "http://", 7) == 0)
    {
        p += 7;

    } else if (last - p > 8
               && ngx_strncasecmp(p, (u_char *) "https://", 8) == 0)
    {
        p += 8;

    } else {
        return NULL;
    }

    len = r->headers_in.server.len;

    if (len == 0 || (size_t) (last - p) < len
        || ngx_strncasecmp(p, r->headers_in.server.data, len) != 0)
    {
        return NULL;
    }

    p += len;

    if (p < last && *p == ':') {
        do {
            p++;
        } while (p < last && *p >= '0' && *p <= '9');
    }

    return (p == last || *p == '/' || *p == '?' || *p == '#') ? p : NULL;
}


ngx_int_t
ngx_http_aigc_websocket_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  value;

    if (ngx_http_aigc_is_websocket(r) != NGX_OK) {
        ngx_str_set(&value, "");

    } else if (data == NGX_HTTP_AIGC_UPGRADE) {
        ngx_str_set(&value, "websocket");

    } else {
        ngx_str_set(&value, "upgrade");
    }

    v->len = value.len;
    v->data = value.data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_public_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                   value;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (mcf->origin.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = mcf->gateway.scheme;

    if (data == NGX_HTTP_AIGC_PORT) {

        if (mcf->port.len) {
            value.data = mcf->port.data + 1;
            value.len = mcf->port.len - 1;

        } else if (value.len == sizeof("https") - 1) {
            ngx_str_set(&value, "443");

        } else {
            ngx_str_set(&value, "80");
        }

    } else if (data == NGX_HTTP_AIGC_HOST) {

        value.len = r->headers_in.server.len + mcf->port.len;
        value.data = ngx_pnalloc(r->pool, value.len);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(value.data, "%V%V", &r->headers_in.server,
                           &mcf->port);
    }

    v->len = value.len;
    v->data = value.data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
