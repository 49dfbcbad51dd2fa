/*
 * t/fuzz/given_fuzz.c — has an id been given to anybody?  The first line is the
 * id, the rest a GameServerSet: only where the whole text says no, it says no.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "instances/ngx_aigc_given.h"
#include "instances/ngx_aigc_ids.h"


FUZZ(given)
{
    json_t      *meta, *root;
    ngx_int_t    id, top;
    ngx_str_t    text, uid, name;
    time_t       created;

    id = fuzz_number(f) % NGX_AIGC_ID_MAX;
    text = fuzz_rest(f);

    uid = fuzz_text(f, "uid-1");
    created = 1700000000;

    if (ngx_aigc_given(&text, &uid, id, created, &top) == NGX_OK) {
        return;
    }

    must(top >= 0 && top <= NGX_AIGC_ID_MAX);

    root = fuzz_json(f, &text, 0);
    must(json_is_object(root));

    meta = json_object_get(root, "metadata");
    name = ngx_aigc_json_text(meta, "uid");
    must(fuzz_eq(&name, &uid));

    name = fuzz_fmt(f, "instance.aigc-gateway.io/%i%Z", id);
    must(json_object_get(json_object_get(meta, "annotations"),
                         (char *) name.data)
         == NULL);

    /* cut anywhere, it is somebody's */

    text.len--;
    must(ngx_aigc_given(&text, &uid, id, created, &top) == NGX_OK
         || fuzz_json(f, &text, 0) != NULL);
}
