/* oidc/ngx_aigc_revocation_entry.h: the ConfigMap's entries there and back. */

#include "unit.h"
#include "oidc/ngx_aigc_revocation_entry.h"


#define KEY  "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"     /* of "abc" */


static ngx_int_t
parse(unit_t *u, const char *name, const char *value, ngx_aigc_revocation_t *r)
{
    ngx_str_t  n, v;

    n = unit_str(u, name);
    v = unit_str(u, value);

    return ngx_aigc_revocation_parse(&n, &v, r);
}


static void
revocation_entries(unit_t *u)
{
    u_char                 key[NGX_AIGC_REVOCATION_KEY_LEN];
    ngx_str_t              text;
    ngx_uint_t             i;
    ngx_aigc_revocation_t  r;

    static const char   *bad[] = {
        "", "0", "01790000000", "-1", "+1", "1790000000x", "1790000000 ",
        " 1790000000", "1790000000 User", "1790000000 user ",
        "1790000000  user", "1790000000 admin", "179000000000", "1e9",
        "1790000000.5", "user", "yesterday"
    };

    static const char   *names[] = {
        "", "a", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa",
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa1",
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa00",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", "Floor", "floor "
    };

    text = unit_str(u, "abc");
    is_int(u, ngx_aigc_revocation_key(&text, key), NGX_OK);

    is_int(u, parse(u, KEY, "1790000000", &r), NGX_OK);
    ok(u, ngx_memcmp(r.key, key, sizeof(key)) == 0);
    ok(u, r.when == ngx_aigc_when(1790000000, NGX_AIGC_REVOCATION_SESSION));

    is_int(u, parse(u, KEY, "1790000000 user", &r), NGX_OK);
    is_int(u, ngx_aigc_when_time(r.when), 1790000000);
    is_int(u, ngx_aigc_when_reason(r.when), NGX_AIGC_REVOCATION_USER);

    is_int(u, parse(u, KEY, "99999999999 released", &r), NGX_OK);
    is_int(u, ngx_aigc_when_time(r.when), 99999999999);
    is_int(u, ngx_aigc_when_reason(r.when), NGX_AIGC_REVOCATION_RELEASED);

    is_int(u, parse(u, "floor", "1790000000", &r), NGX_DONE);
    is_int(u, ngx_aigc_when_time(r.when), 1790000000);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, parse(u, KEY, bad[i], &r), NGX_DECLINED)) {
            unit_note("\"%s\"", bad[i]);
        }
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!is_int(u, parse(u, names[i], "1790000000", &r), NGX_DECLINED)) {
            unit_note("\"%s\"", names[i]);
        }
    }

    ngx_str_null(&text);
    is_int(u, ngx_aigc_revocation_key(&text, key), NGX_OK);
    ok(u, key[0] == 0 && key[31] == 0);
}


static void
revocation_bodies(unit_t *u)
{
    ngx_str_t              out, text;
    ngx_uint_t             i;
    ngx_aigc_revocation_t  r[2];

    text = unit_str(u, "abc");

    for (i = 0; i < 2; i++) {
        is_int(u, ngx_aigc_revocation_key(&text, r[i].key), NGX_OK);
    }

    r[0].when = ngx_aigc_when(1790000000, NGX_AIGC_REVOCATION_SESSION);
    r[1].when = ngx_aigc_when(99999999999, NGX_AIGC_REVOCATION_RELEASED);

    is_int(u, ngx_aigc_revocation_patch_add(u->pool, r, 2, &out), NGX_OK);
    is_str(u, &out, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
           "\"metadata\":{\"name\":\"aigc-revocations\",\"managedFields\":[{}]"
           "},\"data\":{\"" KEY "\":\"1790000000\",\"" KEY "\":"
           "\"99999999999 released\"}}");

    is_int(u, ngx_aigc_revocation_patch_add(u->pool, r, 0, &out), NGX_OK);
    ok(u, ngx_strnstr(out.data, "\"data\":{}}", out.len) != NULL);

    is_int(u, ngx_aigc_revocation_patch_remove(u->pool, r, 1, 0, &out), NGX_OK);
    is_str(u, &out, "[{\"op\":\"test\",\"path\":\"/data/" KEY "\",\"value\":"
           "\"1790000000\"},{\"op\":\"remove\",\"path\":\"/data/" KEY "\"}]");

    is_int(u, ngx_aigc_revocation_patch_remove(u->pool, r, 0, 1790000001, &out),
           NGX_OK);
    is_str(u, &out, "[{\"op\":\"add\",\"path\":\"/data/floor\",\"value\":"
           "\"1790000001\"}]");

    is_int(u, ngx_aigc_revocation_patch_remove(u->pool, r, 2, 1790000001, &out),
           NGX_OK);
    is_int(u, ngx_aigc_revocation_patch_remove(u->pool, r, 0, 0, &out), NGX_OK);
    is_str(u, &out, "[]");
}


static void
revocation_times(unit_t *u)
{
    /* now; not much later than said; not before said */

    is_int(u, ngx_aigc_revocation_time(1000, 1000), 1000);
    is_int(u, ngx_aigc_revocation_time(1010, 1000), 1010);
    is_int(u, ngx_aigc_revocation_time(1000 + NGX_AIGC_REVOCATION_LATE, 1000),
           1000 + NGX_AIGC_REVOCATION_LATE);
    is_int(u, ngx_aigc_revocation_time(9000, 1000),
           1000 + NGX_AIGC_REVOCATION_LATE);
    is_int(u, ngx_aigc_revocation_time(1000, 1020), 1020);

    /* the later one counts; at one time, the later state */

    ok(u, ngx_aigc_when(1001, NGX_AIGC_REVOCATION_SESSION)
          > ngx_aigc_when(1000, NGX_AIGC_REVOCATION_RELEASED));
    ok(u, ngx_aigc_when(1000, NGX_AIGC_REVOCATION_RELEASED)
          > ngx_aigc_when(1000, NGX_AIGC_REVOCATION_USER));
    ok(u, ngx_aigc_when(1000, NGX_AIGC_REVOCATION_USER)
          > ngx_aigc_when(1000, NGX_AIGC_REVOCATION_SESSION));
}


unit_test_t  revocation_tests[] = {
    { "an entry is read, and nothing like one", revocation_entries },
    { "what is written is what is read", revocation_bodies },
    { "times of others' clocks", revocation_times },
    { NULL, NULL }
};
