/* base/ngx_aigc_scan.h: members of an object, whatever else is in it. */

#include "unit.h"
#include "base/ngx_aigc_scan.h"


static void
scan_objects(unit_t *u)
{
    size_t           i;
    ngx_int_t        rc;
    ngx_str_t        text;
    ngx_aigc_scan_t  m[2];

    static const struct {
        const char  *text;
        ngx_int_t    rc;
        const char  *a;
        const char  *b;
    } cases[] = {
        { "{}", NGX_OK, "", "" },
        { " \t\r\n{ \n} ", NGX_OK, "", "" },
        { "{\"a\":1}", NGX_OK, "1", "" },
        { "{\"b\" : \"x\" , \"a\" : null }", NGX_OK, "null", "\"x\"" },
        { "{\"a\":1e99999,\"b\":-0.5E+3}", NGX_OK, "1e99999", "-0.5E+3" },
        { "{\"c\":{\"a\":1},\"b\":[{\"a\":[]}]}", NGX_OK, "",
          "[{\"a\":[]}]" },
        { "{\"c\":\"\\\"a\\\":1\",\"a\":\"}\"}", NGX_OK, "\"}\"", "" },
        { "{\"c\":[\"]\",\"\\\\\"],\"a\":{}}", NGX_OK, "{}", "" },
        { "{\"aa\":1,\"\":2,\"c\":3,\"c\":4}", NGX_OK, "", "" },
        { "{\"\\u0061\":1}", NGX_OK, "", "" },
        { "{\"a\":1,\"a\":1}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":1,}", NGX_DECLINED, NULL, NULL },
        { "{,}", NGX_DECLINED, NULL, NULL },
        { "{\"a\"}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":,\"b\":1}", NGX_DECLINED, NULL, NULL },
        { "{\"a\" 1}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":1 \"b\":2}", NGX_DECLINED, NULL, NULL },
        { "{a:1}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":1}x", NGX_DECLINED, NULL, NULL },
        { "{\"a\":1}{}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":\"x\\\"}", NGX_DECLINED, NULL, NULL },
        { "{\"a\":[1,2}", NGX_DECLINED, NULL, NULL },
        { "[\"a\"]", NGX_DECLINED, NULL, NULL },
        { "null", NGX_DECLINED, NULL, NULL },
        { "", NGX_DECLINED, NULL, NULL }
    };

    m[0].name = "a";
    m[1].name = "b";

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i].text);
        rc = ngx_aigc_scan(&text, m, 2);

        if (!is_int(u, rc, cases[i].rc)) {
            unit_note("%s", cases[i].text);
        }

        if (rc == NGX_OK) {
            is_str(u, &m[0].value, cases[i].a);
            is_str(u, &m[1].value, cases[i].b);
        }
    }
}


static void
scan_walk(unit_t *u)
{
    size_t                 i;
    ngx_int_t              rc;
    ngx_str_t              text, name, value;
    ngx_uint_t             n;
    ngx_aigc_scan_walk_t   walk;

    static const struct {
        const char  *text;
        ngx_uint_t   n;
        ngx_int_t    rc;
    } cases[] = {
        { "[]", 0, NGX_DONE },
        { " [ ] ", 0, NGX_DONE },
        { "[1,\"a\" , {\"b\":[2]}]", 3, NGX_DONE },
        { "{\"a\":1,\"a\":2}", 2, NGX_DONE },
        { "[1,]", 1, NGX_DECLINED },
        { "[,1]", 0, NGX_DECLINED },
        { "[1 2]", 1, NGX_DECLINED },
        { "[1}", 1, NGX_DECLINED },
        { "[1", 1, NGX_DECLINED },
        { "[1]1", 1, NGX_DECLINED },
        { "\"a\"", 0, NGX_DECLINED },
        { "", 0, NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i].text);
        ngx_aigc_scan_walk(&walk, &text);

        for (n = 0;
             (rc = ngx_aigc_scan_next(&walk, &name, &value)) == NGX_OK;
             n++)
        {
            is_int(u, name.len, walk.array ? 0 : 1);
        }

        if (!is_int(u, rc, cases[i].rc) || !is_int(u, n, cases[i].n)) {
            unit_note("%s", cases[i].text);
        }
    }

    text = unit_str(u, "[1]");
    is_int(u, ngx_aigc_scan(&text, NULL, 0), NGX_DECLINED);
    text = unit_str(u, "[]");
    is_int(u, ngx_aigc_scan(&text, NULL, 0), NGX_DECLINED);
}


static void
scan_strings(unit_t *u)
{
    size_t     i;
    ngx_str_t  value, out;

    static const struct {
        const char  *value;
        const char  *out;
    } cases[] = {
        { "\"abc\"", "abc" },
        { "\"\\u00e9\\n\"", "\xc3\xa9\n" },
        { "\"12345678\"", "12345678" },
        { "\"123456789\"", "" },        /* over the bound */
        { "\"\"", "" },
        { "\"\\ud800\"", "" },
        { "\"a", "" },
        { "12", "" },
        { "null", "" },
        { "", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = unit_str(u, cases[i].value);
        is_int(u, ngx_aigc_scan_string(u->pool, &value, 10, &out), NGX_OK);
        is_str(u, &out, cases[i].out);
    }
}


unit_test_t  scan_tests[] = {
    { "members of an object", scan_objects },
    { "member by member", scan_walk },
    { "a value as a string", scan_strings },
    { NULL, NULL }
};
