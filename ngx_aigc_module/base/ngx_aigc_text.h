/*
 * base/ngx_aigc_text.h — bounded text out of JSON objects, and JSON out of
 * text.
 */

#ifndef _NGX_AIGC_TEXT_H_INCLUDED_
#define _NGX_AIGC_TEXT_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "ngx_aigc_bounds.h"


#define NGX_AIGC_DIGEST_LEN     32      /* SHA-256 */


/* 1: both texts are the same bytes. */
static ngx_inline ngx_uint_t
ngx_aigc_text_eq(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


/* 1: the text is exactly that word. */
static ngx_inline ngx_uint_t
ngx_aigc_text_is(const ngx_str_t *text, const char *word)
{
    size_t  len;

    len = ngx_strlen(word);

    return text->len == len
           && (len == 0 || ngx_memcmp(text->data, word, len) == 0);
}


/* How many of len bytes fit in max without a UTF-8 character cut in two. */
size_t ngx_aigc_text_cut(u_char *data, size_t len, size_t max);

/* NGX_OK for 1 to max bytes, none of them a control byte; NGX_DECLINED. */
ngx_int_t ngx_aigc_text_check(ngx_str_t *text, size_t max);

/*
 * Copies src to dst, from pool, cut to max bytes, with a blank in place of
 * each control byte.  dst may be src.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_text_copy(ngx_pool_t *pool, ngx_str_t *src, size_t max,
    ngx_str_t *dst);


/*
 * What another party calls an error ("access_denied"), for a log: lower-case
 * letters, digits, "_", "." and "-" stay, any other byte becomes "?", so that
 * neither a token nor a line of its own gets in.  Cut to NGX_AIGC_WORD_MAX; "?"
 * when it is empty.  Points into buf, which holds NGX_AIGC_WORD_MAX bytes.
 */
ngx_str_t ngx_aigc_text_word(ngx_str_t *text, u_char *buf);


/*
 * A member of a JSON object.  The object may be NULL or no object: then it has
 * no members.
 */

/* Borrowed from object; len 0: there is none, or it is no string. */
ngx_str_t ngx_aigc_json_text(json_t *object, const char *key);

/* 1: it is a string, and exactly that word; 0: it is not. */
ngx_uint_t ngx_aigc_json_is(json_t *object, const char *key, const char *word);

/* The same through ngx_aigc_text_copy(). */
ngx_int_t ngx_aigc_json_copy(ngx_pool_t *pool, json_t *object,
    const char *key, size_t max, ngx_str_t *out);

/* An integer in min..max, else none. */
int64_t ngx_aigc_json_int(json_t *object, const char *key, int64_t min,
    int64_t max, int64_t none);


/*
 * JSON text that is being written: it grows in pool.  Without memory the rest
 * is not written, and ngx_aigc_writer_text() says so.
 */
typedef struct {
    ngx_pool_t       *pool;
    u_char           *start;
    u_char           *pos;
    u_char           *end;
    ngx_uint_t        failed;           /* no memory */
} ngx_aigc_writer_t;

void ngx_aigc_writer_init(ngx_aigc_writer_t *w, ngx_pool_t *pool);

/* What was written, in pool.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_writer_text(ngx_aigc_writer_t *w, ngx_str_t *out);

#define ngx_aigc_put_literal(w, text)                                         \
    ngx_aigc_put(w, (u_char *) text, sizeof(text) - 1)

void ngx_aigc_put(ngx_aigc_writer_t *w, u_char *data, size_t len);
void ngx_aigc_put_int(ngx_aigc_writer_t *w, int64_t n);

/* A name inside a JSON pointer (RFC 6901): "~1" is its slash. */
void ngx_aigc_put_pointer(ngx_aigc_writer_t *w, const char *name);

/* In quotes, escaped. */
void ngx_aigc_put_string(ngx_aigc_writer_t *w, ngx_str_t *text);


#endif /* _NGX_AIGC_TEXT_H_INCLUDED_ */
