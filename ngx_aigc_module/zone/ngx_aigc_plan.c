/*
 * zone/ngx_aigc_plan.c — the decisions behind a patch.
 */

#include "ngx_aigc_plan.h"

#include "core/ngx_aigc_ids.h"
#include "core/ngx_aigc_patch.h"


typedef struct {
    ngx_aigc_zone_t      *zone;
    ngx_pool_t           *pool;
    uint32_t              slot;
    ngx_aigc_template_t   tmpl;
    ngx_array_t           claims;       /* ngx_aigc_claim_t */
    ngx_array_t           changes;      /* ngx_aigc_change_t */
    ngx_int_t             top;
    ngx_uint_t            limit;
} ngx_aigc_plan_t;


static ngx_int_t ngx_aigc_plan_install(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_installed(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op, ngx_str_t *owner);
static ngx_uint_t ngx_aigc_plan_changed(ngx_aigc_plan_t *plan, ngx_int_t id);
static ngx_int_t ngx_aigc_plan_state(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_adopt(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_claim(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_str_t *owner, ngx_aigc_state_e state);
static ngx_int_t ngx_aigc_plan_change(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op, ngx_aigc_claim_t *claim, ngx_str_t *before);
static void ngx_aigc_plan_done(ngx_aigc_op_t *op, ngx_aigc_result_e result);
static ngx_int_t ngx_aigc_plan_patch(ngx_aigc_plan_t *plan, ngx_str_t *before,
    ngx_str_t *patch);
static ngx_int_t ngx_aigc_plan_reserve(ngx_aigc_plan_t *plan, ngx_str_t *text);


ngx_int_t
ngx_aigc_plan_settled(ngx_aigc_template_t *tmpl)
{
    if (tmpl->observed < tmpl->generation) {
        return NGX_AGAIN;
    }

    if (tmpl->unsettled
        && ngx_time() - tmpl->unsettled <= NGX_AIGC_SETTLE_TIME)
    {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_plan(ngx_aigc_zone_t *zone, ngx_pool_t *pool, uint32_t slot,
    ngx_aigc_op_t *ops, ngx_uint_t n, ngx_uint_t limit, ngx_str_t *patch,
    int64_t *generation)
{
    ngx_int_t         rc;
    ngx_str_t         reserve;
    ngx_uint_t        i;
    ngx_aigc_plan_t   plan;

    plan.zone = zone;
    plan.pool = pool;
    plan.slot = slot;
    plan.limit = limit;

    ngx_str_null(patch);

    /*
     * Not beside the writer: template and claims have counters of their own,
     * and a plan from half of them would end what it does not see.
     */

    ngx_aigc_lock(zone);

    rc = zone->shm->holes ? NGX_BUSY
                          : ngx_aigc_table_claims(zone, pool, slot, &plan.tmpl,
                                                  &plan.claims);

    ngx_aigc_unlock(zone);

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

    *generation = plan.tmpl.generation;
    plan.top = plan.tmpl.top;

    if (ngx_array_init(&plan.changes, pool, n + 1, sizeof(ngx_aigc_change_t))
        != NGX_OK
        || ngx_aigc_plan_reserve(&plan, &reserve) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        /* the slot may be another template's by now, or one made anew */

        if (ops[i].uid.len != plan.tmpl.uid.len
            || ngx_memcmp(ops[i].uid.data, plan.tmpl.uid.data,
                          plan.tmpl.uid.len)
               != 0)
        {
            ngx_aigc_plan_done(&ops[i], NGX_AIGC_RESULT_GONE);
            continue;
        }

        switch (ops[i].kind) {

        case NGX_AIGC_INSTALL:
            rc = ngx_aigc_plan_install(&plan, &ops[i]);
            break;

        case NGX_AIGC_ADOPT:
            rc = ngx_aigc_plan_adopt(&plan, &ops[i]);
            break;

        default:
            rc = ngx_aigc_plan_state(&plan, &ops[i]);
            break;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (plan.changes.nelts == 0 && (n || plan.tmpl.agrees)) {
        return NGX_OK;
    }

    return ngx_aigc_plan_patch(&plan, &reserve, patch);
}


static ngx_int_t
ngx_aigc_plan_install(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_str_t  owner;

    ngx_aigc_fixed_get(&op->owner, &owner);

    if (ngx_aigc_plan_installed(plan, op, &owner) == NGX_OK) {
        return NGX_OK;
    }

    /* pods that no gateway has installed are not ours to scale away */

    if (plan->tmpl.misconfigured.len
        || (!plan->tmpl.written && plan->tmpl.replicas > 0))
    {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_MISCONFIGURED);
        return NGX_OK;
    }

    if (plan->claims.nelts >= plan->limit) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FULL);
        return NGX_OK;
    }

    op->id = ngx_aigc_table_kept(plan->zone, plan->slot, &owner);

    if (op->id == NGX_ERROR) {
        op->id = ++plan->top;
    }

    if (op->id > NGX_AIGC_ID_MAX) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FULL);
        return NGX_OK;
    }

    return ngx_aigc_plan_claim(plan, op, &owner, NGX_AIGC_RUNNING);
}


/* A claim on an id that has none, from now on. */
static ngx_int_t
ngx_aigc_plan_claim(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_str_t *owner, ngx_aigc_state_e state)
{
    ngx_str_t          none;
    ngx_aigc_claim_t  *claim;

    claim = ngx_array_push(&plan->claims);
    if (claim == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(claim, sizeof(ngx_aigc_claim_t));

    claim->id = op->id;
    claim->state = state;
    claim->owner = *owner;
    claim->since_sec = ngx_time();
    ngx_aigc_fixed_get(&plan->tmpl.uid, &claim->gss);

    if (ngx_aigc_time_write(plan->pool, claim->since_sec, &claim->since)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&none);

    return ngx_aigc_plan_change(plan, op, claim, &none);
}


/*
 * An instance of the original gateway gets its annotation: it goes on as it is.
 * Its disks carry the owner already, which is what makes it his.
 */
static ngx_int_t
ngx_aigc_plan_adopt(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_int_t           rc;
    ngx_str_t           ns, name, owner;
    ngx_uint_t          i;
    ngx_aigc_claim_t   *claim;
    ngx_aigc_record_t   record;

    ngx_aigc_fixed_get(&op->owner, &owner);
    ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
    ngx_aigc_fixed_get(&plan->tmpl.name, &name);

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {
        if (claim[i].id == op->id) {
            ngx_aigc_plan_done(op, ngx_aigc_fixed_eq(&op->owner,
                                                     &claim[i].owner)
                                   ? NGX_AIGC_RESULT_UNCHANGED
                                   : NGX_AIGC_RESULT_NOT_OWNER);
            return NGX_OK;
        }
    }

    if (plan->claims.nelts >= plan->limit) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FULL);
        return NGX_OK;
    }

    rc = ngx_aigc_table_by_id(plan->zone, &ns, &name, op->id, &record);

    if (rc == NGX_BUSY) {
        return NGX_OK;
    }

    if (rc != NGX_OK || (record.disk == NGX_AIGC_DISK_NONE && !record.gs)) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_GONE);
        return NGX_OK;
    }

    if (record.disk != NGX_AIGC_DISK_NONE
        && (record.disk != NGX_AIGC_DISK_OWNED
            || !ngx_aigc_fixed_eq(&record.disk_owner, &owner)))
    {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FOREIGN_DISK);
        return NGX_OK;
    }

    /* reserved, and its pod still there: OKG has not come to it yet */

    return ngx_aigc_plan_claim(plan, op, &owner,
                               (record.gs && !record.reserved
                                && record.gs_state != NGX_AIGC_GS_DELETING)
                               ? NGX_AIGC_RUNNING : NGX_AIGC_RELEASED);
}


/* NGX_OK: owner has an instance already; NGX_DECLINED */
static ngx_int_t
ngx_aigc_plan_installed(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_str_t *owner)
{
    ngx_uint_t         i;
    ngx_aigc_claim_t  *claim;

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {

        if (claim[i].owner.len != owner->len
            || ngx_memcmp(claim[i].owner.data, owner->data, owner->len) != 0)
        {
            continue;
        }

        if (ngx_aigc_plan_changed(plan, claim[i].id)) {
            return NGX_OK;              /* it may still be refused: wait */
        }

        op->id = claim[i].id;

        if (claim[i].state == NGX_AIGC_UNINSTALLING) {
            ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNINSTALLING);
            return NGX_OK;
        }

        /* an answer that was lost: it is our own write that we see */

        ngx_aigc_plan_done(op, op->attempts ? NGX_AIGC_RESULT_WRITTEN
                                            : NGX_AIGC_RESULT_UNCHANGED);
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* One change of an id in a patch: what follows waits for the next. */
static ngx_uint_t
ngx_aigc_plan_changed(ngx_aigc_plan_t *plan, ngx_int_t id)
{
    ngx_uint_t          i;
    ngx_aigc_change_t  *change;

    change = plan->changes.elts;

    for (i = 0; i < plan->changes.nelts; i++) {
        if (change[i].id == id) {
            return 1;
        }
    }

    return 0;
}


/* start and release */
static ngx_int_t
ngx_aigc_plan_state(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_int_t           rc;
    ngx_str_t           before;
    ngx_uint_t          i;
    ngx_aigc_claim_t   *claim;
    ngx_aigc_state_e    state;
    ngx_aigc_record_t   record;
    ngx_str_t           ns, name;

    if (ngx_aigc_plan_changed(plan, op->id)) {
        return NGX_OK;
    }

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {
        if (claim[i].id == op->id) {
            break;
        }
    }

    if (i == plan->claims.nelts) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_GONE);
        return NGX_OK;
    }

    claim = &claim[i];

    if (claim->owner.len == 0 || !ngx_aigc_fixed_eq(&op->owner, &claim->owner))
    {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_NOT_OWNER);
        return NGX_OK;
    }

    if (claim->state == NGX_AIGC_UNINSTALLING) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNINSTALLING);
        return NGX_OK;
    }

    state = (op->kind == NGX_AIGC_START) ? NGX_AIGC_RUNNING
                                         : NGX_AIGC_RELEASED;

    if (claim->state == state) {
        ngx_aigc_plan_done(op, op->attempts ? NGX_AIGC_RESULT_WRITTEN
                                            : NGX_AIGC_RESULT_UNCHANGED);
        return NGX_OK;
    }

    if (state == NGX_AIGC_RUNNING) {
        ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
        ngx_aigc_fixed_get(&plan->tmpl.name, &name);

        rc = ngx_aigc_table_by_id(plan->zone, &ns, &name, op->id, &record);

        if (rc != NGX_OK) {
            return NGX_OK;              /* busy: with the next patch */
        }

        if (record.disk == NGX_AIGC_DISK_FOREIGN) {
            ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FOREIGN_DISK);
            return NGX_OK;
        }

        if (record.disk == NGX_AIGC_DISK_LOST) {
            ngx_aigc_plan_done(op, NGX_AIGC_RESULT_PARTIAL);
            return NGX_OK;
        }
    }

    /* since and gss are kept as they were written */

    before = claim->raw;

    if (ngx_aigc_claim_read(plan->pool, claim->id, &before, claim) != NGX_OK) {
        return NGX_ERROR;
    }

    claim->state = state;

    return ngx_aigc_plan_change(plan, op, claim, &before);
}


static ngx_int_t
ngx_aigc_plan_change(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_aigc_claim_t *claim, ngx_str_t *before)
{
    ngx_aigc_change_t  *change;

    if (ngx_aigc_claim_write(plan->pool, claim) != NGX_OK) {
        return NGX_ERROR;
    }

    change = ngx_array_push(&plan->changes);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->id = claim->id;
    change->before = *before;
    change->after = claim->raw;

    op->state = NGX_AIGC_OP_SENT;
    op->since = claim->since_sec;
    op->generation = plan->tmpl.generation;
    ngx_aigc_fixed_set(&op->after, &claim->raw);

    return NGX_OK;
}


static void
ngx_aigc_plan_done(ngx_aigc_op_t *op, ngx_aigc_result_e result)
{
    op->state = NGX_AIGC_OP_DONE;
    op->result = result;
}


static ngx_int_t
ngx_aigc_plan_patch(ngx_aigc_plan_t *plan, ngx_str_t *reserve,
    ngx_str_t *patch)
{
    ngx_int_t         *running;
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
    p.top = plan->top;
    p.changes = plan->changes.elts;
    p.nchanges = plan->changes.nelts;

    running = ngx_palloc(plan->pool,
                         (plan->claims.nelts + 1) * sizeof(ngx_int_t));
    if (running == NULL) {
        return NGX_ERROR;
    }

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {
        if (claim[i].state == NGX_AIGC_RUNNING) {
            running[p.nrunning++] = claim[i].id;
        }
    }

    ngx_sort(running, p.nrunning, sizeof(ngx_int_t), ngx_aigc_id_cmp);

    p.running = running;

    /* NGX_DECLINED, a contradiction: the table has been misread */

    return (ngx_aigc_patch_build(plan->pool, &p, patch) == NGX_OK)
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
            && claim[i].state == NGX_AIGC_RUNNING)
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
