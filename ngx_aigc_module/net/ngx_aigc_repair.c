/*
 * net/ngx_aigc_repair.c — one patch a template, by the rules of the plan.
 */

#include "ngx_aigc_repair.h"
#include "ngx_aigc_event.h"
#include "ngx_aigc_task.h"


static ngx_int_t ngx_aigc_repair_template(uint32_t slot,
    ngx_aigc_template_t *tmpl);
static ngx_int_t ngx_aigc_repair_send(uint32_t slot, ngx_aigc_template_t *tmpl,
    ngx_pool_t *pool, ngx_atomic_uint_t lock);
static void ngx_aigc_repair_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);


static ngx_aigc_kubernetes_t  *ngx_aigc_repair_k8s;
static ngx_aigc_zone_t        *ngx_aigc_repair_zone;
static ngx_log_t              *ngx_aigc_repair_log;


void
ngx_aigc_repair(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t             slot;
    ngx_int_t            rc;
    ngx_aigc_template_t  tmpl;

    ngx_aigc_repair_k8s = k8s;
    ngx_aigc_repair_zone = zone;
    ngx_aigc_repair_log = log;

    for (slot = 0; ; slot++) {

        rc = ngx_aigc_table_template_at(zone, slot, &tmpl);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK || tmpl.agrees || tmpl.deleting || !tmpl.written
            || ngx_aigc_plan_settled(&tmpl) != NGX_OK)
        {
            continue;
        }

        if (ngx_aigc_repair_template(slot, &tmpl) != NGX_OK) {
            return;
        }
    }
}


/* NGX_ERROR: no more calls for now */
static ngx_int_t
ngx_aigc_repair_template(uint32_t slot, ngx_aigc_template_t *tmpl)
{
    ngx_int_t           rc;
    ngx_pool_t         *pool;
    ngx_atomic_uint_t   lock;

    lock = ngx_aigc_queue_lock(ngx_aigc_repair_zone, slot,
                               NGX_AIGC_TASK_TIME + 1000);
    if (lock == 0) {
        return NGX_OK;                  /* a user's write mends it, too */
    }

    rc = NGX_ERROR;

    pool = ngx_create_pool(16384, ngx_aigc_repair_log);

    if (pool) {
        rc = ngx_aigc_repair_send(slot, tmpl, pool, lock);
        ngx_destroy_pool(pool);
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_aigc_queue_unlock(ngx_aigc_repair_zone, slot, lock, 0, 0);

    return (rc == NGX_DECLINED) ? NGX_OK : rc;
}


/* NGX_OK: it is under way; NGX_DECLINED: nothing to send; NGX_ERROR */
static ngx_int_t
ngx_aigc_repair_send(uint32_t slot, ngx_aigc_template_t *tmpl,
    ngx_pool_t *pool, ngx_atomic_uint_t lock)
{
    u_char            buf[256];
    ngx_str_t         patch, path, ns, name;
    ngx_aigc_task_t   task;

    task.what = NGX_AIGC_TASK_REPAIR;
    task.slot = slot;
    task.done = ngx_aigc_repair_done;
    task.lock = lock;

    if (ngx_aigc_plan(ngx_aigc_repair_zone, pool, slot, NULL, 0, NULL, &patch,
                      &task.generation)
        != NGX_OK
        || patch.len == 0)
    {
        return NGX_DECLINED;
    }

    ngx_aigc_fixed_get(&tmpl->ns, &ns);
    ngx_aigc_fixed_get(&tmpl->name, &name);

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            NGX_AIGC_GSS_API "%V/gameserversets/%V",
                            &ns, &name)
               - buf;

    if (ngx_aigc_task_send(&task, "PATCH", &path, NGX_AIGC_JSON_PATCH, &patch)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_aigc_repair_log, 0,
                  "aigc: template %V/%V is not what its annotations say "
                  "(replicas %d, running %d): repairing it",
                  &ns, &name, tmpl->replicas, (int) tmpl->nrunning);

    (void) ngx_aigc_event(ngx_aigc_repair_k8s, tmpl, -1, "Repaired",
                          "replicas or reserveGameServerIds were not what the "
                          "instances' annotations say: both are written anew",
                          ngx_aigc_repair_log);

    ngx_aigc_count(ngx_aigc_repair_zone, repairs);
    ngx_aigc_count(ngx_aigc_repair_zone, patches);

    return NGX_OK;
}


static void
ngx_aigc_repair_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    if (f == NULL) {
        /* how it ended will be seen in the table */

        ngx_aigc_queue_unlock(ngx_aigc_repair_zone, task->slot, task->lock,
                              1000, 0);
        return;
    }

    if (f->status == 200) {
        ngx_aigc_queue_unlock(ngx_aigc_repair_zone, task->slot, task->lock,
                              NGX_AIGC_LOCK_SHOWN, task->generation);
        ngx_aigc_task_again();
        return;
    }

    ngx_aigc_count(ngx_aigc_repair_zone, patches_failed);

    ngx_log_error(NGX_LOG_WARN, f->log, 0,
                  "aigc: a repair was not taken: status %ui%s%s",
                  f->status, f->error ? ", " : "", f->error ? f->error : "");

    /* users may write at once, we try again with the next pass */

    ngx_aigc_queue_unlock(ngx_aigc_repair_zone, task->slot, task->lock, 0, 0);
}
