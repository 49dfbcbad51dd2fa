/*
 * instances/ngx_aigc_host.c — the host names of a template's instances.
 */

#include "ngx_aigc_host.h"
#include "ngx_aigc_ids.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_HOST_ID      "<id>"
#define NGX_AIGC_HOST_ID_LEN  (sizeof(NGX_AIGC_HOST_ID) - 1)
#define NGX_AIGC_DIGITS_MAX   (sizeof("99999") - 1)     /* NGX_AIGC_ID_MAX */


static u_char *ngx_aigc_host_find_id(u_char *p, u_char *last);
static ngx_int_t ngx_aigc_host_check(u_char *p, size_t len);


ngx_int_t
ngx_aigc_host_pattern(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *pattern,
    const char **why)
{
    u_char  *id, *p, *last, widest[NGX_AIGC_HOST_MAX];
    size_t   len;

    if (text->len == 0) {
        *why = "is empty";
        return NGX_DECLINED;
    }

    last = text->data + text->len;
    id = ngx_aigc_host_find_id(text->data, last);

    if (id == NULL) {
        *why = "has no <id>";
        return NGX_DECLINED;
    }

    if (ngx_aigc_host_find_id(id + NGX_AIGC_HOST_ID_LEN, last)) {
        *why = "has more than one <id>: OKG expands only the first";
        return NGX_DECLINED;
    }

    len = text->len - NGX_AIGC_HOST_ID_LEN + NGX_AIGC_DIGITS_MAX;

    if (len > NGX_AIGC_HOST_MAX) {
        *why = "is too long";
        return NGX_DECLINED;
    }

    /* valid with the longest id: valid with every id */

    p = ngx_cpymem(widest, text->data, id - text->data);
    p = ngx_cpymem(p, "99999", NGX_AIGC_DIGITS_MAX);
    id += NGX_AIGC_HOST_ID_LEN;
    ngx_memcpy(p, id, last - id);

    ngx_strlow(widest, widest, len);

    if (ngx_aigc_host_check(widest, len) != NGX_OK) {
        *why = "is not a DNS name";
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(p, text->data, text->len);

    pattern->data = p;
    pattern->len = text->len;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_host_expand(ngx_pool_t *pool, ngx_str_t *pattern, ngx_int_t id,
    ngx_str_t *out)
{
    u_char  *mark, *last, *p, host[NGX_AIGC_HOST_MAX + NGX_INT64_LEN];

    if (id < 0 || id > NGX_AIGC_ID_MAX || pattern->len == 0
        || pattern->len > NGX_AIGC_HOST_MAX)
    {
        return NGX_DECLINED;
    }

    last = pattern->data + pattern->len;
    mark = ngx_aigc_host_find_id(pattern->data, last);

    if (mark == NULL) {
        return NGX_DECLINED;
    }

    p = ngx_cpymem(host, pattern->data, mark - pattern->data);
    p = ngx_sprintf(p, "%i", id);
    mark += NGX_AIGC_HOST_ID_LEN;
    p = ngx_cpymem(p, mark, last - mark);

    if (p - host > NGX_AIGC_HOST_MAX) {
        return NGX_DECLINED;
    }

    out->len = p - host;
    out->data = ngx_pnalloc(pool, out->len);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(out->data, host, out->len);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_host_match(ngx_str_t *pattern, ngx_str_t *host)
{
    u_char     *mark, *last;
    size_t      before, after;
    ngx_str_t   digits;

    if (pattern->len == 0) {
        return NGX_ERROR;
    }

    last = pattern->data + pattern->len;
    mark = ngx_aigc_host_find_id(pattern->data, last);

    if (mark == NULL) {
        return NGX_ERROR;
    }

    before = mark - pattern->data;
    after = pattern->len - before - NGX_AIGC_HOST_ID_LEN;

    if (host->len <= before + after
        || ngx_memcmp(host->data, pattern->data, before) != 0
        || ngx_memcmp(host->data + host->len - after, last - after, after)
           != 0)
    {
        return NGX_ERROR;
    }

    digits.data = host->data + before;
    digits.len = host->len - before - after;

    return ngx_aigc_id_parse(&digits);
}


static u_char *
ngx_aigc_host_find_id(u_char *p, u_char *last)
{
    /* case matters: OKG expands no "<ID>" */

    for ( ;; ) {
        p = ngx_strlchr(p, last, '<');

        if (p == NULL || (size_t) (last - p) < NGX_AIGC_HOST_ID_LEN) {
            return NULL;
        }

        if (ngx_memcmp(p, NGX_AIGC_HOST_ID, NGX_AIGC_HOST_ID_LEN) == 0) {
            return p;
        }

        p++;
    }
}


/* RFC 1123, as Kubernetes checks the host of an Ingress; p is lower case */

static ngx_int_t
ngx_aigc_host_check(u_char *p, size_t len)
{
    size_t  i, label;

    label = 0;

    for (i = 0; i < len; i++) {

        if (p[i] == '.') {
            if (label == 0 || p[i - 1] == '-') {
                return NGX_DECLINED;
            }

            label = 0;
            continue;
        }

        if (p[i] == '-') {
            if (label == 0) {
                return NGX_DECLINED;
            }

        } else if ((p[i] < 'a' || p[i] > 'z') && (p[i] < '0' || p[i] > '9')) {
            return NGX_DECLINED;
        }

        if (++label > NGX_AIGC_LABEL_MAX) {
            return NGX_DECLINED;
        }
    }

    return (label == 0 || p[len - 1] == '-') ? NGX_DECLINED : NGX_OK;
}
