/*
 * kube/ngx_aigc_kind.c — the table of kinds: what becomes of an object, and
 * what a sweep drops.
 */

#include "ngx_aigc_kind.h"


const ngx_aigc_kind_t  *ngx_aigc_kinds;
ngx_uint_t              ngx_aigc_nkinds;
ngx_uint_t              ngx_aigc_kinds_required;


void
ngx_aigc_kinds_set(const ngx_aigc_kind_t *kinds)
{
    ngx_aigc_kinds = kinds;
    ngx_aigc_nkinds = 0;
    ngx_aigc_kinds_required = 0;

    for ( /* void */ ; kinds[ngx_aigc_nkinds].name; ngx_aigc_nkinds++) {
        if (kinds[ngx_aigc_nkinds].flags & NGX_AIGC_KIND_REQUIRED) {
            ngx_aigc_kinds_required |= 1 << ngx_aigc_nkinds;
        }
    }
}


ngx_int_t
ngx_aigc_kind_apply(const ngx_aigc_kind_t *kind, ngx_aigc_zone_t *zone,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log)
{
    void        *value;
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(8192, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    value = ngx_palloc(pool, kind->size);
    rc = value ? kind->read(pool, object, value) : NGX_ERROR;

    if (rc == NGX_OK && !deleted) {
        rc = kind->put(zone, value, mark, log);

    } else if (rc == NGX_OK && kind->drop) {
        rc = kind->drop(zone, value);
    }

    ngx_destroy_pool(pool);

    if (rc == NGX_ERROR || ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED && ngx_aigc_kind_chosen(kind)) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: one of the %s was not taken into the table: its "
                      "names are too long, or the zone is full", kind->name);
    }

    return NGX_OK;
}


void
ngx_aigc_kind_sweep(const ngx_aigc_kind_t *kind, ngx_aigc_zone_t *zone,
    ngx_array_t *namespaces, ngx_str_t *ns, uint32_t mark)
{
    ngx_aigc_sweep_t  sweep = { namespaces, ns, mark };

    if (kind->sweep) {
        kind->sweep(zone, &sweep);
    }
}


ngx_uint_t
ngx_aigc_sweep_drops(ngx_aigc_sweep_t *sweep, u_char *ns, size_t len,
    uint32_t mark)
{
    ngx_str_t   *keep;
    ngx_uint_t   i;

    if (sweep->namespaces == NULL) {
        return mark != sweep->mark
               && (sweep->ns->len == 0
                   || (sweep->ns->len == len
                       && ngx_memcmp(sweep->ns->data, ns, len) == 0));
    }

    keep = sweep->namespaces->elts;

    for (i = 0; i < sweep->namespaces->nelts; i++) {
        if (keep[i].len == len && ngx_memcmp(keep[i].data, ns, len) == 0) {
            return 0;
        }
    }

    return 1;
}
