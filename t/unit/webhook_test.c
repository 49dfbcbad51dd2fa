/* logto/ngx_aigc_webhook.h: whom Logto's webhook ends, and who may say so. */

#include "unit.h"
#include "logto/ngx_aigc_webhook.h"


#define CREATED  ",\"createdAt\":\"2026-01-02T03:04:05.678Z\""
#define GONE     "{\"event\":\"User.Deleted\"" CREATED
#define STOPPED  "{\"event\":\"User.SuspensionStatus.Updated\"" CREATED


static void
webhook_signature(unit_t *u)
{
    size_t      i;
    ngx_str_t   body, key, good, bad;

    /* RFC 4231, test case 2 */

    key = unit_str(u, "Jefe");
    body = unit_str(u, "what do ya want for nothing?");
    good = unit_str(u, "5bdcc146bf60754e6a042426089575c7"
                       "5a003f089d2739839dec58b964ec3843");

    is_int(u, ngx_aigc_webhook_check(&body, &key, &good), NGX_OK);

    for (i = 0; i < good.len; i++) {
        bad = unit_bytes(u, good.data, good.len);
        bad.data[i] = bad.data[i] == '0' ? '1' : '0';
        is_int(u, ngx_aigc_webhook_check(&body, &key, &bad), NGX_DECLINED);

        bad = unit_bytes(u, good.data, i);
        is_int(u, ngx_aigc_webhook_check(&body, &key, &bad), NGX_DECLINED);
    }

    body = unit_str(u, "what do ya want for nothing!");
    is_int(u, ngx_aigc_webhook_check(&body, &key, &good), NGX_DECLINED);
}


static void
webhook_events(unit_t *u)
{
    size_t               i;
    ngx_int_t            rc;
    ngx_str_t            body, cut;
    ngx_aigc_webhook_t   w;

    static const struct {
        const char  *body;
        ngx_int_t    rc;
    } cases[] = {
        { GONE ",\"params\":{\"userId\":\"u1\"},\"data\":null}", NGX_OK },
        { GONE ",\"data\":{\"id\":\"u1\"}}", NGX_OK },
        { GONE ",\"params\":{\"userId\":\"u1\"},\"data\":{\"id\":\"u1\"}}",
          NGX_OK },
        { GONE ",\"params\":{\"userId\":\"u1\"},\"data\":{\"id\":\"u2\"}}",
          NGX_DECLINED },
        { GONE "}", NGX_DECLINED },
        { GONE ",\"params\":{\"userId\":\"\"}}", NGX_DECLINED },
        { GONE ",\"params\":{\"userId\":1}}", NGX_DECLINED },
        { GONE ",\"params\":{\"userId\":\"a\\u0000b\"}}", NGX_DECLINED },
        { GONE ",\"params\":{\"userId\":\"a\\nb\"}}", NGX_DECLINED },
        { "{\"event\":\"User.Deleted\",\"data\":{\"id\":\"u1\"}}",
          NGX_DECLINED },
        { "{\"event\":\"User.Deleted\",\"createdAt\":1790000000,\"data\":"
          "{\"id\":\"u1\"}}", NGX_DECLINED },
        { STOPPED ",\"data\":{\"id\":\"u1\",\"isSuspended\":true}}", NGX_OK },
        { STOPPED ",\"data\":{\"id\":\"u1\",\"isSuspended\":false}}",
          NGX_DONE },
        { STOPPED ",\"data\":{\"id\":\"u1\",\"isSuspended\":\"true\"}}",
          NGX_DECLINED },
        { STOPPED ",\"data\":{\"id\":\"u1\"}}", NGX_DECLINED },
        { STOPPED ",\"data\":{\"id\":\"u1\",\"customData\":{\"n\":"
          "100000000000000000000,\"m\":-1e99999,\"isSuspended\":false,"
          "\"id\":\"u2\",\"s\":\"\\ud800\\u0000}\"},"
          "\"isSuspended\":true}}", NGX_OK },
        { STOPPED ",\"data\":{\"id\":\"u1\",\"isSuspended\":true,"
          "\"isSuspended\":false}}", NGX_DECLINED },
        { STOPPED ",\"data\":{\"isSuspended\":true}}", NGX_DECLINED },
        { GONE ",\"params\":{\"id\":\"fake-id\"},\"data\":"
          "{\"result\":\"success\"}}", NGX_DONE },
        { STOPPED ",\"params\":{\"id\":\"fake-id\"},\"data\":"
          "{\"result\":\"success\"}}", NGX_DONE },
        { GONE ",\"params\":{\"id\":\"fake-id\"},\"data\":"
          "{\"result\":\"failure\"}}", NGX_DECLINED },
        { GONE ",\"params\":{\"userId\":\"u1\"},\"data\":"
          "{\"result\":\"success\"}}", NGX_OK },
        { "{\"event\":\"User.Created\"}", NGX_DONE },
        { "{\"event\":\"user.deleted\"}", NGX_DONE },
        { "{\"event\":\"\"}", NGX_DECLINED },
        { "{\"event\":1}", NGX_DECLINED },
        { "{\"event\":\"a\",\"event\":\"b\"}", NGX_DECLINED },
        { "[]", NGX_DECLINED },
        { "null", NGX_DECLINED },
        { "", NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = unit_str(u, cases[i].body);
        rc = ngx_aigc_webhook_read(u->pool, &body, &w);

        if (!is_int(u, rc, cases[i].rc)) {
            unit_note("%s", cases[i].body);
        }

        if (rc == NGX_OK) {
            is_str(u, &w.user, "u1");
            is_int(u, w.created, 1767323045);
        }
    }

    /* as deep as it gets within the bound, and not closed */

    body = unit_str(u, GONE ",\"params\":{\"userId\":\"u1\"},\"data\":"
                       "{\"x\":");
    cut.len = NGX_AIGC_WEBHOOK_MAX;
    cut.data = ngx_pnalloc(u->pool, cut.len);
    i = (cut.len - body.len - 3) / 2;
    ngx_memcpy(cut.data, body.data, body.len);
    ngx_memset(cut.data + body.len, '[', i);
    ngx_memset(cut.data + body.len + i, ']', i);
    ngx_memcpy(cut.data + body.len + 2 * i, "}} ", 3);
    cut.len = body.len + 2 * i + 3;

    is_int(u, ngx_aigc_webhook_read(u->pool, &cut, &w), NGX_OK);
    is_str(u, &w.user, "u1");

    cut.data[cut.len - 4] = ' ';
    is_int(u, ngx_aigc_webhook_read(u->pool, &cut, &w), NGX_DECLINED);

    /* every part of a body is none */

    body = unit_str(u, cases[0].body);

    for (i = 0; i < body.len; i++) {
        cut = unit_bytes(u, body.data, i);
        is_int(u, ngx_aigc_webhook_read(u->pool, &cut, &w), NGX_DECLINED);
    }
}


unit_test_t  webhook_tests[] = {
    { "a signature, and every other one", webhook_signature },
    { "who is gone, and who is not", webhook_events },
    { NULL, NULL }
};
