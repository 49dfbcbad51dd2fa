/*
 * instances/ngx_aigc_bind.c — which disks need a reference to their
 * GameServerSet, and which need it no more.
 *
 * disks "delete": each disk that has an owner gets a reference to the
 * GameServerSet, and Kubernetes' garbage collector deletes it with the set,
 * also while no gateway runs; "kubectl delete --cascade=orphan" keeps it.
 * "retain", which is the default, and anything else: our reference is taken
 * away again.
 *
 * A reference that the collector has taken away, since the set is being deleted
 * as an orphan's parent, must not come back: the two watches may show one
 * without the other.  So the set is read again after a disk was seen without a
 * reference, and before it gets one.
 */

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_table.h"
#include "kube/ngx_aigc_task.h"

#include "ngx_aigc_table_peek.h"
#include "ngx_aigc_owner_ref.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_BIND_MAX    512        /* disks for one look at their set */
#define NGX_AIGC_BIND_GOOD   5000       /* ms for which that look counts */
#define NGX_AIGC_BIND_PAUSE  1000       /* ms until the next: the table follows
                                           what was written */


typedef enum {
    NGX_AIGC_BIND_IDLE = 0,
    NGX_AIGC_BIND_ASKED,                /* the set is being read */
    NGX_AIGC_BIND_CLEARED               /* it was there: the list may go */
} ngx_aigc_bind_e;


typedef struct {
    uint32_t                           slot;    /* a disk's */
    uint32_t                           uid;     /* hash of its uid */
} ngx_aigc_bind_disk_t;


/* Disks of one template that were seen without a reference. */
typedef struct {
    ngx_aigc_bind_e                    state;
    ngx_msec_t                         since;   /* cleared, or ended */
    uint32_t                           start;   /* disks from here on: one
                                                   template, refused for ever,
                                                   does not keep out others */
    uint32_t                           tmpl;    /* slot */
    ngx_aigc_fixed_t(NGX_AIGC_UID_MAX) uid;     /* its uid */
    ngx_uint_t                         n;
    ngx_uint_t                         next;    /* of them, to be sent */
    ngx_aigc_bind_disk_t               disks[NGX_AIGC_BIND_MAX];
} ngx_aigc_bind_list_t;


static void ngx_aigc_bind_scan(ngx_uint_t collect, ngx_log_t *log);
static void ngx_aigc_bind_note(uint32_t slot, ngx_aigc_disk_t *disk,
    uint32_t tmpl, ngx_aigc_template_t *t);
static void ngx_aigc_bind_ask(ngx_log_t *log);
static void ngx_aigc_bind_asked(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);
static ngx_uint_t ngx_aigc_bind_alive(ngx_aigc_fetch_t *f);
static void ngx_aigc_bind_cleared(ngx_log_t *log);
static ngx_int_t ngx_aigc_bind_send(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_template_t *t, ngx_log_t *log);
static void ngx_aigc_bind_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);


static ngx_aigc_zone_t       *ngx_aigc_bind_zone;
static ngx_aigc_bind_list_t   ngx_aigc_bind_list;


#define ngx_aigc_bind_hash(disk)                                              \
    ngx_murmur_hash2((disk)->uid.data, (disk)->uid.len)


void
ngx_aigc_bind(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    ngx_uint_t             collect;
    ngx_aigc_bind_list_t  *list;

    ngx_aigc_bind_zone = zone;
    list = &ngx_aigc_bind_list;

    if (list->state == NGX_AIGC_BIND_CLEARED) {
        ngx_aigc_bind_cleared(log);
    }

    collect = (list->state == NGX_AIGC_BIND_IDLE
               && ngx_current_msec - list->since >= NGX_AIGC_BIND_PAUSE);

    if (collect) {
        list->n = 0;
    }

    ngx_aigc_bind_scan(collect, log);

    if (!collect) {
        return;
    }

    if (list->n) {
        list->start = list->disks[list->n - 1].slot + 1;
        ngx_aigc_bind_ask(log);

    } else if (list->start) {
        list->start = 0;
        ngx_aigc_task_again();
    }
}


/* Takes references away at once, notes the disks that lack one. */
static void
ngx_aigc_bind_scan(ngx_uint_t collect, ngx_log_t *log)
{
    uint32_t              slot, at;
    ngx_int_t             rc;
    ngx_aigc_disk_t       disk;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    at = NGX_AIGC_NONE;

    for (slot = 0; ; slot++) {

        slot = ngx_aigc_peek_unbound(ngx_aigc_bind_zone, slot);
        rc = ngx_aigc_table_disk_at(ngx_aigc_bind_zone, slot, &disk);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK || disk.deleting
            || ngx_aigc_table_record_at(ngx_aigc_bind_zone, disk.record,
                                        &record)
               != NGX_OK
            || record.tmpl == NGX_AIGC_NONE)
        {
            continue;
        }

        /* disks of one template often stand side by side */

        if (at != record.tmpl) {
            at = NGX_AIGC_NONE;

            if (ngx_aigc_table_template_at(ngx_aigc_bind_zone, record.tmpl,
                                           &tmpl)
                != NGX_OK)
            {
                continue;
            }

            at = record.tmpl;
        }

        if (tmpl.deleting) {
            continue;
        }

        if (tmpl.disks_delete) {
            if (collect) {
                ngx_aigc_bind_note(slot, &disk, at, &tmpl);
            }

        } else if (disk.ref_ours && disk.ref_uid.len
                   && ngx_aigc_fixed_eq(&disk.ref_uid, &tmpl.uid))
        {
            if (ngx_aigc_bind_send(slot, &disk, NULL, log) == NGX_ERROR) {
                return;
            }
        }
    }
}


static void
ngx_aigc_bind_note(uint32_t slot, ngx_aigc_disk_t *disk, uint32_t tmpl,
    ngx_aigc_template_t *t)
{
    ngx_str_t              uid;
    ngx_aigc_bind_list_t  *list;

    list = &ngx_aigc_bind_list;

    if (disk->owner.len == 0 || disk->ref_uid.len || slot < list->start
        || list->n == NGX_AIGC_BIND_MAX || (list->n && list->tmpl != tmpl))
    {
        return;
    }

    ngx_aigc_fixed_get(&t->uid, &uid);
    ngx_aigc_fixed_set(&list->uid, &uid);

    list->tmpl = tmpl;
    list->disks[list->n].slot = slot;
    list->disks[list->n].uid = ngx_aigc_bind_hash(disk);
    list->n++;
}


static void
ngx_aigc_bind_ask(ngx_log_t *log)
{
    u_char                 buf[NGX_AIGC_PATH_MAX];
    ngx_str_t              path, ns, name;
    ngx_aigc_task_t        task;
    ngx_aigc_template_t    tmpl;
    ngx_aigc_bind_list_t  *list;

    list = &ngx_aigc_bind_list;

    if (ngx_aigc_table_template_at(ngx_aigc_bind_zone, list->tmpl, &tmpl)
        != NGX_OK)
    {
        return;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    path.data = buf;
    ngx_aigc_kubernetes_gss(&path, &ns, &name);

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = NGX_AIGC_TASK_BIND_ASK;
    task.slot = list->tmpl;
    task.done = ngx_aigc_bind_asked;

    if (ngx_aigc_task_get(&task, &path) == NGX_OK) {
        list->state = NGX_AIGC_BIND_ASKED;
    }
}


static void
ngx_aigc_bind_asked(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_bind_list_t  *list;

    list = &ngx_aigc_bind_list;

    list->since = ngx_current_msec;
    list->next = 0;

    if (f && ngx_aigc_bind_alive(f)) {
        list->state = NGX_AIGC_BIND_CLEARED;
        ngx_aigc_task_again();

    } else {
        list->state = NGX_AIGC_BIND_IDLE;
    }
}


/* Is it the set that was noted, does it stay, and do its disks still not? */
static ngx_uint_t
ngx_aigc_bind_alive(ngx_aigc_fetch_t *f)
{
    json_t                *root, *meta;
    ngx_str_t              uid, deletion, disks;
    ngx_uint_t             alive;
    ngx_aigc_bind_list_t  *list;

    if (f->status != 200 || f->error) {
        return 0;
    }

    list = &ngx_aigc_bind_list;

    root = json_loadb((char *) f->answer.data, f->answer.len, 0, NULL);
    meta = json_object_get(root, "metadata");

    uid = ngx_aigc_json_text(meta, "uid");
    deletion = ngx_aigc_json_text(meta, "deletionTimestamp");
    disks = ngx_aigc_json_text(json_object_get(meta, "annotations"),
                               ngx_aigc_annotation(DISKS));

    alive = (ngx_aigc_fixed_eq(&list->uid, &uid) && deletion.len == 0
             && ngx_aigc_text_is(&disks, "delete"));

    json_decref(root);

    return alive;
}


static void
ngx_aigc_bind_cleared(ngx_log_t *log)
{
    ngx_aigc_disk_t        disk;
    ngx_aigc_template_t    tmpl;
    ngx_aigc_bind_disk_t  *noted;
    ngx_aigc_bind_list_t  *list;

    list = &ngx_aigc_bind_list;

    if (ngx_current_msec - list->since < NGX_AIGC_BIND_GOOD
        && ngx_aigc_table_template_at(ngx_aigc_bind_zone, list->tmpl, &tmpl)
           == NGX_OK
        && ngx_aigc_fixed_eq(&list->uid, &tmpl.uid)
        && tmpl.disks_delete && !tmpl.deleting)
    {
        for ( /* void */ ; list->next < list->n; list->next++) {
            noted = &list->disks[list->next];

            if (ngx_aigc_table_disk_at(ngx_aigc_bind_zone, noted->slot, &disk)
                == NGX_OK
                && ngx_aigc_bind_hash(&disk) == noted->uid
                && disk.ref_uid.len == 0 && !disk.deleting
                && ngx_aigc_bind_send(noted->slot, &disk, &tmpl, log)
                   == NGX_ERROR)
            {
                return;                 /* more with the next pass */
            }
        }
    }

    list->state = NGX_AIGC_BIND_IDLE;
    list->since = ngx_current_msec;
}


/* t NULL: the reference goes */
static ngx_int_t
ngx_aigc_bind_send(uint32_t slot, ngx_aigc_disk_t *disk,
    ngx_aigc_template_t *t, ngx_log_t *log)
{
    u_char                 buf[NGX_AIGC_PATH_MAX];
    ngx_int_t              rc;
    ngx_str_t              path, ns, name, uid, gss, gss_uid, patch;
    ngx_pool_t            *pool;
    ngx_aigc_task_t        task;
    ngx_aigc_owner_ref_t   ref;

    pool = ngx_create_pool(1024, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_fixed_get(&disk->ns, &ns);
    ngx_aigc_fixed_get(&disk->name, &name);
    ngx_aigc_fixed_get(&disk->uid, &uid);
    ngx_aigc_fixed_get(&disk->ref_uid, &ref.uid);
    ref.index = disk->ref;
    ref.list = disk->has_refs;

    if (t) {
        ngx_aigc_fixed_get(&t->name, &gss);
        ngx_aigc_fixed_get(&t->uid, &gss_uid);

        rc = ngx_aigc_owner_ref_add(pool, &uid, &ref, &gss, &gss_uid, &patch);

    } else {
        rc = ngx_aigc_owner_ref_remove(pool, &uid, &ref, &patch);
    }

    if (rc == NGX_OK) {
        path.data = buf;
        ngx_aigc_kubernetes_pvc(&path, &ns, &name);

        ngx_memzero(&task, sizeof(ngx_aigc_task_t));

        task.what = NGX_AIGC_TASK_BIND;
        task.slot = slot;
        task.done = ngx_aigc_bind_done;

        rc = ngx_aigc_task_patch(&task, &path, &patch);
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
ngx_aigc_bind_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    /* gone, moved: the table follows */

    if (f && ngx_aigc_kubernetes_written(f, "a disk could not be bound to its "
                                            "template, or freed from it")
             == NGX_AIGC_WRITE_DONE)
    {
        ngx_aigc_count(ngx_aigc_bind_zone, bindings);
        ngx_aigc_task_again();
    }
}
