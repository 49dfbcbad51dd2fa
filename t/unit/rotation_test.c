/*
 * oidc/ngx_aigc_rotation_entry.h: the Secret's entries there and back;
 * oidc/ngx_aigc_rotation.h: which of them the zone keeps.
 */

#include "unit.h"
#include "oidc/ngx_aigc_rotation.h"


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


/* a zone with this part alone, of one set */
static ngx_aigc_zone_t *
zone(unit_t *u)
{
    ngx_aigc_part_t  *part;
    ngx_aigc_zone_t  *z;

    part = &ngx_aigc_rotation_part;

    z = ngx_pcalloc(u->pool, sizeof(ngx_aigc_zone_t));
    z->shm = ngx_pcalloc(u->pool, sizeof(ngx_aigc_shm_t));
    z->shpool = ngx_pcalloc(u->pool, sizeof(ngx_slab_pool_t));

    is_int(u, ngx_shmtx_create(&z->shpool->mutex, &z->shpool->lock, NULL),
           NGX_OK);

    z->part[part->index] = ngx_pcalloc(u->pool, part->head + part->slot);
    z->shm->slots[part->index] = 1;

    return z;
}


/* the entry of session n, renewed at exp */
static void
put(unit_t *u, ngx_aigc_zone_t *z, u_char n, time_t exp,
    ngx_aigc_rotation_e what)
{
    u_char     key[NGX_AIGC_ROTATION_KEY_LEN], buf[64];
    ngx_str_t  text;

    ngx_memset(key, n, sizeof(key));

    text.data = buf;
    text.len = ngx_sprintf(buf, "1 %T %T x 0 -", exp, ngx_time() + 1000) - buf;

    ngx_aigc_rotation_put(z, key, &text, what);
}


/* the exp that is known of session n; 0: none */
static time_t
known(unit_t *u, ngx_aigc_zone_t *z, u_char n)
{
    u_char               key[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t            text;
    ngx_aigc_rotation_t  r;

    ngx_memset(key, n, sizeof(key));

    return (ngx_aigc_rotation_find(z, u->pool, key, &text) == NGX_OK
            && ngx_aigc_rotation_parse(&text, &r) == NGX_OK) ? r.exp : 0;
}


static void
rotation_zone(unit_t *u)
{
    u_char            i, key[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t         text;
    ngx_aigc_zone_t  *z;

    z = zone(u);

    ok(u, !ngx_aigc_rotation_rotates(z));

    for (i = 0; i < NGX_AIGC_ROTATION_WAYS; i++) {
        put(u, z, i, 100 + i, NGX_AIGC_ROTATION_SEEN);
    }

    ok(u, ngx_aigc_rotation_rotates(z));

    /* of one session the newer one */

    put(u, z, 0, 99, NGX_AIGC_ROTATION_PENDING);
    is_int(u, known(u, z, 0), 100);
    put(u, z, 1, 120, NGX_AIGC_ROTATION_SEEN);
    is_int(u, known(u, z, 1), 120);

    /* a full set: what is older stays out, what is newer replaces the oldest */

    put(u, z, 20, 100, NGX_AIGC_ROTATION_SEEN);
    is_int(u, known(u, z, 20), 0);
    put(u, z, 21, 101, NGX_AIGC_ROTATION_SEEN);
    is_int(u, known(u, z, 21), 101);
    is_int(u, known(u, z, 0), 0);

    /* what is not in the Secret yet finds room, and nothing seen takes it */

    for (i = 30; i < 30 + NGX_AIGC_ROTATION_WAYS; i++) {
        put(u, z, i, i, NGX_AIGC_ROTATION_PENDING);
    }

    is_int(u, z->shm->counters.rotations_full, 0);
    put(u, z, 50, 1000, NGX_AIGC_ROTATION_SEEN);
    is_int(u, known(u, z, 50), 0);

    for (i = 30; i < 30 + NGX_AIGC_ROTATION_WAYS; i++) {
        is_int(u, known(u, z, i), i);
    }

    /* one more of these: the oldest one is lost */

    put(u, z, 51, 20, NGX_AIGC_ROTATION_PENDING);
    is_int(u, known(u, z, 51), 20);
    is_int(u, known(u, z, 30), 0);
    is_int(u, z->shm->counters.rotations_full, 1);

    /* another process's clock may be ahead */

    is_int(u, ngx_aigc_rotation_pending(z, u->pool, 5000, key, &text),
           NGX_DECLINED);
    ngx_current_msec -= 10;
    is_int(u, ngx_aigc_rotation_pending(z, u->pool, 5000, key, &text),
           NGX_DECLINED);
    ngx_current_msec += 5010;
    is_int(u, ngx_aigc_rotation_pending(z, u->pool, 5000, key, &text), NGX_OK);
    ngx_current_msec -= 5000;
}


unit_test_t  rotation_tests[] = {
    { "a session has one key", rotation_keys },
    { "entries that are ours, and others", rotation_entries },
    { "what is sealed opens for its session and dates alone", rotation_seal },
    { "patches that test what was", rotation_patches },
    { "an entry is found in the Secret", rotation_secrets },
    { "the zone keeps what nobody else has", rotation_zone },
    { NULL, NULL }
};
