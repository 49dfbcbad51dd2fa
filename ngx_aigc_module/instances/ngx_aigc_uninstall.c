/*
 * instances/ngx_aigc_uninstall.c — from an annotation in state uninstalling to
 * none. Whatever dies in between, a later pass goes on from what the cluster
 * shows.
 *
 * What is not recorded as the owner's is not touched, and does not hold up the
 * end.  The id stays reserved: it is given to nobody again.
 */

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_table.h"
#include "ngx_aigc_leader_patch.h"

#include "ngx_aigc_objects.h"


#define NGX_AIGC_UNINSTALL_MAX    64    /* annotations removed in a pass */
#define NGX_AIGC_UNINSTALL_ASK    5000  /* ms between questions for pods whose
                                           GameServer is still there */
#define NGX_AIGC_UNINSTALL_AGAIN  60000 /* ms until a disk is deleted once more
                                           of which the watch has not told that
                                           it goes */
#define NGX_AIGC_GAMESERVER_LEFT  10000 /* ms that a GameServer may outlive its
                                           pod: OKG 0.4 leaves some behind */


static ngx_int_t ngx_aigc_uninstall_some(uint32_t slot, uint32_t end,
    ngx_uint_t ask, ngx_aigc_leader_item_t *gone, ngx_uint_t *n);
static ngx_int_t ngx_aigc_uninstall_record(uint32_t slot,
    ngx_aigc_record_t *record, ngx_uint_t ask);
static ngx_uint_t ngx_aigc_uninstall_disks(ngx_aigc_record_t *record);
static void ngx_aigc_uninstall_disk(uint32_t slot, ngx_aigc_disk_t *disk);
static void ngx_aigc_uninstall_disk_done(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);
static void ngx_aigc_uninstall_pod(uint32_t slot, ngx_aigc_record_t *record);
static void ngx_aigc_uninstall_pod_done(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);
static void ngx_aigc_uninstall_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n);
static void ngx_aigc_uninstall_written(ngx_uint_t n);


static ngx_aigc_leader_patch_t  ngx_aigc_uninstall_forget = {
    NGX_AIGC_TASK_FORGET, NGX_AIGC_FORGET,
    "an uninstall could not be finished",
    ngx_aigc_uninstall_sent, ngx_aigc_uninstall_written
};

static ngx_aigc_zone_t  *ngx_aigc_uninstall_zone;
static ngx_log_t        *ngx_aigc_uninstall_log;
static uint32_t          ngx_aigc_uninstall_next;   /* slot, where a pass
                                                       begins */
static ngx_uint_t        ngx_aigc_uninstall_full;   /* no call can be made */


void
ngx_aigc_uninstall(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    static ngx_aigc_seldom_t  asked;

    uint32_t                 start;
    ngx_uint_t               n, ask;
    ngx_aigc_leader_item_t   gone[NGX_AIGC_UNINSTALL_MAX];

    ngx_aigc_uninstall_zone = zone;
    ngx_aigc_uninstall_log = log;

    ask = ngx_aigc_seldom(&asked, NGX_AIGC_UNINSTALL_ASK);

    /* round-robin, so that what can never be ended keeps out no others */

    n = 0;
    start = ngx_aigc_uninstall_next;

    if (ngx_aigc_uninstall_some(start, NGX_AIGC_NONE, ask, gone, &n) == NGX_OK)
    {
        (void) ngx_aigc_uninstall_some(0, start, ask, gone, &n);
    }

    ngx_aigc_leader_patch(zone, &ngx_aigc_uninstall_forget, gone, n, log);
}


/* NGX_ERROR: no call can be made for now; the next pass begins there */
static ngx_int_t
ngx_aigc_uninstall_some(uint32_t slot, uint32_t end, ngx_uint_t ask,
    ngx_aigc_leader_item_t *gone, ngx_uint_t *n)
{
    ngx_aigc_record_t  record;

    ngx_aigc_uninstall_full = 0;

    for ( /* void */ ;
          ngx_aigc_table_next(ngx_aigc_uninstall_zone, NGX_AIGC_UNINSTALLING,
                              &slot, &record)
          == NGX_OK && slot < end;
          slot++)
    {
        if (*n == NGX_AIGC_UNINSTALL_MAX) {
            ngx_aigc_uninstall_next = slot;
            return NGX_ERROR;
        }

        if (record.tmpl == NGX_AIGC_NONE || record.owner.len == 0) {
            continue;
        }

        if (ngx_aigc_uninstall_record(slot, &record, ask) == NGX_OK) {
            gone[*n].record = slot;
            gone[*n].seq = record.seq;
            gone[*n].tmpl = record.tmpl;
            gone[*n].id = record.id;
            gone[*n].owner.len = 0;
            (*n)++;
            continue;
        }

        if (ngx_aigc_uninstall_full) {
            ngx_aigc_uninstall_next = slot;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* NGX_OK: nothing is left of it; NGX_AGAIN: not yet */
static ngx_int_t
ngx_aigc_uninstall_record(uint32_t slot, ngx_aigc_record_t *record,
    ngx_uint_t ask)
{
    if (ngx_aigc_uninstall_disks(record)) {
        return NGX_AGAIN;
    }

    if (record->pod_gone) {
        return (!record->gs
                || ngx_aigc_since(record->pod_gone) > NGX_AIGC_GAMESERVER_LEFT)
               ? NGX_OK : NGX_AGAIN;
    }

    /* the table follows the cluster; the last word is the API server's */

    if (!record->pod || ask) {
        ngx_aigc_uninstall_pod(slot, record);
    }

    return NGX_AGAIN;
}


/*
 * How many disks are yet to go, or to be recorded as the owner's by
 * ngx_aigc_stamp(), which comes first: of a disk that is kept, too.
 */
static ngx_uint_t
ngx_aigc_uninstall_disks(ngx_aigc_record_t *record)
{
    uint32_t          i;
    ngx_str_t         owner;
    ngx_uint_t        left;
    ngx_aigc_disk_t   disk;

    if (record->disk == NGX_AIGC_DISK_LOST) {
        return 1;                       /* there may be one unseen */
    }

    ngx_aigc_fixed_get(&record->owner, &owner);

    left = 0;

    for (i = record->first_disk;
         ngx_aigc_table_disk_at(ngx_aigc_uninstall_zone, i, &disk) == NGX_OK;
         i = disk.next_disk)
    {
        if (disk.owner.len == 0) {
            left += (record->disk == NGX_AIGC_DISK_NEW);

        } else if (ngx_aigc_fixed_eq(&disk.owner, &owner) && !record->keep) {
            left++;

            if (!disk.deleting
                && (disk.deleted == 0
                    || ngx_aigc_since(disk.deleted)
                       > NGX_AIGC_UNINSTALL_AGAIN))
            {
                ngx_aigc_uninstall_disk(i, &disk);
            }
        }
    }

    return left;
}


static void
ngx_aigc_uninstall_disk(uint32_t slot, ngx_aigc_disk_t *disk)
{
    u_char            buf[NGX_AIGC_PATH_MAX];
    ngx_str_t         path, ns, name, uid;
    ngx_aigc_task_t   task;

    ngx_aigc_fixed_get(&disk->ns, &ns);
    ngx_aigc_fixed_get(&disk->name, &name);
    ngx_aigc_fixed_get(&disk->uid, &uid);

    path.data = buf;
    ngx_aigc_kubernetes_pvc(&path, &ns, &name);

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = NGX_AIGC_TASK_DISK;
    task.slot = slot;
    task.seq = ngx_crc32_short(uid.data, uid.len);
    task.done = ngx_aigc_uninstall_disk_done;

    /* no free place, or under way already: with a later pass */

    if (ngx_aigc_task_delete(&task, &path, &uid, NULL) == NGX_ERROR) {
        ngx_aigc_uninstall_full = 1;
    }
}


static void
ngx_aigc_uninstall_disk_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_disk_t  disk;

    if (f == NULL
        || ngx_aigc_kubernetes_written(f, "a disk was not deleted")
           != NGX_AIGC_WRITE_DONE)
    {
        return;
    }

    /* the watch brings the rest; until then, not once more */

    if (ngx_aigc_table_disk_at(ngx_aigc_uninstall_zone, task->slot, &disk)
        == NGX_OK
        && ngx_crc32_short(disk.uid.data, disk.uid.len) == task->seq)
    {
        ngx_aigc_table_disk_deleted(ngx_aigc_uninstall_zone, task->slot,
                                    ngx_aigc_now());
    }
}


static void
ngx_aigc_uninstall_pod(uint32_t slot, ngx_aigc_record_t *record)
{
    u_char            buf[NGX_AIGC_PATH_MAX];
    ngx_str_t         path, ns, name;
    ngx_aigc_task_t   task;

    ngx_aigc_fixed_get(&record->ns, &ns);
    ngx_aigc_fixed_get(&record->name, &name);

    path.data = buf;
    ngx_aigc_kubernetes_pod(&path, &ns, &name, record->id);

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = NGX_AIGC_TASK_POD;
    task.slot = slot;
    task.seq = record->seq;
    task.done = ngx_aigc_uninstall_pod_done;

    if (ngx_aigc_task_get(&task, &path) == NGX_ERROR) {
        ngx_aigc_uninstall_full = 1;
    }
}


static void
ngx_aigc_uninstall_pod_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    if (f == NULL
        || ngx_aigc_verdict(NULL, f->status, &f->answer, NULL)
           != NGX_AIGC_WRITE_GONE)
    {
        return;                         /* it is there, or nobody knows */
    }

    ngx_aigc_table_pod_gone(ngx_aigc_uninstall_zone, task->slot, task->seq,
                            ngx_aigc_now());
    ngx_aigc_task_again();
}


/* Not once more before the API server has been asked once more. */
static void
ngx_aigc_uninstall_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        ngx_aigc_table_pod_gone(ngx_aigc_uninstall_zone, items[i].record,
                                items[i].seq, 0);
    }
}


static void
ngx_aigc_uninstall_written(ngx_uint_t n)
{
    (void) ngx_atomic_fetch_add(
                      &ngx_aigc_uninstall_zone->shm->counters.uninstalls, n);
}
