/*
 * zone/ngx_aigc_look.c — a glance at each slot: one cache line or two, where a
 * copy is one or two kilobytes.
 */

#include "ngx_aigc_look.h"
#include "ngx_aigc_record.h"


uint32_t
ngx_aigc_look_disk(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_disk_t  *d;

    d = ngx_aigc_disks(zone);

    for ( /* void */ ; slot < zone->shm->end_disks; slot++) {
        if (d[slot].used && !d[slot].deleting && d[slot].owner.len == 0) {
            break;
        }
    }

    return slot;
}


ngx_aigc_record_t *
ngx_aigc_look_record(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_record_t  *r;

    if (slot >= zone->shm->end_instances
        || ngx_aigc_zone_is_writer(zone) != NGX_OK)
    {
        return NULL;
    }

    r = &ngx_aigc_records(zone)[slot];

    return r->used ? r : NULL;
}
