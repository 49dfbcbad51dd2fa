/*
 * ngx_http_aigc_kinds.c — every kind of objects that is watched.  What goes by
 * kind, the watches, the sweep of the table, /metrics, the status for
 * administrators and aigc_describe, goes through this table.
 */

#include "ngx_http_aigc_directives.h"

#include "oidc/ngx_aigc_revocation_store.h"
#include "oidc/ngx_aigc_rotation_store.h"
#include "instances/ngx_aigc_table.h"


#define NGX_HTTP_AIGC_GAME  "/apis/game.kruise.io/v1alpha1"
#define NGX_HTTP_AIGC_ASTS  "/apis/apps.kruise.io/v1beta1"


static void ngx_http_aigc_revocations_listed(ngx_aigc_zone_t *zone,
    ngx_aigc_sweep_t *sweep);


/*
 * name, API and plural, label and field selector, objects a page, flags, what
 * is missed without it, metric and its help; size of a value, read, put, drop,
 * sweep, take, failed
 */
const ngx_aigc_kind_t  ngx_http_aigc_kinds[] = {

    /* a page of GameServerSets is short: each may be of a megabyte */

    { "GameServerSets", NGX_HTTP_AIGC_GAME, "gameserversets", NULL, NULL, 4,
      NGX_AIGC_KIND_REQUIRED, NULL, NULL, NULL,
      sizeof(ngx_aigc_gss_t), ngx_aigc_gss_read, ngx_aigc_table_put_gss,
      ngx_aigc_table_drop_gss, ngx_aigc_table_sweep_gss, NULL, NULL },

    { "GameServers", NGX_HTTP_AIGC_GAME, "gameservers", NGX_AIGC_LABEL_GSS,
      NULL, 100, NGX_AIGC_KIND_REQUIRED, NULL, NULL, NULL,
      sizeof(ngx_aigc_gs_t), ngx_aigc_gs_read, ngx_aigc_table_put_gs,
      ngx_aigc_table_drop_gs, ngx_aigc_table_sweep_gs, NULL, NULL },

    { "PersistentVolumeClaims", "/api/v1", "persistentvolumeclaims",
      NGX_AIGC_LABEL_GSS, NULL, 100, NGX_AIGC_KIND_REQUIRED, NULL, NULL, NULL,
      sizeof(ngx_aigc_pvc_t), ngx_aigc_pvc_read, ngx_aigc_table_put_pvc,
      ngx_aigc_table_drop_pvc, ngx_aigc_table_sweep_pvc, NULL, NULL },

    { "Pods", "/api/v1", "pods", NGX_AIGC_LABEL_GSS, NULL, 100,
      NGX_AIGC_KIND_REQUIRED, NULL, NULL, NULL,
      sizeof(ngx_aigc_pod_t), ngx_aigc_pod_read, ngx_aigc_table_put_pod,
      ngx_aigc_table_drop_pod, ngx_aigc_table_sweep_pod, NULL, NULL },

    /* they have no label of OpenKruiseGame's */

    { "StatefulSets", NGX_HTTP_AIGC_ASTS, "statefulsets", "", NULL, 100, 0,
      "updates", "workloads_synced",
      "1 when the Advanced StatefulSets are listed.",
      sizeof(ngx_aigc_workload_t), ngx_aigc_workload_read,
      ngx_aigc_table_put_workload, ngx_aigc_table_drop_workload,
      ngx_aigc_table_sweep_workload, NULL, NULL },

    /* the warnings of others; one that has expired says nothing new */

    { "Events", "/api/v1", "events", NULL, "type=Warning,source!=aigc-gateway",
      100, NGX_AIGC_KIND_QUIET, "warnings", "warnings_synced",
      "1 when the cluster's warnings (Events) are listed.",
      sizeof(ngx_aigc_warning_t), ngx_aigc_warning_read,
      ngx_aigc_table_put_warning, NULL, NULL, NULL, NULL },

    /* one object, up to a megabyte: entries, most of them of other gateways */

    { "ConfigMaps", "/api/v1", "configmaps", NULL,
      "metadata.name=" NGX_AIGC_REVOCATION_NAME, 1,
      NGX_AIGC_KIND_OWN|NGX_AIGC_KIND_AGE, NULL, "revocations_age_seconds",
      "Seconds since the revocations' ConfigMap was last heard of.",
      0, NULL, NULL, NULL, ngx_http_aigc_revocations_listed,
      ngx_aigc_revocation_take, ngx_aigc_revocation_failed },

    /* likewise; without it a gateway knows its own refresh tokens */

    { "Secrets", "/api/v1", "secrets", NULL,
      "metadata.name=" NGX_AIGC_ROTATION_NAME, 1, NGX_AIGC_KIND_OWN, NULL,
      NULL, NULL, 0, NULL, NULL, NULL, NULL,
      ngx_aigc_rotation_take, ngx_aigc_rotation_failed },

    { NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 0, NULL, NULL,
      NULL, NULL, NULL, NULL }
};


static void
ngx_http_aigc_revocations_listed(ngx_aigc_zone_t *zone,
    ngx_aigc_sweep_t *sweep)
{
    if (sweep->namespaces == NULL) {
        ngx_aigc_revocation_listed(zone, sweep->mark);
    }
}
