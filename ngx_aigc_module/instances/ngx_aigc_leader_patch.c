/*
 * instances/ngx_aigc_leader_patch.c — lock, plan, send; and what the answer means.
 */

#include "ngx_aigc_leader_patch.h"


static ngx_int_t ngx_aigc_leader_patch_plan(ngx_aigc_zone_t *zone,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_task_t *task,
    ngx_aigc_leader_item_t *items, ngx_uint_t n, ngx_pool_t *pool);
static void ngx_aigc_leader_patch_done(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);


static ngx_aigc_zone_t  *ngx_aigc_leader_zone;


void
ngx_aigc_leader_patch(ngx_aigc_zone_t *zone, ngx_aigc_leader_patch_t *patch,
    ngx_aigc_leader_item_t *items, ngx_uint_t n, ngx_log_t *log)
{
    ngx_uint_t               i, m;
    ngx_aigc_leader_item_t   swap;

    for ( /* void */ ; n; items += m, n -= m) {

        /* those of one template to the front */

        for (i = 1, m = 1; i < n; i++) {
            if (items[i].tmpl == items->tmpl) {
                swap = items[i];
                items[i] = items[m];
                items[m++] = swap;
            }
        }

        (void) ngx_aigc_leader_patch_one(zone, patch, items->tmpl, items, m,
                                         log);
    }
}


ngx_int_t
ngx_aigc_leader_patch_one(ngx_aigc_zone_t *zone,
    ngx_aigc_leader_patch_t *patch, uint32_t tmpl,
    ngx_aigc_leader_item_t *items, ngx_uint_t n, ngx_log_t *log)
{
    ngx_int_t         rc;
    ngx_pool_t       *pool;
    ngx_aigc_task_t   task;

    ngx_aigc_leader_zone = zone;

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = patch->what;
    task.slot = tmpl;
    task.done = ngx_aigc_leader_patch_done;
    task.data = patch;
    task.seq = n;
    task.lock = ngx_aigc_queue_lock(zone, tmpl, NGX_AIGC_TASK_TIME + 1000);

    if (task.lock == 0) {
        return NGX_DECLINED;
    }

    rc = NGX_ERROR;

    pool = ngx_create_pool(16384, log);

    if (pool) {
        rc = ngx_aigc_leader_patch_plan(zone, patch, &task, items, n, pool);
        ngx_destroy_pool(pool);
    }

    if (rc != NGX_OK) {
        ngx_aigc_queue_unlock(zone, tmpl, task.lock, 0, 0);
    }

    return rc;
}


static ngx_int_t
ngx_aigc_leader_patch_plan(ngx_aigc_zone_t *zone,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_task_t *task,
    ngx_aigc_leader_item_t *items, ngx_uint_t n, ngx_pool_t *pool)
{
    u_char                buf[NGX_AIGC_PATH_MAX];
    ngx_str_t             path, body, ns, name, owner;
    ngx_uint_t            i;
    ngx_aigc_op_t        *ops;
    ngx_aigc_template_t   tmpl;

    ops = ngx_pcalloc(pool, (n + 1) * sizeof(ngx_aigc_op_t));
    if (ops == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_table_template_at(zone, task->slot, &tmpl) != NGX_OK) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        ops[i].kind = patch->kind;
        ops[i].state = NGX_AIGC_OP_WAITING;
        ops[i].tmpl = task->slot;
        ops[i].id = items[i].id;
        ngx_memcpy(&ops[i].uid, &tmpl.uid, sizeof(tmpl.uid));
        ngx_aigc_fixed_get(&items[i].owner, &owner);
        ngx_aigc_fixed_set(&ops[i].owner, &owner);
    }

    if (ngx_aigc_plan(zone, pool, task->slot, ops, n, NULL, &body,
                      &task->generation)
        != NGX_OK
        || body.len == 0)
    {
        return NGX_DECLINED;            /* OKG may not have settled */
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    path.data = buf;
    ngx_aigc_kubernetes_gss(&path, &ns, &name);

    if (ngx_aigc_task_send(task, "PATCH", &path, NGX_AIGC_JSON_PATCH, &body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_count(zone, patches);

    patch->sent(&tmpl, items, ops, n);

    return NGX_OK;
}


static void
ngx_aigc_leader_patch_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_zone_t          *zone;
    ngx_aigc_status_t         status;
    ngx_aigc_leader_patch_t  *patch;

    zone = ngx_aigc_leader_zone;
    patch = task->data;

    if (f == NULL) {
        /* how it ended will be seen in the table */

        ngx_aigc_queue_unlock(zone, task->slot, task->lock, 1000, 0);
        return;
    }

    if (ngx_aigc_status_read(f->pool, f->status, &f->answer, &status)
        != NGX_OK)
    {
        ngx_memzero(&status, sizeof(ngx_aigc_status_t));
    }

    ngx_aigc_queue_answered(zone, task->slot, f->status, status.test_failed);

    if (f->status == 200) {
        ngx_aigc_queue_unlock(zone, task->slot, task->lock, patch->shown,
                              task->generation);

        if (patch->written) {
            patch->written(task->seq);
        }

        return;
    }

    ngx_aigc_count(zone, patches_failed);

    ngx_log_error((f->status == 422 ? NGX_LOG_NOTICE : NGX_LOG_WARN), f->log, 0,
                  "aigc: %s: status %ui%s%s: trying again", patch->failed,
                  f->status, f->error ? ", " : "", f->error ? f->error : "");

    /* users may write at once, we try again with the next pass */

    ngx_aigc_queue_unlock(zone, task->slot, task->lock, 0, 0);
}
