/* oidc/ngx_aigc_rotation_entry.h: the Secret's entries there and back. */

#include "unit.h"
#include "oidc/ngx_aigc_rotation_entry.h"


#define NAME  "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"    /* of "abc" */


static ngx_int_t
parse(unit_t *u, const char *text, ngx_aigc_rotation_t *r)
{
    ngx_str_t  t;

    t = unit_str(u, text);

    return ngx_aigc_rotation_parse(&t, r);
}


static void
keys_of(ngx_aigc_seal_keys_t *keys, u_char first)
{
    ngx_memzero(keys, sizeof(ngx_aigc_seal_keys_t));

    keys->n = 1;
    ngx_memset(keys->key[0], first, NGX_AIGC_SEAL_KEY_LEN);
    ngx_memset(keys->hint[0], first, NGX_AIGC_SEAL_HINT_LEN);
}


static void
name_of(unit_t *u, u_char *key)
{
    ngx_str_t  name;

    name = unit_str(u, NAME);
    is_int(u, ngx_aigc_rotation_key_parse(&name, key), NGX_OK);
}


static void
rotation_keys(unit_t *u)
{
    u_char      a[NGX_AIGC_ROTATION_KEY_LEN], b[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t   sid;
    ngx_uint_t  i;

    static const char  *bad[] = {
        "", "version", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa",
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa1",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
    };

    sid = unit_str(u, "sid-of-a-session");

    is_int(u, ngx_aigc_rotation_key(&sid, 1790000000, a), NGX_OK);
    is_int(u, ngx_aigc_rotation_key(&sid, 1790000000, b), NGX_OK);
    ok(u, ngx_memcmp(a, b, sizeof(a)) == 0);

    /* a provider's sid may serve several sign-ins */

    is_int(u, ngx_aigc_rotation_key(&sid, 1790000001, b), NGX_OK);
    ok(u, ngx_memcmp(a, b, sizeof(a)) != 0);

    sid.data = ngx_pcalloc(u->pool, 4096);
    sid.len = 4096;
    is_int(u, ngx_aigc_rotation_key(&sid, 1790000000, a), NGX_ERROR);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sid = unit_str(u, bad[i]);

        if (!is_int(u, ngx_aigc_rotation_key_parse(&sid, a), NGX_DECLINED)) {
            unit_note("\"%s\"", bad[i]);
        }
    }
}


static void
rotation_entries(unit_t *u)
{
    ngx_str_t             text;
    ngx_uint_t            i;
    ngx_aigc_rotation_t   r;

    static const char    *bad[] = {
        "", "1", "1 1790000000 1790000001 x 0", "2 1790000000 1790000001 x 0 -",
        "1 1790000000 1790000001 x 0 - ", " 1 1790000000 1790000001 x 0 -",
        "1  1790000000 1790000001 x 0 -", "1 1790000000 1790000001 x 0 - y",
        "1 -1 1790000001 x 0 -", "1 01790000000 1790000001 x 0 -",
        "1 179000000000 1790000001 x 0 -", "1 1790000000 x x 0 -",
        "1 1790000000 1790000001 x=y 0 -", "1 1790000000 1790000001 x\" 0 -",
        "1 0 1790000001 x 0 -", "1 1790000000 1790000001 - 0 -",
        "1 1790000000 1790000001 x 0 gateway",
        "1 1790000000 1790000001 x 1790000002 -",
        "1 1790000000 1790000001 x 1790000002 12345678901234567890123"
    };

    static const char    *good[] = {
        "1 1790000000 1790000001 x-y_Z 0 -",
        "1 1790000000 1790000001 x 1790000002 a-gateway",
        "1 0 1790000001 - 1790000002 1234567890123456789012"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, parse(u, bad[i], &r), NGX_DECLINED)) {
            unit_note("\"%s\"", bad[i]);
        }
    }

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_int(u, parse(u, good[i], &r), NGX_OK);
        is_int(u, ngx_aigc_rotation_text(u->pool, &r, &text), NGX_OK);
        is_str(u, &text, good[i]);
    }

    is_int(u, parse(u, good[1], &r), NGX_OK);
    is_int(u, r.exp, 1790000000);
    is_int(u, r.until, 1790000001);
    is_str(u, &r.sealed, "x");
    is_int(u, r.claim, 1790000002);
    is_str(u, &r.gateway, "a-gateway");

    r.sealed.data = ngx_pcalloc(u->pool, NGX_AIGC_ROTATION_TEXT_MAX);
    r.sealed.len = NGX_AIGC_ROTATION_TEXT_MAX;
    is_int(u, ngx_aigc_rotation_text(u->pool, &r, &text), NGX_DECLINED);
}


static void
rotation_seal(unit_t *u)
{
    u_char                key[NGX_AIGC_ROTATION_KEY_LEN];
    time_t                exp;
    ngx_str_t             token, opened, text;
    ngx_aigc_rotation_t   r, other;
    ngx_aigc_seal_keys_t  keys, others;

    keys_of(&keys, 1);
    keys_of(&others, 2);
    name_of(u, key);

    token = unit_str(u, "a-refresh-token");

    ngx_memzero(&r, sizeof(ngx_aigc_rotation_t));
    r.exp = 1790000000;
    r.until = 1790000001;

    is_int(u, ngx_aigc_rotation_seal(u->pool, &keys, key, &token, &r), NGX_OK);
    is_int(u, ngx_aigc_rotation_open(u->pool, &keys, key, &r, &opened), NGX_OK);
    is_str(u, &opened, "a-refresh-token");

    is_int(u, ngx_aigc_rotation_open(u->pool, &others, key, &r, &opened),
           NGX_DECLINED);

    /* an entry of the cookie's own date is as new, an older one is not */

    is_int(u, ngx_aigc_rotation_text(u->pool, &r, &text), NGX_OK);

    exp = 1790000000;
    is_int(u, ngx_aigc_rotation_newer(u->pool, &keys, key, &text, &exp,
                                      &opened), NGX_OK);
    is_str(u, &opened, "a-refresh-token");

    exp = 1790000001;
    is_int(u, ngx_aigc_rotation_newer(u->pool, &keys, key, &text, &exp,
                                      &opened), NGX_DECLINED);

    exp = 1789999999;
    is_int(u, ngx_aigc_rotation_newer(u->pool, &keys, key, &text, &exp,
                                      &opened), NGX_OK);
    is_int(u, exp, 1790000000);

    /* the dates and the session are sealed with it */

    other = r;
    other.exp++;
    is_int(u, ngx_aigc_rotation_open(u->pool, &keys, key, &other, &opened),
           NGX_DECLINED);

    other = r;
    other.until++;
    is_int(u, ngx_aigc_rotation_open(u->pool, &keys, key, &other, &opened),
           NGX_DECLINED);

    key[0]++;
    is_int(u, ngx_aigc_rotation_open(u->pool, &keys, key, &r, &opened),
           NGX_DECLINED);
}


static void
rotation_patches(unit_t *u)
{
    u_char     key[2 * NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t  none, was, now, out;

    name_of(u, key);
    name_of(u, key + NGX_AIGC_ROTATION_KEY_LEN);

    ngx_str_null(&none);
    was = unit_str(u, "old");
    now = unit_str(u, "newer");

    is_int(u, ngx_aigc_rotation_patch(u->pool, key, &was, &now, &out), NGX_OK);
    is_str(u, &out,
           "[{\"op\":\"test\",\"path\":\"/data/" NAME "\",\"value\":\"b2xk\"},"
           "{\"op\":\"add\",\"path\":\"/data/" NAME "\",\"value\":\"bmV3ZXI=\"}"
           ",{\"op\":\"add\",\"path\":\"/metadata/managedFields\","
           "\"value\":[{}]}]");

    is_int(u, ngx_aigc_rotation_patch(u->pool, key, &none, &now, &out),
           NGX_OK);
    is_str(u, &out,
           "[{\"op\":\"test\",\"path\":\"/data/" NAME "\",\"value\":null},"
           "{\"op\":\"add\",\"path\":\"/data/" NAME "\",\"value\":\"bmV3ZXI=\"}"
           ",{\"op\":\"add\",\"path\":\"/metadata/managedFields\","
           "\"value\":[{}]}]");

    is_int(u, ngx_aigc_rotation_patch(u->pool, key, &was, &none, &out),
           NGX_OK);
    is_str(u, &out,
           "[{\"op\":\"test\",\"path\":\"/data/" NAME "\",\"value\":\"b2xk\"},"
           "{\"op\":\"remove\",\"path\":\"/data/" NAME "\"}"
           ",{\"op\":\"add\",\"path\":\"/metadata/managedFields\","
           "\"value\":[{}]}]");

    is_int(u, ngx_aigc_rotation_patch(u->pool, key, NULL, &now, &out), NGX_OK);
    is_str(u, &out,
           "[{\"op\":\"test\",\"path\":\"/data\",\"value\":null},"
           "{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"version\":\"MQ==\","
           "\"" NAME "\":\"bmV3ZXI=\"}}"
           ",{\"op\":\"add\",\"path\":\"/metadata/managedFields\","
           "\"value\":[{}]}]");

    is_int(u, ngx_aigc_rotation_patch_remove(u->pool, key, 2, &out), NGX_OK);
    is_str(u, &out, "{\"metadata\":{\"managedFields\":[{}]},\"data\":{"
                    "\"" NAME "\":null,\"" NAME "\":null}}");
}


static void
rotation_secrets(unit_t *u)
{
    u_char     buf[NGX_AIGC_ROTATION_TEXT_MAX], *p;
    u_char     key[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t  text, out, value;

    name_of(u, key);

    /* "1 1790000000 1790000001 x-y_Z 0 -" */

    out = unit_str(u, "{\"kind\":\"Secret\",\"data\":{\"version\":\"MQ==\",\""
                      NAME "\":\"MSAxNzkwMDAwMDAwIDE3OTAwMDAwMDEgeC15X1ogMCAt\"}}");
    is_int(u, ngx_aigc_rotation_pick(u->pool, &out, key, &value), NGX_OK);
    is_str(u, &value, "1 1790000000 1790000001 x-y_Z 0 -");

    key[0]++;
    is_int(u, ngx_aigc_rotation_pick(u->pool, &out, key, &value), NGX_OK);
    is_int(u, value.len, 0);

    out = unit_str(u, "{\"kind\":\"Secret\"}");
    is_int(u, ngx_aigc_rotation_pick(u->pool, &out, key, &value), NGX_DONE);
    is_int(u, value.len, 0);

    out = unit_str(u, "{\"kind\":\"Secret\",\"data\":{\"");
    is_int(u, ngx_aigc_rotation_pick(u->pool, &out, key, &value),
           NGX_DECLINED);

    /* the longest entry, and one that is too long by one group */

    p = ngx_pnalloc(u->pool, NGX_AIGC_ROTATION_TEXT_MAX / 3 * 4 + 6);
    ngx_memset(p, 'A', NGX_AIGC_ROTATION_TEXT_MAX / 3 * 4 + 6);

    value.data = p;
    value.len = NGX_AIGC_ROTATION_TEXT_MAX / 3 * 4 + 2;
    p[0] = '"';

    text.data = buf;
    is_int(u, ngx_aigc_rotation_value(&value, &text), NGX_OK);
    is_int(u, text.len, NGX_AIGC_ROTATION_TEXT_MAX);

    value.len += 4;
    is_int(u, ngx_aigc_rotation_value(&value, &text), NGX_DECLINED);

    value = unit_str(u, "12");
    is_int(u, ngx_aigc_rotation_value(&value, &text), NGX_DECLINED);

    value = unit_str(u, "\"a b=\"");
    is_int(u, ngx_aigc_rotation_value(&value, &text), NGX_DECLINED);
}


unit_test_t  rotation_tests[] = {
    { "a session has one key", rotation_keys },
    { "entries that are ours, and others", rotation_entries },
    { "what is sealed opens for its session and dates alone", rotation_seal },
    { "patches that test what was", rotation_patches },
    { "an entry is found in the Secret", rotation_secrets },
    { NULL, NULL }
};
