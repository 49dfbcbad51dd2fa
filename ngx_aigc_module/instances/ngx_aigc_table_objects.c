/*
 * instances/ngx_aigc_table_objects.c — GameServers and PersistentVolumeClaims
 * go into the table and out of it.  Pods, workloads and warnings are in
 * ngx_aigc_table_workload.c.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"


static void ngx_aigc_gs_put(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_gs_t *gs);
static void ngx_aigc_gs_clear(ngx_aigc_zone_t *zone, uint32_t slot);
static uint32_t ngx_aigc_disk_find(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name);
static uint32_t ngx_aigc_disk_new(ngx_aigc_zone_t *zone, ngx_aigc_pvc_t *pvc,
    uint32_t mark);
static size_t ngx_aigc_disk_need(ngx_aigc_pvc_t *pvc);
static void ngx_aigc_disk_lost(ngx_aigc_zone_t *zone, ngx_aigc_pvc_t *pvc,
    uint32_t mark);
static void ngx_aigc_disk_clear(ngx_aigc_zone_t *zone, uint32_t slot);


/* No free slot is below it, as this process knows, which alone writes. */
static uint32_t  ngx_aigc_disk_low;


ngx_int_t
ngx_aigc_table_put_gs(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
    ngx_log_t *log)
{
    uint32_t        slot;
    ngx_aigc_gs_t  *gs = value;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_record_get(zone, &gs->ns, &gs->gss, gs->id);

    if (slot == NGX_AIGC_NONE) {
        ngx_aigc_write_end(zone);
        ngx_aigc_table_full(zone, "GameServer", &gs->ns, &gs->name, log);
        return NGX_DECLINED;
    }

    if (mark) {
        ngx_aigc_records(zone)[slot].gs_mark = mark;
    }

    ngx_aigc_gs_put(zone, slot, gs);
    ngx_aigc_record_update(zone, slot);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


static void
ngx_aigc_gs_put(ngx_aigc_zone_t *zone, uint32_t slot, ngx_aigc_gs_t *gs)
{
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_seq_begin(&r->seq);

    r->gs = 1;
    r->gs_state = gs->state;
    r->network_ready = gs->network_ready;

    ngx_aigc_seq_end(&r->seq);
}


ngx_int_t
ngx_aigc_table_drop_gs(ngx_aigc_zone_t *zone, void *value)
{
    ngx_aigc_gs_t  *gs = value;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_aigc_write_drop(zone, ngx_aigc_record_find(zone, &gs->ns,
                                                          &gs->gss, gs->id),
                               ngx_aigc_gs_clear);
}


void
ngx_aigc_table_sweep_gs(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    r = ngx_aigc_records(zone);

    for (i = 0; i < ngx_aigc_table(zone)->end_instances; i++) {
        if (r[i].used && r[i].gs
            && ngx_aigc_swept(zone, sweep, r[i].ns, r[i].gs_mark))
        {
            ngx_aigc_gs_clear(zone, i);
        }
    }

    ngx_aigc_write_end(zone);
}


static void
ngx_aigc_gs_clear(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_seq_begin(&r->seq);

    r->gs = 0;
    r->gs_state = NGX_AIGC_GS_UNKNOWN;
    r->network_ready = 0;

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_record_update(zone, slot);
}


static uint32_t
ngx_aigc_disk_find(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name)
{
    uint32_t               i;
    ngx_aigc_disk_slot_t  *d;

    d = ngx_aigc_disks(zone);

    i = *ngx_aigc_bucket(zone, NGX_AIGC_BY_DISK, ngx_aigc_hash_disk(ns, name));

    for ( /* void */ ; i != NGX_AIGC_NONE; i = d[i].next_name) {
        if (ngx_aigc_slot_eq(zone, d[i].name, name)
            && ngx_aigc_slot_eq(zone, d[i].ns, ns))
        {
            break;
        }
    }

    return i;
}


ngx_int_t
ngx_aigc_table_put_pvc(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
    ngx_log_t *log)
{
    uint32_t               slot;
    ngx_aigc_pvc_t        *pvc = value;
    ngx_aigc_disk_slot_t  *d;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_disk_find(zone, &pvc->ns, &pvc->name);

    if (ngx_aigc_slot_room(zone, ngx_aigc_disk_need(pvc)) != NGX_OK) {

        if (slot != NGX_AIGC_NONE) {
            ngx_aigc_disk_clear(zone, slot);
            slot = NGX_AIGC_NONE;
        }

    } else if (slot == NGX_AIGC_NONE) {
        slot = ngx_aigc_disk_new(zone, pvc, mark);
    }

    if (slot == NGX_AIGC_NONE) {
        ngx_aigc_disk_lost(zone, pvc, mark);
        ngx_aigc_write_end(zone);
        ngx_aigc_table_full(zone, "PersistentVolumeClaim", &pvc->ns,
                            &pvc->name, log);
        return NGX_DECLINED;
    }

    d = &ngx_aigc_disks(zone)[slot];

    ngx_aigc_seq_begin(&d->seq);

    if (mark) {
        d->mark = mark;
    }

    if (!ngx_aigc_slot_eq(zone, d->uid, &pvc->uid)) {
        d->deleted = 0;                 /* another one of that name */
    }

    d->deleting = pvc->deleting;
    d->has_annotations = pvc->has_annotations;
    d->created = pvc->created;
    d->has_refs = pvc->ref.list;
    d->ref_ours = pvc->ref.ours;
    d->ref = (uint16_t) pvc->ref.index;
    (void) ngx_aigc_disk_set(zone, d, ref_uid, &pvc->ref.uid);
    (void) ngx_aigc_disk_set(zone, d, uid, &pvc->uid);
    (void) ngx_aigc_disk_set(zone, d, owner, &pvc->owner);
    (void) ngx_aigc_disk_set(zone, d, stray, &pvc->stray);
    (void) ngx_aigc_disk_set(zone, d, version, &pvc->version);

    ngx_aigc_seq_end(&d->seq);

    ngx_aigc_record_update(zone, d->record);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


/* Bytes of strings, those of a record with it. */
static size_t
ngx_aigc_disk_need(ngx_aigc_pvc_t *pvc)
{
    return 2 * ngx_aigc_string_need(pvc->ns.len)
           + ngx_aigc_string_need(pvc->name.len)
           + ngx_aigc_string_need(pvc->gss.len)
           + ngx_aigc_string_need(pvc->uid.len)
           + ngx_aigc_string_need(pvc->ref.uid.len)
           + ngx_aigc_string_need(pvc->owner.len)
           + ngx_aigc_string_need(pvc->stray.len)
           + ngx_aigc_string_need(pvc->version.len);
}


/* Whose a disk is that is not here, nobody can say: its record waits. */
static void
ngx_aigc_disk_lost(ngx_aigc_zone_t *zone, ngx_aigc_pvc_t *pvc, uint32_t mark)
{
    uint32_t                 slot;
    ngx_aigc_record_slot_t  *r;

    ngx_aigc_table(zone)->lost_disks = zone->epoch;

    slot = ngx_aigc_record_find(zone, &pvc->ns, &pvc->gss, pvc->id);
    if (slot == NGX_AIGC_NONE) {
        return;
    }

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_seq_begin(&r->seq);
    r->disk_lost = mark ? mark : (uint32_t) ngx_aigc_sync(zone)->mark;
    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_record_update(zone, slot);
}


static uint32_t
ngx_aigc_disk_new(ngx_aigc_zone_t *zone, ngx_aigc_pvc_t *pvc, uint32_t mark)
{
    uint32_t                 slot, record;
    ngx_aigc_disk_slot_t    *d;
    ngx_aigc_record_slot_t  *r;

    d = ngx_aigc_disks(zone);

    for (slot = ngx_aigc_disk_low;
         slot < ngx_aigc_table(zone)->ndisks;
         slot++)
    {
        if (!d[slot].used) {
            break;
        }
    }

    ngx_aigc_disk_low = slot;

    if (slot == ngx_aigc_table(zone)->ndisks
        || pvc->name.len > NGX_AIGC_PVC_MAX)
    {
        return NGX_AIGC_NONE;
    }

    ngx_aigc_table(zone)->end_disks =
        ngx_max(ngx_aigc_table(zone)->end_disks, slot + 1);

    record = ngx_aigc_record_get(zone, &pvc->ns, &pvc->gss, pvc->id);
    if (record == NGX_AIGC_NONE) {
        return NGX_AIGC_NONE;
    }

    d = &d[slot];
    r = &ngx_aigc_records(zone)[record];

    ngx_aigc_seq_begin(&d->seq);

    ngx_memzero((u_char *) d + sizeof(d->seq), sizeof(*d) - sizeof(d->seq));

    d->used = 1;
    d->record = record;
    d->born = (mark == 0);
    (void) ngx_aigc_disk_set(zone, d, ns, &pvc->ns);
    (void) ngx_aigc_disk_set(zone, d, name, &pvc->name);

    ngx_aigc_seq_end(&d->seq);

    ngx_aigc_table(zone)->used_disks++;

    ngx_aigc_link(zone,
                  ngx_aigc_bucket(zone, NGX_AIGC_BY_DISK,
                                  ngx_aigc_hash_disk(&pvc->ns, &pvc->name)),
                  slot, ngx_aigc_next_name);
    ngx_aigc_link(zone, &r->first_disk, slot, ngx_aigc_next_disk);

    return slot;
}


ngx_int_t
ngx_aigc_table_drop_pvc(ngx_aigc_zone_t *zone, void *value)
{
    ngx_aigc_pvc_t  *pvc = value;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_aigc_write_drop(zone, ngx_aigc_disk_find(zone, &pvc->ns,
                                                        &pvc->name),
                               ngx_aigc_disk_clear);
}


static void
ngx_aigc_disk_clear(ngx_aigc_zone_t *zone, uint32_t slot)
{
    uint32_t               record;
    ngx_str_t              ns, name;
    ngx_aigc_disk_slot_t  *d;

    d = &ngx_aigc_disks(zone)[slot];

    record = d->record;
    ngx_aigc_slot_get(zone, d->ns, &ns);
    ngx_aigc_slot_get(zone, d->name, &name);

    ngx_aigc_unlink(zone,
                    ngx_aigc_bucket(zone, NGX_AIGC_BY_DISK,
                                    ngx_aigc_hash_disk(&ns, &name)),
                    slot, ngx_aigc_next_name);
    ngx_aigc_unlink(zone, &ngx_aigc_records(zone)[record].first_disk, slot,
                    ngx_aigc_next_disk);

    ngx_aigc_seq_begin(&d->seq);
    d->used = 0;
    ngx_aigc_disk_clear_texts(zone, d);
    ngx_aigc_seq_end(&d->seq);

    ngx_aigc_table(zone)->used_disks--;
    ngx_aigc_disk_low = ngx_min(ngx_aigc_disk_low, slot);

    ngx_aigc_record_update(zone, record);
}


/* Disks that a former list had no room for are all here now. */
static void
ngx_aigc_disks_found(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    for (i = 0; i < ngx_aigc_table(zone)->end_instances; i++) {
        if (r[i].used && r[i].disk_lost
            && ngx_aigc_swept(zone, sweep, r[i].ns, r[i].disk_lost))
        {
            ngx_aigc_seq_begin(&r[i].seq);
            r[i].disk_lost = 0;
            ngx_aigc_seq_end(&r[i].seq);

            ngx_aigc_record_update(zone, i);
        }
    }
}


void
ngx_aigc_table_sweep_pvc(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t               i;
    ngx_aigc_disk_slot_t  *d;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    d = ngx_aigc_disks(zone);

    for (i = 0; i < ngx_aigc_table(zone)->end_disks; i++) {
        if (d[i].used && ngx_aigc_swept(zone, sweep, d[i].ns, d[i].mark)) {
            ngx_aigc_disk_clear(zone, i);
        }
    }

    ngx_aigc_disks_found(zone, sweep);

    ngx_aigc_write_end(zone);
}


void
ngx_aigc_table_pod_gone(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t seq, ngx_msec_t gone)
{
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    r = &ngx_aigc_records(zone)[slot];

    if (r->seq == seq) {
        ngx_aigc_seq_begin(&r->seq);
        r->pod_gone = gone;
        ngx_aigc_seq_end(&r->seq);
    }

    ngx_aigc_table(zone)->writing = 0;  /* nothing that others see */
    ngx_aigc_unlock(zone);
}


void
ngx_aigc_table_disk_deleted(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_msec_t when)
{
    ngx_aigc_disk_slot_t  *d;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    d = &ngx_aigc_disks(zone)[slot];

    if (d->used) {
        ngx_aigc_seq_begin(&d->seq);
        d->deleted = when;
        ngx_aigc_seq_end(&d->seq);
    }

    ngx_aigc_table(zone)->writing = 0;  /* nothing that others see */
    ngx_aigc_unlock(zone);
}
