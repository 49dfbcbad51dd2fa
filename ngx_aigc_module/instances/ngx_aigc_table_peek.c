/*
 * instances/ngx_aigc_table_peek.c — reads one cache line or two of each slot,
 * where a copy is of all its texts.
 */

#include "ngx_aigc_table_peek.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"


uint32_t
ngx_aigc_peek_unowned(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_disk_slot_t  *d;

    d = ngx_aigc_disks(zone);

    for ( /* void */ ; slot < ngx_aigc_table(zone)->end_disks; slot++) {
        if (d[slot].used && !d[slot].deleting && d[slot].owner == 0) {
            break;
        }
    }

    return slot;
}


uint32_t
ngx_aigc_peek_unbound(ngx_aigc_zone_t *zone, uint32_t slot)
{
    uint32_t                 i;
    ngx_uint_t               any;
    ngx_aigc_template_t     *t;
    ngx_aigc_disk_slot_t    *d;
    ngx_aigc_record_slot_t  *r;

    t = ngx_aigc_templates(zone);
    r = ngx_aigc_records(zone);
    d = ngx_aigc_disks(zone);

    any = 0;

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates && !any; i++) {
        any = (t[i].used && t[i].disks_delete);
    }

    for ( /* void */ ; slot < ngx_aigc_table(zone)->end_disks; slot++) {

        /* where nothing is bound and nothing is to be, this is all */

        if (!d[slot].used || d[slot].deleting || (!any && !d[slot].ref_ours)) {
            continue;
        }

        i = r[d[slot].record].tmpl;

        if (i == NGX_AIGC_NONE || t[i].deleting) {
            continue;
        }

        if (t[i].disks_delete ? (d[slot].owner && !d[slot].ref_uid)
                              : (d[slot].ref_ours && d[slot].ref_uid))
        {
            break;
        }
    }

    return slot;
}


uint32_t
ngx_aigc_peek_stray(ngx_aigc_zone_t *zone, uint32_t slot, time_t now)
{
    ngx_aigc_disk_slot_t    *d;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);
    d = ngx_aigc_disks(zone);

    for ( /* void */ ; slot < ngx_aigc_table(zone)->end_disks; slot++) {

        if (!d[slot].used || d[slot].deleting || d[slot].owner
            || r[d[slot].record].state != NGX_AIGC_NO_STATE)
        {
            continue;
        }

        if (d[slot].stray
            || (d[slot].born
                && ngx_abs(now - d[slot].created) <= NGX_AIGC_STRAY_YOUNG))
        {
            break;
        }
    }

    return slot;
}


ngx_int_t
ngx_aigc_peek_record(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record)
{
    return (ngx_aigc_zone_is_writer(zone) == NGX_OK
            && ngx_aigc_table_record_at(zone, slot, record) == NGX_OK)
           ? NGX_OK : NGX_DECLINED;
}
