/*
 * base/ngx_aigc_bounds.h: what Kubernetes' objects may say, at the bound and
 * one past it.
 */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_objects.h"
#include "instances/ngx_aigc_pod.h"
#include "instances/ngx_aigc_workload.h"
#include "kube/ngx_aigc_election.h"
#include "kube/ngx_aigc_write.h"
#include "logto/ngx_aigc_webhook.h"


#define CONF(more)                                                            \
    "'networkType': 'Kubernetes-Ingress', 'networkConf': [" more              \
    "{'name': 'Host', 'value': 'a<id>.b'}, {'name': 'Port', 'value': '80'}]"


/* a NUL-terminated text of n times c */
static char *
bounds_fill(unit_t *u, size_t n, u_char c)
{
    u_char  *p;

    p = ngx_pnalloc(u->pool, n + 1);
    ngx_memset(p, c, n);
    p[n] = '\0';

    return (char *) p;
}


static char *
bounds_number(unit_t *u, ngx_int_t n)
{
    u_char  *p;

    p = ngx_pcalloc(u->pool, NGX_INT_T_LEN + 1);
    (void) ngx_sprintf(p, "%i", n);

    return (char *) p;
}


/* A printf of JSON, with ' for ". */
static json_t *
bounds_json(unit_t *u, const char *fmt, ...)
{
    u_char   *p;
    size_t    size = 2 * 1024 * 1024;
    va_list   args;

    p = ngx_pnalloc(u->pool, size);

    va_start(args, fmt);
    *ngx_vslprintf(p, p + size - 1, fmt, args) = '\0';
    va_end(args);

    return unit_json(u, (char *) p);
}


static ngx_int_t
bounds_set(unit_t *u, char *ns, char *name, char *uid, ngx_aigc_gss_t *gss)
{
    return ngx_aigc_gss_read(u->pool,
        bounds_json(u, "{'kind': 'GameServerSet', 'metadata': {'namespace':"
                       " '%s', 'name': '%s', 'uid': '%s'}, 'spec':"
                       " {'network': {" CONF("") "}}}",
                    ns, name, uid), gss);
}


static void
bounds_names(unit_t *u)
{
    size_t           past;
    ngx_aigc_gss_t   gss;
    ngx_aigc_pvc_t   pvc;
    ngx_aigc_pod_t   pod;

    for (past = 0; past < 2; past++) {

        is_int(u, bounds_set(u, bounds_fill(u, NGX_AIGC_NS_MAX + past, 'n'),
                             "sd", "u", &gss),
               past ? NGX_DECLINED : NGX_OK);

        is_int(u, bounds_set(u, "ns",
                             bounds_fill(u, NGX_AIGC_NAME_MAX + past, 'a'),
                             "u", &gss),
               past ? NGX_DECLINED : NGX_OK);

        is_int(u, bounds_set(u, "ns", "sd",
                             bounds_fill(u, NGX_AIGC_UID_MAX + past, 'u'),
                             &gss),
               past ? NGX_DECLINED : NGX_OK);

        is_int(u, bounds_set(u, "ns",
                             bounds_fill(u, NGX_AIGC_GSS_NAME_MAX + past, 'a'),
                             "u", &gss), NGX_OK);
        is_int(u, gss.misconfigured.len != 0, past);

        is_int(u, ngx_aigc_pvc_read(u->pool,
            bounds_json(u, "{'metadata': {'name': '%s-sd-3', 'namespace': 'n',"
                           " 'uid': 'u', 'resourceVersion': '7', 'labels':"
                           " {'game.kruise.io/owner-gss': 'sd'}}}",
                        bounds_fill(u, NGX_AIGC_PVC_MAX - 5 + past, 'd')),
            &pvc), past ? NGX_DECLINED : NGX_OK);

        is_int(u, ngx_aigc_pvc_read(u->pool,
            bounds_json(u, "{'metadata': {'name': 'd-sd-3', 'namespace': 'n',"
                           " 'uid': 'u', 'resourceVersion': '%s', 'labels':"
                           " {'game.kruise.io/owner-gss': 'sd'}}}",
                        bounds_fill(u, NGX_AIGC_VERSION_MAX + past, '7')),
            &pvc), NGX_OK);
        is_int(u, pvc.version.len, past ? 0 : NGX_AIGC_VERSION_MAX);

        is_int(u, ngx_aigc_pod_read(u->pool,
            bounds_json(u, "{'metadata': {'name': 'sd-3', 'namespace': 'n',"
                           " 'uid': 'u', 'labels': {'game.kruise.io/owner-gss'"
                           ": 'sd'}}, 'status': {'startTime': '%s'}}",
                        bounds_fill(u, NGX_AIGC_POD_START_MAX + past, '1')),
            &pod), NGX_OK);
        is_int(u, pod.start.len, NGX_AIGC_POD_START_MAX);
    }
}


static void
bounds_times(unit_t *u)
{
    size_t     n;
    u_char    *p;
    time_t     t;
    ngx_str_t  text;

    /* fractions of a second up to the bound */

    for (n = NGX_AIGC_SINCE_MAX; n <= NGX_AIGC_SINCE_MAX + 1; n++) {
        p = (u_char *) bounds_fill(u, n, '0');
        ngx_memcpy(p, "2026-01-02T03:04:05.", 20);
        p[n - 1] = 'Z';

        text.data = p;
        text.len = n;
        is_int(u, ngx_aigc_time_read(&text),
               n > NGX_AIGC_SINCE_MAX ? -1 : 1767323045);
    }

    text = unit_str(u, "9999-12-31T23:59:59Z");
    t = ngx_aigc_time_read(&text);
    is_int(u, t, NGX_AIGC_TIME_END - 1);

    text = unit_str(u, "9999-12-31T23:59:60Z");
    is_int(u, ngx_aigc_time_read(&text), -1);

    text = unit_str(u, "9999-12-31T23:59:59-00:01");
    is_int(u, ngx_aigc_time_read(&text), -1);
}


static void
bounds_ids(unit_t *u)
{
    size_t           n;
    char            *text;
    ngx_uint_t       bad;
    ngx_array_t      ids;
    ngx_aigc_gss_t   gss;

    is_int(u, ngx_aigc_ids_from_json(u->pool,
        bounds_json(u, "[%d, %d, '%d', '%d', '%d-%d', '%d-%d']",
                    NGX_AIGC_ID_MAX, NGX_AIGC_ID_MAX + 1, NGX_AIGC_ID_MAX,
                    NGX_AIGC_ID_MAX + 1, NGX_AIGC_ID_MAX - 1, NGX_AIGC_ID_MAX,
                    NGX_AIGC_ID_MAX - 2, NGX_AIGC_ID_MAX + 1), &ids, &bad),
        NGX_OK);
    is_int(u, bad, 3);
    is_int(u, ids.nelts, 2);
    is_int(u, ((ngx_int_t *) ids.elts)[1], NGX_AIGC_ID_MAX);

    /* kept whole, as a patch tests it */

    for (n = NGX_AIGC_RESERVE_IDS_MAX; n <= NGX_AIGC_RESERVE_IDS_MAX + 1; n++)
    {
        text = bounds_fill(u, n, '7');

        is_int(u, ngx_aigc_gss_read(u->pool,
            bounds_json(u, "{'metadata': {'namespace': 'ns', 'name': 'sd',"
                           " 'uid': 'u', 'annotations':"
                           " {'game.kruise.io/reserve-ids': '%s'}}}", text),
            &gss), NGX_OK);
        is_int(u, gss.reserve_ids.len, NGX_AIGC_RESERVE_IDS_MAX);
    }
}


/* A template whose spec is a format of text. */
static void
bounds_spec(unit_t *u, const char *fmt, char *text, ngx_aigc_gss_t *gss)
{
    u_char  form[1024];

    *ngx_sprintf(form, "{'metadata': {'namespace': 'ns', 'name': 'sd', 'uid':"
                       " 'u'}, 'spec': {%s}}", fmt) = '\0';

    is_int(u, ngx_aigc_gss_read(u->pool, bounds_json(u, (char *) form, text),
                                gss), NGX_OK);
}


static void
bounds_shown(unit_t *u)
{
    size_t           past;
    ngx_aigc_gss_t   gss;

    for (past = 0; past < 2; past++) {

        /* half a number is a wrong one: it is not shown */

        bounds_spec(u, "'gameServerTemplate': {'spec': {'containers': ["
                       "{'resources': {'limits': {'cpu': '%s'}}}]}}",
                    bounds_fill(u, NGX_AIGC_QUANTITY_MAX + past, '9'), &gss);
        is_int(u, gss.cpu.len, past ? 0 : NGX_AIGC_QUANTITY_MAX);

        bounds_spec(u, "'gameServerTemplate': {'spec': {'containers': ["
                       "{'resources': {'limits': {'nvidia.com/gpu': %s}}}]}}",
                    bounds_number(u, NGX_AIGC_GPUS_MAX + past), &gss);
        is_int(u, gss.gpu.len, past ? 0 : 4);

        /* a size of more digits is shown as it is, and not summed up */

        bounds_spec(u, "'gameServerTemplate': {'volumeClaimTemplates': ["
                       "{'spec': {'resources': {'requests': {'storage':"
                       " '%s'}}}}, {'spec': {'resources': {'requests':"
                       " {'storage': '1'}}}}]}",
                    bounds_fill(u, NGX_AIGC_DISK_DIGITS_MAX + past, '9'),
                    &gss);
        is_str(u, &gss.disk, past ? "9999999999" : "1000000000");

        /* cut: what is shown only */

        bounds_spec(u, "'gameServerTemplate': {'spec': {'containers': ["
                       "{'image': '%s'}]}}",
                    bounds_fill(u, NGX_AIGC_IMAGE_MAX + past, 'i'), &gss);
        is_int(u, gss.image.len, NGX_AIGC_IMAGE_MAX);

        bounds_spec(u, "'gameServerTemplate': {'metadata': {'labels':"
                       " {'alibabacloud.com/eci': 'true'}, 'annotations':"
                       " {'k8s.aliyun.com/eci-use-specs': '%s'}}, 'spec':"
                       " {'containers': [{'resources': {'limits':"
                       " {'nvidia.com/gpu': 1}}}]}}",
                    bounds_fill(u, NGX_AIGC_GPU_MAX + past, 'e'), &gss);
        is_int(u, gss.gpu.len, NGX_AIGC_GPU_MAX);

        bounds_spec(u, "'network': {'networkType': 'Kubernetes-Ingress',"
                       " 'networkConf': [{'name': 'Host', 'value': '%s'}]}",
                    bounds_fill(u, NGX_AIGC_QUOTE_MAX + past, 'h'), &gss);
        is_int(u, ngx_strnstr(gss.misconfigured.data, "h...\"",
                              gss.misconfigured.len) != NULL, past);
        ok(u, gss.misconfigured.len <= NGX_AIGC_WHY_MAX);
    }
}


/* Lists have no bound of their own: an object's is enough. */
static void
bounds_none(unit_t *u)
{
    size_t                i;
    char                 *list, *p;
    ngx_aigc_gss_t        gss;
    ngx_aigc_pod_t        pod;
    ngx_aigc_workload_t   w;

    p = list = bounds_fill(u, 300 * 64, ' ');

    for (i = 0; i < 300; i++) {
        p = (char *) ngx_sprintf((u_char *) p, "{'name': 'x', 'value': '1'},");
    }
    *p = '\0';

    bounds_spec(u, "'network': {" CONF("%s") "}", list,
                &gss);
    is_str(u, &gss.host, "a<id>.b");
    is_int(u, gss.misconfigured.len, 0);

    bounds_spec(u, "'network': {" CONF("") "},"
                   "'gameServerTemplate': {'spec': {'containers': [%s"
                   "{'ports': [{'containerPort': 80}]}]}}", list, &gss);
    is_int(u, gss.misconfigured.len, 0);

    for (i = 0, p = list; i < 300; i++) {
        p = (char *) ngx_sprintf((u_char *) p, "{'containerPort': 7},");
    }
    *p = '\0';

    bounds_spec(u, "'network': {" CONF("") "},"
                   "'gameServerTemplate': {'spec': {'containers': [{'ports':"
                   " [%s {'containerPort': 80}]}]}}", list, &gss);
    is_int(u, gss.misconfigured.len, 0);

    for (i = 0, p = list; i < 300; i++) {
        p = (char *) ngx_sprintf((u_char *) p, "{'type': 'T', 'kind': 'K'},");
    }
    *p = '\0';

    is_int(u, ngx_aigc_pod_read(u->pool,
        bounds_json(u, "{'metadata': {'name': 'sd-3', 'namespace': 'n',"
                       " 'uid': 'u', 'labels': {'game.kruise.io/owner-gss'"
                       ": 'sd'}, 'ownerReferences': [%s {'apiVersion':"
                       " 'apps.kruise.io/v1beta1', 'kind': 'StatefulSet',"
                       " 'name': 'sd', 'uid': 'u-set', 'controller': true}]},"
                       " 'status': {'phase': 'Running', 'conditions': [%s"
                       " {'type': 'Ready', 'status': 'True'}]}}", list, list),
        &pod), NGX_OK);
    is_str(u, &pod.owner, "u-set");
    is_int(u, pod.ready, 1);

    is_int(u, ngx_aigc_workload_read(u->pool,
        bounds_json(u, "{'metadata': {'name': 'sd', 'namespace': 'n',"
                       " 'uid': 'u', 'ownerReferences': [%s {'kind':"
                       " 'GameServerSet', 'name': 'sd', 'uid': 'u-1'}]}}",
                    list), &w), NGX_OK);
}


static void
bounds_reason(unit_t *u)
{
    size_t           past;
    ngx_aigc_pod_t   pod;

    static const char  form[] =
        "{'metadata': {'name': 'sd-3', 'namespace': 'n', 'uid': 'u',"
        " 'labels': {'game.kruise.io/owner-gss': 'sd'}}, 'status': {'phase':"
        " 'Pending', 'containerStatuses': [{'name': '%s', 'state': {'waiting':"
        " {'reason': '%s', 'message': '%s'}}}]}}";

    for (past = 0; past < 2; past++) {

        is_int(u, ngx_aigc_pod_read(u->pool,
            bounds_json(u, form, bounds_fill(u, NGX_AIGC_CONTAINER_MAX + past,
                                             'c'), "ErrImagePull", "m"),
            &pod), NGX_OK);
        is_int(u, ngx_strnstr(pod.reason.data, "container \"ccc",
                              pod.reason.len) != NULL, !past);

        is_int(u, ngx_aigc_pod_read(u->pool,
            bounds_json(u, form, "c",
                        bounds_fill(u, NGX_AIGC_REASON_CODE_MAX + past, 'R'),
                        bounds_fill(u, NGX_AIGC_REASON_TEXT_MAX + past, 'm')),
            &pod), NGX_OK);
        is_int(u, pod.reason_code.len, NGX_AIGC_REASON_CODE_MAX);
        is_int(u, pod.reason.len, NGX_AIGC_REASON_TEXT_MAX);
    }
}


static void
bounds_status(unit_t *u)
{
    size_t                n, past;
    u_char               *p;
    ngx_str_t             body;
    ngx_aigc_status_t     status;

    /* what a subrequest has cut is no JSON any more, and says nothing */

    ok(u, NGX_AIGC_SUBREQUEST_BODY >= NGX_AIGC_STATUS_MAX);

    for (n = NGX_AIGC_STATUS_MAX; n <= NGX_AIGC_STATUS_MAX + 1; n++) {
        p = (u_char *) bounds_fill(u, n, ' ');
        ngx_memcpy(p, "{\"kind\":\"Status\",\"reason\":\"Conflict\"}", 37);

        body.data = p;
        body.len = n;

        is_int(u, ngx_aigc_verdict(u->pool, 409, &body, &status),
               n > NGX_AIGC_STATUS_MAX ? NGX_AIGC_WRITE_UNSURE
                                       : NGX_AIGC_WRITE_MOVED);
        is_int(u, status.reason.len,
               n > NGX_AIGC_STATUS_MAX ? 0 : sizeof("Conflict") - 1);
    }

    for (past = 0; past < 2; past++) {
        p = ngx_pnalloc(u->pool, 1024);
        body.data = p;
        body.len = ngx_sprintf(p, "{\"kind\":\"Status\",\"reason\":\"%s\","
                                  "\"message\":\"%s\"}",
                               bounds_fill(u, NGX_AIGC_STATUS_REASON + past,
                                           'r'),
                               bounds_fill(u, NGX_AIGC_STATUS_TEXT + past,
                                           'm'))
                   - p;

        (void) ngx_aigc_verdict(u->pool, 403, &body, &status);
        is_int(u, status.reason.len, NGX_AIGC_STATUS_REASON);
        is_int(u, status.message.len, NGX_AIGC_STATUS_TEXT);
    }
}


/* What is never past its bound, because what it is made of is bounded. */
static void
bounds_made(unit_t *u)
{
    size_t  gss, pvc;

    gss = sizeof("/apis/game.kruise.io/v1alpha1/namespaces//gameserversets/")
          + NGX_AIGC_NS_MAX + NGX_AIGC_NAME_MAX;
    pvc = sizeof("/api/v1/namespaces//persistentvolumeclaims/")
          + NGX_AIGC_NS_MAX + NGX_AIGC_PVC_MAX;

    ok(u, ngx_max(gss, pvc) <= NGX_AIGC_PATH_MAX);
    ok(u, NGX_INET6_ADDRSTRLEN + sizeof("[]:65535") - 1
          <= NGX_AIGC_ADDRESS_MAX);
}


/* A word that is too long is none: not its beginning, nor one that fits. */
static void
bounds_webhook(unit_t *u)
{
    size_t               past;
    u_char              *p;
    ngx_str_t            body;
    ngx_aigc_webhook_t   webhook;

    for (past = 0; past < 2; past++) {
        p = ngx_pnalloc(u->pool, NGX_AIGC_WEBHOOK_WORD + 128);

        body.data = p;
        body.len = ngx_sprintf(p, "{\"event\":\"%s\",\"createdAt\":"
                                  "\"2026-01-02T03:04:05.678Z\"}",
                               bounds_fill(u, NGX_AIGC_WEBHOOK_WORD + past,
                                           'e'))
                   - p;

        is_int(u, ngx_aigc_webhook_read(u->pool, &body, &webhook),
               NGX_DECLINED);
    }
}


static void
bounds_lease(unit_t *u)
{
    json_t               *lease, *spec;
    ngx_int_t             past, wait;
    ngx_str_t             ns, name;
    ngx_time_t            at;
    ngx_aigc_election_t   e;

    static const char  form[] =
        "{'metadata': {'name': 'l'}, 'spec': {'holderIdentity': 'other',"
        " 'leaseDurationSeconds': %i, 'renewTime': '1', 'leaseTransitions':"
        " %i}}";

    ngx_memzero(&at, sizeof(ngx_time_t));
    ns = unit_str(u, "ns");
    name = unit_str(u, "l");

    for (past = 0; past < 2; past++) {

        ngx_memzero(&e, sizeof(ngx_aigc_election_t));
        e.identity = unit_str(u, "me");

        lease = bounds_json(u, form, NGX_AIGC_LEASE_DURATION_MAX / 1000 + past,
                            (ngx_int_t) 1);

        for (wait = 0; wait < NGX_AIGC_LEASE_DURATION_MAX; wait += 1000) {
            if (!is_int(u, ngx_aigc_election_observe(&e, lease, wait),
                        NGX_AIGC_ELECTION_WAIT))
            {
                break;
            }
        }

        is_int(u, ngx_aigc_election_observe(&e, lease, wait + 1000),
               NGX_AIGC_ELECTION_FREE);

        /* an int32: one more would be refused by Kubernetes */

        lease = bounds_json(u, form, (ngx_int_t) 15,
                            (ngx_int_t) NGX_AIGC_TRANSITIONS_MAX - 1 + past);
        (void) ngx_aigc_election_observe(&e, lease, wait + 2000);

        lease = ngx_aigc_election_lease(&e, lease, &ns, &name, &at, 0);
        spec = json_object_get(lease, "spec");
        is_int(u, json_integer_value(json_object_get(spec,
                                                     "leaseTransitions")),
               past ? 0 : NGX_AIGC_TRANSITIONS_MAX);
        json_decref(lease);
    }
}


unit_test_t  bounds_tests[] = {
    { "names", bounds_names },
    { "times", bounds_times },
    { "ids", bounds_ids },
    { "what is shown", bounds_shown },
    { "lists are read to their end", bounds_none },
    { "why a pod does not start", bounds_reason },
    { "errors of the API server", bounds_status },
    { "what is made of bounded parts", bounds_made },
    { "a webhook's words", bounds_webhook },
    { "the Lease", bounds_lease },
    { NULL, NULL }
};
