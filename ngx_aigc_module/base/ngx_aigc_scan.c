/*
 * base/ngx_aigc_scan.c — one look over the text of a JSON object.
 */

#include "ngx_aigc_scan.h"

#include "ngx_aigc_text.h"

#include <jansson.h>


static u_char *ngx_aigc_scan_blank(u_char *p, u_char *last);
static u_char *ngx_aigc_scan_value(u_char *p, u_char *last);
static u_char *ngx_aigc_scan_text(u_char *p, u_char *last);
static u_char *ngx_aigc_scan_nested(u_char *p, u_char *last);
static u_char *ngx_aigc_scan_scalar(u_char *p, u_char *last);
static ngx_int_t ngx_aigc_scan_found(ngx_str_t *name, ngx_str_t *value,
    ngx_aigc_scan_t *members, ngx_uint_t n);


#define ngx_aigc_scan_at(p, last, c)  ((p) < (last) && *(p) == (c))


ngx_int_t
ngx_aigc_scan(ngx_str_t *text, ngx_aigc_scan_t *members, ngx_uint_t n)
{
    ngx_int_t              rc;
    ngx_str_t              name, value;
    ngx_uint_t             i;
    ngx_aigc_scan_walk_t   walk;

    for (i = 0; i < n; i++) {
        ngx_str_null(&members[i].value);
    }

    ngx_aigc_scan_walk(&walk, text);

    for ( ;; ) {

        rc = ngx_aigc_scan_next(&walk, &name, &value);

        if (walk.array) {
            return NGX_DECLINED;
        }

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : rc;
        }

        if (ngx_aigc_scan_found(&name, &value, members, n) != NGX_OK) {
            return NGX_DECLINED;
        }
    }
}


void
ngx_aigc_scan_walk(ngx_aigc_scan_walk_t *walk, ngx_str_t *text)
{
    walk->p = text->data;
    walk->last = text->data + text->len;
    walk->begun = 0;
    walk->array = 0;
}


ngx_int_t
ngx_aigc_scan_next(ngx_aigc_scan_walk_t *walk, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *p, *end, *last, close;

    last = walk->last;
    p = ngx_aigc_scan_blank(walk->p, last);

    if (!walk->begun) {

        walk->array = ngx_aigc_scan_at(p, last, '[');

        if (!walk->array && !ngx_aigc_scan_at(p, last, '{')) {
            return NGX_DECLINED;
        }

        p = ngx_aigc_scan_blank(p + 1, last);
    }

    close = walk->array ? ']' : '}';

    if (ngx_aigc_scan_at(p, last, close)) {
        return (ngx_aigc_scan_blank(p + 1, last) == last) ? NGX_DONE
                                                          : NGX_DECLINED;
    }

    if (walk->begun) {

        if (!ngx_aigc_scan_at(p, last, ',')) {
            return NGX_DECLINED;
        }

        p = ngx_aigc_scan_blank(p + 1, last);
    }

    walk->begun = 1;
    ngx_str_null(name);

    if (!walk->array) {

        end = ngx_aigc_scan_at(p, last, '"') ? ngx_aigc_scan_text(p, last)
                                             : NULL;
        if (end == NULL) {
            return NGX_DECLINED;
        }

        name->data = p + 1;
        name->len = end - p - 2;

        p = ngx_aigc_scan_blank(end, last);

        if (!ngx_aigc_scan_at(p, last, ':')) {
            return NGX_DECLINED;
        }

        p = ngx_aigc_scan_blank(p + 1, last);
    }

    end = ngx_aigc_scan_value(p, last);
    if (end == NULL) {
        return NGX_DECLINED;
    }

    value->data = p;
    value->len = end - p;

    walk->p = end;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_scan_found(ngx_str_t *name, ngx_str_t *value,
    ngx_aigc_scan_t *members, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (!ngx_aigc_text_is(name, members[i].name)) {
            continue;
        }

        if (members[i].value.len) {
            return NGX_DECLINED;
        }

        members[i].value = *value;
    }

    return NGX_OK;
}


static u_char *
ngx_aigc_scan_blank(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == LF || *p == CR || *p == '\t')) {
        p++;
    }

    return p;
}


/* From here on: to behind what begins at p; NULL: it does not end. */

static u_char *
ngx_aigc_scan_value(u_char *p, u_char *last)
{
    if (p == last) {
        return NULL;
    }

    switch (*p) {

    case '"':
        return ngx_aigc_scan_text(p, last);

    case '{':
    case '[':
        return ngx_aigc_scan_nested(p, last);

    default:
        return ngx_aigc_scan_scalar(p, last);
    }
}


static u_char *
ngx_aigc_scan_text(u_char *p, u_char *last)
{
    u_char  *end, *q;

    for (end = p + 1; end < last; end++) {

        end = memchr(end, '"', last - end);

        if (end == NULL) {
            return NULL;
        }

        /* behind an odd number of backslashes it belongs to the text */

        for (q = end; q > p + 1 && q[-1] == '\\'; q--) { /* void */ }

        if (((end - q) & 1) == 0) {
            return end + 1;
        }
    }

    return NULL;
}


static u_char *
ngx_aigc_scan_nested(u_char *p, u_char *last)
{
    size_t  depth;

    depth = 0;

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_aigc_scan_text(p, last);
            if (p == NULL) {
                return NULL;
            }

            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            if (--depth == 0) {
                return p + 1;
            }

            break;

        default:
            break;
        }

        p++;
    }

    return NULL;
}


/* A number, true, false, null: its letters are enough to find its end. */
static u_char *
ngx_aigc_scan_scalar(u_char *p, u_char *last)
{
    u_char  *begin;

    begin = p;

    while (p < last
           && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
               || *p == 'E' || *p == '+' || *p == '-' || *p == '.'))
    {
        p++;
    }

    return (p == begin) ? NULL : p;
}


ngx_int_t
ngx_aigc_scan_string(ngx_pool_t *pool, ngx_str_t *value, size_t max,
    ngx_str_t *out)
{
    json_t  *text;

    ngx_str_null(out);

    if (value->len < 2 || value->len > max || value->data[0] != '"') {
        return NGX_OK;
    }

    text = json_loadb((char *) value->data, value->len, JSON_DECODE_ANY, NULL);

    if (!json_is_string(text)) {
        json_decref(text);
        return NGX_OK;
    }

    out->len = json_string_length(text);
    out->data = ngx_pnalloc(pool, out->len + 1);

    if (out->data) {
        ngx_memcpy(out->data, json_string_value(text), out->len);
        out->data[out->len] = '\0';
    }

    json_decref(text);

    return out->data ? NGX_OK : NGX_ERROR;
}
