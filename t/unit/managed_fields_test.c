/* kube/ngx_aigc_managed_fields.h: managedFields go, all else stays as it was. */

#include "unit.h"
#include "kube/ngx_aigc_managed_fields.h"


static void
fields_is(unit_t *u, const char *text, const char *want)
{
    ngx_str_t  json;

    json = unit_bytes(u, text, ngx_strlen(text));

    ngx_aigc_managed_fields_empty(&json);

    if (!is_str(u, &json, want)) {
        unit_note("of %s", text);
    }
}


static void
fields_members(unit_t *u)
{
    fields_is(u, "", "");
    fields_is(u, "{}", "{}");
    fields_is(u, "{\"managedFields\":[]}", "{\"managedFields\":[]}");
    fields_is(u, "{\"managedFields\":[1]}", "{\"managedFields\":[]}");
    fields_is(u, "{\"a\":1,\"managedFields\":[{\"f:x\":{\".\":{}}},[2]],\"b\":[3]}",
            "{\"a\":1,\"managedFields\":[],\"b\":[3]}");

    /* brackets and quotes inside strings */

    fields_is(u, "{\"managedFields\":[{\"k\":\"]}\\\"]\"},\"\\\\\"],\"b\":4}",
            "{\"managedFields\":[],\"b\":4}");

    /* a list has one in each item */

    fields_is(u, "[{\"managedFields\":[1],\"a\":1},{\"managedFields\":[2],"
               "\"a\":2},{\"managedFields\":[3],\"a\":3}]",
            "[{\"managedFields\":[],\"a\":1},{\"managedFields\":[],"
            "\"a\":2},{\"managedFields\":[],\"a\":3}]");
}


static void
fields_others(unit_t *u)
{
    fields_is(u, "{\"managedFields\":\"[x]\"}", "{\"managedFields\":\"[x]\"}");
    fields_is(u, "{\"managedFields\": [1]}", "{\"managedFields\": [1]}");
    fields_is(u, "{\"unmanagedFields\":[1]}", "{\"unmanagedFields\":[1]}");

    /* a user's text that looks like one */

    fields_is(u, "{\"x\":\"{\\\"managedFields\\\":[1,2]}\"}",
            "{\"x\":\"{\\\"managedFields\\\":[1,2]}\"}");
}


static void
fields_broken(unit_t *u)
{
    fields_is(u, "{\"managedFields\":[", "{\"managedFields\":[");
    fields_is(u, "{\"managedFields\":[{\"a", "{\"managedFields\":[{\"a");
    fields_is(u, "{\"managedFields\":[\"a\\", "{\"managedFields\":[\"a\\");
    fields_is(u, "{\"managedFields\":[[1]", "{\"managedFields\":[[1]");
    fields_is(u, "\"managedFields\":", "\"managedFields\":");
    fields_is(u, "[{\"managedFields\":[1]},{\"managedFields\":[[2]",
            "[{\"managedFields\":[]},{\"managedFields\":[[2]");
}


/* A text cut anywhere, changed anywhere: never past its end, never longer. */
static void
fields_random(unit_t *u)
{
    size_t       len, i;
    ngx_str_t    json;
    ngx_uint_t   n;

    static const char  text[] = "{\"metadata\":{\"managedFields\":[{\"f:a\":"
                                "{\"k:{\\\"b\\\":1}\":{}}}],\"name\":\"x\"}}";
    static const char  bytes[] = "[]{}\"\\,:x";

    for (n = 0; n < 20000; n++) {
        len = ngx_random() % sizeof(text);
        json = unit_bytes(u, text, len);

        for (i = ngx_random() % 4; i && len; i--) {
            json.data[ngx_random() % len]
                = bytes[ngx_random() % (sizeof(bytes) - 1)];
        }

        ngx_aigc_managed_fields_empty(&json);

        if (!ok(u, json.len <= len)) {
            return;
        }
    }
}


unit_test_t  managed_fields_tests[] = {
    { "managedFields are emptied wherever they are", fields_members },
    { "nothing else is", fields_others },
    { "a text that is no JSON stays none", fields_broken },
    { "whatever the bytes", fields_random },
    { NULL, NULL }
};
