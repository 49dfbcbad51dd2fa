/*
 * t/fuzz/text_fuzz.c — text that is cut, put into a log, and put into JSON.
 * The first line is a number of bytes, the rest the text.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"


static void text_json(fuzz_t *f, ngx_str_t *text);


FUZZ(text)
{
    size_t     max, n, i;
    u_char     buf[NGX_AIGC_WORD_MAX];
    ngx_str_t  text, out, word;

    max = fuzz_number(f) % 4096;
    text = fuzz_rest(f);

    n = ngx_aigc_text_cut(text.data, text.len, max);
    must(n <= text.len && n <= max);
    must(text.len > max || n == text.len);
    must(n + 4 > ngx_min(text.len, max)
         || fuzz_own(f, json_stringn((char *) text.data, text.len)) == NULL);

    must(ngx_aigc_text_copy(f->pool, &text, max, &out) == NGX_OK);
    must(out.len == n && fuzz_plain(&out));

    for (i = 0; i < n; i++) {
        must(out.data[i] == text.data[i] || out.data[i] == ' ');
    }

    must((ngx_aigc_text_check(&text, max) == NGX_OK)
         == (text.len > 0 && text.len <= max && fuzz_plain(&text)));

    word = ngx_aigc_text_word(&text, buf);
    must(word.len > 0 && word.len <= NGX_AIGC_WORD_MAX);

    for (i = 0; i < word.len; i++) {
        must(ngx_strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-?",
                        word.data[i]) != NULL);
    }

    text_json(f, &text);
}


/* What is written as JSON is read as the same text, if it is one. */
static void
text_json(fuzz_t *f, ngx_str_t *text)
{
    json_t             *value;
    ngx_str_t           out;
    ngx_aigc_writer_t   w;

    ngx_aigc_writer_init(&w, f->pool);
    ngx_aigc_put_literal(&w, "[");
    ngx_aigc_put_string(&w, text);
    ngx_aigc_put_literal(&w, ",");
    ngx_aigc_put_int(&w, (int64_t) text->len - 100);
    ngx_aigc_put_literal(&w, "]");

    must(ngx_aigc_writer_text(&w, &out) == NGX_OK);

    value = fuzz_json(f, &out, JSON_ALLOW_NUL);

    if (value == NULL) {
        must(fuzz_own(f, json_stringn((char *) text->data, text->len))
             == NULL);
        return;                                     /* it is no UTF-8 */
    }

    must(json_integer_value(json_array_get(value, 1))
         == (int64_t) text->len - 100);

    value = json_array_get(value, 0);
    must(json_string_length(value) == text->len);
    must(text->len == 0
         || ngx_memcmp(json_string_value(value), text->data, text->len) == 0);
}
