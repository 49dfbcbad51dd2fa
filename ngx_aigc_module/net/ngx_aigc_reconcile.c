/*
 * net/ngx_aigc_reconcile.c — level-triggered: a pass looks at the table, not at
 * what has changed in it, so a step that failed is taken again by the next.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_event.h"


typedef struct {
    uint32_t           tmpl;
    ngx_atomic_uint_t  lock;
    int64_t            generation;
    uint32_t           disk;
} ngx_aigc_repair_t;


static void ngx_aigc_reconcile_pass(ngx_event_t *ev);
static void ngx_aigc_reconcile_templates(void);
static ngx_int_t ngx_aigc_reconcile_repair(uint32_t slot,
    ngx_aigc_template_t *tmpl);
static void ngx_aigc_reconcile_repaired(ngx_aigc_fetch_t *f);
static void ngx_aigc_reconcile_disks(void);
static void ngx_aigc_reconcile_tell(void);
static ngx_int_t ngx_aigc_reconcile_stamp(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_record_t *record);
static void ngx_aigc_reconcile_stamped(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_reconcile_send(ngx_str_t *path, ngx_str_t *patch,
    ngx_aigc_repair_t *repair, ngx_aigc_fetch_done_pt done);


static ngx_aigc_kubernetes_t  *ngx_aigc_reconcile_k8s;
static ngx_aigc_zone_t        *ngx_aigc_reconcile_zone;
static ngx_log_t              *ngx_aigc_reconcile_log;
static ngx_event_t             ngx_aigc_reconcile_event;
static ngx_connection_t        ngx_aigc_reconcile_connection;

/* calls under way: fetches to cancel, disks not to stamp twice */
static ngx_aigc_fetch_t       *ngx_aigc_calls[NGX_AIGC_RECONCILE_CALLS];
static uint32_t                ngx_aigc_call_disk[NGX_AIGC_RECONCILE_CALLS];


ngx_int_t
ngx_aigc_reconcile_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone)
{
    ngx_event_t  *ev;

    ngx_aigc_reconcile_k8s = k8s;
    ngx_aigc_reconcile_zone = zone;
    ngx_aigc_reconcile_log = cycle->log;
    ngx_aigc_reconcile_connection.fd = (ngx_socket_t) -1;

    ev = &ngx_aigc_reconcile_event;
    ngx_memzero(ev, sizeof(ngx_event_t));
    ev->handler = ngx_aigc_reconcile_pass;
    ev->data = &ngx_aigc_reconcile_connection;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_AIGC_RECONCILE_EVERY);

    return NGX_OK;
}


void
ngx_aigc_reconcile_stop(void)
{
    ngx_uint_t          i;
    ngx_aigc_repair_t  *repair;

    if (ngx_aigc_reconcile_event.timer_set) {
        ngx_del_timer(&ngx_aigc_reconcile_event);
    }

    for (i = 0; i < NGX_AIGC_RECONCILE_CALLS; i++) {
        if (ngx_aigc_calls[i] == NULL) {
            continue;
        }

        repair = ngx_aigc_calls[i]->ctx;

        if (repair->tmpl != NGX_AIGC_NONE) {
            /* how it ended will be seen in the table */

            ngx_aigc_queue_unlock(ngx_aigc_reconcile_zone, repair->tmpl,
                                  repair->lock, 1000, 0);
        }

        ngx_aigc_fetch_cancel(ngx_aigc_calls[i]);
        ngx_aigc_calls[i] = NULL;
    }
}


void
ngx_aigc_reconcile_kick(void *data)
{
    ngx_msec_int_t  left;
    ngx_event_t    *ev;

    ev = &ngx_aigc_reconcile_event;

    if (ev->timer_set) {
        left = (ngx_msec_int_t) (ev->timer.key - ngx_current_msec);

        if (left <= NGX_AIGC_RECONCILE_SOON) {
            return;
        }

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, NGX_AIGC_RECONCILE_SOON);
}


static void
ngx_aigc_reconcile_pass(ngx_event_t *ev)
{
    if (ngx_aigc_zone_is_writer(ngx_aigc_reconcile_zone) != NGX_OK) {
        ngx_aigc_reconcile_stop();
        return;
    }

    /* a half-known cluster is nothing to act upon */

    if (ngx_aigc_zone_synced(ngx_aigc_reconcile_zone) == NGX_OK
        && !ngx_aigc_reconcile_zone->shm->holes)
    {
        ngx_aigc_reconcile_templates();
        ngx_aigc_reconcile_disks();
        ngx_aigc_reconcile_tell();
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_AIGC_RECONCILE_EVERY);
    }
}


static void
ngx_aigc_reconcile_templates(void)
{
    uint32_t             slot;
    ngx_int_t            rc;
    ngx_aigc_template_t  tmpl;

    for (slot = 0; ; slot++) {

        rc = ngx_aigc_table_template_at(ngx_aigc_reconcile_zone, slot, &tmpl);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK || tmpl.agrees || tmpl.deleting || !tmpl.written
            || ngx_aigc_plan_settled(&tmpl) != NGX_OK)
        {
            continue;
        }

        if (ngx_aigc_reconcile_repair(slot, &tmpl) != NGX_OK) {
            return;
        }
    }
}


/* NGX_ERROR: no more calls for now */
static ngx_int_t
ngx_aigc_reconcile_repair(uint32_t slot, ngx_aigc_template_t *tmpl)
{
    u_char              buf[256];
    ngx_int_t           rc;
    ngx_str_t           patch, path, ns, name;
    ngx_pool_t         *pool;
    ngx_aigc_repair_t   repair;

    repair.tmpl = slot;
    repair.disk = NGX_AIGC_NONE;
    repair.generation = 0;

    repair.lock = ngx_aigc_queue_lock(ngx_aigc_reconcile_zone, slot,
                                      NGX_AIGC_RECONCILE_TIME + 1000);
    if (repair.lock == 0) {
        return NGX_OK;                  /* a user's write mends it, too */
    }

    pool = ngx_create_pool(16384, ngx_aigc_reconcile_log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_plan(ngx_aigc_reconcile_zone, pool, slot, NULL, 0, 0, &patch,
                       &repair.generation);

    if (rc != NGX_OK || patch.len == 0) {
        ngx_destroy_pool(pool);
        ngx_aigc_queue_unlock(ngx_aigc_reconcile_zone, slot, repair.lock, 0,
                              0);
        return NGX_OK;
    }

    ngx_aigc_fixed_get(&tmpl->ns, &ns);
    ngx_aigc_fixed_get(&tmpl->name, &name);

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            NGX_AIGC_GSS_API "%V/gameserversets/%V",
                            &ns, &name)
               - buf;

    ngx_log_error(NGX_LOG_WARN, ngx_aigc_reconcile_log, 0,
                  "aigc: template %V/%V is not what its annotations say "
                  "(replicas %d, running %d): repairing it",
                  &ns, &name, tmpl->replicas, (int) tmpl->nrunning);

    (void) ngx_aigc_event(ngx_aigc_reconcile_k8s, tmpl, -1, "Repaired",
                          "replicas or reserveGameServerIds were not what the "
                          "instances' annotations say: both are written anew",
                          ngx_aigc_reconcile_log);

    ngx_aigc_count(ngx_aigc_reconcile_zone, repairs);

    rc = ngx_aigc_reconcile_send(&path, &patch, &repair,
                                 ngx_aigc_reconcile_repaired);

    ngx_destroy_pool(pool);

    if (rc != NGX_OK) {
        ngx_aigc_queue_unlock(ngx_aigc_reconcile_zone, slot, repair.lock, 0,
                              0);
    }

    return rc;
}


static void
ngx_aigc_reconcile_ended(ngx_aigc_fetch_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_AIGC_RECONCILE_CALLS; i++) {
        if (ngx_aigc_calls[i] == f) {
            ngx_aigc_calls[i] = NULL;
        }
    }
}


static void
ngx_aigc_reconcile_repaired(ngx_aigc_fetch_t *f)
{
    ngx_aigc_repair_t  *repair;

    repair = f->ctx;

    ngx_aigc_reconcile_ended(f);

    if (f->status == 200) {
        ngx_aigc_queue_unlock(ngx_aigc_reconcile_zone, repair->tmpl,
                              repair->lock, NGX_AIGC_LOCK_SHOWN,
                              repair->generation);
        ngx_aigc_reconcile_kick(NULL);
        return;
    }

    ngx_aigc_count(ngx_aigc_reconcile_zone, patches_failed);

    ngx_log_error(NGX_LOG_WARN, f->log, 0,
                  "aigc: a repair was not taken: status %ui%s%s",
                  f->status, f->error ? ", " : "", f->error ? f->error : "");

    /* users may write at once, we try again with the next pass */

    ngx_aigc_queue_unlock(ngx_aigc_reconcile_zone, repair->tmpl, repair->lock,
                          0, 0);
}


static void
ngx_aigc_reconcile_disks(void)
{
    uint32_t           slot;
    ngx_int_t          rc;
    ngx_aigc_disk_t    disk;
    ngx_aigc_record_t  record;

    for (slot = 0; ; slot++) {

        rc = ngx_aigc_table_disk_at(ngx_aigc_reconcile_zone, slot, &disk);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK || disk.owner.len || disk.deleting) {
            continue;
        }

        rc = ngx_aigc_table_record_at(ngx_aigc_reconcile_zone, disk.record,
                                      &record);

        /* the verdict says that this disk came with this owner's install */

        if (rc != NGX_OK || record.disk != NGX_AIGC_DISK_NEW
            || record.owner.len == 0)
        {
            continue;
        }

        if (ngx_aigc_reconcile_stamp(slot, &disk, &record) != NGX_OK) {
            return;
        }
    }
}


static ngx_int_t
ngx_aigc_reconcile_stamp(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_record_t *record)
{
    u_char              buf[512];
    ngx_int_t           rc;
    ngx_str_t           patch, path, owner;
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    ngx_aigc_pvc_t      pvc;
    ngx_aigc_repair_t   repair;

    for (i = 0; i < NGX_AIGC_RECONCILE_CALLS; i++) {
        if (ngx_aigc_calls[i] && ngx_aigc_call_disk[i] == slot) {
            return NGX_OK;
        }
    }

    ngx_memzero(&pvc, sizeof(ngx_aigc_pvc_t));

    ngx_aigc_fixed_get(&disk->ns, &pvc.ns);
    ngx_aigc_fixed_get(&disk->name, &pvc.name);
    ngx_aigc_fixed_get(&disk->uid, &pvc.uid);
    pvc.has_annotations = disk->has_annotations;

    ngx_aigc_fixed_get(&record->owner, &owner);

    pool = ngx_create_pool(4096, ngx_aigc_reconcile_log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_pvc_stamp(pool, &pvc, &owner, &patch);

    if (rc == NGX_OK) {
        path.data = buf;
        path.len = ngx_snprintf(buf, sizeof(buf), "/api/v1/namespaces/%V/"
                                "persistentvolumeclaims/%V",
                                &pvc.ns, &pvc.name)
                   - buf;

        repair.tmpl = NGX_AIGC_NONE;
        repair.disk = slot;

        rc = ngx_aigc_reconcile_send(&path, &patch, &repair,
                                     ngx_aigc_reconcile_stamped);
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
ngx_aigc_reconcile_stamped(ngx_aigc_fetch_t *f)
{
    ngx_aigc_reconcile_ended(f);

    if (f->status == 200) {
        ngx_aigc_count(ngx_aigc_reconcile_zone, stamps);
        ngx_aigc_reconcile_kick(NULL);
        return;
    }

    /* 422: it is someone's already, or another disk of that name by now */

    ngx_log_error((f->status == 422 ? NGX_LOG_NOTICE : NGX_LOG_WARN), f->log, 0,
                  "aigc: a disk's owner could not be recorded: status %ui%s%s",
                  f->status, f->error ? ", " : "", f->error ? f->error : "");
}


/* Events on what no repair can decide: once, until it is over. */
static void
ngx_aigc_reconcile_tell(void)
{
    uint32_t              slot;
    ngx_int_t             rc;
    ngx_uint_t            i, tell, news;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    static struct {
        ngx_uint_t        bit;
        const char       *reason;
        const char       *message;
    } words[] = {
        { NGX_AIGC_TELL_COLLISION, "HostCollision",
          "another instance claims the same host name: both are refused until "
          "one of the templates gets another Host" },
        { NGX_AIGC_TELL_DISK, "ForeignDisk",
          "a PersistentVolumeClaim of this id is not recorded as its owner's: "
          "access is refused" },
        { NGX_AIGC_TELL_UNREADABLE, "UnreadableAnnotation",
          "its annotation cannot be read: the id is reserved and nobody's" },
    };

    for (slot = 0; ; slot++) {

        rc = ngx_aigc_table_record_at(ngx_aigc_reconcile_zone, slot, &record);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK) {
            continue;
        }

        tell = ngx_aigc_table_tell(&record);

        if (tell == record.told || record.tmpl == NGX_AIGC_NONE
            || ngx_aigc_table_template_at(ngx_aigc_reconcile_zone, record.tmpl,
                                          &tmpl) != NGX_OK)
        {
            continue;
        }

        news = tell & ~record.told;

        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if ((news & words[i].bit)
                && ngx_aigc_event(ngx_aigc_reconcile_k8s, &tmpl, record.id,
                                  words[i].reason, words[i].message,
                                  ngx_aigc_reconcile_log)
                   != NGX_OK)
            {
                tell &= ~words[i].bit;  /* with the next pass */
            }
        }

        if (tell != record.told) {
            ngx_aigc_table_told(ngx_aigc_reconcile_zone, slot, tell);
        }
    }
}


/* NGX_ERROR: no free call, or no memory */
static ngx_int_t
ngx_aigc_reconcile_send(ngx_str_t *path, ngx_str_t *patch,
    ngx_aigc_repair_t *repair, ngx_aigc_fetch_done_pt done)
{
    ngx_uint_t          i;
    ngx_aigc_fetch_t   *f;
    ngx_aigc_repair_t  *ctx;

    for (i = 0; i < NGX_AIGC_RECONCILE_CALLS; i++) {
        if (ngx_aigc_calls[i] == NULL) {
            break;
        }
    }

    if (i == NGX_AIGC_RECONCILE_CALLS) {
        return NGX_ERROR;
    }

    f = ngx_aigc_kubernetes_call(ngx_aigc_reconcile_k8s, "PATCH", path,
                                 "Content-Type: application/json-patch+json",
                                 ngx_aigc_reconcile_log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    ctx = ngx_palloc(f->pool, sizeof(ngx_aigc_repair_t));

    if (ctx == NULL
        || ngx_aigc_fetch_text(f, &f->body, "", patch) != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    *ctx = *repair;

    f->ctx = ctx;
    f->max = 2 * 1024 * 1024;           /* the object that was written */
    f->timeout = NGX_AIGC_RECONCILE_TIME;
    f->done = done;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_calls[i] = f;
    ngx_aigc_call_disk[i] = repair->disk;

    ngx_aigc_count(ngx_aigc_reconcile_zone, patches);

    return NGX_OK;
}
