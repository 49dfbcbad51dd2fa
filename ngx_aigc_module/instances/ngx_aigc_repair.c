/*
 * instances/ngx_aigc_repair.c — one patch a template, by the rules of the plan.
 */

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_plan.h"
#include "ngx_aigc_event.h"
#include "ngx_aigc_leader_patch.h"
#include "ngx_aigc_stray.h"


static ngx_int_t ngx_aigc_repair_some(uint32_t slot, uint32_t end);
static void ngx_aigc_repair_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n);
static void ngx_aigc_repair_written(ngx_uint_t n);


#define NGX_AIGC_REPAIR_REFUSED  10     /* s between writes that find out if
                                           the API server takes one again */


static ngx_aigc_leader_patch_t  ngx_aigc_repair_patch = {
    NGX_AIGC_TASK_REPAIR, 0, "a repair was not taken",
    ngx_aigc_repair_sent, ngx_aigc_repair_written
};

static ngx_aigc_kubernetes_t  *ngx_aigc_repair_k8s;
static ngx_aigc_zone_t        *ngx_aigc_repair_zone;
static ngx_log_t              *ngx_aigc_repair_log;
static uint32_t                ngx_aigc_repair_next;    /* slot, where a pass
                                                           begins */


void
ngx_aigc_repair(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t  start;

    ngx_aigc_repair_k8s = k8s;
    ngx_aigc_repair_zone = zone;
    ngx_aigc_repair_log = log;

    /* round-robin, so that templates whose patch always fails starve none */

    start = ngx_aigc_repair_next;

    if (ngx_aigc_repair_some(start, NGX_AIGC_NONE) == NGX_OK) {
        (void) ngx_aigc_repair_some(0, start);
    }
}


/* NGX_ERROR: no call can be made for now; the next pass begins there */
static ngx_int_t
ngx_aigc_repair_some(uint32_t slot, uint32_t end)
{
    ngx_aigc_template_t  tmpl;

    for ( /* void */ ;
          ngx_aigc_table_next_template(ngx_aigc_repair_zone, &slot, &tmpl)
          == NGX_OK && slot < end;
          slot++)
    {
        if (tmpl.deleting || !tmpl.written
            || (tmpl.agrees
                && (tmpl.refused == 0
                    || ngx_time() - (time_t) tmpl.refused
                       < NGX_AIGC_REPAIR_REFUSED))
            || ngx_aigc_plan_settled(&tmpl) != NGX_OK
            || ngx_aigc_stray_asks(slot) == NGX_OK)
        {
            continue;
        }

        /* where a user writes, that write mends it, too */

        if (ngx_aigc_leader_patch_one(ngx_aigc_repair_zone,
                                      &ngx_aigc_repair_patch, slot, NULL, 0,
                                      ngx_aigc_repair_log)
            == NGX_ERROR)
        {
            ngx_aigc_repair_next = slot;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_aigc_repair_sent(ngx_aigc_template_t *tmpl, ngx_aigc_leader_item_t *items,
    ngx_aigc_op_t *ops, ngx_uint_t n)
{
    if (tmpl->agrees) {
        return;                         /* a write to find out */
    }

    ngx_log_error(NGX_LOG_WARN, ngx_aigc_repair_log, 0,
                  "aigc: template %*s/%*s is not what its annotations say "
                  "(replicas %d, running %d): repairing it",
                  (size_t) tmpl->ns.len, tmpl->ns.data,
                  (size_t) tmpl->name.len, tmpl->name.data,
                  tmpl->replicas, (int) tmpl->nrunning);

    (void) ngx_aigc_event(ngx_aigc_repair_k8s, tmpl, -1, "Repaired",
                          "replicas or reserveGameServerIds were not what the "
                          "instances' annotations say: both are written anew",
                          ngx_aigc_repair_log);

    ngx_aigc_count(ngx_aigc_repair_zone, repairs);
}


static void
ngx_aigc_repair_written(ngx_uint_t n)
{
    ngx_aigc_task_again();
}
