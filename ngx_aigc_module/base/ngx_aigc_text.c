/*
 * base/ngx_aigc_text.c — bounded text out of JSON objects, and JSON out of
 * text.
 */

#include "ngx_aigc_text.h"


#define ngx_aigc_is_control(ch)  ((ch) < 0x20 || (ch) == 0x7f)

#define NGX_AIGC_WRITER_MIN  512        /* bytes that a text begins with */


static ngx_int_t ngx_aigc_writer_room(ngx_aigc_writer_t *w, size_t len);


size_t
ngx_aigc_text_cut(u_char *data, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }

    /* 10xxxxxx continues a character that began before */

    while (max > 0 && (data[max] & 0xc0) == 0x80) {
        max--;
    }

    return max;
}


ngx_int_t
ngx_aigc_text_check(ngx_str_t *text, size_t max)
{
    size_t  i;

    if (text->len == 0 || text->len > max) {
        return NGX_DECLINED;
    }

    for (i = 0; i < text->len; i++) {
        if (ngx_aigc_is_control(text->data[i])) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_text_copy(ngx_pool_t *pool, ngx_str_t *src, size_t max,
    ngx_str_t *dst)
{
    size_t   i, len;
    u_char  *p, *s;

    s = src->data;
    len = src->len ? ngx_aigc_text_cut(s, src->len, max) : 0;

    if (len == 0) {
        ngx_str_null(dst);
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < len; i++) {
        p[i] = ngx_aigc_is_control(s[i]) ? ' ' : s[i];
    }

    dst->data = p;
    dst->len = len;

    return NGX_OK;
}


ngx_str_t
ngx_aigc_text_word(ngx_str_t *text, u_char *buf)
{
    u_char      c;
    ngx_str_t   word;

    word.data = buf;

    for (word.len = 0;
         word.len < text->len && word.len < NGX_AIGC_WORD_MAX;
         word.len++)
    {
        c = text->data[word.len];

        buf[word.len] = ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                         || c == '_' || c == '.' || c == '-') ? c : '?';
    }

    if (word.len == 0) {
        buf[word.len++] = '?';
    }

    return word;
}


ngx_str_t
ngx_aigc_json_text(json_t *object, const char *key)
{
    json_t     *value;
    ngx_str_t   text;

    ngx_str_null(&text);

    value = json_object_get(object, key);

    if (json_is_string(value)) {
        text.data = (u_char *) json_string_value(value);
        text.len = json_string_length(value);
    }

    return text;
}


ngx_uint_t
ngx_aigc_json_is(json_t *object, const char *key, const char *word)
{
    ngx_str_t  text;

    text = ngx_aigc_json_text(object, key);

    return ngx_aigc_text_is(&text, word);
}


ngx_int_t
ngx_aigc_json_copy(ngx_pool_t *pool, json_t *object, const char *key,
    size_t max, ngx_str_t *out)
{
    ngx_str_t  text;

    text = ngx_aigc_json_text(object, key);

    return ngx_aigc_text_copy(pool, &text, max, out);
}


int64_t
ngx_aigc_json_int(json_t *object, const char *key, int64_t min, int64_t max,
    int64_t none)
{
    json_t      *value;
    json_int_t   n;

    value = json_object_get(object, key);

    if (!json_is_integer(value)) {
        return none;
    }

    n = json_integer_value(value);

    return (n < min || n > max) ? none : n;
}


void
ngx_aigc_writer_init(ngx_aigc_writer_t *w, ngx_pool_t *pool)
{
    ngx_memzero(w, sizeof(ngx_aigc_writer_t));
    w->pool = pool;
}


ngx_int_t
ngx_aigc_writer_text(ngx_aigc_writer_t *w, ngx_str_t *out)
{
    out->data = w->start;
    out->len = w->pos - w->start;

    return w->failed ? NGX_ERROR : NGX_OK;
}


/* NGX_OK: there are len bytes at pos; NGX_ERROR: nothing is to be written. */
static ngx_int_t
ngx_aigc_writer_room(ngx_aigc_writer_t *w, size_t len)
{
    size_t   used, size;
    u_char  *p;

    if ((size_t) (w->end - w->pos) >= len) {
        return w->failed ? NGX_ERROR : NGX_OK;
    }

    used = w->pos - w->start;
    size = ngx_max(2 * (used + len), NGX_AIGC_WRITER_MIN);

    p = w->failed ? NULL : ngx_pnalloc(w->pool, size);

    if (p == NULL) {
        w->failed = 1;
        return NGX_ERROR;
    }

    if (used) {
        ngx_memcpy(p, w->start, used);
        (void) ngx_pfree(w->pool, w->start);    /* one that is large */
    }

    w->start = p;
    w->pos = p + used;
    w->end = p + size;

    return NGX_OK;
}


void
ngx_aigc_put(ngx_aigc_writer_t *w, u_char *data, size_t len)
{
    if (len && ngx_aigc_writer_room(w, len) == NGX_OK) {
        w->pos = ngx_cpymem(w->pos, data, len);
    }
}


void
ngx_aigc_put_int(ngx_aigc_writer_t *w, int64_t n)
{
    u_char    *p, buf[NGX_INT64_LEN];
    uint64_t   rest;

    /* by hand: a reserve list has many thousand of them */

    p = buf + NGX_INT64_LEN;
    rest = (n < 0) ? 0 - (uint64_t) n : (uint64_t) n;

    do {
        *--p = '0' + rest % 10;
        rest /= 10;
    } while (rest);

    if (n < 0) {
        *--p = '-';
    }

    ngx_aigc_put(w, p, buf + NGX_INT64_LEN - p);
}


void
ngx_aigc_put_pointer(ngx_aigc_writer_t *w, const char *name)
{
    size_t  len;

    for ( ;; ) {
        len = strcspn(name, "/");
        ngx_aigc_put(w, (u_char *) name, len);

        if (name[len] == '\0') {
            return;
        }

        ngx_aigc_put_literal(w, "~1");
        name += len + 1;
    }
}


void
ngx_aigc_put_string(ngx_aigc_writer_t *w, ngx_str_t *text)
{
    size_t  escapes;

    escapes = 0;

    if (text->len) {
        escapes = (size_t) ngx_escape_json(NULL, text->data, text->len);
    }

    if (ngx_aigc_writer_room(w, text->len + escapes + 2) != NGX_OK) {
        return;
    }

    *w->pos++ = '"';

    if (escapes) {
        w->pos = (u_char *) ngx_escape_json(w->pos, text->data, text->len);

    } else if (text->len) {
        w->pos = ngx_cpymem(w->pos, text->data, text->len);
    }

    *w->pos++ = '"';
}
