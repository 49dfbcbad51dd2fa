/* base/ngx_aigc_text.h: bounds, and JSON that anybody can read. */

#include "unit.h"
#include "unit_json.h"
#include "base/ngx_aigc_text.h"


static void
text_cut(unit_t *u)
{
    ngx_str_t   s;
    ngx_uint_t  max;

    /* a, e with an accent, the euro, a face: 1, 2, 3 and 4 bytes */

    static const size_t  want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

    s = unit_str(u, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");

    for (max = 0; max < 12; max++) {
        is_int(u, ngx_aigc_text_cut(s.data, s.len, max), want[max]);
    }

    s = unit_str(u, "\x80\x80\x80");    /* no character at all */
    is_int(u, ngx_aigc_text_cut(s.data, s.len, 2), 0);
}


static void
text_copies(unit_t *u)
{
    ngx_str_t  s, t;

    s = unit_str(u, "a\nb\x7f\tc\xc3\xa9");
    is_int(u, ngx_aigc_text_copy(u->pool, &s, 100, &t), NGX_OK);
    is_str(u, &t, "a b  c\xc3\xa9");
    ok(u, t.data != s.data);

    is_int(u, ngx_aigc_text_copy(u->pool, &t, 7, &t), NGX_OK);
    is_str(u, &t, "a b  c");

    is_int(u, ngx_aigc_text_copy(u->pool, &s, 0, &t), NGX_OK);
    is_int(u, t.len, 0);

    ngx_str_null(&s);
    is_int(u, ngx_aigc_text_copy(u->pool, &s, 10, &t), NGX_OK);
    is_int(u, t.len, 0);
}


static void
text_checks(unit_t *u)
{
    ngx_str_t  s;

    s = unit_str(u, "abc");
    is_int(u, ngx_aigc_text_check(&s, 3), NGX_OK);
    is_int(u, ngx_aigc_text_check(&s, 2), NGX_DECLINED);

    s = unit_str(u, "");
    is_int(u, ngx_aigc_text_check(&s, 3), NGX_DECLINED);

    s = unit_str(u, "a\x1f");
    is_int(u, ngx_aigc_text_check(&s, 3), NGX_DECLINED);

    s = unit_str(u, "a\x7f");
    is_int(u, ngx_aigc_text_check(&s, 3), NGX_DECLINED);

    s = unit_str(u, " \xc2\xa0");
    is_int(u, ngx_aigc_text_check(&s, 3), NGX_OK);
}


static void
text_members(unit_t *u)
{
    json_t     *object;
    ngx_str_t   s;

    object = unit_json(u, "{'s': 'x', 'e': '', 'n': 7, 'r': 7.0, 'a': [],"
                          " 'big': 9223372036854775807, 'z': null}");

    s = ngx_aigc_json_text(object, "s");
    is_str(u, &s, "x");

    is_int(u, ngx_aigc_json_text(object, "e").len, 0);
    is_int(u, ngx_aigc_json_text(object, "n").len, 0);
    is_int(u, ngx_aigc_json_text(object, "a").len, 0);
    is_int(u, ngx_aigc_json_text(object, "none").len, 0);
    is_int(u, ngx_aigc_json_text(NULL, "s").len, 0);
    is_int(u, ngx_aigc_json_text(json_object_get(object, "a"), "s").len, 0);

    is_int(u, ngx_aigc_json_int(object, "n", 0, 7, -1), 7);
    is_int(u, ngx_aigc_json_int(object, "n", 0, 6, -1), -1);
    is_int(u, ngx_aigc_json_int(object, "n", 8, 9, -1), -1);
    is_int(u, ngx_aigc_json_int(object, "r", 0, 9, -1), -1);
    is_int(u, ngx_aigc_json_int(object, "s", 0, 9, -1), -1);
    is_int(u, ngx_aigc_json_int(object, "z", 0, 9, -1), -1);
    is_int(u, ngx_aigc_json_int(NULL, "n", 0, 9, -1), -1);
    is_int(u, ngx_aigc_json_int(object, "big", 0, 9223372036854775807LL, -1),
           9223372036854775807LL);
}


/* what grows stays whole, and jansson reads what was meant */

static void
text_writer(unit_t *u)
{
    json_t             *back;
    u_char              bytes[255];
    ngx_str_t           s, out;
    ngx_uint_t          i, pass;
    ngx_aigc_writer_t   w;

    static const int64_t  numbers[] = {
        0, 7, -1, 10, 99999, 9223372036854775807LL,
        -9223372036854775807LL - 1
    };

    for (i = 0; i < 255; i++) {         /* ASCII twice: all must be UTF-8 */
        bytes[i] = 1 + i % 127;
    }

    s = unit_bytes(u, bytes, sizeof(bytes));

    ngx_aigc_writer_init(&w, u->pool);

    for (pass = 0; pass < 2; pass++) {
        ngx_aigc_put(&w, (u_char *) (pass ? ",[" : "[["), 2);
        ngx_aigc_put_string(&w, &s);
        ngx_aigc_put_literal(&w, ",");
        ngx_aigc_put_string(&w, &(ngx_str_t) ngx_null_string);

        for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            ngx_aigc_put_literal(&w, ",");
            ngx_aigc_put_int(&w, numbers[i]);
        }

        ngx_aigc_put_literal(&w, "]");
    }

    ngx_aigc_put_literal(&w, "]");

    is_int(u, ngx_aigc_writer_text(&w, &out), NGX_OK);

    back = unit_json_bytes(u, &out);

    is_int(u, json_array_size(back), 2);
    ok(u, json_equal(json_array_get(back, 0), json_array_get(back, 1)));

    back = json_array_get(back, 0);

    ok(u, json_string_length(json_array_get(back, 0)) == sizeof(bytes)
          && ngx_memcmp(json_string_value(json_array_get(back, 0)), bytes,
                        sizeof(bytes))
             == 0);

    ok(u, json_is_string(json_array_get(back, 1))
          && json_string_length(json_array_get(back, 1)) == 0);

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        is_int(u, json_integer_value(json_array_get(back, i + 2)),
               numbers[i]);
    }
}


static void
text_words(unit_t *u)
{
    size_t      i;
    u_char      buf[NGX_AIGC_WORD_MAX], all[256];
    ngx_str_t   text, word;

    static const char  *cases[][2] = {
        { "access_denied", "access_denied" },
        { "a.b-c_9", "a.b-c_9" },
        { "", "?" },
        { "Access Denied", "?ccess??enied" },
        { "x\r\n[emerg]", "x???emerg?" },
        { "\xe4\xbd\xa0", "???" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i][0]);
        word = ngx_aigc_text_word(&text, buf);
        is_str(u, &word, cases[i][1]);
    }

    /* any bytes, and more of them than fit */

    for (i = 0; i < sizeof(all); i++) {
        all[i] = (u_char) i;
    }

    text = unit_bytes(u, all, sizeof(all));
    word = ngx_aigc_text_word(&text, buf);
    is_int(u, word.len, NGX_AIGC_WORD_MAX);
    ok(u, word.data == buf);

    for (i = 0; i < word.len; i++) {
        ok(u, word.data[i] == '?' || word.data[i] == '-'
              || word.data[i] == '.');
    }
}


unit_test_t  text_tests[] = {
    { "cut between characters", text_cut },
    { "copies have no control bytes", text_copies },
    { "checked text", text_checks },
    { "members of objects, and of what is none", text_members },
    { "JSON written is JSON read", text_writer },
    { "another party's error code, for a log", text_words },
    { NULL, NULL }
};
