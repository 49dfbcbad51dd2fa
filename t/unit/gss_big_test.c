/* instances/ngx_aigc_gss.h: many instances, and objects that nobody meant. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_ids.h"


#define UID  "52d8cbba-0a87-40a3-9436-ff602273be6d"

#define SET                                                                   \
    "{'apiVersion': 'game.kruise.io/v1alpha1', 'kind': 'GameServerSet',"      \
    " 'metadata': {'name': 'sd', 'namespace': 'default', 'generation': 1,"    \
    "  'resourceVersion': '201', 'uid': '" UID "'},"                          \
    " 'spec': {'replicas': 0, 'reserveGameServerIds': [1, '3-4'],"            \
    "  'gameServerTemplate': {'metadata': {'labels':"                         \
    "    {'alibabacloud.com/eci': 'true'}, 'annotations':"                    \
    "    {'k8s.aliyun.com/eci-use-specs': 'ecs.x'}},"                         \
    "   'spec': {'containers': [{'image': 'sd:v1', 'resources': {'limits':"   \
    "    {'nvidia.com/gpu': 1, 'cpu': '2', 'memory': '4Gi'}}}]},"             \
    "   'volumeClaimTemplates': [{'spec': {'resources': {'requests':"         \
    "    {'storage': '50Gi'}}}}]},"                                           \
    "  'network': {'networkType': 'Kubernetes-Ingress', 'networkConf': ["     \
    "    {'name': 'Port', 'value': '7860'},"                                  \
    "    {'name': 'Host', 'value': 'instances<id>-cpu.example.com'}]}},"      \
    " 'status': {'observedGeneration': 1, 'currentReplicas': 0}}"


/* a set with n instance annotations; text is malloc'ed */

static char *
big_big(unit_t *u, ngx_uint_t n)
{
    char         key[64], value[NGX_AIGC_ANNOTATION_MAX], *text;
    json_t      *object, *annotations;
    ngx_uint_t   i;

    object = unit_json(u, SET);
    annotations = json_object();

    ok(u, json_object_set_new(json_object_get(object, "metadata"),
                              "annotations", annotations) == 0);

    for (i = 0; i < n; i++) {
        (void) snprintf(key, sizeof(key), NGX_AIGC_ANNOTATION "%d", (int) i);
        (void) snprintf(value, sizeof(value),
                        "{\"owner\":\"user%08d\",\"state\":\"running\","
                        "\"since\":\"2026-01-02T03:04:05Z\","
                        "\"gss\":\"" UID "\"}", (int) i);

        if (json_object_set_new(annotations, key, json_string(value)) != 0) {
            abort();
        }
    }

    text = json_dumps(object, JSON_COMPACT);

    if (text == NULL) {
        abort();
    }

    return text;
}


static void
big_bounded(unit_t *u)
{
    char              *text;
    json_t            *object;
    ngx_uint_t         i;
    ngx_aigc_gss_t     gss;
    ngx_aigc_claim_t  *claim;

    text = big_big(u, NGX_AIGC_CLAIMS_READ + 1);
    object = json_loads(text, 0, NULL);
    free(text);

    is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);

    is_int(u, gss.claims.nelts, NGX_AIGC_CLAIMS_READ);
    is_str(u, &gss.misconfigured, "metadata has too many instance "
                                  "annotations");

    /* of two reasons the first is shown */

    ok(u, json_object_del(json_object_get(object, "spec"), "network") == 0);

    is_int(u, ngx_aigc_gss_read(u->pool, object, &gss), NGX_OK);
    is_str(u, &gss.misconfigured, "networkType is not Kubernetes-Ingress");

    json_decref(object);

    claim = gss.claims.elts;

    for (i = 1; i < gss.claims.nelts; i++) {
        if (!ok(u, claim[i - 1].id < claim[i].id)) {
            return;
        }
    }
}


static void
big_costs(unit_t *u)
{
    char            *text;
    size_t           len;
    double           usec, parse, read;
    json_t          *object;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    ngx_aigc_gss_t   gss;

    text = big_big(u, 500);
    len = strlen(text);

    parse = 1e9;
    read = 1e9;

    for (i = 0; i < 20; i++) {
        pool = ngx_create_pool(16384, u->log);

        usec = unit_usec();
        object = json_loadb(text, len, 0, NULL);
        parse = ngx_min(parse, unit_usec() - usec);

        usec = unit_usec();
        is_int(u, ngx_aigc_gss_read(pool, object, &gss), NGX_OK);
        read = ngx_min(read, unit_usec() - usec);

        is_int(u, gss.claims.nelts, 500);

        json_decref(object);
        ngx_destroy_pool(pool);
    }

    unit_note("500 instances, %d bytes: parsed in %.0f us, read in %.0f us",
              (int) len, parse, read);

    free(text);
}


/*
 * Trees made of a good set with random values in random places: no crash, and
 * what comes out keeps its bounds.
 */

static void
big_mutate(json_t *node, uint32_t *seed)
{
    void        *iter;
    json_t      *value;
    ngx_uint_t   n;

    static const char  *texts[] = {
        "", "x", "<id>", "99999", "-1", "\x01", "Kubernetes-Ingress", "7860",
        "5-7", "100000000000000000000", "a<id>.b"
    };

    iter = json_object_iter(node);

    for (n = unit_random(seed, json_object_size(node) + 1); n; n--) {
        iter = json_object_iter_next(node, iter);
    }

    if (iter == NULL) {

        if (json_array_size(node) && unit_random(seed, 4)) {
            big_mutate(json_array_get(node, unit_random(seed,
                                                json_array_size(node))),
                       seed);
        }

        return;
    }

    value = json_object_iter_value(iter);

    if ((json_is_object(value) || json_is_array(value))
        && unit_random(seed, 8))
    {
        big_mutate(value, seed);
        return;
    }

    switch (unit_random(seed, 6)) {
    case 0:
        value = json_null();
        break;
    case 1:
        value = json_integer((int) unit_random(seed, 200000) - 100000);
        break;
    case 2:
        value = json_array();
        break;
    case 3:
        value = json_object();
        break;
    case 4:
        value = json_real(0.5);
        break;
    default:
        value = json_string(texts[unit_random(seed, sizeof(texts)
                                                    / sizeof(texts[0]))]);
        break;
    }

    if (json_object_iter_set_new(node, iter, value) != 0) {
        abort();
    }
}


static void
big_random(unit_t *u)
{
    char            *text;
    json_t          *good, *object;
    uint32_t         seed;
    ngx_int_t        rc;
    ngx_uint_t       i, n, whole;
    ngx_aigc_gss_t   gss;

    seed = 31337;
    whole = 0;

    text = big_big(u, 5);
    good = json_loads(text, 0, NULL);
    free(text);

    for (i = 0; i < 3000; i++) {
        object = json_deep_copy(good);

        for (n = 1 + unit_random(&seed, 4); n; n--) {
            big_mutate(object, &seed);
        }

        rc = ngx_aigc_gss_read(u->pool, object, &gss);
        json_decref(object);

        ok(u, rc == NGX_OK || rc == NGX_DECLINED);

        if (rc != NGX_OK) {
            continue;
        }

        whole += (gss.misconfigured.len == 0);

        ok(u, gss.uid.len && gss.name.len && gss.ns.len);
        ok(u, gss.misconfigured.len <= NGX_AIGC_WHY_MAX);
        ok(u, gss.misconfigured.len || (gss.host.len && gss.port));
        ok(u, gss.top >= -1 && gss.top <= NGX_AIGC_ID_MAX);
        ok(u, gss.replicas >= 0);
        ok(u, gss.claims.nelts <= 5);
    }

    json_decref(good);

    ok(u, whole > 300 && whole < 2900);
}


unit_test_t  gss_big_tests[] = {
    { "too many annotations", big_bounded },
    { "random objects", big_random },
    { "costs", big_costs },
    { NULL, NULL }
};
