/*
 * kube/ngx_aigc_kind.c — the table of kinds, and what a sweep drops.
 */

#include "ngx_aigc_kind.h"


const ngx_aigc_kind_t  *ngx_aigc_kinds;
ngx_uint_t              ngx_aigc_nkinds;


void
ngx_aigc_kinds_set(const ngx_aigc_kind_t *kinds)
{
    ngx_aigc_kinds = kinds;
    ngx_aigc_nkinds = 0;

    while (kinds[ngx_aigc_nkinds].name) {
        ngx_aigc_nkinds++;
    }
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
