/*
 * instances/ngx_aigc_ids.c — sets of instance ids, and OKG's ways to write
 * them. A set is collected in a bitmap, so that neither repeated ids nor wide
 * ranges cost more than their text.
 */

#include "ngx_aigc_ids.h"


#define NGX_AIGC_IDS_BYTES  (NGX_AIGC_ID_MAX / 8 + 1)


static void ngx_aigc_ids_set(u_char *map, ngx_int_t first, ngx_int_t last);
static ngx_int_t ngx_aigc_ids_set_text(u_char *map, u_char *p, size_t len);
static void ngx_aigc_ids_trim(ngx_str_t *text);
static ngx_int_t ngx_aigc_ids_collect(ngx_pool_t *pool, u_char *map,
    ngx_array_t *ids);


ngx_int_t
ngx_aigc_ids_from_json(ngx_pool_t *pool, json_t *list, ngx_array_t *ids,
    ngx_uint_t *bad)
{
    size_t       i;
    json_t      *item;
    u_char      *map;
    ngx_int_t    rc;
    json_int_t   n;

    *bad = 0;

    map = ngx_pcalloc(pool, NGX_AIGC_IDS_BYTES);
    if (map == NULL) {
        return NGX_ERROR;
    }

    if (list && !json_is_null(list) && !json_is_array(list)) {
        (*bad)++;
    }

    json_array_foreach(list, i, item) {

        if (json_is_integer(item)) {
            n = json_integer_value(item);

            if (n >= 0 && n <= NGX_AIGC_ID_MAX) {
                ngx_aigc_ids_set(map, n, n);
                continue;
            }

        } else if (json_is_string(item)
                   && ngx_aigc_ids_set_text(map,
                                        (u_char *) json_string_value(item),
                                        json_string_length(item))
                      == NGX_OK)
        {
            continue;
        }

        (*bad)++;
    }

    rc = ngx_aigc_ids_collect(pool, map, ids);

    (void) ngx_pfree(pool, map);

    return rc;
}


ngx_int_t
ngx_aigc_ids_from_text(ngx_pool_t *pool, ngx_str_t *text, ngx_array_t *ids,
    ngx_uint_t *bad)
{
    u_char     *p, *comma, *last, *map;
    ngx_int_t   rc;

    *bad = 0;

    map = ngx_pcalloc(pool, NGX_AIGC_IDS_BYTES);
    if (map == NULL) {
        return NGX_ERROR;
    }

    p = text->data;
    last = text->len ? p + text->len : p;

    while (p < last) {
        comma = ngx_strlchr(p, last, ',');
        if (comma == NULL) {
            comma = last;
        }

        if (ngx_aigc_ids_set_text(map, p, comma - p) != NGX_OK) {
            (*bad)++;
        }

        p = comma + 1;
    }

    rc = ngx_aigc_ids_collect(pool, map, ids);

    (void) ngx_pfree(pool, map);

    return rc;
}


/* first and last are ids, first <= last */

static void
ngx_aigc_ids_set(u_char *map, ngx_int_t first, ngx_int_t last)
{
    ngx_int_t  from, to;

    from = first >> 3;
    to = last >> 3;

    if (from == to) {
        map[from] |= (0xff << (first & 7)) & (0xff >> (7 - (last & 7)));
        return;
    }

    map[from] |= (0xff << (first & 7)) & 0xff;
    ngx_memset(map + from + 1, 0xff, to - from - 1);
    map[to] |= 0xff >> (7 - (last & 7));
}


/* "7" or "5-7", blanks around each number allowed (as in Go's TrimSpace) */

static ngx_int_t
ngx_aigc_ids_set_text(u_char *map, u_char *p, size_t len)
{
    u_char     *dash;
    ngx_int_t   from, to;
    ngx_str_t   first, last;

    first.data = p;
    first.len = len;

    dash = ngx_strlchr(p, p + len, '-');

    if (dash) {
        first.len = dash - p;
        last.data = dash + 1;
        last.len = p + len - last.data;

    } else {
        last = first;
    }

    ngx_aigc_ids_trim(&first);
    ngx_aigc_ids_trim(&last);

    from = ngx_aigc_id_parse(&first);
    to = ngx_aigc_id_parse(&last);

    if (from == NGX_ERROR || to == NGX_ERROR || from > to) {
        return NGX_DECLINED;
    }

    ngx_aigc_ids_set(map, from, to);

    return NGX_OK;
}


static void
ngx_aigc_ids_trim(ngx_str_t *text)
{
    while (text->len && text->data[0] == ' ') {
        text->data++;
        text->len--;
    }

    while (text->len && text->data[text->len - 1] == ' ') {
        text->len--;
    }
}


static ngx_int_t
ngx_aigc_ids_collect(ngx_pool_t *pool, u_char *map, ngx_array_t *ids)
{
    ngx_int_t   i, byte, *id;
    ngx_uint_t  n, bits;

    n = 0;

    for (byte = 0; byte < NGX_AIGC_IDS_BYTES; byte++) {
        for (bits = map[byte]; bits; bits &= bits - 1) {
            n++;
        }
    }

    if (ngx_array_init(ids, pool, n ? n : 1, sizeof(ngx_int_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    if (n == 0) {
        return NGX_OK;
    }

    id = ngx_array_push_n(ids, n);
    if (id == NULL) {
        return NGX_ERROR;
    }

    for (byte = 0; byte < NGX_AIGC_IDS_BYTES; byte++) {

        if (map[byte] == 0) {
            continue;
        }

        for (i = 0; i < 8; i++) {
            if (map[byte] & (1 << i)) {
                *id++ = byte * 8 + i;
            }
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_ids_text(ngx_pool_t *pool, ngx_array_t *ids, ngx_str_t *text)
{
    u_char      *p;
    ngx_int_t   *id;
    ngx_uint_t   i;

    text->data = ngx_pnalloc(pool, ids->nelts * (NGX_INT_T_LEN + 1) + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    id = ids->elts;
    p = text->data;

    for (i = 0; i < ids->nelts; i++) {
        p = ngx_sprintf(p, i ? ",%i" : "%i", id[i]);
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_id_cmp(const void *one, const void *two)
{
    const ngx_int_t  *a = one;
    const ngx_int_t  *b = two;

    return (*a > *b) - (*a < *b);
}


ngx_uint_t
ngx_aigc_ids_has(ngx_array_t *ids, ngx_int_t id)
{
    ngx_int_t   *elt;
    ngx_uint_t   low, high, mid;

    elt = ids->elts;
    low = 0;
    high = ids->nelts;

    while (low < high) {
        mid = low + (high - low) / 2;

        if (elt[mid] == id) {
            return 1;
        }

        if (elt[mid] < id) {
            low = mid + 1;

        } else {
            high = mid;
        }
    }

    return 0;
}


ngx_int_t
ngx_aigc_ids_equal(ngx_array_t *a, ngx_array_t *b)
{
    if (a->nelts != b->nelts) {
        return NGX_DECLINED;
    }

    if (a->nelts
        && ngx_memcmp(a->elts, b->elts, a->nelts * sizeof(ngx_int_t)) != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_id_of_name(ngx_str_t *name, ngx_str_t *gss, ngx_int_t *id)
{
    ngx_int_t  n;
    ngx_str_t  digits;

    if (gss->len == 0
        || name->len < gss->len + 2
        || name->data[gss->len] != '-'
        || ngx_memcmp(name->data, gss->data, gss->len) != 0)
    {
        return NGX_DECLINED;
    }

    digits.data = name->data + gss->len + 1;
    digits.len = name->len - gss->len - 1;

    n = ngx_aigc_id_parse(&digits);
    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *id = n;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_id_parse(ngx_str_t *text)
{
    ngx_int_t  id;

    if (text->len == 0 || (text->len > 1 && text->data[0] == '0')) {
        return NGX_ERROR;
    }

    /* no sign, digits only; NGX_ERROR for what does not fit an ngx_int_t */

    id = ngx_atoi(text->data, text->len);

    return (id > NGX_AIGC_ID_MAX) ? NGX_ERROR : id;
}


ngx_int_t
ngx_aigc_name_check(ngx_str_t *name, size_t max)
{
    size_t  i;
    u_char  ch;

    if (name->len == 0 || name->len > max
        || name->data[0] == '.' || name->data[0] == '-')
    {
        return NGX_DECLINED;            /* "." and ".." are no names, too */
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if ((ch < 'a' || ch > 'z') && (ch < '0' || ch > '9')
            && ch != '-' && ch != '.')
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}
