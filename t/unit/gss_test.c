/* instances/ngx_aigc_gss.h: what a GameServerSet says, and what it may not do. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_host.h"
#include "instances/ngx_aigc_ids.h"


#define ROOT  "c5464a5f2c39341d3b3eda6e2dd37b505.cn-hangzhou.alicontainer.com"

#define UID   "52d8cbba-0a87-40a3-9436-ff602273be6d"


/*
 * The example template of the original's page, as the API server returns it;
 * what its other four examples change is metadata and resources.
 */

#define TEMPLATE(metadata, resources)                                         \
    "{'apiVersion': 'game.kruise.io/v1alpha1', 'kind': 'GameServerSet',"      \
    " 'metadata': {'name': 'stable-diffusion-cpu', 'namespace': 'default',"   \
    "  'creationTimestamp': '2026-01-02T03:04:05Z', 'generation': 1,"         \
    "  'resourceVersion': '201', 'uid': '" UID "'},"                          \
    " 'spec': {'replicas': 0,"                                                \
    "  'scaleStrategy': {'scaleDownStrategyType': 'ReserveIds'},"             \
    "  'gameServerTemplate': {" metadata                                      \
    "   'spec': {'containers': [{"                                            \
    "     'args': ['--listen', '--skip-torch-cuda-test', '--no-half'],"       \
    "     'command': ['python3', 'launch.py'],"                               \
    "     'image': 'yunqi-registry.cn-shanghai.cr.aliyuncs.com/lab/"          \
              "stable-diffusion:v1.0.0-cpu',"                                 \
    "     'name': 'stable-diffusion',"                                        \
    "     'readinessProbe': {'failureThreshold': 3,"                          \
    "      'initialDelaySeconds': 5, 'periodSeconds': 10,"                    \
    "      'successThreshold': 1, 'tcpSocket': {'port': 7860},"               \
    "      'timeoutSeconds': 1}," resources                                   \
    "     'volumeMounts': [{'mountPath': '/root/stable-diffusion',"           \
    "      'name': 'user-data'}]}]},"                                         \
    "   'volumeClaimTemplates': [{'apiVersion': 'v1',"                        \
    "     'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'user-data'}," \
    "     'spec': {'accessModes': ['ReadWriteOnce'],"                         \
    "      'resources': {'requests': {'storage': '50Gi'}},"                   \
    "      'storageClassName': 'alicloud-disk-essd',"                         \
    "      'volumeMode': 'Filesystem'}}]},"                                   \
    "  'updateStrategy': {'rollingUpdate': {"                                 \
    "    'podUpdatePolicy': 'InPlaceIfPossible',"                             \
    "    'maxUnavailable': '100%'}},"                                         \
    "  'network': {'networkType': 'Kubernetes-Ingress', 'networkConf': ["     \
    "    {'name': 'IngressClassName', 'value': 'nginx'},"                     \
    "    {'name': 'Port', 'value': '7860'},"                                  \
    "    {'name': 'Host', 'value': 'instances<id>-cpu." ROOT "'},"            \
    "    {'name': 'PathType', 'value': 'ImplementationSpecific'},"            \
    "    {'name': 'Path', 'value': '/'},"                                     \
    "    {'name': 'Annotation', 'value':"                                     \
    "     'nginx.ingress.kubernetes.io/auth-url: https://dashboard."          \
            ROOT "/auth'},"                                                   \
    "    {'name': 'Annotation', 'value':"                                     \
    "     'nginx.ingress.kubernetes.io/auth-signin: https://dashboard."       \
            ROOT "/sign-in'}]}}}"


/* a set with more in its metadata, spec, network and template */

#define SET(meta, spec)                                                       \
    "{'kind': 'GameServerSet', 'metadata': {'name': 'sd',"                    \
    " 'namespace': 'ns', 'uid': 'uid-1'" meta "}, 'spec': {" spec "}}"

#define NETWORK(conf)                                                         \
    "'network': {'networkType': 'Kubernetes-Ingress', 'networkConf': ["       \
    conf "]}"

#define HOST(value)  "{'name': 'Host', 'value': " value "}"
#define PORT(value)  "{'name': 'Port', 'value': " value "}"

#define GOOD         NETWORK(HOST("'i<id>.example.com'") "," PORT("'80'"))


static ngx_int_t
gss_read(unit_t *u, const char *text, ngx_aigc_gss_t *gss)
{
    ngx_memset(gss, 0xff, sizeof(ngx_aigc_gss_t));

    return ngx_aigc_gss_read(u->pool, unit_json(u, text), gss);
}


static void
gss_seed_templates(unit_t *u)
{
    ngx_str_t       host;
    ngx_uint_t      i;
    ngx_aigc_gss_t  gss;

    static const struct {
        const char  *text, *cpu, *memory, *gpu, *gpu_kind;
    } cases[] = {
        { TEMPLATE("", ""), "", "", "", "" },

        { TEMPLATE("", "'resources': {'limits': {'nvidia.com/gpu': 1}},"),
          "", "", "1", "nvidia.com/gpu" },

        { TEMPLATE("", "'resources': {'limits': {'aliyun.com/gpu-mem': 3}},"),
          "", "", "3Gi", "aliyun.com/gpu-mem" },

        { TEMPLATE("'metadata': {'labels': {'alibabacloud.com/eci': 'true'}},",
                   "'resources': {'limits': {'cpu': '2', 'memory': '4Gi'}},"),
          "2", "4Gi", "", "" },

        { TEMPLATE("'metadata': {'labels': {'alibabacloud.com/eci': 'true'},"
                   " 'annotations': {'k8s.aliyun.com/eci-use-specs':"
                   " 'ecs.gn7i-c8g1.2xlarge'}},",
                   "'resources': {'limits': {'nvidia.com/gpu': '1'}},"),
          "", "", "ecs.gn7i-c8g1.2xlarge", "nvidia.com/gpu" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        is_int(u, gss_read(u, cases[i].text, &gss), NGX_OK);

        is_str(u, &gss.ns, "default");
        is_str(u, &gss.name, "stable-diffusion-cpu");
        is_str(u, &gss.uid, UID);
        is_str(u, &gss.version, "201");
        is_int(u, gss.generation, 1);
        is_int(u, gss.observed, -1);
        is_int(u, gss.replicas, 0);
        is_int(u, gss.current, -1);
        is_int(u, gss.reserve.nelts, 0);
        is_int(u, gss.reserve_bad, 0);
        is_int(u, gss.has_reserve_ids, 0);
        is_int(u, gss.has_annotations, 0);
        is_int(u, gss.deleting, 0);
        is_int(u, gss.claims.nelts, 0);
        is_int(u, gss.top, -1);
        is_str(u, &gss.host, "instances<id>-cpu." ROOT);
        is_int(u, gss.port, 7860);
        is_str(u, &gss.misconfigured, "");
        is_str(u, &gss.title, "");
        is_str(u, &gss.description, "");
        is_str(u, &gss.icon, "");
        is_str(u, &gss.image, "yunqi-registry.cn-shanghai.cr.aliyuncs.com/"
                              "lab/stable-diffusion:v1.0.0-cpu");
        is_str(u, &gss.disk, "50Gi");
        is_str(u, &gss.cpu, cases[i].cpu);
        is_str(u, &gss.memory, cases[i].memory);
        is_str(u, &gss.gpu, cases[i].gpu);
        is_str(u, &gss.gpu_kind, cases[i].gpu_kind);

        is_int(u, ngx_aigc_host_expand(u->pool, &gss.host, 7, &host), NGX_OK);
        is_str(u, &host, "instances7-cpu." ROOT);
    }
}


static void
gss_in_use(unit_t *u)
{
    json_t            *object;
    ngx_int_t         *id;
    ngx_aigc_gss_t     gss;
    ngx_aigc_claim_t  *claim;

    object = unit_json(u,
        "{'kind': 'GameServerSet', 'metadata': {'name': 'sd',"
        " 'namespace': 'ns', 'uid': 'uid-1', 'generation': 12,"
        " 'resourceVersion': '9', 'deletionTimestamp': '2026-01-02T03:04:05Z',"
        " 'annotations': {"
        "  'instance.aigc-gateway.io/10': '{\\\"owner\\\":\\\"bob\\\","
        "\\\"state\\\":\\\"released\\\",\\\"since\\\":"
        "\\\"2026-01-02T03:04:05Z\\\",\\\"gss\\\":\\\"uid-1\\\"}',"
        "  'instance.aigc-gateway.io/2': '{\\\"owner\\\":\\\"alice\\\","
        "\\\"state\\\":\\\"running\\\",\\\"since\\\":"
        "\\\"2026-01-02T03:04:05Z\\\",\\\"gss\\\":\\\"uid-1\\\"}',"
        "  'instance.aigc-gateway.io/0': 'x',"
        "  'instance.aigc-gateway.io/5': '',"
        "  'instance.aigc-gateway.io/6': 7,"
        "  'instance.aigc-gateway.io/x': 'x',"
        "  'instance.aigc-gateway.io/007': 'x',"
        "  'instance.aigc-gateway.io/-1': 'x',"
        "  'instance.aigc-gateway.io/100000': 'x',"
        "  'instance.aigc-gateway.io/': 'x',"
        "  'instance.aigc-gateway.io': 'x',"
        "  'instance.aigc-gateway.iox/3': 'x',"
        "  'game.kruise.io/reserve-ids': '0,1',"
        "  'aigc-gateway.io/top': '17'}},"
        " 'spec': {'replicas': 3, 'reserveGameServerIds': ['3-5', 0, 'x']},"
        " 'status': {'observedGeneration': 11, 'currentReplicas': 2}}");

    is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);

    /* strings are copies */

    ok(u, json_object_clear(object) == 0);

    is_int(u, gss.generation, 12);
    is_int(u, gss.observed, 11);
    is_int(u, gss.replicas, 3);
    is_int(u, gss.current, 2);
    is_int(u, gss.deleting, 1);
    is_int(u, gss.has_annotations, 1);
    is_int(u, gss.has_reserve_ids, 1);
    is_str(u, &gss.reserve_ids, "0,1");
    is_int(u, gss.top, 17);

    id = gss.reserve.elts;

    if (is_int(u, gss.reserve.nelts, 4)) {
        is_int(u, id[0], 0);
        is_int(u, id[1], 3);
        is_int(u, id[3], 5);
    }

    is_int(u, gss.reserve_bad, 1);

    claim = gss.claims.elts;

    if (!is_int(u, gss.claims.nelts, 5)) {
        return;
    }

    is_int(u, claim[0].id, 0);
    is_int(u, claim[0].state, NGX_AIGC_UNREADABLE);
    is_str(u, &claim[0].raw, "x");
    is_int(u, claim[1].id, 2);
    is_int(u, claim[1].state, NGX_AIGC_RUNNING);
    is_str(u, &claim[1].owner, "alice");
    is_int(u, claim[2].id, 5);
    is_int(u, claim[2].state, NGX_AIGC_UNREADABLE);
    is_int(u, claim[3].id, 6);
    is_int(u, claim[3].state, NGX_AIGC_UNREADABLE);
    is_int(u, claim[4].id, 10);
    is_int(u, claim[4].state, NGX_AIGC_RELEASED);
    is_str(u, &claim[4].owner, "bob");
}


static void
gss_not_one(unit_t *u)
{
    ngx_uint_t      i;
    ngx_aigc_gss_t  gss;

    static const char  *cases[] = {
        "{}", "[]", "{'metadata': 7}", "{'metadata': {}}",
        "{'metadata': {'namespace': 'n', 'uid': 'u'}}",
        "{'metadata': {'name': 'n', 'uid': 'u'}}",
        "{'metadata': {'name': 'n', 'namespace': 'n'}}",
        "{'metadata': {'name': '', 'namespace': 'n', 'uid': 'u'}}",
        "{'metadata': {'name': 'n', 'namespace': 'n', 'uid': ''}}",
        "{'metadata': {'name': 'n', 'namespace': 'n', 'uid': 7}}",
        "{'metadata': {'name': 'a/b', 'namespace': 'n', 'uid': 'u'}}",
        "{'metadata': {'name': 'n', 'namespace': '..', 'uid': 'u'}}",
        "{'metadata': {'name': 'n', 'namespace': 'n', 'uid': 'a\\nb'}}",
        "{'metadata': {'namespace': 'n', 'uid': 'u', 'name': 'a12345678901234"
            "5678901234567890123456789012345678901234567890123'}}",
        "{'kind': 'GameServer', 'metadata': {'name': 'n', 'namespace': 'n',"
            " 'uid': 'u'}}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!is_int(u, gss_read(u, cases[i], &gss), NGX_DECLINED)) {
            unit_note("%s", cases[i]);
        }
    }

    /* items of a list may come without a kind */

    is_int(u, gss_read(u, "{'metadata': {'name': 'n', 'namespace': 'n',"
                          " 'uid': 'u'}}", &gss), NGX_OK);
}


static void
gss_wrong_types(unit_t *u)
{
    ngx_aigc_gss_t  gss;

    is_int(u, gss_read(u, "{'metadata': {'name': 'sd', 'namespace': 'ns',"
        " 'uid': 'u', 'generation': '5', 'resourceVersion': 7,"
        " 'deletionTimestamp': null, 'annotations': []},"
        " 'spec': {'replicas': -1, 'reserveGameServerIds': {},"
        "  'gameServerTemplate': {'metadata': [], 'spec': {'containers':"
        "  {'image': 'x'}}, 'volumeClaimTemplates': 'x'}, 'network': 7},"
        " 'status': []}", &gss), NGX_OK);

    is_int(u, gss.generation, 0);
    is_str(u, &gss.version, "");
    is_int(u, gss.deleting, 0);
    is_int(u, gss.has_annotations, 0);
    is_int(u, gss.replicas, 0);
    is_int(u, gss.reserve_bad, 1);
    is_int(u, gss.observed, -1);
    is_int(u, gss.current, -1);
    is_str(u, &gss.image, "");
    is_str(u, &gss.disk, "");
    is_str(u, &gss.misconfigured, "networkType is not Kubernetes-Ingress");

    is_int(u, gss_read(u, SET(", 'annotations': {'aigc-gateway.io/top': 5,"
        " 'game.kruise.io/reserve-ids': null, 'aigc-gateway.io/title': 7}",
        "'replicas': 99999999999,"
        "'gameServerTemplate': {'spec': {'containers': [null, 7]},"
        " 'volumeClaimTemplates': [7, {}, {'spec': 7}]}"), &gss), NGX_OK);

    is_int(u, gss.top, -1);
    is_int(u, gss.has_annotations, 1);
    is_int(u, gss.has_reserve_ids, 0);
    is_int(u, gss.replicas, 0);
    is_str(u, &gss.title, "");
    is_str(u, &gss.disk, "");

    /* an empty annotation is one */

    is_int(u, gss_read(u, SET(", 'annotations': {'aigc-gateway.io/top': '-1',"
        " 'game.kruise.io/reserve-ids': ''}", ""), &gss), NGX_OK);

    is_int(u, gss.top, -1);
    is_int(u, gss.has_reserve_ids, 1);
    is_str(u, &gss.reserve_ids, "");
}


#define CONTAINER(ports)                                                      \
    "'gameServerTemplate': {'spec': {'containers': [{'name': 'x'},"           \
    " {'name': 'y', 'ports': [" ports "]}]}}"


static void
gss_network(unit_t *u)
{
    ngx_uint_t      i;
    ngx_aigc_gss_t  gss;

    static const struct {
        const char  *text, *host;
        ngx_uint_t   port;
        const char  *why;
    } cases[] = {
        { SET("", GOOD), "i<id>.example.com", 80, "" },

        { SET("", NETWORK(PORT("80") "," HOST("'I<id>.Example.COM'"))),
          "i<id>.example.com", 80, "network Host \"I<id>.Example.COM\" has "
          "capitals: Kubernetes refuses such an Ingress" },

        /* the last Host counts, and the first Port is the first Path's */

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'1'") ","
                          HOST("'c<id>.d'"))),
          "c<id>.d", 1, "" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'1'") ","
                          PORT("'2'"))),
          "a<id>.b", 1, "network has several Ports or Paths: an instance has "
          "one" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'1'") ","
                          "{'name': 'Path', 'value': '/'},"
                          "{'name': 'Path', 'value': '/b'}")),
          "a<id>.b", 1, "network has several Ports or Paths: an instance has "
          "one" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'80'")) ","
                  CONTAINER("{'containerPort': 8080}")), "a<id>.b", 80,
          "network Port \"80\" is none of the containers' ports" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'80'")) ","
                  CONTAINER("{'containerPort': 8080}, 7, {},"
                            " {'containerPort': 80}")), "a<id>.b", 80, "" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'80'")) ","
                  CONTAINER("")), "a<id>.b", 80, "" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," HOST("'c.d'") ","
                          PORT("'1'"))),
          "", 1, "network Host \"c.d\" has no <id>" },

        { SET("", NETWORK(HOST("'x.example.com'") "," PORT("'80'"))),
          "", 80, "network Host \"x.example.com\" has no <id>" },

        { SET("", NETWORK(HOST("'<id>.<id>.com'") "," PORT("'80'"))),
          "", 80, "network Host \"<id>.<id>.com\" has more than one <id>: "
          "OKG expands only the first" },

        { SET("", NETWORK(HOST("'a b<id>\\n.c'") "," PORT("'80'"))),
          "", 80, "network Host \"a b<id> .c\" is not a DNS name" },

        { SET("", NETWORK(HOST("''") "," PORT("'80'"))),
          "", 80, "network Host \"\" is empty" },

        { SET("", NETWORK(PORT("'80'"))), "", 80, "network has no Host" },

        { SET("", NETWORK(HOST("7") "," PORT("'80'"))), "", 80,
          "network has no Host" },

        { SET("", NETWORK(HOST("'a<id>.b'"))), "a<id>.b", 0,
          "network has no Port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'http'"))), "a<id>.b",
          0, "network Port \"http\" is not a port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'80,443'"))), "a<id>.b",
          0, "network Port \"80,443\" is not a port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'0'"))), "a<id>.b",
          0, "network Port \"0\" is not a port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'65536'"))), "a<id>.b",
          0, "network Port \"65536\" is not a port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("'65535'"))), "a<id>.b",
          65535, "" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("-80"))), "a<id>.b",
          0, "network Port is not a port" },

        { SET("", NETWORK(HOST("'a<id>.b'") "," PORT("''"))), "a<id>.b",
          0, "network Port \"\" is not a port" },

        { SET("", NETWORK("7, null, {}, {'name': 7}, {'name': 'Host'}")), "",
          0, "network has no Host" },

        { SET("", "'network': {'networkType': 'Kubernetes-Ingress'}"), "",
          0, "network has no Host" },

        { SET("", "'network': {'networkType': 'Kubernetes-HostPort',"
                  " 'networkConf': [" HOST("'a<id>.b'") "]}"), "", 0,
          "networkType \"Kubernetes-HostPort\" is not Kubernetes-Ingress" },

        { SET("", ""), "", 0, "networkType is not Kubernetes-Ingress" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        if (!is_int(u, gss_read(u, cases[i].text, &gss), NGX_OK)
            || !is_str(u, &gss.host, cases[i].host)
            || !is_int(u, gss.port, cases[i].port)
            || !is_str(u, &gss.misconfigured, cases[i].why))
        {
            unit_note("%s", cases[i].text);
        }
    }
}


static void
gss_long_host(unit_t *u)
{
    u_char          buf[4096], *p;
    ngx_aigc_gss_t  gss;

    p = ngx_sprintf(buf, "{'metadata': {'name': 'sd', 'namespace': 'ns',"
                         " 'uid': 'u'}, 'spec': {'network': {'networkType':"
                         " 'Kubernetes-Ingress', 'networkConf': [{'name':"
                         " 'Host', 'value': '");
    ngx_memset(p, 'a', 2000);
    p += 2000;
    *ngx_sprintf(p, "<id>'}]}}}") = '\0';

    is_int(u, gss_read(u, (char *) buf, &gss), NGX_OK);
    is_int(u, gss.host.len, 0);
    ok(u, gss.misconfigured.len > 0
          && gss.misconfigured.len <= NGX_AIGC_WHY_MAX);

    p = gss.misconfigured.data + gss.misconfigured.len;
    ok(u, ngx_strncmp(p - 16, "...\" is too long", 16) == 0);
}


static void
gss_max(unit_t *u)
{
    u_char           text[512];
    ngx_uint_t       i;
    ngx_aigc_gss_t   gss;

    static const struct {
        const char  *value;
        ngx_uint_t   max;
        const char  *why;
    } cases[] = {
        { "'1'", 1, "" },
        { "'0'", 0, "" },
        { "'800'", 800, "" },
        { "'2500'", 2500, "" },
        { "'2501'", 0, "\"2501\" " },
        { "'99999999999999999999'", 0, "\"99999999999999999999\" " },
        { "'-1'", 0, "\"-1\" " },
        { "' 5'", 0, "\" 5\" " },
        { "'5 '", 0, "\"5 \" " },
        { "'1e2'", 0, "\"1e2\" " },
        { "'many'", 0, "\"many\" " },
        { "''", 0, "\"\" " },
        { "7", 0, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        *ngx_snprintf(text, sizeof(text) - 1,
                      SET(", 'annotations': {'aigc-gateway.io/max-instances':"
                          " %s}", NETWORK(HOST("'a<id>.b'") ","
                                          PORT("'80'"))),
                      cases[i].value)
            = 0;

        is_int(u, gss_read(u, (char *) text, &gss), NGX_OK);
        is_int(u, gss.max, cases[i].max);

        if (cases[i].max || i == 1) {
            is_str(u, &gss.misconfigured, "");
            continue;
        }

        *ngx_snprintf(text, sizeof(text) - 1, "aigc-gateway.io/max-instances "
                      "%sis not a number from 0 to 2500", cases[i].why) = 0;
        is_str(u, &gss.misconfigured, (char *) text);
    }

    is_int(u, gss_read(u, SET("", ""), &gss), NGX_OK);
    is_int(u, gss.max, NGX_AIGC_INSTANCES_DEFAULT);
}


/* disks are deleted with a template only where it says just that */

static void
gss_disks(unit_t *u)
{
    u_char           buf[512];
    ngx_uint_t       i;
    ngx_aigc_gss_t   gss;

    static const struct {
        const char  *annotations;
        ngx_uint_t   goes, bad;
    } cases[] = {
        { "null", 0, 0 },
        { "[]", 0, 0 },
        { "{}", 0, 0 },
        { "{'aigc-gateway.io/disks': 'retain'}", 0, 0 },
        { "{'aigc-gateway.io/disks': 'delete'}", 1, 0 },
        { "{'aigc-gateway.io/disks': 'Delete'}", 0, 1 },
        { "{'aigc-gateway.io/disks': 'delete '}", 0, 1 },
        { "{'aigc-gateway.io/disks': 'delet'}", 0, 1 },
        { "{'aigc-gateway.io/disks': ''}", 0, 1 },
        { "{'aigc-gateway.io/disks': null}", 0, 1 },
        { "{'aigc-gateway.io/disks': true}", 0, 1 },
        { "{'aigc-gateway.io/disks': ['delete']}", 0, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *ngx_sprintf(buf, "{'metadata': {'name': 'sd', 'namespace': 'n',"
                     " 'uid': 'u', 'annotations': %s}}",
                     cases[i].annotations) = '\0';

        is_int(u, ngx_aigc_gss_read(u->pool, unit_json(u, (char *) buf), &gss),
               NGX_OK);

        if (!is_int(u, gss.disks_delete, cases[i].goes)
            || !is_int(u, gss.disks_bad, cases[i].bad))
        {
            unit_note("%s", cases[i].annotations);
        }
    }
}


unit_test_t  gss_tests[] = {
    { "the five templates of the original's page", gss_seed_templates },
    { "a set in use", gss_in_use },
    { "what is none", gss_not_one },
    { "wrong types are as good as absent", gss_wrong_types },
    { "where instances are reached, or why not", gss_network },
    { "a long Host makes a short sentence", gss_long_host },
    { "how many instances there may be", gss_max },
    { "whether its disks go with it", gss_disks },
    { NULL, NULL }
};
