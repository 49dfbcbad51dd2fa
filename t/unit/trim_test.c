/* kube/ngx_aigc_trim.h: managedFields go, all else stays as it was. */

#include "unit.h"
#include "kube/ngx_aigc_trim.h"


static void
trim_is(unit_t *u, const char *text, const char *want)
{
    ngx_str_t  json;

    json = unit_bytes(u, text, ngx_strlen(text));

    ngx_aigc_trim(&json);

    if (!is_str(u, &json, want)) {
        unit_note("of %s", text);
    }
}


static void
trim_members(unit_t *u)
{
    trim_is(u, "", "");
    trim_is(u, "{}", "{}");
    trim_is(u, "{\"managedFields\":[]}", "{\"managedFields\":[]}");
    trim_is(u, "{\"managedFields\":[1]}", "{\"managedFields\":[]}");
    trim_is(u, "{\"a\":1,\"managedFields\":[{\"f:x\":{\".\":{}}},[2]],\"b\":[3]}",
            "{\"a\":1,\"managedFields\":[],\"b\":[3]}");

    /* brackets and quotes inside strings */

    trim_is(u, "{\"managedFields\":[{\"k\":\"]}\\\"]\"},\"\\\\\"],\"b\":4}",
            "{\"managedFields\":[],\"b\":4}");

    /* a list has one in each item */

    trim_is(u, "[{\"managedFields\":[1],\"a\":1},{\"managedFields\":[2],"
               "\"a\":2},{\"managedFields\":[3],\"a\":3}]",
            "[{\"managedFields\":[],\"a\":1},{\"managedFields\":[],"
            "\"a\":2},{\"managedFields\":[],\"a\":3}]");
}


static void
trim_others(unit_t *u)
{
    trim_is(u, "{\"managedFields\":\"[x]\"}", "{\"managedFields\":\"[x]\"}");
    trim_is(u, "{\"managedFields\": [1]}", "{\"managedFields\": [1]}");
    trim_is(u, "{\"unmanagedFields\":[1]}", "{\"unmanagedFields\":[1]}");

    /* a user's text that looks like one */

    trim_is(u, "{\"x\":\"{\\\"managedFields\\\":[1,2]}\"}",
            "{\"x\":\"{\\\"managedFields\\\":[1,2]}\"}");
}


static void
trim_broken(unit_t *u)
{
    trim_is(u, "{\"managedFields\":[", "{\"managedFields\":[");
    trim_is(u, "{\"managedFields\":[{\"a", "{\"managedFields\":[{\"a");
    trim_is(u, "{\"managedFields\":[\"a\\", "{\"managedFields\":[\"a\\");
    trim_is(u, "{\"managedFields\":[[1]", "{\"managedFields\":[[1]");
    trim_is(u, "\"managedFields\":", "\"managedFields\":");
    trim_is(u, "[{\"managedFields\":[1]},{\"managedFields\":[[2]",
            "[{\"managedFields\":[]},{\"managedFields\":[[2]");
}


/* A text cut anywhere, changed anywhere: never past its end, never longer. */
static void
trim_random(unit_t *u)
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

        ngx_aigc_trim(&json);

        if (!ok(u, json.len <= len)) {
            return;
        }
    }
}


unit_test_t  trim_tests[] = {
    { "managedFields are emptied wherever they are", trim_members },
    { "nothing else is", trim_others },
    { "a text that is no JSON stays none", trim_broken },
    { "whatever the bytes", trim_random },
    { NULL, NULL }
};
