/*
 * instances/ngx_aigc_plan.c — one patch out of many operations.  What becomes
 * of each is in ngx_aigc_plan_op.c.
 */

#include "ngx_aigc_plan.h"
#include "ngx_aigc_plan_op.h"

#include "ngx_aigc_ids.h"
#include "kube/ngx_aigc_kubernetes.h"


static ngx_int_t ngx_aigc_plan_patch(ngx_aigc_plan_t *plan,
    ngx_str_t *reserve, ngx_aigc_gss_write_t *w);
static ngx_int_t ngx_aigc_plan_reserve(ngx_aigc_plan_t *plan, ngx_str_t *text);


ngx_int_t
ngx_aigc_plan_settled(ngx_aigc_template_t *tmpl)
{
    if (tmpl->observed < tmpl->generation) {
        return NGX_AGAIN;
    }

    if (tmpl->unsettled
        && (!ngx_aigc_reached(tmpl->unsettled)
            || ngx_aigc_since(tmpl->unsettled) <= NGX_AIGC_SETTLE_TIME))
    {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_plan_queue(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_aigc_limits_t *limits)
{
    uint32_t       *slots;
    ngx_int_t       rc;
    ngx_uint_t      n;
    ngx_aigc_op_t  *ops;

    ops = ngx_palloc(w->pool, NGX_AIGC_PLAN_MAX * sizeof(ngx_aigc_op_t));
    slots = ngx_palloc(w->pool, NGX_AIGC_PLAN_MAX * sizeof(uint32_t));

    if (ops == NULL || slots == NULL) {
        return NGX_ERROR;
    }

    n = ngx_aigc_queue_waiting(zone, w->tmpl, ops, slots, NGX_AIGC_PLAN_MAX);

    if (n == 0) {
        return NGX_OK;                  /* somebody else has written it */
    }

    rc = ngx_aigc_plan(zone, w, ops, n, limits);

    if (rc == NGX_OK || rc == NGX_DECLINED) {
        ngx_aigc_queue_put(zone, ops, slots, n, w->lock);
    }

    return rc;
}


ngx_int_t
ngx_aigc_plan(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_aigc_op_t *ops, ngx_uint_t n, ngx_aigc_limits_t *limits)
{
    ngx_int_t         rc;
    ngx_str_t         reserve;
    ngx_uint_t        i;
    ngx_aigc_plan_t   plan;

    plan.zone = zone;
    plan.pool = w->pool;
    plan.slot = w->tmpl;
    plan.limits = limits;
    plan.moves = 0;

    rc = ngx_aigc_table_claims(zone, plan.pool, plan.slot, &plan.tmpl,
                               &plan.claims);

    if (rc == NGX_BUSY) {
        return NGX_AGAIN;
    }

    if (rc == NGX_DECLINED || (rc == NGX_OK && plan.tmpl.deleting)) {
        for (i = 0; i < n; i++) {
            ngx_aigc_plan_done(&ops[i], NGX_AIGC_RESULT_GONE);
        }

        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (plan.tmpl.partial) {
        /* half the truth, written as the whole, would end what is missing */

        for (i = 0; i < n; i++) {
            ngx_aigc_plan_done(&ops[i], NGX_AIGC_RESULT_PARTIAL);
        }

        return NGX_OK;
    }

    if (ngx_aigc_plan_settled(&plan.tmpl) != NGX_OK) {
        return NGX_AGAIN;
    }

    w->generation = plan.tmpl.generation;
    plan.top = plan.tmpl.top;

    if (ngx_array_init(&plan.changes, plan.pool, n + 1,
                       sizeof(ngx_aigc_change_t))
        != NGX_OK
        || ngx_aigc_plan_reserve(&plan, &reserve) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        /* an id that an earlier patch may have given is nobody else's */

        if (ngx_aigc_plan_same(&plan, &ops[i])) {
            plan.top = ngx_max(plan.top, ops[i].id);
        }
    }

    for (i = 0; i < n; i++) {
        if (ngx_aigc_plan_op(&plan, &ops[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    w->shown = (plan.moves || !plan.tmpl.agrees) ? NGX_AIGC_LOCK_SHOWN
                                                 : NGX_AIGC_LOCK_SAME;

    /* with n 0, once more where the last write was refused: is it still? */

    if (plan.changes.nelts == 0
        && (n || (plan.tmpl.agrees && !plan.tmpl.refused)))
    {
        return NGX_OK;
    }

    return ngx_aigc_plan_patch(&plan, &reserve, w);
}


static ngx_int_t
ngx_aigc_plan_patch(ngx_aigc_plan_t *plan, ngx_str_t *reserve,
    ngx_aigc_gss_write_t *w)
{
    ngx_int_t         *running, *aside;
    ngx_str_t          ns, name;
    ngx_uint_t         i;
    ngx_aigc_patch_t   p;
    ngx_aigc_claim_t  *claim;

    ngx_memzero(&p, sizeof(ngx_aigc_patch_t));

    ngx_aigc_fixed_get(&plan->tmpl.uid, &p.uid);
    p.generation = plan->tmpl.generation;
    p.observed = plan->tmpl.observed;
    p.current = -1;

    if (plan->tmpl.unsettled == 0) {
        p.current = plan->tmpl.current;
        p.test_reserve_ids = plan->tmpl.reserve_exact;
        p.reserve_ids = *reserve;
    }

    p.has_annotations = plan->tmpl.has_annotations;
    p.has_aside = plan->tmpl.has_aside;
    p.top = plan->top;
    p.changes = plan->changes.elts;
    p.nchanges = plan->changes.nelts;

    running = ngx_palloc(plan->pool,
                         (plan->claims.nelts + 1) * sizeof(ngx_int_t));
    aside = ngx_palloc(plan->pool,
                       (plan->claims.nelts + 1) * sizeof(ngx_int_t));

    w->path.data = ngx_pnalloc(plan->pool, NGX_AIGC_PATH_MAX);

    if (running == NULL || aside == NULL || w->path.data == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
    ngx_aigc_fixed_get(&plan->tmpl.name, &name);
    ngx_aigc_kubernetes_gss(&w->path, &ns, &name);

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {
        if (claim[i].state != NGX_AIGC_RUNNING) {
            continue;
        }

        if (claim[i].aside) {
            aside[p.naside++] = claim[i].id;

        } else {
            running[p.nrunning++] = claim[i].id;
        }
    }

    ngx_sort(running, p.nrunning, sizeof(ngx_int_t), ngx_aigc_id_cmp);
    ngx_sort(aside, p.naside, sizeof(ngx_int_t), ngx_aigc_id_cmp);

    p.running = running;
    p.aside = aside;

    /* NGX_DECLINED, a contradiction: the table has been misread */

    return (ngx_aigc_patch_build(plan->pool, &p, &w->patch) == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


/* The reserve list as it stands, if spec is the whole truth: "0,2,3". */
static ngx_int_t
ngx_aigc_plan_reserve(ngx_aigc_plan_t *plan, ngx_str_t *text)
{
    ngx_int_t          id, *reserved;
    ngx_uint_t         i;
    ngx_array_t        ids;
    ngx_aigc_claim_t  *claim;

    if (ngx_array_init(&ids, plan->pool, plan->top + 2, sizeof(ngx_int_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    claim = plan->claims.elts;
    i = 0;

    for (id = 0; id <= plan->top; id++) {

        while (i < plan->claims.nelts && claim[i].id < id) {
            i++;
        }

        if (i < plan->claims.nelts && claim[i].id == id
            && claim[i].state == NGX_AIGC_RUNNING && !claim[i].aside)
        {
            continue;
        }

        reserved = ngx_array_push(&ids);
        if (reserved == NULL) {
            return NGX_ERROR;
        }

        *reserved = id;
    }

    return ngx_aigc_ids_text(plan->pool, &ids, text);
}
