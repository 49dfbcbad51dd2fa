/*
 * t/fuzz/entry_fuzz.c — a user's custom data at Logto, which users can write.
 * The first line is a member's name, the rest the data; once the changes are
 * made nothing has to change.
 */

#include "fuzz.h"
#include "instances/ngx_aigc_ids.h"
#include "logto/ngx_aigc_entry.h"


static ngx_int_t entry_stale(void *data, ngx_aigc_entry_t *entry);


FUZZ(entry)
{
    json_t                 *custom, *entries, *value;
    ngx_str_t               name, text;
    const char             *key;
    ngx_aigc_entry_t        entry;
    ngx_aigc_entry_diff_t   diff;

    name = fuzz_line(f);
    name = fuzz_fmt(f, "%V%Z", &name);
    text = fuzz_rest(f);

    custom = fuzz_json(f, &text, 0);
    entries = fuzz_own(f, json_object());

    (void) ngx_aigc_entry_read((char *) name.data, custom, &entry);

    if (!json_is_object(custom)) {
        return;
    }

    json_object_foreach(custom, key, value) {

        if (ngx_aigc_entry_read(key, value, &entry) != NGX_OK) {
            continue;
        }

        must(entry.ns.len > 0 && entry.ns.len <= NGX_AIGC_NS_MAX);
        must(entry.name.len > 0 && entry.name.len <= NGX_AIGC_NAME_MAX);
        must(entry.id >= NGX_ERROR && entry.id <= NGX_AIGC_ID_MAX);
        must(!entry.exact || entry.id >= 0);

        /* the user should have every second one, with an id that is one */

        if (entry.ns.data[0] & 1) {
            entry.id = ngx_max(entry.id, 0);
            must(ngx_aigc_entry_add(entries, &entry) == NGX_OK);
        }
    }

    if (ngx_aigc_entry_diff(custom, entries, entry_stale, NULL, &diff)
        == NGX_OK)
    {
        must(json_object_size(diff.set) + json_object_size(diff.drop) > 0);
        must(ngx_aigc_entry_apply(custom, &diff) == NGX_OK);
        ngx_aigc_entry_diff_free(&diff);

        must(json_object_size(custom) > NGX_AIGC_ENTRIES_MAX
             || ngx_aigc_entry_diff(custom, entries, entry_stale, NULL, &diff)
                == NGX_DECLINED);
    }
}


static ngx_int_t
entry_stale(void *data, ngx_aigc_entry_t *entry)
{
    return (entry->id & 1) ? NGX_OK : NGX_DECLINED;
}
