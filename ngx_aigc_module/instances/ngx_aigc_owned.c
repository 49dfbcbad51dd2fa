/*
 * instances/ngx_aigc_owned.c — the chain of an owner's records.
 */

#include "ngx_aigc_owned.h"
#include "ngx_aigc_index.h"


static ngx_int_t ngx_aigc_owned_chain(ngx_aigc_zone_t *zone, ngx_str_t *owner,
    ngx_array_t *slots);
static ngx_int_t ngx_aigc_owned_all(ngx_aigc_zone_t *zone, ngx_array_t *slots);
static ngx_int_t ngx_aigc_owned_add(ngx_array_t *slots, uint32_t slot);
static ngx_int_t ngx_libc_cdecl ngx_aigc_owned_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_aigc_owned(ngx_aigc_zone_t *zone, ngx_pool_t *pool, ngx_str_t *owner,
    ngx_array_t *slots)
{
    ngx_int_t  rc;

    if (ngx_array_init(slots, pool, 16, sizeof(uint32_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_lock(zone);

    /* the chains of a writer that died are mended by its successor */

    rc = ngx_aigc_table(zone)->writing ? ngx_aigc_owned_all(zone, slots)
                                       : ngx_aigc_owned_chain(zone, owner,
                                                              slots);

    ngx_aigc_unlock(zone);

    if (rc == NGX_OK) {
        ngx_sort(slots->elts, slots->nelts, sizeof(uint32_t),
                 ngx_aigc_owned_cmp);
    }

    return rc;
}


static ngx_int_t
ngx_aigc_owned_chain(ngx_aigc_zone_t *zone, ngx_str_t *owner,
    ngx_array_t *slots)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    for (i = *ngx_aigc_bucket(zone, NGX_AIGC_BY_OWNER,
                              ngx_aigc_hash_owner(owner));
         i < ngx_aigc_table(zone)->ninstances;
         i = r[i].next_owner)
    {
        if (ngx_aigc_slot_eq(zone, r[i].owner, owner)
            && ngx_aigc_owned_add(slots, i) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_owned_all(ngx_aigc_zone_t *zone, ngx_array_t *slots)
{
    uint32_t  i;

    for (i = 0; i < ngx_aigc_table(zone)->end_instances; i++) {
        if (ngx_aigc_owned_add(slots, i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_owned_add(ngx_array_t *slots, uint32_t slot)
{
    uint32_t  *place;

    place = ngx_array_push(slots);
    if (place == NULL) {
        return NGX_ERROR;
    }

    *place = slot;

    return NGX_OK;
}


static ngx_int_t ngx_libc_cdecl
ngx_aigc_owned_cmp(const void *one, const void *two)
{
    uint32_t  a, b;

    a = *(const uint32_t *) one;
    b = *(const uint32_t *) two;

    return (a > b) - (a < b);
}
