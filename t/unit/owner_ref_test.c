/* instances/ngx_aigc_owner_ref.h: does a disk go with its template? */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_owner_ref.h"


#define REF(more)                                                             \
    "{'apiVersion': 'game.kruise.io/v1alpha1', 'kind': 'GameServerSet',"      \
    " 'name': 'sd', 'uid': 'gss-1'" more "}"

#define FOREIGN                                                               \
    "{'apiVersion': 'v1', 'kind': 'ConfigMap', 'name': 'sd', 'uid': 'cm-1'}"

#define PVC(refs)                                                             \
    "{'metadata': {'uid': 'pvc-1', 'ownerReferences': " refs "}}"


static void
read_ref(unit_t *u, json_t *object, ngx_aigc_owner_ref_t *ref)
{
    ngx_str_t  gss;

    gss = unit_str(u, "sd");

    is_int(u, ngx_aigc_owner_ref_read(u->pool,
                                      json_object_get(object, "metadata"),
                                      &gss, ref), NGX_OK);
}


static void
owner_ref_read(unit_t *u)
{
    ngx_uint_t             i;
    ngx_aigc_owner_ref_t   ref;

    static const struct {
        const char  *object;
        const char  *uid;
        ngx_uint_t   index, ours, list;
    } cases[] = {
        { "{}", "", 0, 0, 0 },
        { "{'metadata': {'uid': 'pvc-1'}}", "", 0, 0, 0 },
        { PVC("null"), "", 0, 0, 0 },
        { PVC("'x'"), "", 0, 0, 0 },
        { PVC("{}"), "", 0, 0, 0 },
        { PVC("[]"), "", 0, 0, 0 },
        { PVC("[7, null, 'x', []]"), "", 0, 0, 1 },
        { PVC("[" FOREIGN "]"), "", 0, 0, 1 },
        { PVC("[" REF("") "]"), "gss-1", 0, 1, 1 },
        { PVC("[" REF(", 'controller': false") "]"), "gss-1", 0, 1, 1 },
        { PVC("[" REF(", 'controller': true") "]"), "gss-1", 0, 0, 1 },
        { PVC("[" FOREIGN ", " REF("") ", " FOREIGN "]"), "gss-1", 1, 1, 1 },
        { PVC("[{'apiVersion': 'game.kruise.io/', 'kind': 'GameServerSet',"
              " 'name': 'sd', 'uid': 'x'}]"), "", 0, 0, 1 },
        { PVC("[{'apiVersion': 'apps/v1', 'kind': 'GameServerSet',"
              " 'name': 'sd', 'uid': 'x'}]"), "", 0, 0, 1 },
        { PVC("[{'apiVersion': 'game.kruise.io/v1', 'kind': 'GameServerSet',"
              " 'name': 'sd2', 'uid': 'x'}]"), "", 0, 0, 1 },
        { PVC("[{'apiVersion': 'game.kruise.io/v1', 'kind': 'GameServer',"
              " 'name': 'sd', 'uid': 'x'}]"), "", 0, 0, 1 },
        { PVC("[{'apiVersion': 'game.kruise.io/v1', 'kind': 'GameServerSet',"
              " 'name': 'sd', 'uid': ''}]"), "", 0, 0, 1 },
        { PVC("[{'apiVersion': 'game.kruise.io/v1', 'kind': 'GameServerSet',"
              " 'name': 'sd', 'uid': 'u'}]"), "u", 0, 1, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        read_ref(u, unit_json(u, cases[i].object), &ref);

        if (!is_str(u, &ref.uid, cases[i].uid)
            || !is_int(u, ref.index, cases[i].index)
            || !is_int(u, ref.ours, cases[i].ours)
            || !is_int(u, ref.list, cases[i].list))
        {
            unit_note("%s", cases[i].object);
        }
    }
}


/* one reference more than is looked at */

static void
owner_ref_bounds(unit_t *u)
{
    json_t                *object, *list;
    ngx_uint_t             n;
    ngx_aigc_owner_ref_t   ref;

    for (n = NGX_AIGC_OWNER_REFS_MAX - 1; n <= NGX_AIGC_OWNER_REFS_MAX; n++) {
        object = unit_json(u, PVC("[]"));
        list = json_object_get(json_object_get(object, "metadata"),
                               "ownerReferences");

        while (json_array_size(list) < n) {
            (void) json_array_append(list, unit_json(u, FOREIGN));
        }

        (void) json_array_append(list, unit_json(u, REF("")));

        read_ref(u, object, &ref);
        is_int(u, ref.uid.len, n < NGX_AIGC_OWNER_REFS_MAX ? 5 : 0);
    }
}


static json_t *
apply(unit_t *u, json_t *object, ngx_uint_t add, json_t *on)
{
    ngx_str_t              uid, gss, gss_uid, patch;
    ngx_aigc_owner_ref_t   ref;

    uid = unit_str(u, "pvc-1");
    gss = unit_str(u, "sd");
    gss_uid = unit_str(u, "gss-1");

    read_ref(u, object, &ref);

    is_int(u, add ? ngx_aigc_owner_ref_add(u->pool, &uid, &ref, &gss, &gss_uid,
                                           &patch)
                  : ngx_aigc_owner_ref_remove(u->pool, &uid, &ref, &patch),
           NGX_OK);

    return unit_json_patch(u, on, &patch);
}


static ngx_uint_t
refs_are(unit_t *u, json_t *object, const char *want)
{
    return object
           && json_equal(json_object_get(json_object_get(object, "metadata"),
                                         "ownerReferences"),
                         unit_json(u, want));
}


static void
owner_ref_add(unit_t *u)
{
    json_t  *none, *some;

    none = unit_json(u, "{'metadata': {'uid': 'pvc-1'}}");
    some = unit_json(u, PVC("[" FOREIGN "]"));

    ok(u, refs_are(u, apply(u, none, 1, none),
                   "[" REF(", 'blockOwnerDeletion': false") "]"));
    ok(u, refs_are(u, apply(u, some, 1, some),
                   "[" FOREIGN ", " REF(", 'blockOwnerDeletion': false") "]"));

    /* what it must not overwrite */

    ok(u, apply(u, none, 1, some) == NULL);
    ok(u, apply(u, some, 1, none) == NULL);
    ok(u, apply(u, none, 1, unit_json(u, "{'metadata': {'uid': 'pvc-2'}}"))
          == NULL);
}


static void
owner_ref_remove(unit_t *u)
{
    json_t  *alone, *last, *first;

    alone = unit_json(u, PVC("[" REF("") "]"));
    last = unit_json(u, PVC("[" FOREIGN ", " REF("") "]"));
    first = unit_json(u, PVC("[" REF("") ", " FOREIGN "]"));

    ok(u, refs_are(u, apply(u, alone, 0, alone), "[]"));
    ok(u, refs_are(u, apply(u, last, 0, last), "[" FOREIGN "]"));
    ok(u, refs_are(u, apply(u, first, 0, first), "[" FOREIGN "]"));

    /* somebody else's stands there by now, or nothing */

    ok(u, apply(u, first, 0, last) == NULL);
    ok(u, apply(u, last, 0, first) == NULL);
    ok(u, apply(u, last, 0, alone) == NULL);
    ok(u, apply(u, alone, 0, unit_json(u, "{'metadata': {'uid': 'pvc-1'}}"))
          == NULL);
    ok(u, apply(u, alone, 0, unit_json(u, "{'metadata': {'uid': 'pvc-2',"
                                          " 'ownerReferences': [" REF("")
                                          "]}}"))
          == NULL);
}


unit_test_t  owner_ref_tests[] = {
    { "whose reference is a template's", owner_ref_read },
    { "a long list", owner_ref_bounds },
    { "one is added, others stay", owner_ref_add },
    { "ours is removed, and nothing else", owner_ref_remove },
    { NULL, NULL }
};
