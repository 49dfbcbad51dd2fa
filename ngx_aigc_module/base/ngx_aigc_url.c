/*
 * base/ngx_aigc_url.c — no repair: what is not plainly a URL or a host is none.
 */

#include "ngx_aigc_url.h"
#include "ngx_aigc_bounds.h"


typedef ngx_uint_t (*ngx_aigc_url_plain_pt)(u_char c);


static ngx_int_t ngx_aigc_url_bytes(ngx_str_t *text);
static ngx_int_t ngx_aigc_url_scheme(ngx_str_t *text, ngx_aigc_url_t *url,
    size_t *len);
static ngx_int_t ngx_aigc_url_port(u_char *p, u_char *last, in_port_t *port);
static ngx_int_t ngx_aigc_host_lower(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);
static ngx_int_t ngx_aigc_host_check(ngx_str_t *host);
static ngx_uint_t ngx_aigc_host_numeric(u_char *p, u_char *last);
static ngx_int_t ngx_aigc_host_ipv4(ngx_str_t *host);
static ngx_int_t ngx_aigc_url_escape(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out, ngx_aigc_url_plain_pt plain);
static ngx_uint_t ngx_aigc_url_let_in(u_char c);
static ngx_uint_t ngx_aigc_url_unreserved(u_char c);
static ngx_uint_t ngx_aigc_url_in_query(u_char c);


ngx_int_t
ngx_aigc_url_parse(ngx_pool_t *pool, ngx_str_t *text, ngx_aigc_url_t *url)
{
    if (ngx_aigc_url_bytes(text) != NGX_OK) {
        ngx_memzero(url, sizeof(ngx_aigc_url_t));
        return NGX_DECLINED;
    }

    return ngx_aigc_url_split(pool, text, url);
}


ngx_int_t
ngx_aigc_url_split(ngx_pool_t *pool, ngx_str_t *text, ngx_aigc_url_t *url)
{
    size_t      len;
    u_char     *p, *last, *end;
    ngx_int_t   rc;
    ngx_str_t   authority;

    ngx_memzero(url, sizeof(ngx_aigc_url_t));

    if (ngx_aigc_url_scheme(text, url, &len) != NGX_OK) {
        return NGX_DECLINED;
    }

    p = text->data + len;
    last = ngx_strlchr(p, text->data + text->len, '#');

    if (last == NULL) {
        last = text->data + text->len;
    }

    end = p;

    while (end < last && *end != '/' && *end != '?') {
        end++;
    }

    authority.data = p;
    authority.len = end - p;

    rc = ngx_aigc_host_lower(pool, &authority, &url->authority);
    if (rc != NGX_OK) {
        return rc;
    }

    p = ngx_strlchr(url->authority.data,
                    url->authority.data + url->authority.len, ':');

    if (p && ngx_aigc_url_port(p + 1, url->authority.data
                                      + url->authority.len, &url->port)
             != NGX_OK)
    {
        return NGX_DECLINED;
    }

    url->host.data = url->authority.data;
    url->host.len = p ? (size_t) (p - url->authority.data)
                      : url->authority.len;

    if (ngx_aigc_host_check(&url->host) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* "/" even before a query: "?a" alone is no request line */

    len = last - end;

    url->uri.data = ngx_pnalloc(pool, len + 1);
    if (url->uri.data == NULL) {
        return NGX_ERROR;
    }

    p = url->uri.data;

    if (len == 0 || *end != '/') {
        *p++ = '/';
    }

    p = ngx_cpymem(p, end, len);
    url->uri.len = p - url->uri.data;

    return NGX_OK;
}


/* what browsers cut out (tab, newline) or turn (a backslash) is not let in */

static ngx_int_t
ngx_aigc_url_bytes(ngx_str_t *text)
{
    size_t  i;

    if (text->len == 0 || text->len > NGX_AIGC_URL_MAX) {
        return NGX_DECLINED;
    }

    for (i = 0; i < text->len; i++) {
        if (!ngx_aigc_url_let_in(text->data[i])) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* "http://" or "https://" in any case, and not one slash less */

static ngx_int_t
ngx_aigc_url_scheme(ngx_str_t *text, ngx_aigc_url_t *url, size_t *len)
{
    if (text->len > 8
        && ngx_strncasecmp(text->data, (u_char *) "https://", 8) == 0)
    {
        ngx_str_set(&url->scheme, "https");
        url->port = 443;
        *len = 8;

        return NGX_OK;
    }

    if (text->len > 7
        && ngx_strncasecmp(text->data, (u_char *) "http://", 7) == 0)
    {
        ngx_str_set(&url->scheme, "http");
        url->port = 80;
        *len = 7;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* one to five digits, no leading zero */

static ngx_int_t
ngx_aigc_url_port(u_char *p, u_char *last, in_port_t *port)
{
    ngx_int_t  n;

    if (p == last || last - p > 5 || *p == '0') {
        return NGX_DECLINED;
    }

    n = ngx_atoi(p, last - p);

    if (n == NGX_ERROR || n > NGX_AIGC_PORT_MAX) {
        return NGX_DECLINED;
    }

    *port = (in_port_t) n;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_host_normalize(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    u_char     *p;
    ngx_int_t   rc;
    in_port_t   port;
    ngx_str_t   host;

    ngx_str_null(out);

    rc = ngx_aigc_host_lower(pool, text, &host);
    if (rc != NGX_OK) {
        return rc;
    }

    p = ngx_strlchr(host.data, host.data + host.len, ':');

    if (p) {
        if (ngx_aigc_url_port(p + 1, host.data + host.len, &port) != NGX_OK) {
            return NGX_DECLINED;
        }

        host.len = p - host.data;
    }

    if (ngx_aigc_host_check(&host) != NGX_OK) {
        return NGX_DECLINED;
    }

    *out = host;

    return NGX_OK;
}


/* host[:port], with its bound; from pool */

static ngx_int_t
ngx_aigc_host_lower(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    /* one trailing dot and ":65535" more than the host */

    if (text->len == 0 || text->len > NGX_AIGC_HOST_MAX + 7) {
        return NGX_DECLINED;
    }

    out->data = ngx_pnalloc(pool, text->len);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    out->len = text->len;
    ngx_strlow(out->data, text->data, text->len);

    return NGX_OK;
}


/*
 * In lower case; cuts one trailing dot.  What a browser would take for an IPv4
 * address in another notation ("0x7f.1", "2130706433") is refused.
 */

static ngx_int_t
ngx_aigc_host_check(ngx_str_t *host)
{
    u_char  *p, *last, *label;

    if (host->len > 1 && host->data[host->len - 1] == '.') {
        host->len--;
    }

    if (host->len == 0 || host->len > NGX_AIGC_HOST_MAX) {
        return NGX_DECLINED;
    }

    last = host->data + host->len;
    label = host->data;

    for (p = host->data; p < last; p++) {

        if (*p == '.') {
            if (p == label || p - label > NGX_AIGC_LABEL_MAX) {
                return NGX_DECLINED;
            }

            label = p + 1;
            continue;
        }

        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
              || *p == '-' || *p == '_'))
        {
            return NGX_DECLINED;
        }
    }

    if (p == label || p - label > NGX_AIGC_LABEL_MAX) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_host_numeric(label, last)) {
        return ngx_aigc_host_ipv4(host);
    }

    return NGX_OK;
}


/* a last label of digits, or of "0x" and hexadecimal ones */

static ngx_uint_t
ngx_aigc_host_numeric(u_char *p, u_char *last)
{
    ngx_uint_t  hex;

    hex = (last - p >= 2 && p[0] == '0' && p[1] == 'x');

    for (p += hex ? 2 : 0; p < last; p++) {
        if (*p >= '0' && *p <= '9') {
            continue;
        }

        if (!hex || *p < 'a' || *p > 'f') {
            return 0;
        }
    }

    return 1;
}


/* four decimal bytes without leading zeros */

static ngx_int_t
ngx_aigc_host_ipv4(ngx_str_t *host)
{
    u_char      *p, *last, *end;
    ngx_int_t    n;
    ngx_uint_t   i;

    p = host->data;
    last = host->data + host->len;

    for (i = 0; i < 4; i++) {
        end = (i < 3) ? ngx_strlchr(p, last, '.') : last;

        if (end == NULL || end == p || end - p > 3
            || (*p == '0' && end - p > 1))
        {
            return NGX_DECLINED;
        }

        n = ngx_atoi(p, end - p);

        if (n == NGX_ERROR || n > 255) {
            return NGX_DECLINED;
        }

        p = end + 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_host_within(ngx_str_t *host, ngx_str_t *domain)
{
    size_t  n;

    if (domain->len == 0 || host->len < domain->len) {
        return NGX_DECLINED;
    }

    n = host->len - domain->len;

    if (ngx_memcmp(host->data + n, domain->data, domain->len) != 0) {
        return NGX_DECLINED;
    }

    return (n == 0 || (n > 1 && host->data[n - 1] == '.')) ? NGX_OK
                                                           : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_url_encode(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    return ngx_aigc_url_escape(pool, text, out, ngx_aigc_url_unreserved);
}


ngx_int_t
ngx_aigc_url_encode_little(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    return ngx_aigc_url_escape(pool, text, out, ngx_aigc_url_in_query);
}


ngx_int_t
ngx_aigc_url_escape_odd(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    return ngx_aigc_url_escape(pool, text, out, ngx_aigc_url_let_in);
}


/* encodes every byte that plain says no to */

static ngx_int_t
ngx_aigc_url_escape(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out,
    ngx_aigc_url_plain_pt plain)
{
    size_t         i;
    u_char        *p, c;
    static u_char  hex[] = "0123456789ABCDEF";

    if (text->len > NGX_MAX_SIZE_T_VALUE / 3 - 1) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, text->len * 3 + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (plain(c)) {
            *p++ = c;
            continue;
        }

        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 0x0f];
    }

    out->len = p - out->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_aigc_url_let_in(u_char c)
{
    return c > 0x20 && c <= 0x7e && c != '\\';
}


static ngx_uint_t
ngx_aigc_url_unreserved(u_char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || c == '-' || c == '.' || c == '_' || c == '~';
}


static ngx_uint_t
ngx_aigc_url_in_query(u_char c)
{
    return ngx_aigc_url_let_in(c)
           && c != '%' && c != '&' && c != '+' && c != '#';
}


ngx_int_t
ngx_aigc_url_decode(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    u_char     *p, *src, *last;
    ngx_int_t   n;

    p = ngx_pnalloc(pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;
    src = text->data;
    last = text->data + text->len;

    while (src < last) {
        n = *src++;

        if (n == '%') {
            if (last - src < 2) {
                return NGX_DECLINED;
            }

            n = ngx_hextoi(src, 2);
            src += 2;
        }

        if (n == NGX_ERROR || n == 0) {
            return NGX_DECLINED;
        }

        *p++ = (u_char) n;
    }

    out->len = p - out->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_query_get(ngx_str_t *query, const char *name, ngx_str_t *value)
{
    size_t   len;
    u_char  *p, *last, *end;

    len = ngx_strlen(name);
    p = query->data;
    last = query->data + query->len;

    while (p < last) {
        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) >= len
            && ngx_memcmp(p, name, len) == 0
            && (p + len == end || p[len] == '='))
        {
            p += len;

            if (p < end) {
                p++;                                /* "=" */
            }

            value->data = p;
            value->len = end - p;

            return NGX_OK;
        }

        p = end + 1;
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_aigc_query_repeats(ngx_str_t *query, const char *const *names)
{
    ngx_str_t  rest, value;

    for ( /* void */ ; *names; names++) {

        if (ngx_aigc_query_get(query, *names, &value) != NGX_OK) {
            continue;
        }

        rest.data = value.data + value.len;
        rest.len = query->data + query->len - rest.data;

        if (ngx_aigc_query_get(&rest, *names, &value) == NGX_OK) {
            return 1;
        }
    }

    return 0;
}
