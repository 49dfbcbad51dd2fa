/* instances/ngx_aigc_pod.h, and instances/ngx_aigc_reason.h. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_pod.h"
#include "instances/ngx_aigc_reason.h"


/* rest: inside metadata, or past its end and unclosed */
#define POD(rest)                                                             \
    "{'metadata': {'namespace': 'ns', 'name': 'sd-7', 'uid': 'u-7'" rest "}}"

#define OWNED  ", 'labels': {'game.kruise.io/owner-gss': 'sd'"

#define STATUS(status)  POD(OWNED "}}, 'status': {" status)

#define CONDITION(type, value)                                                \
    "{'type': '" type "', 'status': '" value "'}"

#define OWNER(version, kind, name, rest)                                      \
    "{'apiVersion': '" version "', 'kind': '" kind "', 'name': '" name "',"   \
    " 'uid': 'u-set'" rest "}"


static void
pod_metadata(unit_t *u)
{
    u_char          buf[512], text[128];
    ngx_uint_t      i;
    ngx_aigc_pod_t  pod;

    static const char  *bad[] = {
        "{}",
        "{'metadata': 7}",
        POD(""),
        POD(", 'labels': {'game.kruise.io/owner-gss': 'other'}"),
        POD(", 'labels': {'game.kruise.io/owner-gss': 7}"),
        POD(", 'labels': ['game.kruise.io/owner-gss']"),
        "{'metadata': {'namespace': 'ns', 'name': 'sd-7', 'labels':"
        " {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'namespace': 'ns', 'name': 'sd-07', 'uid': 'u',"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}",
        "{'metadata': {'namespace': 'N/S', 'name': 'sd-7', 'uid': 'u',"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}}}"
    };

    is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, POD(OWNED
        ", 'controller-revision-hash': 'sd-5d4f'}")), &pod), NGX_OK);
    is_str(u, &pod.ns, "ns");
    is_str(u, &pod.name, "sd-7");
    is_str(u, &pod.gss, "sd");
    is_int(u, pod.id, 7);
    is_str(u, &pod.uid, "u-7");
    is_str(u, &pod.revision, "sd-5d4f");
    is_str(u, &pod.owner, "");
    is_str(u, &pod.ip, "");
    is_str(u, &pod.start, "");
    is_int(u, pod.ready, 0);
    is_int(u, pod.failed, 0);
    is_int(u, pod.deleting, 0);
    is_int(u, pod.deadline, 0);

    is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, POD(OWNED "},"
        " 'deletionTimestamp': '1970-01-01T00:01:00Z'")), &pod), NGX_OK);
    is_str(u, &pod.revision, "");
    is_int(u, pod.deleting, 1);
    is_int(u, pod.deadline, 60);

    is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, POD(OWNED "},"
        " 'deletionTimestamp': 'soon'")), &pod), NGX_OK);
    is_int(u, pod.deleting, 1);
    is_int(u, pod.deadline, 0);

    /* half a revision is another one: the bound, and past it */

    ngx_memset(text, 'r', sizeof(text));

    for (i = NGX_AIGC_REVISION_MAX - 1; i <= NGX_AIGC_REVISION_MAX + 1; i++) {
        *ngx_sprintf(buf, POD(OWNED ", 'controller-revision-hash': '%*s'}"),
                     i, text) = '\0';

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf),
                                    &pod), NGX_OK);
        is_int(u, pod.revision.len, i > NGX_AIGC_REVISION_MAX ? 0 : i);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, bad[i]), &pod),
                    NGX_DECLINED))
        {
            unit_note("%s", bad[i]);
        }
    }
}


/* who may have an address */

static void
pod_readiness(unit_t *u)
{
    ngx_uint_t      i;
    ngx_aigc_pod_t  pod;

    static const struct {
        const char  *text;
        ngx_uint_t   ready, failed;
    } cases[] = {
        { STATUS("'phase': 'Running', 'conditions': ["
                 CONDITION("ContainersReady", "False") ","
                 CONDITION("Ready", "True") "]"), 1, 0 },
        { STATUS("'phase': 'Running', 'conditions': ["
                 CONDITION("ContainersReady", "True") ","
                 CONDITION("Ready", "False") "]"), 0, 0 },

        /* a node that is lost */
        { STATUS("'phase': 'Running', 'conditions': ["
                 CONDITION("Ready", "Unknown") "]"), 0, 0 },

        /* the object and its address outlive the pod */
        { STATUS("'phase': 'Failed', 'podIP': '10.1.2.3', 'conditions': ["
                 CONDITION("Ready", "True") "]"), 0, 1 },
        { STATUS("'phase': 'Succeeded', 'conditions': ["
                 CONDITION("Ready", "True") "]"), 0, 0 },
        { STATUS("'phase': 'Unknown', 'conditions': ["
                 CONDITION("Ready", "True") "]"), 0, 0 },
        { STATUS("'phase': 'Pending', 'conditions': ["
                 CONDITION("Ready", "True") "]"), 0, 0 },
        { STATUS("'conditions': [" CONDITION("Ready", "True") "]"), 0, 0 },

        { STATUS("'phase': 'Running'"), 0, 0 },
        { STATUS("'phase': 'Running', 'conditions': 7"), 0, 0 },
        { STATUS("'phase': 'Running', 'conditions': [7, {'type': 'Ready'}]"),
          0, 0 },
        { STATUS("'phase': 'Running', 'conditions': [{'type': 'Ready',"
                 " 'status': true}]"), 0, 0 },
        { STATUS("'phase': ['Running'], 'conditions': ["
                 CONDITION("Ready", "True") "]"), 0, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, cases[i].text),
                                    &pod), NGX_OK);

        if (!is_int(u, pod.ready, cases[i].ready)
            || !is_int(u, pod.failed, cases[i].failed))
        {
            unit_note("%s", cases[i].text);
        }
    }

    is_int(u, ngx_aigc_pod_read(u->pool,
               unit_json(u, STATUS("'startTime': '2026-01-02T03:04:05Z'")),
               &pod), NGX_OK);
    is_str(u, &pod.start, "2026-01-02T03:04:05Z");
}


static void
pod_owners(unit_t *u)
{
    u_char          buf[1024];
    ngx_uint_t      i;
    ngx_aigc_pod_t  pod;

    static const struct {
        const char  *refs;
        const char  *owner;
    } cases[] = {
        { "[" OWNER("apps.kruise.io/v1beta1", "StatefulSet", "sd",
                    ", 'controller': true") "]", "u-set" },
        { "[" OWNER("v1", "X", "sd", "") ","
          OWNER("apps.kruise.io/v1alpha1", "StatefulSet", "sd",
                ", 'controller': true") "]", "u-set" },

        /* Kubernetes' own, another one's, not its controller's */
        { "[" OWNER("apps/v1", "StatefulSet", "sd", ", 'controller': true")
          "]", "" },
        { "[" OWNER("apps.kruise.io/v1beta1", "CloneSet", "sd",
                    ", 'controller': true") "]", "" },
        { "[" OWNER("apps.kruise.io/v1beta1", "StatefulSet", "other",
                    ", 'controller': true") "]", "" },
        { "[" OWNER("apps.kruise.io/v1beta1", "StatefulSet", "sd", "") "]",
          "" },
        { "[" OWNER("apps.kruise.io/v1beta1", "StatefulSet", "sd",
                    ", 'controller': 'true'") "]", "" },
        { "[" OWNER("apps.kruise.io/", "StatefulSet", "sd",
                    ", 'controller': true") "]", "" },
        { "[{'apiVersion': 'apps.kruise.io/v1beta1', 'kind': 'StatefulSet',"
          " 'name': 'sd', 'controller': true, 'uid': ''}]", "" },
        { "{}", "" },
        { "[7]", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        *ngx_sprintf(buf, POD(OWNED "}, 'ownerReferences': %s"),
                     cases[i].refs) = '\0';

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf),
                                    &pod), NGX_OK);

        if (!is_str(u, &pod.owner, cases[i].owner)) {
            unit_note("%s", cases[i].refs);
        }
    }
}


static void
pod_addresses(unit_t *u)
{
    u_char          buf[512];
    ngx_uint_t      i;
    ngx_aigc_pod_t  pod;

    static const char  *good[] = {
        "10.1.2.3", "127.1.0.7", "255.255.255.254", "fd00::1",
        "2001:db8:0:1:1:1:1:1"
    };

    static const char  *bad[] = {
        "", "10.1.2", "10.1.2.", "10.1.2.256", "10.1.2.3.4", "10.1.2.3:80",
        "10.1.2.3 ", " 10.1.2.3", "010.1.2.3", "0.0.0.0", "::", "0:0::0",
        "::ffff:0.0.0.0", "::ffff:10.1.2.3", "[fd00::1]", "fe80::1%eth0",
        "example.com", "localhost", "unix:/tmp/x", "10.1.2.3/../",
        "0x0a.1.2.3", "167838211"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        *ngx_sprintf(buf, STATUS("'podIP': '%s'"), good[i])
            = '\0';

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf),
                                    &pod), NGX_OK);
        is_str(u, &pod.ip, good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        *ngx_sprintf(buf, STATUS("'podIP': '%s'"), bad[i])
            = '\0';

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf),
                                    &pod), NGX_OK);
        is_str(u, &pod.ip, "");
    }

    is_int(u, ngx_aigc_pod_read(u->pool,
                  unit_json(u, STATUS("'podIP': 7")), &pod),
           NGX_OK);
    is_str(u, &pod.ip, "");
}


static void
pod_reasons(unit_t *u)
{
    u_char          buf[2048];
    ngx_uint_t      i;
    ngx_aigc_pod_t  pod;

    static const struct {
        const char  *phase, *status, *code, *text;
    } cases[] = {
        { "Pending", "{'conditions': [{'type': 'Ready', 'status': 'False',"
          " 'reason': 'ContainersNotReady'}, {'type': 'PodScheduled',"
          " 'status': 'False', 'reason': 'Unschedulable', 'message':"
          " '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.'}]}",
          "Unschedulable",
          "0/3 nodes are available: 3 Insufficient nvidia.com/gpu." },

        { "Pending", "{'conditions': [{'type': 'PodScheduled', 'reason': 'x',"
          " 'status': 'True'}], 'containerStatuses': [{'name': 'sd',"
          " 'state': {'waiting': {'reason': 'ContainerCreating'}}}]}",
          "", "" },

        { "Pending", "{'initContainerStatuses': [{'name': 'init', 'state':"
          " {'waiting': {'reason': 'CreateContainerConfigError', 'message':"
          " 'secret \\\"x\\\" not found'}}}], 'containerStatuses': [{'name':"
          " 'sd', 'state': {'waiting': {'reason': 'PodInitializing'}}}]}",
          "CreateContainerConfigError",
          "container \"init\": secret \"x\" not found" },

        { "Running", "{'containerStatuses': [{'name': 'a', 'state':"
          " {'running': {}}}, {'name': 'sd', 'state': {'waiting': {'reason':"
          " 'ImagePullBackOff', 'message':"
          " 'Back-off pulling image \\\"sd:v9\\\"'}}}]}",
          "ImagePullBackOff",
          "container \"sd\": Back-off pulling image \"sd:v9\"" },

        { "Running", "{'containerStatuses': [{'name': 'sd', 'state':"
          " {'waiting': {'reason': 'ErrImagePull'}}}]}",
          "ErrImagePull", "container \"sd\"" },

        { "Running", "{'containerStatuses': [{'name': 'sd', 'state':"
          " {'waiting': {'reason': 'CrashLoopBackOff', 'message':"
          " 'back-off 5m0s restarting'}}, 'lastState': {'terminated':"
          " {'exitCode': 137, 'reason': 'OOMKilled'}}}]}",
          "CrashLoopBackOff", "container \"sd\" ended with code 137"
          " (OOMKilled): back-off 5m0s restarting" },

        { "Running", "{'containerStatuses': [{'name': 'sd', 'state':"
          " {'waiting': {'reason': 'CrashLoopBackOff'}}, 'lastState':"
          " {'terminated': {'exitCode': 0, 'reason': 'Completed'}}}]}",
          "CrashLoopBackOff", "container \"sd\"" },

        { "Running", "{'containerStatuses': [{'name': 'sd', 'state':"
          " {'terminated': {'exitCode': 143}}}]}", "", "" },

        { "Failed", "{'containerStatuses': [{'name': 'sd',"
          " 'state': {'terminated': {'exitCode': 1, 'reason': 'Error'}}}]}",
          "Crash", "container \"sd\" ended with code 1 (Error)" },

        { "Failed", "{'reason': 'Evicted', 'message':"
          " 'The node was low on resource: memory.'}", "Evicted",
          "The node was low on resource: memory." },

        { "Failed", "{}", "Crash", "" },

        /* one that is ready has no reason not to be */

        { "Running", "{'conditions': [{'type': 'Ready', 'status': 'True'}],"
          " 'containerStatuses': [{'name': 'x', 'state': {'waiting':"
          " {'reason': 'ImagePullBackOff'}}}]}", "", "" },

        { "Running", "{'conditions': [{'type': 'PodScheduled', 'status':"
          " 'False'}], 'containerStatuses': [7, null, {'state': []},"
          " {'state': {'waiting': {'reason': 7}}}]}", "", "" },

        { "Running", "{'containerStatuses': [{'name': '\\u0001',"
          " 'state': {'waiting': {'reason': 'Bad\\nWord', 'message':"
          " 'a\\r\\nb\\u007f'}}}]}", "Bad Word",
          "container \" \": a  b " },

        { "Running", "{'containerStatuses': [{'state': {'waiting':"
          " {'reason': 'InvalidImageName', 'message': 'x'}}}]}",
          "InvalidImageName", "a container: x" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(buf, STATUS("'phase': '%s'%s%*s"), cases[i].phase,
                     cases[i].status[1] == '}' ? "" : ", ",
                     ngx_strlen(cases[i].status) - 2, cases[i].status + 1)
            = '\0';

        is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf),
                                    &pod), NGX_OK);

        if (!is_str(u, &pod.reason_code, cases[i].code)
            || !is_str(u, &pod.reason, cases[i].text))
        {
            unit_note("%s", cases[i].status);
        }
    }

    /* nor one that goes */

    is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, POD(OWNED "},"
        " 'deletionTimestamp': '2026-01-01T00:00:00Z'}, 'status': {'phase':"
        " 'Pending', 'containerStatuses': [{'name': 'x', 'state': {'waiting':"
        " {'reason': 'ImagePullBackOff'}}}]")), &pod), NGX_OK);
    is_str(u, &pod.reason_code, "");
}


static void
pod_long_reasons(unit_t *u)
{
    size_t          i;
    u_char          buf[8192], *p;
    ngx_aigc_pod_t  pod;

    p = ngx_sprintf(buf, "%s", "{'metadata': {'namespace': 'ns', 'name':"
                    " 'sd-7', 'uid': 'u-7'" OWNED "}}, 'status':"
                    " {'containerStatuses': [{'name': 'sd', 'state':"
                    " {'waiting': {'reason': '");

    for (i = 0; i < 100; i++) {
        *p++ = 'R';
    }

    p = ngx_sprintf(p, "', 'message': 'a");

    for (i = 0; i < 1000; i++) {
        p = ngx_cpymem(p, "\xe2\x82\xac", 3);
    }

    *ngx_sprintf(p, "'}}}]}}") = '\0';

    is_int(u, ngx_aigc_pod_read(u->pool, unit_json(u, (char *) buf), &pod),
           NGX_OK);

    is_int(u, pod.reason_code.len, NGX_AIGC_REASON_CODE_MAX);

    /* "container "sd": a" is 17 bytes, then whole characters of 3 */

    is_int(u, pod.reason.len, 17 + (NGX_AIGC_REASON_TEXT_MAX - 17) / 3 * 3);
    ok(u, ngx_memcmp(pod.reason.data + pod.reason.len - 3, "\xe2\x82\xac", 3)
          == 0);
}


static void
pod_progress(unit_t *u)
{
    ngx_uint_t     i;
    ngx_aigc_pod_t  pod;

    static const struct {
        const char           *status;
        ngx_aigc_progress_e   progress;
    } cases[] = {
        { "{}", NGX_AIGC_PROGRESS_NONE },
        { "{'conditions': [{'type': 'PodScheduled', 'status': 'False'}]}",
          NGX_AIGC_PROGRESS_NONE },
        { "{'conditions': [{'type': 'PodScheduled', 'status': 'True'}],"
          " 'containerStatuses': [{'state': {'waiting': {'reason':"
          " 'ContainerCreating'}}}]}", NGX_AIGC_PROGRESS_SCHEDULED },
        { "{'conditions': [{'type': 'PodScheduled', 'status': 'True'}],"
          " 'initContainerStatuses': [{'state': {'running': {}}}],"
          " 'containerStatuses': [{'state': {'waiting': {'reason':"
          " 'PodInitializing'}}}]}", NGX_AIGC_PROGRESS_PREPARED },
        { "{'containerStatuses': [{'state': {'waiting': {'reason':"
          " 'ErrImagePull'}}}]}", NGX_AIGC_PROGRESS_PREPARED },
        { "{'containerStatuses': [{'state': {}}, {'state': {'terminated':"
          " {'exitCode': 1}}}]}", NGX_AIGC_PROGRESS_PREPARED },
        { "{'containerStatuses': [{'lastState': {'terminated':"
          " {'exitCode': 1}}}]}", NGX_AIGC_PROGRESS_PREPARED },
        { "{'containerStatuses': 7, 'conditions': [7]}",
          NGX_AIGC_PROGRESS_NONE }
    };

    static const struct {
        const char  *code;
        ngx_uint_t   over[3];           /* by progress */
    } codes[] = {
        { "FailedScheduling",       { 0, 1, 1 } },
        { "FailedAttachVolume",     { 0, 0, 1 } },
        { "FailedMount",            { 0, 0, 1 } },
        { "FailedCreatePodSandBox", { 0, 0, 1 } },
        { "Unhealthy",              { 0, 0, 0 } },
        { "Failed",                 { 1, 1, 1 } },
        { "BackOff",                { 1, 1, 1 } },
        { "",                       { 0, 0, 0 } },
        { "FailedMoun",             { 0, 0, 0 } }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        ngx_memzero(&pod, sizeof(ngx_aigc_pod_t));

        is_int(u, ngx_aigc_reason_read(u->pool, unit_json(u, cases[i].status),
                                       &pod), NGX_OK);

        if (!is_int(u, pod.progress, cases[i].progress)) {
            unit_note("%s", cases[i].status);
        }
    }

    ngx_memzero(&pod, sizeof(ngx_aigc_pod_t));
    is_int(u, ngx_aigc_reason_read(u->pool, NULL, &pod), NGX_OK);
    is_int(u, pod.progress, NGX_AIGC_PROGRESS_NONE);

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        ngx_str_t   code;
        ngx_uint_t  progress;

        code = unit_str(u, codes[i].code);

        for (progress = 0; progress < 3; progress++) {
            if (!is_int(u, ngx_aigc_reason_over(&code, progress),
                        codes[i].over[progress]))
            {
                unit_note("%s at %d", codes[i].code, (int) progress);
            }
        }
    }
}


static void
pod_ending(unit_t *u)
{
    ngx_uint_t  i;

    static const struct {
        time_t             deadline;
        time_t             now;
        ngx_aigc_ending_e  ending;
        time_t             worse;
    } cases[] = {
        { 0,    5000, NGX_AIGC_ENDING_IN_TIME,  0 },
        { 1000, 0,    NGX_AIGC_ENDING_IN_TIME,  1005 },
        { 1000, 1000, NGX_AIGC_ENDING_IN_TIME,  1005 },
        { 1000, 1005, NGX_AIGC_ENDING_IN_TIME,  1005 },
        { 1000, 1006, NGX_AIGC_ENDING_IS_LATE,  1300 },
        { 1000, 1300, NGX_AIGC_ENDING_IS_LATE,  1300 },
        { 1000, 1301, NGX_AIGC_ENDING_IS_STUCK, 0 },
        { 1000, 9999, NGX_AIGC_ENDING_IS_STUCK, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        if (!is_int(u, ngx_aigc_reason_ending(cases[i].deadline, cases[i].now),
                    cases[i].ending)
            || !is_int(u, ngx_aigc_reason_worse(cases[i].deadline,
                                                cases[i].now),
                       cases[i].worse))
        {
            unit_note("%d at %d", (int) cases[i].deadline, (int) cases[i].now);
        }
    }
}


unit_test_t  pod_tests[] = {
    { "whose it is", pod_metadata },
    { "which one is ready", pod_readiness },
    { "what controls it", pod_owners },
    { "an address is a literal, and somebody's", pod_addresses },
    { "why it does not start", pod_reasons },
    { "long reasons are cut between characters", pod_long_reasons },
    { "how far it is, and what is over", pod_progress },
    { "how its end goes", pod_ending },
    { NULL, NULL }
};
