/*
 * instances/ngx_aigc_apply.c — which reader and which table call an object needs.
 */

#include "ngx_aigc_apply.h"


static ngx_int_t ngx_aigc_apply_gss(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log);
static ngx_int_t ngx_aigc_apply_gs(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log);
static ngx_int_t ngx_aigc_apply_pvc(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log);
static ngx_int_t ngx_aigc_apply_pod(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log);
static ngx_int_t ngx_aigc_apply_workload(ngx_aigc_zone_t *zone,
    ngx_pool_t *pool, json_t *object, ngx_uint_t deleted, uint32_t mark);
static ngx_int_t ngx_aigc_apply_warning(ngx_aigc_zone_t *zone,
    ngx_pool_t *pool, json_t *object, ngx_uint_t deleted);


ngx_int_t
ngx_aigc_apply(ngx_aigc_zone_t *zone, ngx_aigc_kind_e kind, json_t *object,
    ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(8192, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    switch (kind) {

    case NGX_AIGC_KIND_GSS:
        rc = ngx_aigc_apply_gss(zone, pool, object, deleted, mark, log);
        break;

    case NGX_AIGC_KIND_GS:
        rc = ngx_aigc_apply_gs(zone, pool, object, deleted, mark, log);
        break;

    case NGX_AIGC_KIND_PVC:
        rc = ngx_aigc_apply_pvc(zone, pool, object, deleted, mark, log);
        break;

    case NGX_AIGC_KIND_POD:
        rc = ngx_aigc_apply_pod(zone, pool, object, deleted, mark, log);
        break;

    case NGX_AIGC_KIND_WORKLOAD:
        rc = ngx_aigc_apply_workload(zone, pool, object, deleted, mark);
        break;

    default: /* NGX_AIGC_KIND_WARNING */
        rc = ngx_aigc_apply_warning(zone, pool, object, deleted);
        break;
    }

    ngx_destroy_pool(pool);

    if (rc == NGX_DECLINED && kind == NGX_AIGC_KIND_GSS
        && ngx_aigc_zone_is_writer(zone) == NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: a GameServerSet was not taken into the table: "
                      "its names are too long, or the zone is full");
    }

    if (rc == NGX_ERROR || ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_apply_gss(ngx_aigc_zone_t *zone, ngx_pool_t *pool, json_t *object,
    ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t       rc;
    ngx_aigc_gss_t  gss;

    rc = ngx_aigc_gss_read(pool, object, &gss);
    if (rc != NGX_OK) {
        return rc;
    }

    return deleted ? ngx_aigc_table_drop_gss(zone, &gss.ns, &gss.name)
                   : ngx_aigc_table_put_gss(zone, &gss, mark, log);
}


static ngx_int_t
ngx_aigc_apply_gs(ngx_aigc_zone_t *zone, ngx_pool_t *pool, json_t *object,
    ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t      rc;
    ngx_aigc_gs_t  gs;

    rc = ngx_aigc_gs_read(pool, object, &gs);
    if (rc != NGX_OK) {
        return rc;
    }

    return deleted ? ngx_aigc_table_drop_gs(zone, &gs)
                   : ngx_aigc_table_put_gs(zone, &gs, mark, log);
}


static ngx_int_t
ngx_aigc_apply_pvc(ngx_aigc_zone_t *zone, ngx_pool_t *pool, json_t *object,
    ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t       rc;
    ngx_aigc_pvc_t  pvc;

    rc = ngx_aigc_pvc_read(pool, object, &pvc);
    if (rc != NGX_OK) {
        return rc;
    }

    return deleted ? ngx_aigc_table_drop_pvc(zone, &pvc.ns, &pvc.name)
                   : ngx_aigc_table_put_pvc(zone, &pvc, mark, log);
}


static ngx_int_t
ngx_aigc_apply_pod(ngx_aigc_zone_t *zone, ngx_pool_t *pool, json_t *object,
    ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t       rc;
    ngx_aigc_pod_t  pod;

    rc = ngx_aigc_pod_read(pool, object, &pod);
    if (rc != NGX_OK) {
        return rc;
    }

    return deleted ? ngx_aigc_table_drop_pod(zone, &pod)
                   : ngx_aigc_table_put_pod(zone, &pod, mark, log);
}


static ngx_int_t
ngx_aigc_apply_workload(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted, uint32_t mark)
{
    ngx_int_t            rc;
    ngx_aigc_workload_t  workload;

    rc = ngx_aigc_workload_read(pool, object, &workload);
    if (rc != NGX_OK) {
        return rc;
    }

    return deleted ? ngx_aigc_table_drop_workload(zone, &workload)
                   : ngx_aigc_table_put_workload(zone, &workload, mark);
}


/* An event that has expired says nothing new. */
static ngx_int_t
ngx_aigc_apply_warning(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    json_t *object, ngx_uint_t deleted)
{
    ngx_int_t           rc;
    ngx_aigc_warning_t  warning;

    if (deleted) {
        return NGX_OK;
    }

    rc = ngx_aigc_warning_read(pool, object, &warning);

    return (rc == NGX_OK) ? ngx_aigc_table_put_warning(zone, &warning) : rc;
}
