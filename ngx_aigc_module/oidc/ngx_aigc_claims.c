/*
 * oidc/ngx_aigc_claims.c — paths to claims, and what stands there.
 */

#include "ngx_aigc_claims.h"


ngx_int_t
ngx_aigc_claim_path(ngx_pool_t *pool, ngx_str_t *text,
    ngx_aigc_claim_path_t *path)
{
    char    *p;
    u_char   c;
    size_t   i;

    ngx_memzero(path, sizeof(ngx_aigc_claim_path_t));

    if (text->len == 0 || text->len > NGX_AIGC_CLAIM_MAX) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->names[path->n++] = p;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c == 0x7f) {
            return NGX_DECLINED;
        }

        if (c == '\\') {
            i++;

            if (i == text->len
                || (text->data[i] != '.' && text->data[i] != '\\'))
            {
                return NGX_DECLINED;
            }

            *p++ = (char) text->data[i];
            continue;
        }

        if (c != '.') {
            *p++ = (char) c;
            continue;
        }

        if (p == path->names[path->n - 1] || path->n == NGX_AIGC_CLAIM_DEPTH) {
            return NGX_DECLINED;
        }

        *p++ = '\0';
        path->names[path->n++] = p;
    }

    *p = '\0';

    return p == path->names[path->n - 1] ? NGX_DECLINED : NGX_OK;
}


json_t *
ngx_aigc_claim_find(json_t *first, ngx_aigc_claim_path_t *path)
{
    ngx_uint_t  i;

    for (i = 1; first && i < path->n; i++) {
        first = json_object_get(first, path->names[i]);
    }

    return first;
}


ngx_int_t
ngx_aigc_claim_roles(ngx_pool_t *pool, json_t *value, ngx_array_t *roles)
{
    size_t      i, n;
    json_t     *item;
    ngx_str_t  *s;

    if (!json_is_array(value) && !json_is_string(value)) {
        return NGX_DECLINED;
    }

    n = json_is_array(value) ? json_array_size(value) : 1;

    for (i = 0; i < n; i++) {
        item = json_is_array(value) ? json_array_get(value, i) : value;

        if (!json_is_string(item)) {
            continue;
        }

        s = ngx_array_push(roles);
        if (s == NULL) {
            return NGX_ERROR;
        }

        s->len = json_string_length(item);
        s->data = ngx_pnalloc(pool, s->len ? s->len : 1);
        if (s->data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(s->data, json_string_value(item), s->len);
    }

    return NGX_OK;
}
