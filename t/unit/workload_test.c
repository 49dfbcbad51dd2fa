/* instances/ngx_aigc_workload.h: StatefulSets and warnings; and updates. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_workload.h"


#define WARNING(involved, rest)                                               \
    "{'metadata': {'namespace': 'ns', 'creationTimestamp':"                   \
    " '2026-01-01T00:00:00Z'}, 'type': 'Warning', 'reason': 'FailedMount',"   \
    " 'message': 'no\\nsuch', 'involvedObject': {'kind': 'Pod',"              \
    " 'namespace': 'ns'" involved "}" rest "}"

#define EVENT(type, reason, kind)                                             \
    "{'type': '" type "', 'reason': '" reason "', 'involvedObject':"          \
    " {'kind': '" kind "', 'namespace': 'ns', 'name': 'sd-7'}}"


static void
workload_sets(unit_t *u)
{
    ngx_uint_t           i;
    ngx_aigc_workload_t  w;

    static const struct {
        const char  *text;
        ngx_int_t    rc;
        const char  *revision;
    } cases[] = {
        { "'ownerReferences': [{'kind': 'GameServerSet', 'name': 'sd',"
          " 'uid': 'u-1'}]}, 'status': {'updateRevision': 'sd-2'",
          NGX_OK, "sd-2" },
        { "'ownerReferences': [{'kind': 'X', 'name': 'sd', 'uid': 'u-9'},"
          " {'kind': 'GameServerSet', 'name': 'sd', 'uid': 'u-1'}]},"
          " 'status': {'currentRevision': 'sd-1'", NGX_OK, "" },
        { "'ownerReferences': [{'kind': 'GameServerSet', 'name': 'sd',"
          " 'uid': 'u-1'}]}, 'status': {'updateRevision': ['sd-2']",
          NGX_OK, "" },
        { "'ownerReferences': [{'kind': 'GameServerSet', 'name': 'other',"
          " 'uid': 'u-1'}]}, 'status': {'updateRevision': 'sd-2'",
          NGX_DECLINED, NULL },
        { "'ownerReferences': [{'kind': 'GameServerSet', 'name': 'sd'}]},"
          " 'status': {'updateRevision': 'sd-2'", NGX_DECLINED, NULL },
        { "'ownerReferences': {}}, 'status': {'updateRevision': 'sd-2'",
          NGX_DECLINED, NULL },
        { "'x': 1}, 'status': {'updateRevision': 'sd-2'", NGX_DECLINED, NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        u_char  buf[512];

        *ngx_sprintf(buf, "{'metadata': {'namespace': 'ns', 'name': 'sd',"
                     " 'uid': 'u-s', %s}}", cases[i].text) = '\0';

        if (!is_int(u, ngx_aigc_workload_read(u->pool,
                                              unit_json(u, (char *) buf), &w),
                    cases[i].rc))
        {
            unit_note("%s", cases[i].text);
        }

        if (cases[i].rc == NGX_OK) {
            is_str(u, &w.ns, "ns");
            is_str(u, &w.gss, "sd");
            is_str(u, &w.uid, "u-s");
            is_str(u, &w.owner, "u-1");
            is_str(u, &w.revision, cases[i].revision);
        }
    }

    /* without a uid it is no object of the API server's */

    is_int(u, ngx_aigc_workload_read(u->pool, unit_json(u,
        "{'metadata': {'namespace': 'ns', 'name': 'sd', 'ownerReferences':"
        " [{'kind': 'GameServerSet', 'name': 'sd', 'uid': 'u-1'}]}}"), &w),
        NGX_DECLINED);
}


static void
workload_warnings(unit_t *u)
{
    json_t              *object;
    u_char               buf[2000];
    ngx_uint_t           i;
    ngx_aigc_warning_t   w;

    static const char  *bad[] = {
        "{}",
        WARNING("", ""),
        WARNING(", 'name': 'sd'", ""),
        WARNING(", 'name': '-7'", ""),
        WARNING(", 'name': 'sd-'", ""),
        WARNING(", 'name': 'sd-x'", ""),
        WARNING(", 'name': 'sd-07'", ""),
        WARNING(", 'name': 'sd-100000'", ""),
        WARNING(", 'name': 'coredns-5d4f-abcde'", ""),
        WARNING(", 'name': 'S_D-7'", ""),
        EVENT("Warning", "FailedMount", "Node"),
        EVENT("Normal", "FailedMount", "Pod"),
        EVENT("Warning", "", "Pod"),
        EVENT("Warning", "a\\u0007", "Pod")
    };

    static const struct {
        const char  *times;
        time_t       last;
    } times[] = {
        { "", 1767225600 },
        { ", 'eventTime': '2026-01-01T00:00:01.123456Z'", 1767225601 },
        { ", 'lastTimestamp': '2026-01-01T00:00:02Z'", 1767225602 },
        { ", 'lastTimestamp': null, 'eventTime':"
          " '2026-01-01T00:00:01.123456Z', 'series': {'count': 3,"
          " 'lastObservedTime': '2026-01-01T00:00:03.000001Z'}", 1767225603 },
        { ", 'lastTimestamp': 'now', 'series': 7", 1767225600 }
    };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {

        *ngx_sprintf(buf, WARNING(", 'name': 'sd-1-7', 'uid': 'u-7'", "%s"),
                     times[i].times) = '\0';

        is_int(u, ngx_aigc_warning_read(u->pool, unit_json(u, (char *) buf),
                                        &w), NGX_OK);
        is_str(u, &w.ns, "ns");
        is_str(u, &w.gss, "sd-1");
        is_int(u, w.id, 7);
        is_str(u, &w.pod_uid, "u-7");
        is_str(u, &w.code, "FailedMount");
        is_str(u, &w.text, "no such");
        is_int(u, w.time, times[i].last);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, ngx_aigc_warning_read(u->pool, unit_json(u, bad[i]),
                                             &w), NGX_DECLINED))
        {
            unit_note("%s", bad[i]);
        }
    }

    is_int(u, ngx_aigc_warning_read(u->pool, unit_json(u,
        EVENT("Warning", "FailedMount", "Pod")), &w), NGX_OK);
    is_int(u, w.time, 0);

    object = unit_json(u, WARNING(", 'name': 'sd-7'", ""));

    is_int(u, ngx_aigc_warning_read(u->pool, object, &w), NGX_OK);
    is_str(u, &w.pod_uid, "");

    /* the bounds of code and text */

    ngx_memset(buf, 'x', sizeof(buf));

    for (i = 63; i <= 65; i++) {
        ok(u, json_object_set_new(object, "reason",
                                  json_stringn((char *) buf, i)) == 0);
        is_int(u, ngx_aigc_warning_read(u->pool, object, &w),
               i > NGX_AIGC_REASON_CODE_MAX ? NGX_DECLINED : NGX_OK);
    }

    ok(u, json_object_set_new(object, "reason", json_string("X")) == 0);

    for (i = 255; i <= 2000; i += (i < 257) ? 1 : 1743) {
        ok(u, json_object_set_new(object, "message",
                                  json_stringn((char *) buf, i)) == 0);
        is_int(u, ngx_aigc_warning_read(u->pool, object, &w), NGX_OK);
        is_int(u, w.text.len, ngx_min(i, NGX_AIGC_REASON_TEXT_MAX));
    }

    ok(u, json_object_del(object, "message") == 0);
    is_int(u, ngx_aigc_warning_read(u->pool, object, &w), NGX_OK);
    is_str(u, &w.text, "");
}


static void
workload_unmade(unit_t *u)
{
    u_char                buf[1024];
    ngx_uint_t            i;
    ngx_aigc_warning_t    w;
    ngx_aigc_workload_t   workload;

    static const struct {
        const char  *kind;
        const char  *reason;
        const char  *message;
        const char  *gss;               /* NULL: not taken */
        ngx_int_t    id;
        const char  *text;
    } cases[] = {
        { "StatefulSet", "FailedCreate", "create Pod sd-cpu-12 in StatefulSet"
          " sd-cpu failed error: pods sd-cpu-12 is forbidden: exceeded quota",
          "sd-cpu", 12, "pods sd-cpu-12 is forbidden: exceeded quota" },
        { "StatefulSet", "FailedCreate", "(combined from similar events): create"
          " Claim data-sd-7 for Pod sd-7 in StatefulSet sd failed error: no",
          "sd", 7, "no" },
        { "StatefulSet", "FailedCreate", "create Pod sd-7", "sd", 7,
          "create Pod sd-7" },
        { "StatefulSet", "FailedDelete", "delete Pod sd-7 in StatefulSet sd"
          " failed error: no", NULL, 0, NULL },
        { "StatefulSet", "FailedCreate", "create", NULL, 0, NULL },
        { "StatefulSet", "FailedCreate", "create Pod ", NULL, 0, NULL },
        { "StatefulSet", "FailedCreate", "create Pod x/../y-7 in", NULL, 0,
          NULL },
        { "StatefulSet", "FailedCreate", "", NULL, 0, NULL },
        { "Deployment", "FailedCreate", "create Pod sd-7 in", NULL, 0, NULL },
        { "GameServerSet", "UpdateWorkload", "strategy error: no", "sd", -1,
          "strategy error: no" }
    };

    static const struct {
        const char  *conditions;
        ngx_uint_t   refused;
        const char  *why;
    } conditions[] = {
        { "[{'type': 'FailedCreatePod', 'status': 'True', 'message':"
          " 'StatefulPodControl failed to create Pod error: no room'}]", 1,
          "no room" },
        { "[{'type': 'FailedCreatePod', 'status': 'True'}]", 1, "" },
        { "[{'type': 'FailedCreatePod', 'status': 'False', 'message': 'x'}]",
          0, "" },
        { "[{'type': 'FailedUpdatePod', 'status': 'True'}]", 0, "" },
        { "7", 0, "" },
        { "[7, null, {'type': 7}]", 0, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_snprintf(buf, sizeof(buf), "{'type': 'Warning', 'reason': '%s',"
                      " 'message': '%s', 'involvedObject': {'kind': '%s',"
                      " 'namespace': 'ns', 'name': 'sd', 'uid': 'u-1'}}",
                      cases[i].reason, cases[i].message, cases[i].kind) = '\0';

        is_int(u, ngx_aigc_warning_read(u->pool, unit_json(u, (char *) buf),
                                        &w),
               cases[i].gss ? NGX_OK : NGX_DECLINED);

        if (cases[i].gss == NULL) {
            continue;
        }

        is_str(u, &w.gss, cases[i].gss);
        is_int(u, w.id, cases[i].id);
        is_int(u, w.unmade, cases[i].id >= 0);
        is_str(u, &w.pod_uid, cases[i].id >= 0 ? "" : "u-1");
        is_str(u, &w.text, cases[i].text);
    }

    for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        *ngx_snprintf(buf, sizeof(buf), "{'metadata': {'namespace': 'ns',"
                      " 'name': 'sd', 'uid': 'w', 'ownerReferences': [{'kind':"
                      " 'GameServerSet', 'name': 'sd', 'uid': 'u'}]},"
                      " 'status': {'conditions': %s}}",
                      conditions[i].conditions) = '\0';

        is_int(u, ngx_aigc_workload_read(u->pool, unit_json(u, (char *) buf),
                                         &workload), NGX_OK);
        is_int(u, workload.refused, conditions[i].refused);
        is_str(u, &workload.why, conditions[i].why);
    }
}


static void
workload_updates(unit_t *u)
{
    ngx_uint_t      i;
    ngx_aigc_gss_t  gss;

    static const struct {
        const char  *strategy;
        ngx_uint_t   seamless, why;
    } cases[] = {
        { "{}", 0, 0 },
        { "{'type': ''}", 0, 0 },
        { "{'type': 'RollingUpdate'}", 0, 0 },
        { "{'rollingUpdate': {'maxUnavailable': '100%'}}", 0, 0 },
        { "{'rollingUpdate': {'paused': false}}", 0, 0 },
        { "{'rollingUpdate': {'paused': 'true'}}", 0, 0 },
        { "{'type': 'OnDelete'}", 1, 0 },
        { "{'type': 'OnDelete', 'rollingUpdate': null}", 1, 0 },
        { "{'type': 'OnDelete', 'rollingUpdate': {}}", 0, 1 },
        { "{'type': 'OnDelete', 'rollingUpdate': {'paused': false}}", 0, 1 },
        { "{'type': 'OnDelete', 'rollingUpdate': 7}", 0, 1 },
        { "{'rollingUpdate': {'paused': true}}", 1, 0 },
        { "{'type': 'OnDelete', 'rollingUpdate': {'paused': true}}", 1, 0 },
        { "{'type': 'RollingUpdate', 'rollingUpdate': {'paused': true,"
          " 'partition': 0}}", 1, 0 },
        { "{'rollingUpdate': {'paused': true, 'partition': null}}", 1, 0 },
        { "{'rollingUpdate': {'paused': true, 'partition': 2}}", 0, 1 },
        { "{'rollingUpdate': {'paused': true, 'partition': '0'}}", 0, 1 },
        { "{'type': 'Recreate'}", 0, 1 },
        { "{'type': 'ondelete'}", 0, 1 },
        { "{'type': 'OnDelet'}", 0, 1 },
        { "{'type': 'X', 'rollingUpdate': {'paused': true}}", 0, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        ngx_memset(&gss, 0xff, sizeof(ngx_aigc_gss_t));

        is_int(u, ngx_aigc_gss_read_update(u->pool,
                                           unit_json(u, cases[i].strategy),
                                           &gss), NGX_OK);

        if (!is_int(u, gss.seamless, cases[i].seamless)
            || !is_int(u, gss.rolls.len != 0, cases[i].why)
            || !ok(u, gss.rolls.len < NGX_AIGC_WHY_MAX))
        {
            unit_note("%s", cases[i].strategy);
        }
    }

    is_int(u, ngx_aigc_gss_read_update(u->pool, NULL, &gss), NGX_OK);
    is_int(u, gss.seamless, 0);
    is_str(u, &gss.rolls, "");
}


unit_test_t  workload_tests[] = {
    { "StatefulSets", workload_sets },
    { "warnings", workload_warnings },
    { "pods that cannot be made", workload_unmade },
    { "updates", workload_updates },
    { NULL, NULL }
};
