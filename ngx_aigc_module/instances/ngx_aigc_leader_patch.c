/*
 * instances/ngx_aigc_leader_patch.c — lock, plan, send; and what the answer
 * means.
 */

#include "ngx_aigc_leader_patch.h"


/* One under way; in the write's own pool. */
typedef struct {
    ngx_aigc_gss_write_t      write;
    ngx_aigc_leader_patch_t  *patch;
    ngx_uint_t                n;
} ngx_aigc_leader_write_t;


static ngx_int_t ngx_aigc_leader_patch_send(ngx_aigc_gss_write_t *write,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_leader_item_t *items,
    ngx_uint_t n);
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
    ngx_int_t              rc;
    ngx_aigc_gss_write_t   write;

    ngx_aigc_leader_zone = zone;

    ngx_memzero(&write, sizeof(ngx_aigc_gss_write_t));
    write.failed = patch->failed;

    rc = ngx_aigc_gss_write_begin(zone, &write, tmpl,
                                  NGX_AIGC_TASK_TIME + 1000, log);

    if (rc == NGX_OK) {
        rc = ngx_aigc_leader_patch_send(&write, patch, items, n);

        if (rc != NGX_OK) {
            ngx_aigc_gss_write_end(zone, &write, 0);
        }
    }

    return (rc == NGX_AGAIN) ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_aigc_leader_patch_send(ngx_aigc_gss_write_t *write,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_leader_item_t *items,
    ngx_uint_t n)
{
    ngx_str_t                 uid, owner;
    ngx_uint_t                i;
    ngx_aigc_op_t            *ops;
    ngx_aigc_task_t           task;
    ngx_aigc_zone_t          *zone;
    ngx_aigc_template_t       tmpl;
    ngx_aigc_leader_write_t  *w;

    zone = ngx_aigc_leader_zone;

    ops = ngx_palloc(write->pool, (n + 1) * sizeof(ngx_aigc_op_t));
    w = ngx_palloc(write->pool, sizeof(ngx_aigc_leader_write_t));

    if (ops == NULL || w == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_table_template_at(zone, write->tmpl, &tmpl) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_fixed_get(&tmpl.uid, &uid);

    for (i = 0; i < n; i++) {
        ngx_aigc_fixed_get(&items[i].owner, &owner);
        ngx_aigc_op_init(&ops[i], patch->kind, write->tmpl, &uid, items[i].id,
                         &owner);
    }

    if (ngx_aigc_plan(zone, write, ops, n, NULL) != NGX_OK
        || write->patch.len == 0)
    {
        return NGX_DECLINED;            /* OKG may not have settled */
    }

    w->write = *write;
    w->patch = patch;
    w->n = n;

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = patch->what;
    task.slot = write->tmpl;
    task.done = ngx_aigc_leader_patch_done;
    task.data = w;

    if (ngx_aigc_task_patch(&task, &write->path, &write->patch) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_count(zone, patches);

    patch->sent(&tmpl, items, ops, n);

    return NGX_OK;
}


static void
ngx_aigc_leader_patch_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_uint_t                n;
    ngx_aigc_leader_patch_t  *patch;
    ngx_aigc_leader_write_t  *w;

    w = task->data;
    n = w->n;
    patch = w->patch;

    if (f == NULL) {
        ngx_aigc_gss_write_end(ngx_aigc_leader_zone, &w->write,
                               NGX_AIGC_GSS_WRITE_LOST);
        return;
    }

    if (ngx_aigc_gss_write_answered(ngx_aigc_leader_zone, &w->write, f->status,
                                    &f->answer, f->error, f->log)
        == NGX_AIGC_WRITE_DONE
        && patch->written)
    {
        patch->written(n);
    }
}
