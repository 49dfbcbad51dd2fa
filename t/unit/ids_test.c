/* instances/ngx_aigc_ids.h: sets of ids, as OKG writes them. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_ids.h"


/* "0,5-7" of 0, 5, 6, 7 */

static ngx_str_t
ids_text(unit_t *u, ngx_array_t *ids)
{
    u_char      *p;
    ngx_int_t   *id;
    ngx_str_t    text;
    ngx_uint_t   i, first;

    text.data = ngx_pnalloc(u->pool, ids->nelts * 2 * NGX_INT64_LEN + 1);
    p = text.data;
    id = ids->elts;

    for (i = 0; i < ids->nelts; i++) {
        first = i;

        while (i + 1 < ids->nelts && id[i + 1] == id[i] + 1) {
            i++;
        }

        p = ngx_sprintf(p, "%s%i", first ? "," : "", id[first]);

        if (i > first) {
            p = ngx_sprintf(p, "-%i", id[i]);
        }
    }

    text.len = p - text.data;

    return text;
}


static void
ids_json(unit_t *u)
{
    json_t      *object;
    u_char       buf[256];
    ngx_str_t    text;
    ngx_uint_t   i, bad;
    ngx_array_t  ids;

    static const struct {
        const char  *in, *ids;
        ngx_uint_t   bad;
    } cases[] = {
        { "[]", "", 0 },
        { "[0]", "0", 0 },
        { "[3, 1, 2]", "1-3", 0 },
        { "[4, 4, '4', '4-4']", "4", 0 },
        { "['5-7']", "5-7", 0 },
        { "['5-7', '0', 6, 9]", "0,5-7,9", 0 },
        { "['0-2', 1, '7']", "0-2,7", 0 },
        { "['0-7', '8-15', '24-31']", "0-15,24-31", 0 },
        { "['3-20']", "3-20", 0 },
        { "['7-8', '15-16']", "7-8,15-16", 0 },
        { "[' 5 - 7 ']", "5-7", 0 },
        { "['99998-99999']", "99998-99999", 0 },
        { "[99999]", "99999", 0 },
        { "['0-99999']", "0-99999", 0 },
        { "[-1]", "", 1 },
        { "['x', '', ' ', '-', '1-', '-1', '1-2-3', '+1', '0x1']", "", 9 },
        { "['7-5']", "", 1 },
        { "['007', '01-2', '1-02']", "", 3 },
        { "[100000, '100000', '5-100000', 99999999999]", "", 4 },
        { "['99999999999999999999', '0-18446744073709551616']", "", 2 },
        { "[null, true, 1.0, [], {}, [1]]", "", 6 },
        { "[1, 'x', 3]", "1,3", 1 },
        { "{'0': 1}", "", 1 },
        { "'1-2'", "", 1 },
        { "7", "", 1 },
        { "null", "", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bad = 77;

        *ngx_sprintf(buf, "{'a': %s}", cases[i].in) = '\0';
        object = unit_json(u, (char *) buf);

        is_int(u, ngx_aigc_ids_from_json(u->pool,
                                         json_object_get(object, "a"), &ids,
                                         &bad),
               NGX_OK);

        text = ids_text(u, &ids);

        if (!is_str(u, &text, cases[i].ids) || !is_int(u, bad, cases[i].bad)) {
            unit_note("%s", cases[i].in);
        }
    }

    is_int(u, ngx_aigc_ids_from_json(u->pool, NULL, &ids, &bad), NGX_OK);
    is_int(u, ids.nelts, 0);
    is_int(u, bad, 0);
}


static void
ids_plain_text(unit_t *u)
{
    ngx_str_t    in, text;
    ngx_uint_t   i, bad;
    ngx_array_t  ids;

    static const struct {
        const char  *in, *ids;
        ngx_uint_t   bad;
    } cases[] = {
        { "", "", 0 },
        { "0", "0", 0 },
        { "1,2,5-7", "1-2,5-7", 0 },
        { "7,5,6,5", "5-7", 0 },
        { "1, 2", "1-2", 0 },
        { "1,,2", "1-2", 1 },
        { ",1", "1", 1 },
        { "a,1,-2,3-,100000", "1", 4 },
        { "1\n", "", 1 },
        { "1;2", "", 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in = unit_str(u, cases[i].in);

        is_int(u, ngx_aigc_ids_from_text(u->pool, &in, &ids, &bad), NGX_OK);

        text = ids_text(u, &ids);

        if (!is_str(u, &text, cases[i].ids) || !is_int(u, bad, cases[i].bad)) {
            unit_note("%s", cases[i].in);
        }
    }

    ngx_str_null(&in);
    is_int(u, ngx_aigc_ids_from_text(u->pool, &in, &ids, &bad), NGX_OK);
    is_int(u, ids.nelts, 0);
}


static void
ids_random(unit_t *u)
{
    json_t       *list;
    ngx_int_t    *id, first, last, i;
    uint32_t      seed;
    ngx_str_t     text;
    ngx_uint_t    round, n, bad;
    ngx_array_t   a, b;

    u_char        want[300], got[300], buf[64];

    seed = 4711;

    for (round = 0; round < 300; round++) {

        ngx_memzero(want, sizeof(want));
        ngx_memzero(got, sizeof(got));

        list = json_array();
        text.data = ngx_pnalloc(u->pool, 8192);
        text.len = 0;

        for (n = unit_random(&seed, 20); n; n--) {
            first = unit_random(&seed, 300);
            last = first + unit_random(&seed, 300 - first);

            *ngx_sprintf(buf, "%i-%i", first, last) = '\0';

            if (json_array_append_new(list, json_string((char *) buf)) != 0) {
                abort();
            }

            text.len = ngx_sprintf(text.data + text.len, "%s%s",
                                   text.len ? "," : "", buf)
                       - text.data;

            for (i = first; i <= last; i++) {
                want[i] = 1;
            }
        }

        is_int(u, ngx_aigc_ids_from_json(u->pool, list, &a, &bad), NGX_OK);
        is_int(u, ngx_aigc_ids_from_text(u->pool, &text, &b, &bad), NGX_OK);

        json_decref(list);

        id = a.elts;

        for (n = 0; n < a.nelts; n++) {
            got[id[n]]++;
            ok(u, n == 0 || id[n - 1] < id[n]);
        }

        if (!ok(u, ngx_memcmp(got, want, sizeof(want)) == 0)
            || !is_int(u, ngx_aigc_ids_equal(&a, &b), NGX_OK))
        {
            return;
        }

        /* and out again, as OKG writes it: without ranges */

        is_int(u, ngx_aigc_ids_text(u->pool, &a, &text), NGX_OK);
        ok(u, text.len == 0
              || ngx_strlchr(text.data, text.data + text.len, '-') == NULL);
        is_int(u, ngx_aigc_ids_from_text(u->pool, &text, &b, &bad), NGX_OK);
        is_int(u, bad, 0);
        is_int(u, ngx_aigc_ids_equal(&a, &b), NGX_OK);
    }
}


static void
ids_hostile(unit_t *u)
{
    double        usec;
    json_t       *list, *item;
    ngx_uint_t    i, bad;
    ngx_array_t   ids;

    /* as many full ranges as fit the 1.5 MiB of an object */

    list = json_array();
    item = json_string("0-99999");

    for (i = 0; i < 150000; i++) {
        if (json_array_append(list, item) != 0) {
            abort();
        }
    }

    usec = unit_usec();

    is_int(u, ngx_aigc_ids_from_json(u->pool, list, &ids, &bad), NGX_OK);

    unit_note("150000 ranges 0-99999: %.1f ms", (unit_usec() - usec) / 1000);

    is_int(u, ids.nelts, 100000);
    is_int(u, bad, 0);

    json_decref(item);
    json_decref(list);
}


static void
ids_equal(unit_t *u)
{
    ngx_str_t    a, b;
    ngx_uint_t   i, bad;
    ngx_array_t  x, y;

    static const struct {
        const char  *a, *b;
        ngx_int_t    rc;
    } cases[] = {
        { "", "", NGX_OK },
        { "1,2,3", "1-3", NGX_OK },
        { "3,2,1", "1,2,3", NGX_OK },
        { "1", "", NGX_DECLINED },
        { "", "1", NGX_DECLINED },
        { "1,2", "1,3", NGX_DECLINED },
        { "1,2", "1,2,3", NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        a = unit_str(u, cases[i].a);
        b = unit_str(u, cases[i].b);

        is_int(u, ngx_aigc_ids_from_text(u->pool, &a, &x, &bad), NGX_OK);
        is_int(u, ngx_aigc_ids_from_text(u->pool, &b, &y, &bad), NGX_OK);
        is_int(u, ngx_aigc_ids_equal(&x, &y), cases[i].rc);
    }
}


static void
ids_of_name(unit_t *u)
{
    ngx_int_t   id;
    ngx_str_t   name, gss;
    ngx_uint_t  i;

    static const struct {
        const char  *name, *gss;
        ngx_int_t    id;                /* -1: declined */
    } cases[] = {
        { "sd-0", "sd", 0 },
        { "sd-99999", "sd", 99999 },
        { "sd-7-0", "sd-7", 0 },
        { "sd-7-0", "sd", -1 },
        { "sd-cpu-12", "sd-cpu", 12 },
        { "sd-100000", "sd", -1 },
        { "sd-00", "sd", -1 },
        { "sd-01", "sd", -1 },
        { "sd--1", "sd", -1 },
        { "sd-+1", "sd", -1 },
        { "sd-1x", "sd", -1 },
        { "sd-", "sd", -1 },
        { "sd", "sd", -1 },
        { "sd1", "sd", -1 },
        { "sdx1", "sd", -1 },
        { "xd-1", "sd", -1 },
        { "-1", "", -1 },
        { "", "", -1 },
        { "", "sd", -1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = unit_str(u, cases[i].name);
        gss = unit_str(u, cases[i].gss);
        id = -1;

        is_int(u, ngx_aigc_id_of_name(&name, &gss, &id),
               cases[i].id == -1 ? NGX_DECLINED : NGX_OK);

        if (!is_int(u, id, cases[i].id)) {
            unit_note("%s", cases[i].name);
        }
    }
}


static void
ids_names(unit_t *u)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    static const char  *good[] = { "a", "0", "sd-cpu", "a.b", "9-9" };
    static const char  *bad[] = { "", "A", "a/b", "..", ".a", "-a", "a_b",
                                  "a b", "a%2f", "a\n", "\xc3\xa9" };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        name = unit_str(u, good[i]);
        is_int(u, ngx_aigc_name_check(&name, 10), NGX_OK);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        name = unit_str(u, bad[i]);
        is_int(u, ngx_aigc_name_check(&name, 10), NGX_DECLINED);
    }

    name = unit_str(u, "abcde");
    is_int(u, ngx_aigc_name_check(&name, 5), NGX_OK);
    is_int(u, ngx_aigc_name_check(&name, 4), NGX_DECLINED);
}


unit_test_t  ids_tests[] = {
    { "a reserve list in all of OKG's ways", ids_json },
    { "the reserve-ids annotation", ids_plain_text },
    { "random ranges: sorted, unique, the same both ways", ids_random },
    { "a list made to cost much does not", ids_hostile },
    { "equal sets", ids_equal },
    { "the id in a pod's name", ids_of_name },
    { "names that need no escape", ids_names },
    { NULL, NULL }
};
