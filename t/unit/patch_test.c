/* instances/ngx_aigc_patch.h: what a patch does to an object, not its spelling. */

#include "unit.h"
#include "unit_json.h"
#include "kube/ngx_aigc_write.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_patch.h"


/* a template with instances 0 (alice's, runs) and 2 (bob's, released) */

#define SET                                                                   \
    "{'apiVersion': 'game.kruise.io/v1alpha1', 'kind': 'GameServerSet',"     \
    " 'metadata': {'name': 'sd', 'namespace': 'default', 'uid': 'uid-1',"    \
    "  'generation': 5, 'annotations': {"                                    \
    "   'instance.aigc-gateway.io/0': 'zero',"                               \
    "   'instance.aigc-gateway.io/2': 'two',"                                \
    "   'game.kruise.io/reserve-ids': '1,2', 'other': 'stays'}},"            \
    " 'spec': {'replicas': 1, 'reserveGameServerIds': ['1-2'], 'x': 'y'},"   \
    " 'status': {'observedGeneration': 5, 'currentReplicas': 1}}"


static void
patch_default(unit_t *u, ngx_aigc_patch_t *patch)
{
    static ngx_int_t  running[] = { 0 };

    ngx_memzero(patch, sizeof(ngx_aigc_patch_t));

    patch->uid = unit_str(u, "uid-1");
    patch->generation = 5;
    patch->observed = 5;
    patch->current = 1;
    patch->reserve_ids = unit_str(u, "1,2");
    patch->test_reserve_ids = 1;
    patch->has_annotations = 1;
    patch->running = running;
    patch->nrunning = 1;
    patch->top = 2;
}


static json_t *
patch_annotation(json_t *object, const char *key)
{
    return json_object_get(json_object_get(json_object_get(object, "metadata"),
                                           "annotations"), key);
}


static ngx_uint_t
patch_is(json_t *value, const char *text)
{
    return json_is_string(value)
           && strcmp(json_string_value(value), text) == 0;
}


static void
patch_install(unit_t *u)
{
    json_t             *before, *after, *want;
    ngx_int_t           running[] = { 0, 3 };
    ngx_str_t           text;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   change;

    patch_default(u, &patch);

    ngx_memzero(&change, sizeof(change));
    change.id = 3;
    change.after = unit_str(u, "{\"owner\":\"a\\\"b\xc3\xa9\"}");

    patch.changes = &change;
    patch.nchanges = 1;
    patch.running = running;
    patch.nrunning = 2;
    patch.top = 3;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    is_str(u, &text,
        "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"uid-1\"},"
        "{\"op\":\"test\",\"path\":\"/metadata/generation\",\"value\":5},"
        "{\"op\":\"test\",\"path\":\"/status/observedGeneration\",\"value\":5},"
        "{\"op\":\"test\",\"path\":\"/status/currentReplicas\",\"value\":1},"
        "{\"op\":\"test\",\"path\":\"/metadata/annotations/"
            "game.kruise.io~1reserve-ids\",\"value\":\"1,2\"},"
        "{\"op\":\"test\",\"path\":\"/metadata/annotations/"
            "instance.aigc-gateway.io~13\",\"value\":null},"
        "{\"op\":\"add\",\"path\":\"/metadata/annotations/"
            "instance.aigc-gateway.io~13\","
            "\"value\":\"{\\\"owner\\\":\\\"a\\\\\\\"b\xc3\xa9\\\"}\"},"
        "{\"op\":\"add\",\"path\":\"/metadata/annotations/"
            "aigc-gateway.io~1top\",\"value\":\"3\"},"
        "{\"op\":\"add\",\"path\":\"/spec/replicas\",\"value\":2},"
        "{\"op\":\"add\",\"path\":\"/spec/reserveGameServerIds\","
            "\"value\":[1,2]}]");

    before = unit_json(u, SET);
    after = unit_json_patch(u, before, &text);

    if (!ok(u, after != NULL)) {
        return;
    }

    ok(u, patch_is(patch_annotation(after, "instance.aigc-gateway.io/3"),
                   "{\"owner\":\"a\\\"b\xc3\xa9\"}"));
    ok(u, patch_is(patch_annotation(after, "aigc-gateway.io/top"), "3"));
    ok(u, patch_is(patch_annotation(after, "instance.aigc-gateway.io/0"),
                   "zero"));
    ok(u, patch_is(patch_annotation(after, "other"), "stays"));

    want = unit_json(u, "{'replicas': 2, 'reserveGameServerIds': [1, 2],"
                        " 'x': 'y'}");
    ok(u, json_equal(json_object_get(after, "spec"), want));
    ok(u, json_equal(json_object_get(after, "status"),
                     json_object_get(before, "status")));
}


static void
patch_set_aside(unit_t *u)
{
    json_t             *after;
    ngx_int_t           running[] = { 0 }, aside[] = { 2, 3 };
    ngx_str_t           text;
    ngx_uint_t          i;
    ngx_aigc_patch_t    patch;

    for (i = 0; i < 3; i++) {

        patch_default(u, &patch);

        patch.running = running;
        patch.nrunning = 1;
        patch.aside = aside;
        patch.naside = (i == 1) ? 2 : 0;
        patch.has_aside = (i == 2);
        patch.top = 3;

        is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

        after = unit_json_patch(u, unit_json(u, SET), &text);

        if (!ok(u, after != NULL)) {
            return;
        }

        switch (i) {

        case 0:
            ok(u, patch_annotation(after, "aigc-gateway.io/set-aside") == NULL);
            break;

        case 1:
            ok(u, patch_is(patch_annotation(after, "aigc-gateway.io/set-aside"),
                           "2,3"));
            break;

        default:
            ok(u, patch_is(patch_annotation(after, "aigc-gateway.io/set-aside"),
                           ""));
        }

        ok(u, json_equal(json_object_get(json_object_get(after, "spec"),
                                         "reserveGameServerIds"),
                         unit_json(u, "[1, 2, 3]")));
    }

    patch_default(u, &patch);

    patch.aside = aside;
    patch.naside = 1;
    patch.has_annotations = 0;
    patch.test_reserve_ids = 0;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);
}


static void
patch_change_and_remove(unit_t *u)
{
    json_t             *after, *want;
    ngx_str_t           text;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   changes[3];

    patch_default(u, &patch);

    ngx_memzero(changes, sizeof(changes));
    changes[0].id = 0;
    changes[0].before = unit_str(u, "zero");
    changes[0].after = unit_str(u, "zero, released");
    changes[1].id = 2;
    changes[1].before = unit_str(u, "two");
    changes[2].id = 1;                  /* to be absent, before and after */

    patch.changes = changes;
    patch.nchanges = 3;
    patch.nrunning = 0;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    after = unit_json_patch(u, unit_json(u, SET), &text);

    if (!ok(u, after != NULL)) {
        return;
    }

    ok(u, patch_is(patch_annotation(after, "instance.aigc-gateway.io/0"),
                   "zero, released"));
    ok(u, patch_annotation(after, "instance.aigc-gateway.io/2") == NULL);

    want = unit_json(u, "{'replicas': 0, 'reserveGameServerIds': [0, 1, 2],"
                        " 'x': 'y'}");
    ok(u, json_equal(json_object_get(after, "spec"), want));
}


/* each of these alone has to keep the patch from being applied */

static void
patch_preconditions(unit_t *u)
{
    json_t             *object;
    ngx_str_t           text;
    ngx_uint_t          i;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   changes[2];

    static const char  *others[] = {
        "{'op': 'add', 'path': '/metadata/uid', 'value': 'uid-2'}",
        "{'op': 'add', 'path': '/metadata/generation', 'value': 6}",
        "{'op': 'add', 'path': '/status/observedGeneration', 'value': 4}",
        "{'op': 'remove', 'path': '/status/observedGeneration'}",
        "{'op': 'remove', 'path': '/status'}",
        "{'op': 'add', 'path': '/status/currentReplicas', 'value': 2}",
        "{'op': 'add', 'path': '/metadata/annotations/"
            "game.kruise.io~1reserve-ids', 'value': '2,1'}",
        "{'op': 'remove', 'path': '/metadata/annotations/"
            "game.kruise.io~1reserve-ids'}",
        "{'op': 'add', 'path': '/metadata/annotations/"
            "instance.aigc-gateway.io~10', 'value': 'zerO'}",
        "{'op': 'remove', 'path': '/metadata/annotations/"
            "instance.aigc-gateway.io~10'}",
        "{'op': 'add', 'path': '/metadata/annotations/"
            "instance.aigc-gateway.io~11', 'value': ''}",
        "{'op': 'remove', 'path': '/metadata/annotations'}"
    };

    patch_default(u, &patch);

    ngx_memzero(changes, sizeof(changes));
    changes[0].id = 0;
    changes[0].before = unit_str(u, "zero");
    changes[0].after = unit_str(u, "zero'");
    changes[1].id = 1;
    changes[1].after = unit_str(u, "one");

    patch.changes = changes;
    patch.nchanges = 2;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    object = unit_json(u, SET);
    ok(u, unit_json_patch(u, object, &text) != NULL);

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        u_char     buf[512];
        json_t    *changed;
        ngx_str_t  other;

        *ngx_sprintf(buf, "[%s]", others[i]) = '\0';
        other.data = (u_char *) json_dumps(unit_json(u, (char *) buf), 0);
        other.len = ngx_strlen(other.data);

        changed = unit_json_patch(u, object, &other);
        free(other.data);

        if (!ok(u, changed != NULL)
            || !ok(u, unit_json_patch(u, changed, &text) == NULL))
        {
            unit_note("%s", others[i]);
        }
    }

    /* and what is not asked for does not */

    patch.observed = -1;
    patch.current = -1;
    patch.test_reserve_ids = 0;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    object = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 5,"
                          " 'annotations': {'instance.aigc-gateway.io/0':"
                          " 'zero'}}, 'spec': {}}");
    ok(u, unit_json_patch(u, object, &text) != NULL);
}


static void
patch_no_annotations(unit_t *u)
{
    json_t             *object, *after, *want;
    ngx_int_t           running[] = { 1 };
    ngx_str_t           text;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   changes[3];

    ngx_memzero(&patch, sizeof(patch));
    ngx_memzero(changes, sizeof(changes));

    patch.uid = unit_str(u, "uid-1");
    patch.generation = 1;
    patch.observed = -1;
    patch.current = -1;
    patch.running = running;
    patch.nrunning = 1;
    patch.top = 2;
    patch.changes = changes;
    patch.nchanges = 3;

    changes[0].id = 1;
    changes[0].after = unit_str(u, "one");
    changes[1].id = 2;
    changes[1].after = unit_str(u, "two");
    changes[2].id = 0;                  /* to be absent, before and after */

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    object = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 1},"
                          " 'spec': {'replicas': 0}}");
    after = unit_json_patch(u, object, &text);

    want = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 1,"
        " 'annotations': {'instance.aigc-gateway.io/1': 'one',"
        " 'instance.aigc-gateway.io/2': 'two', 'aigc-gateway.io/top': '2'}},"
        " 'spec': {'replicas': 1, 'reserveGameServerIds': [0, 2]}}");

    ok(u, after && json_equal(after, want));

    /* somebody annotated it meanwhile: theirs must not be lost */

    object = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 1,"
                          " 'annotations': {'a': 'b'}}, 'spec': {}}");
    ok(u, unit_json_patch(u, object, &text) == NULL);

    /* nothing was ever installed */

    patch.top = -1;
    patch.nrunning = 0;
    patch.nchanges = 0;

    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    object = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 1},"
                          " 'spec': {'replicas': 3}}");
    after = unit_json_patch(u, object, &text);

    want = unit_json(u, "{'metadata': {'uid': 'uid-1', 'generation': 1},"
        " 'spec': {'replicas': 0, 'reserveGameServerIds': []}}");

    ok(u, after && json_equal(after, want));
}


static void
patch_contradictions(unit_t *u)
{
    ngx_int_t           ids[2];
    ngx_str_t           text;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   change;

    patch_default(u, &patch);
    patch.running = ids;
    patch.nrunning = 2;

    ids[0] = 0;
    ids[1] = 2;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    ids[1] = 3;                         /* above top */
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    ids[1] = 0;                         /* twice */
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    ids[0] = 2;                         /* out of order */
    ids[1] = 1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    ids[0] = -1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    patch.nrunning = 0;

    patch.top = NGX_AIGC_ID_MAX + 1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    patch.top = -2;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    patch.top = 2;
    patch.has_annotations = 0;          /* but reserve-ids is tested */
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    ngx_memzero(&change, sizeof(change));
    change.id = 1;
    change.before = unit_str(u, "x");
    patch.test_reserve_ids = 0;
    patch.changes = &change;
    patch.nchanges = 1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    patch.has_annotations = 1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

    change.id = 3;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    change.id = -1;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);

    patch.nchanges = 0;
    patch.uid.len = 0;
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_DECLINED);
}


static void
patch_delete_options(unit_t *u)
{
    ngx_str_t  uid, version, text;

    uid = unit_str(u, "52d8cbba-0a87-40a3-9436-ff602273be6d");
    is_int(u, ngx_aigc_delete_options(u->pool, &uid, NULL, &text), NGX_OK);
    is_str(u, &text, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                     "\"preconditions\":{\"uid\":"
                     "\"52d8cbba-0a87-40a3-9436-ff602273be6d\"}}");

    version = unit_str(u, "4711");
    is_int(u, ngx_aigc_delete_options(u->pool, &uid, &version, &text), NGX_OK);
    is_str(u, &text, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                     "\"preconditions\":{\"uid\":"
                     "\"52d8cbba-0a87-40a3-9436-ff602273be6d\","
                     "\"resourceVersion\":\"4711\"}}");

    uid = unit_str(u, "\"}}");
    is_int(u, ngx_aigc_delete_options(u->pool, &uid, NULL, &text), NGX_OK);
    is_str(u, &text, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                     "\"preconditions\":{\"uid\":\"\\\"}}\"}}");

    uid.len = 0;
    is_int(u, ngx_aigc_delete_options(u->pool, &uid, NULL, &text), NGX_OK);
    is_str(u, &text, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}");
}


unit_test_t  patch_tests[] = {
    { "install: tests first, then the whole truth", patch_install },
    { "set aside: written, emptied, never made up", patch_set_aside },
    { "a changed and a removed annotation", patch_change_and_remove },
    { "each precondition alone refuses", patch_preconditions },
    { "a set without annotations", patch_no_annotations },
    { "contradictions are not written", patch_contradictions },
    { "a deletion, of one object and no other", patch_delete_options },
    { NULL, NULL }
};
