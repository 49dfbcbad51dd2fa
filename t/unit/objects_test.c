/* instances/ngx_aigc_objects.h: GameServers and disks. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_claim.h"
#include "instances/ngx_aigc_given.h"
#include "instances/ngx_aigc_objects.h"


#define META(name, gss)                                                       \
    "'metadata': {'name': '" name "', 'namespace': 'default',"                \
    " 'uid': 'uid-7', 'labels': {'game.kruise.io/owner-gss': '" gss "'}}"

#define GS(status)                                                            \
    "{'kind': 'GameServer', " META("sd-cpu-7", "sd-cpu")                      \
    ", 'status': " status "}"


static void
objects_ready(unit_t *u)
{
    json_t         *object;
    ngx_aigc_gs_t   gs;

    object = unit_json(u, GS("{'currentState': 'Ready',"
        " 'networkStatus': {'currentNetworkState': 'Ready'},"
        " 'podStatus': {'phase': 'Running', 'podIP': '10.1.2.3',"
        "  'podIPs': [{'ip': '10.1.2.3'}],"
        "  'startTime': '2026-01-02T03:04:05Z',"
        "  'conditions': [{'type': 'PodScheduled', 'status': 'True'}],"
        "  'containerStatuses': [{'name': 'sd', 'image': 'sd:v1',"
        "   'state': {'running': {}}}, {'name': 'x', 'image': 'x:1'}]}}"));

    is_int(u, ngx_aigc_gs_read(u->pool, object, &gs), NGX_OK);

    is_str(u, &gs.ns, "default");
    is_str(u, &gs.name, "sd-cpu-7");
    is_str(u, &gs.gss, "sd-cpu");
    is_int(u, gs.id, 7);
    is_str(u, &gs.uid, "uid-7");
    is_int(u, gs.state, NGX_AIGC_GS_READY);
    is_int(u, gs.network_ready, 1);

    /* strings are copies */

    ok(u, json_object_clear(object) == 0);
    is_str(u, &gs.name, "sd-cpu-7");
}


static void
objects_not_ours(unit_t *u)
{
    ngx_uint_t       i;
    ngx_aigc_gs_t    gs;
    ngx_aigc_pvc_t   pvc;

    static const char  *cases[] = {
        "{}", "[]", "{'metadata': []}", "{'metadata': {}}",
        "{" META("sd", "sd") "}",
        "{" META("sd-", "sd") "}",
        "{" META("sd-07", "sd") "}",
        "{" META("sd-100000", "sd") "}",
        "{" META("other-7", "sd") "}",
        "{" META("sd-7", "") "}",
        "{" META("sd-7", "SD") "}",
        "{" META("sd-7-x", "sd") "}",
        "{" META("user-data-sd-7/..", "sd") "}",
        "{" META("user-data-other-7", "sd") "}",
        "{" META("user-dataxsd-7", "sd") "}",
        "{" META("-sd-7", "sd") "}",
        "{'metadata': {'name': 'user-data-sd-7', 'namespace': 'default',"
            " 'uid': 'u'}}",
        "{'metadata': {'name': 'user-data-sd-7', 'namespace': 'default',"
            " 'uid': 'u', 'labels': {'game.kruise.io/owner-gss': 7}}}",
        "{'metadata': {'name': 'user-data-sd-7', 'namespace': 'default',"
            " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'name': 'user-data-sd-7', 'uid': 'u',"
            " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'name': 'user-data-sd-7', 'namespace': 'a/b',"
            " 'uid': 'u', 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'namespace': 'default', 'uid': 'u',"
            " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        if (!is_int(u, ngx_aigc_gs_read(u->pool, unit_json(u, cases[i]), &gs),
                    NGX_DECLINED)
            || !is_int(u, ngx_aigc_pvc_read(u->pool, unit_json(u, cases[i]),
                                            &pvc),
                       NGX_DECLINED))
        {
            unit_note("%s", cases[i]);
        }
    }
}


static void
objects_states(unit_t *u)
{
    u_char          buf[512];
    ngx_uint_t      i;
    ngx_aigc_gs_t   gs;

    static const struct {
        const char           *status;
        ngx_aigc_gs_state_e   state;
        ngx_uint_t            network;
    } cases[] = {
        { "{}", NGX_AIGC_GS_UNKNOWN, 0 },
        { "null", NGX_AIGC_GS_UNKNOWN, 0 },
        { "[1]", NGX_AIGC_GS_UNKNOWN, 0 },
        { "{'currentState': ''}", NGX_AIGC_GS_UNKNOWN, 0 },
        { "{'currentState': 'Unknown'}", NGX_AIGC_GS_UNKNOWN, 0 },
        { "{'currentState': 'ready'}", NGX_AIGC_GS_UNKNOWN, 0 },
        { "{'currentState': ['Ready']}", NGX_AIGC_GS_UNKNOWN, 0 },
        { "{'currentState': 'Creating'}", NGX_AIGC_GS_CREATING, 0 },
        { "{'currentState': 'Ready'}", NGX_AIGC_GS_READY, 0 },
        { "{'currentState': 'NotReady'}", NGX_AIGC_GS_NOT_READY, 0 },
        { "{'currentState': 'Crash'}", NGX_AIGC_GS_CRASH, 0 },
        { "{'currentState': 'Updating'}", NGX_AIGC_GS_UPDATING, 0 },
        { "{'currentState': 'PreUpdate'}", NGX_AIGC_GS_UPDATING, 0 },
        { "{'currentState': 'Deleting', 'networkStatus':"
          " {'currentNetworkState': 'Ready'}}", NGX_AIGC_GS_DELETING, 1 },
        { "{'currentState': 'PreDelete'}", NGX_AIGC_GS_DELETING, 0 },
        { "{'currentState': 'Ready', 'networkStatus':"
          " {'currentNetworkState': 'NotReady'}}", NGX_AIGC_GS_READY, 0 },
        { "{'currentState': 'Ready', 'networkStatus':"
          " {'currentNetworkState': 'Waiting'}}", NGX_AIGC_GS_READY, 0 },
        { "{'currentState': 'Ready', 'networkStatus':"
          " {'desiredNetworkState': 'Ready'}}", NGX_AIGC_GS_READY, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(buf, "{" META("sd-7", "sd") ", 'status': %s}",
                     cases[i].status) = '\0';

        is_int(u, ngx_aigc_gs_read(u->pool, unit_json(u, (char *) buf), &gs),
               NGX_OK);

        if (!is_int(u, gs.state, cases[i].state)
            || !is_int(u, gs.network_ready, cases[i].network))
        {
            unit_note("%s", cases[i].status);
        }
    }

    /* it goes, whatever it says of itself */

    is_int(u, ngx_aigc_gs_read(u->pool, unit_json(u,
        "{'metadata': {'name': 'sd-7', 'namespace': 'd', 'uid': 'u',"
        " 'deletionTimestamp': '2026-01-02T03:04:05Z',"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}},"
        " 'status': {'currentState': 'Ready'}}"), &gs), NGX_OK);
    is_int(u, gs.state, NGX_AIGC_GS_DELETING);
}


static void
objects_disk(unit_t *u)
{
    ngx_aigc_pvc_t  pvc;

    is_int(u, ngx_aigc_pvc_read(u->pool, unit_json(u,
        "{'metadata': {'name': 'user-data-sd-cpu-12', 'namespace': 'default',"
        " 'uid': 'uid-9', 'creationTimestamp': '2026-01-02T03:04:05Z',"
        " 'annotations': {'aigc-gateway.io/owner': 'alice', 'a': 'b'},"
        " 'labels': {'game.kruise.io/owner-gss': 'sd-cpu'}}}"), &pvc), NGX_OK);

    is_str(u, &pvc.ns, "default");
    is_str(u, &pvc.name, "user-data-sd-cpu-12");
    is_str(u, &pvc.gss, "sd-cpu");
    is_int(u, pvc.id, 12);
    is_str(u, &pvc.uid, "uid-9");
    is_str(u, &pvc.owner, "alice");
    is_int(u, pvc.created, 1767323045);
    is_int(u, pvc.has_annotations, 1);
    is_int(u, pvc.deleting, 0);

    is_int(u, ngx_aigc_pvc_read(u->pool, unit_json(u,
        "{'metadata': {'name': 'd-cpu-0-3', 'namespace': 'default',"
        " 'uid': 'uid-9', 'creationTimestamp': 'soon',"
        " 'deletionTimestamp': '2026-01-02T03:04:05Z',"
        " 'labels': {'game.kruise.io/owner-gss': 'cpu-0'}}}"), &pvc), NGX_OK);

    is_str(u, &pvc.gss, "cpu-0");
    is_int(u, pvc.id, 3);
    is_str(u, &pvc.owner, "");
    is_int(u, pvc.created, 0);
    is_int(u, pvc.has_annotations, 0);
    is_int(u, pvc.deleting, 1);
}


/* a stamp that cannot be read must not make the disk look unstamped */

static void
objects_disk_owner(unit_t *u)
{
    u_char           buf[1024], *p;
    ngx_uint_t       i, n;
    ngx_aigc_pvc_t   pvc;

    static const struct {
        const char  *owner, *want;
    } cases[] = {
        { "'alice'", "alice" },
        { "''", NGX_AIGC_OWNER_UNREADABLE },
        { "7", NGX_AIGC_OWNER_UNREADABLE },
        { "null", NGX_AIGC_OWNER_UNREADABLE },
        { "'a\\nb'", NGX_AIGC_OWNER_UNREADABLE },
        { "['alice']", NGX_AIGC_OWNER_UNREADABLE }
    };

    static const char  form[] =
        "{'metadata': {'name': 'd-sd-3', 'namespace': 'default',"
        " 'uid': 'uid-9', 'labels': {'game.kruise.io/owner-gss': 'sd'},"
        " 'annotations': {'aigc-gateway.io/owner': %s}}}";

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(buf, form, cases[i].owner) = '\0';

        is_int(u, ngx_aigc_pvc_read(u->pool, unit_json(u, (char *) buf), &pvc),
               NGX_OK);
        is_str(u, &pvc.owner, cases[i].want);
    }

    for (n = NGX_AIGC_SUB_MAX; n <= NGX_AIGC_SUB_MAX + 1; n++) {
        u_char  owner[NGX_AIGC_SUB_MAX + 4];

        p = owner;
        *p++ = '\'';
        ngx_memset(p, 'a', n);
        p += n;
        *p++ = '\'';
        *p = '\0';

        *ngx_sprintf(buf, form, owner) = '\0';

        is_int(u, ngx_aigc_pvc_read(u->pool, unit_json(u, (char *) buf), &pvc),
               NGX_OK);
        is_int(u, pvc.owner.len, n > NGX_AIGC_SUB_MAX ? 1 : n);
    }

    is_int(u, NGX_AIGC_OWNER_UNREADABLE[0], 0x7f);
}


/* a mark, too, is written only where no owner is */

static void
objects_stray(unit_t *u)
{
    json_t          *object, *after;
    ngx_str_t        gss, text;
    ngx_uint_t       i;
    ngx_aigc_pvc_t   pvc;

    static const char  *cases[] = {
        "{'metadata': {'name': 'd-sd-3', 'namespace': 'n', 'uid': 'uid-9',"
        " 'resourceVersion': '4711', 'annotations': {'a': 'b'},"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'name': 'd-sd-3', 'namespace': 'n', 'uid': 'uid-9',"
        " 'resourceVersion': '4711',"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}"
    };

    static const char  *others[] = {
        "{'metadata': {'uid': 'uid-8', 'annotations': {'a': 'b'}}}",
        "{'metadata': {'uid': 'uid-9', 'annotations':"
        " {'aigc-gateway.io/owner': 'bob'}}}"
    };

    gss = unit_str(u, "uid-1");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        object = unit_json(u, cases[i]);

        is_int(u, ngx_aigc_pvc_read(u->pool, object, &pvc), NGX_OK);
        is_str(u, &pvc.version, "4711");
        is_int(u, pvc.stray.len, 0);
        is_int(u, ngx_aigc_pvc_stray(u->pool, &pvc, &gss, &text), NGX_OK);

        after = unit_json_patch(u, object, &text);

        if (ok(u, after != NULL)) {
            is_int(u, ngx_aigc_pvc_read(u->pool, after, &pvc), NGX_OK);
            is_str(u, &pvc.stray, "uid-1");
            is_int(u, pvc.owner.len, 0);
        }

        ok(u, unit_json_patch(u, unit_json(u, others[0]), &text) == NULL);
        ok(u, unit_json_patch(u, unit_json(u, others[1]), &text) == NULL);
    }
}


/* whatever is not all there: somebody's */

static void
objects_given(unit_t *u)
{
    ngx_int_t    top;
    ngx_str_t    text, uid;
    ngx_uint_t   i;

    static const struct {
        const char  *text;
        ngx_int_t    rc;
        ngx_int_t    top;
    } cases[] = {
#define GIVEN(uid, created, more, top, other)                                 \
    "{\"metadata\":{\"uid\":\"" uid "\",\"creationTimestamp\":\"" created "\"" \
    more ",\"annotations\":{" other "\"aigc-gateway.io/top\":\"" top "\"}}}"
#define DAY  "2026-01-01T00:00:00Z"

        { GIVEN("u", DAY, "", "4", ""), NGX_DECLINED, 4 },
        { GIVEN("u", DAY, "", "9",
                "\"instance.aigc-gateway.io/51\":\"\","), NGX_DECLINED, 9 },
        { GIVEN("u", DAY, "", "9", "\"instance.aigc-gateway.io/5\":\"\","),
          NGX_OK, 9 },
        { GIVEN("v", DAY, "", "4", ""), NGX_OK, 4 },
        { GIVEN("u", "2026-01-01T00:00:02Z", "", "4", ""), NGX_OK, 4 },
        { GIVEN("u", "", "", "4", ""), NGX_OK, 4 },
        { GIVEN("u", DAY, ",\"deletionTimestamp\":\"" DAY "\"", "4", ""),
          NGX_OK, 4 },
        { GIVEN("u", DAY, "", "", ""), NGX_OK, NGX_ERROR },
        { GIVEN("u", DAY, "", "x", ""), NGX_OK, NGX_ERROR },
        { "{\"metadata\":{\"uid\":\"u\",\"creationTimestamp\":\"" DAY "\"}}",
          NGX_OK, NGX_ERROR },
        { "{\"metadata\":{\"uid\":\"u\"", NGX_OK, NGX_ERROR },
        { "", NGX_OK, NGX_ERROR }
    };

    uid = unit_str(u, "u");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i].text);

        /* 2026-01-01T00:00:01Z */

        if (!is_int(u, ngx_aigc_given(&text, &uid, 5, 1767225601, &top),
                    cases[i].rc)
            || !is_int(u, top, cases[i].top))
        {
            unit_note("%s", cases[i].text);
        }
    }
}


static void
objects_stamp(unit_t *u)
{
    json_t          *object, *after;
    ngx_str_t        owner, text;
    ngx_uint_t       i;
    ngx_aigc_pvc_t   pvc;

    static const struct {
        const char  *object;
        const char  *others[4];         /* states that it must not overwrite */
    } cases[] = {
        { "{'metadata': {'name': 'd-sd-3', 'namespace': 'n', 'uid': 'uid-9',"
          " 'annotations': {'a': 'b'},"
          " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
          { "{'metadata': {'uid': 'uid-8', 'annotations': {'a': 'b'}}}",
            "{'metadata': {'uid': 'uid-9', 'annotations':"
            " {'aigc-gateway.io/owner': 'bob'}}}",
            "{'metadata': {'uid': 'uid-9', 'annotations':"
            " {'aigc-gateway.io/owner': ''}}}", NULL } },

        { "{'metadata': {'name': 'd-sd-3', 'namespace': 'n', 'uid': 'uid-9',"
          " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
          { "{'metadata': {'uid': 'uid-8'}}",
            "{'metadata': {'uid': 'uid-9', 'annotations': {'a': 'b'}}}",
            NULL, NULL } }
    };

    owner = unit_str(u, "al\"ice~/\xc3\xa9");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char * const  *other;

        object = unit_json(u, cases[i].object);

        is_int(u, ngx_aigc_pvc_read(u->pool, object, &pvc), NGX_OK);
        is_int(u, ngx_aigc_pvc_stamp(u->pool, &pvc, &owner, &text), NGX_OK);

        after = unit_json_patch(u, object, &text);

        if (!ok(u, after != NULL)) {
            continue;
        }

        is_int(u, ngx_aigc_pvc_read(u->pool, after, &pvc), NGX_OK);
        is_str(u, &pvc.owner, "al\"ice~/\xc3\xa9");

        ok(u, (json_object_get(json_object_get(json_object_get(after,
                  "metadata"), "annotations"), "a") != NULL) == (i == 0));

        for (other = cases[i].others; *other; other++) {
            ok(u, unit_json_patch(u, unit_json(u, *other), &text) == NULL);
        }

        ok(u, unit_json_patch(u, after, &text) == NULL);
    }
}


unit_test_t  objects_tests[] = {
    { "an instance that is ready", objects_ready },
    { "what is not ours", objects_not_ours },
    { "states", objects_states },
    { "a disk", objects_disk },
    { "a disk's owner, and one that cannot be read", objects_disk_owner },
    { "a stamp, and what it never overwrites", objects_stamp },
    { "a mark of nobody, likewise", objects_stray },
    { "whether an id was given: in doubt, it was", objects_given },
    { NULL, NULL }
};
