/*
 * t/fuzz/scan_fuzz.c — the scanner of large JSON objects, beside jansson: what
 * jansson takes for an object, it takes for the same one.  The first line is
 * the name of a member, the rest the text.
 */

#include "fuzz.h"
#include "base/ngx_aigc_scan.h"


#define SCAN_MEMBERS_MAX  10000


static void scan_member(fuzz_t *f, json_t *root, ngx_str_t *name,
    ngx_str_t *value, size_t i);


FUZZ(scan)
{
    json_t                *root;
    size_t                 n;
    ngx_int_t              rc;
    ngx_str_t              name, value, text, whole;
    ngx_aigc_scan_t        member;
    ngx_aigc_scan_walk_t   walk;

    name = fuzz_line(f);
    text = fuzz_rest(f);

    /* jansson overlooks a NUL behind a number */

    root = (text.len && memchr(text.data, '\0', text.len))
           ? NULL : fuzz_json(f, &text, JSON_REJECT_DUPLICATES);

    ngx_aigc_scan_walk(&walk, &text);

    for (n = 0; /* void */ ; n++) {
        rc = ngx_aigc_scan_next(&walk, &whole, &value);
        if (rc != NGX_OK) {
            break;
        }

        must(value.len > 0);
        must(fuzz_inside(&whole, &text) && fuzz_inside(&value, &text));

        if (n < SCAN_MEMBERS_MAX) {
            scan_member(f, root, &whole, &value, n);
        }
    }

    must(rc == NGX_DONE || rc == NGX_DECLINED);
    must(root == NULL || rc == NGX_DONE);
    must(root == NULL || n == (json_is_array(root) ? json_array_size(root)
                                                   : json_object_size(root)));

    /* a member by its name; names without an escape are the same in both */

    name = fuzz_fmt(f, "%V%Z", &name);
    member.name = (char *) name.data;

    rc = ngx_aigc_scan(&text, &member, 1);

    if (rc == NGX_OK && root && memchr(text.data, '\\', text.len) == NULL) {
        must((member.value.len > 0)
             == (json_object_get(root, member.name) != NULL));
    }
}


/* The same value as in root, which is NULL or has it too. */
static void
scan_member(fuzz_t *f, json_t *root, ngx_str_t *name, ngx_str_t *value,
    size_t i)
{
    json_t     *one, *key;
    ngx_str_t   text;

    must(ngx_aigc_scan_string(f->pool, value, value->len, &text) == NGX_OK);

    if (root == NULL) {
        return;
    }

    one = json_loadb((char *) value->data, value->len,
                     JSON_DECODE_ANY|JSON_REJECT_DUPLICATES, NULL);
    must(one != NULL);

    if (json_is_array(root)) {
        must(json_equal(one, json_array_get(root, i)));

    } else {
        text = fuzz_fmt(f, "\"%V\"", name);
        key = json_loadb((char *) text.data, text.len, JSON_DECODE_ANY, NULL);
        must(json_is_string(key));
        must(json_equal(one, json_object_get(root, json_string_value(key))));
        json_decref(key);
    }

    json_decref(one);
}
