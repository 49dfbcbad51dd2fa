/* logto/ngx_aigc_entry.h: which members of custom data are ours. */

#include "unit.h"
#include "unit_json.h"
#include "logto/ngx_aigc_entry.h"
#include "instances/ngx_aigc_ids.h"


#define ENTRY(id, name, ns)                                                   \
    "{'ID': " id ", 'Name': '" name "', 'Type': '', 'Namespace': '" ns "'}"


static ngx_int_t
entry_all(void *data, ngx_aigc_entry_t *entry)
{
    ngx_uint_t  *n = data;

    (*n)++;

    return NGX_OK;
}


static ngx_int_t
entry_none(void *data, ngx_aigc_entry_t *entry)
{
    return NGX_DECLINED;
}


/* both as JSON; the members of want, in any order */
static ngx_uint_t
entry_same(unit_t *u, json_t *is, const char *want)
{
    return json_equal(is, unit_json(u, want));
}


static void
entry_reads(unit_t *u)
{
    ngx_aigc_entry_t  entry;

    is_int(u, ngx_aigc_entry_read("default-sd",
                                  unit_json(u, ENTRY("'7'", "sd", "default")),
                                  &entry), NGX_OK);
    is_str(u, &entry.ns, "default");
    is_str(u, &entry.name, "sd");
    is_int(u, entry.id, 7);
    is_int(u, entry.exact, 1);
}


static void
entry_ids(unit_t *u)
{
    size_t             i;
    ngx_aigc_entry_t   entry;

    static const char  *bad[] = {
        ENTRY("7", "a", "b"), ENTRY("-1", "a", "b"), ENTRY("'-1'", "a", "b"),
        ENTRY("'07'", "a", "b"), ENTRY("''", "a", "b"),
        ENTRY("' 7'", "a", "b"), ENTRY("'7 '", "a", "b"),
        ENTRY("'7.0'", "a", "b"), ENTRY("'0x7'", "a", "b"),
        ENTRY("'100000'", "a", "b"), ENTRY("null", "a", "b"),
        ENTRY("'99999999999999999999999999'", "a", "b"),
        ENTRY("['7']", "a", "b"), ENTRY("{}", "a", "b"),
        ENTRY("true", "a", "b")
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(u, ngx_aigc_entry_read("b-a", unit_json(u, bad[i]), &entry),
               NGX_OK);

        if (!is_int(u, entry.id, NGX_ERROR) || !is_int(u, entry.exact, 0)) {
            unit_note("%s", bad[i]);
        }
    }

    is_int(u, ngx_aigc_entry_read("b-a",
                                  unit_json(u, ENTRY("'99999'", "a", "b")),
                                  &entry), NGX_OK);
    is_int(u, entry.id, NGX_AIGC_ID_MAX);
}


static void
entry_shapes(unit_t *u)
{
    size_t             i;
    ngx_aigc_entry_t   entry;

    static struct {
        const char    *key;
        const char    *value;
    } bad[] = {
        { "b-c", ENTRY("'1'", "a", "b") },
        { "b", ENTRY("'1'", "a", "b") },
        { "", ENTRY("'1'", "a", "b") },
        { "b-a-", ENTRY("'1'", "a", "b") },
        { "b_a", ENTRY("'1'", "a", "b") },
        { "-", ENTRY("'1'", "", "") },
        { "b-", ENTRY("'1'", "", "b") },
        { "B-a", ENTRY("'1'", "a", "B") },
        { "b-../x", ENTRY("'1'", "../x", "b") },
        { "b-a", "{'ID': '1', 'Name': 7, 'Type': '', 'Namespace': 'b'}" },
        { "b-a", "{'ID': '1', 'Name': 'a', 'Type': '', 'Namespace': []}" },
        { "b-a", "{'Name': 'a', 'Type': '', 'Namespace': 'b'}" },
        { "b-a", "['1', 'a', 'b']" },
        { "b-a", "{}" },
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, ngx_aigc_entry_read(bad[i].key,
                                           unit_json(u, bad[i].value), &entry),
                    NGX_DECLINED))
        {
            unit_note("%s %s", bad[i].key, bad[i].value);
        }
    }

    is_int(u, ngx_aigc_entry_read("b-a", json_null(), &entry), NGX_DECLINED);
    is_int(u, ngx_aigc_entry_read("b-a", NULL, &entry), NGX_DECLINED);

    /* like an entry, but with more or less: nothing that is removed */

    is_int(u, ngx_aigc_entry_read("b-a", unit_json(u,
                  "{'ID': '1', 'Name': 'a', 'Namespace': 'b'}"), &entry),
           NGX_OK);
    is_int(u, entry.exact, 0);
    is_int(u, ngx_aigc_entry_read("b-a", unit_json(u,
                  "{'ID': '1', 'Name': 'a', 'Type': '', 'Namespace': 'b',"
                  " 'x': 1}"), &entry), NGX_OK);
    is_int(u, entry.exact, 0);
}


static void
entry_adds(unit_t *u)
{
    json_t            *entries;
    ngx_aigc_entry_t   entry;

    entries = json_object();

    entry.ns = unit_str(u, "default");
    entry.name = unit_str(u, "sd");
    entry.id = 5;
    is_int(u, ngx_aigc_entry_add(entries, &entry), NGX_OK);

    entry.id = 2;
    is_int(u, ngx_aigc_entry_add(entries, &entry), NGX_OK);
    entry.id = 3;
    is_int(u, ngx_aigc_entry_add(entries, &entry), NGX_OK);

    ok(u, entry_same(u, entries,
                     "{'default-sd': " ENTRY("'2'", "sd", "default") "}"));
    json_decref(entries);
}


static void
entry_shared_key(unit_t *u)
{
    json_t            *entries;
    ngx_uint_t         i, k;
    ngx_aigc_entry_t   entry[2];

    entry[0].ns = unit_str(u, "a");
    entry[0].name = unit_str(u, "b-c");
    entry[0].id = 9;
    entry[1].ns = unit_str(u, "a-b");
    entry[1].name = unit_str(u, "c");
    entry[1].id = 1;

    for (i = 0; i < 2; i++) {
        entries = json_object();

        for (k = 0; k < 2; k++) {
            is_int(u, ngx_aigc_entry_add(entries, &entry[i ^ k]), NGX_OK);
        }

        ok(u, entry_same(u, entries, "{'a-b-c': " ENTRY("'9'", "b-c", "a")
                                     "}"));
        json_decref(entries);
    }
}


static void
entry_diffs(unit_t *u)
{
    json_t                 *custom, *entries;
    ngx_uint_t              n;
    ngx_aigc_entry_diff_t   diff;

    entries = unit_json(u, "{'b-a': " ENTRY("'1'", "a", "b") "}");
    n = 0;

    custom = unit_json(u, "{'b-a': " ENTRY("'1'", "a", "b") ", 'x': 1}");
    is_int(u, ngx_aigc_entry_diff(custom, entries, entry_all, &n, &diff),
           NGX_DECLINED);

    custom = unit_json(u, "{'b-a': {'ID': '1', 'Name': 'a', 'Type': 'gpu',"
                          " 'Namespace': 'b'}}");
    is_int(u, ngx_aigc_entry_diff(custom, entries, entry_all, &n, &diff),
           NGX_DECLINED);

    custom = unit_json(u, "{'b-a': " ENTRY("'2'", "a", "b") ","
                          " 'b-old': " ENTRY("'3'", "old", "b") ","
                          " 'x': {'ID': '1'}, 'y': null, 'z': [1.5, 'u']}");

    is_int(u, ngx_aigc_entry_diff(custom, entries, entry_none, NULL, &diff),
           NGX_OK);
    ok(u, json_equal(diff.set, entries));
    is_int(u, json_object_size(diff.drop), 0);
    ngx_aigc_entry_diff_free(&diff);

    is_int(u, ngx_aigc_entry_diff(custom, entries, entry_all, &n, &diff),
           NGX_OK);
    is_int(u, n, 1);
    is_int(u, ngx_aigc_entry_apply(custom, &diff), NGX_OK);
    ngx_aigc_entry_diff_free(&diff);

    ok(u, entry_same(u, custom, "{'b-a': " ENTRY("'1'", "a", "b") ","
                                " 'x': {'ID': '1'}, 'y': null,"
                                " 'z': [1.5, 'u']}"));
}


static void
entry_flood(unit_t *u)
{
    u_char                  key[16], name[16];
    json_t                 *custom, *entries;
    ngx_uint_t              i, n;
    ngx_aigc_entry_diff_t   diff;

    custom = json_object();
    entries = json_object();
    n = 0;

    for (i = 0; i < 3 * NGX_AIGC_ENTRIES_MAX; i++) {
        *ngx_sprintf(key, "b-a%ui", i) = '\0';
        *ngx_sprintf(name, "a%ui", i) = '\0';

        (void) json_object_set_new(custom, (char *) key,
                                   json_pack("{s:s, s:s, s:s, s:s}",
                                             "ID", "0", "Name", name,
                                             "Type", "", "Namespace", "b"));
    }

    is_int(u, ngx_aigc_entry_diff(custom, entries, entry_all, &n, &diff),
           NGX_OK);
    is_int(u, n, NGX_AIGC_ENTRIES_MAX);
    is_int(u, json_object_size(diff.drop), NGX_AIGC_ENTRIES_MAX);

    ngx_aigc_entry_diff_free(&diff);
    json_decref(custom);
    json_decref(entries);
}


unit_test_t  entry_tests[] = {
    { "the original's entry is read", entry_reads },
    { "an ID that is none is known as that", entry_ids },
    { "what only looks like an entry is none", entry_shapes },
    { "of several of one template the lowest id is kept", entry_adds },
    { "two templates with one key: the same one, in any order",
      entry_shared_key },
    { "only what differs changes, and nothing of the user's", entry_diffs },
    { "a user's invented entries are looked at up to a bound", entry_flood },
    { NULL, NULL }
};
