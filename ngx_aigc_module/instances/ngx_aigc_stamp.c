/*
 * instances/ngx_aigc_stamp.c — the annotation aigc-gateway.io/owner on a
 * PersistentVolumeClaim.
 */

#include "ngx_aigc_stamp.h"
#include "kube/ngx_aigc_task.h"

#include "ngx_aigc_table_peek.h"


static ngx_int_t ngx_aigc_stamp_some(ngx_aigc_zone_t *zone, uint32_t slot,
    uint32_t end, ngx_log_t *log);
static ngx_int_t ngx_aigc_stamp_disk(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_record_t *record, ngx_log_t *log);
static void ngx_aigc_stamp_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);


static ngx_aigc_zone_t  *ngx_aigc_stamp_zone;
static uint32_t          ngx_aigc_stamp_next;   /* slot, where a pass begins */


void
ngx_aigc_stamp(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t  start;

    ngx_aigc_stamp_zone = zone;

    /* round-robin, so that disks that always fail keep out no others */

    start = ngx_aigc_stamp_next;

    if (ngx_aigc_stamp_some(zone, start, ngx_aigc_table(zone)->end_disks, log)
        == NGX_OK)
    {
        (void) ngx_aigc_stamp_some(zone, 0, start, log);
    }
}


/* NGX_ERROR: no call can be made for now; the next pass begins there */
static ngx_int_t
ngx_aigc_stamp_some(ngx_aigc_zone_t *zone, uint32_t slot, uint32_t end,
    ngx_log_t *log)
{
    ngx_aigc_disk_t    disk;
    ngx_aigc_record_t  record;

    for ( /* void */ ; slot < end; slot++) {

        slot = ngx_aigc_peek_unowned(zone, slot);

        if (slot >= end) {
            break;
        }

        if (ngx_aigc_table_disk_at(zone, slot, &disk) != NGX_OK
            || disk.owner.len || disk.deleting)
        {
            continue;
        }

        /* the verdict says that this disk came with this owner's install */

        if (ngx_aigc_table_record_at(zone, disk.record, &record) != NGX_OK
            || record.disk != NGX_AIGC_DISK_NEW || record.owner.len == 0)
        {
            continue;
        }

        if (ngx_aigc_stamp_disk(slot, &disk, &record, log) == NGX_ERROR) {
            ngx_aigc_stamp_next = slot;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_stamp_disk(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_record_t *record, ngx_log_t *log)
{
    ngx_int_t         rc;
    ngx_str_t         patch, path, owner;
    ngx_pool_t       *pool;
    ngx_aigc_task_t   task;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_fixed_get(&record->owner, &owner);

    rc = ngx_aigc_stamp_patch(pool, disk, &owner, &path, &patch);

    if (rc == NGX_OK) {
        ngx_memzero(&task, sizeof(ngx_aigc_task_t));

        task.what = NGX_AIGC_TASK_STAMP;
        task.slot = slot;
        task.done = ngx_aigc_stamp_done;

        rc = ngx_aigc_task_patch(&task, &path, &patch);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_aigc_stamp_patch(ngx_pool_t *pool, ngx_aigc_disk_t *disk, ngx_str_t *owner,
    ngx_str_t *path, ngx_str_t *patch)
{
    ngx_aigc_pvc_t  pvc;

    ngx_memzero(&pvc, sizeof(ngx_aigc_pvc_t));

    ngx_aigc_fixed_get(&disk->ns, &pvc.ns);
    ngx_aigc_fixed_get(&disk->name, &pvc.name);
    ngx_aigc_fixed_get(&disk->uid, &pvc.uid);
    pvc.has_annotations = disk->has_annotations;

    path->data = ngx_pnalloc(pool, NGX_AIGC_PATH_MAX);
    if (path->data == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_kubernetes_pvc(path, &pvc.ns, &pvc.name);

    return ngx_aigc_pvc_stamp(pool, &pvc, owner, patch);
}


static void
ngx_aigc_stamp_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    /* moved: it is someone's already, or another disk of that name by now */

    if (f && ngx_aigc_kubernetes_written(f, "a disk's owner could not be "
                                            "recorded")
             == NGX_AIGC_WRITE_DONE)
    {
        ngx_aigc_count(ngx_aigc_stamp_zone, stamps);
        ngx_aigc_task_again();
    }
}
