/*
 * instances/ngx_aigc_plan_op.c — the decision on each operation of a plan.
 */

#include "ngx_aigc_plan_op.h"
#include "kube/ngx_aigc_date.h"

#include "ngx_aigc_ids.h"


static ngx_int_t ngx_aigc_plan_install(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_allowed(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op, ngx_str_t *owner);
static ngx_uint_t ngx_aigc_plan_left(ngx_aigc_plan_t *plan,
    ngx_aigc_claim_t *claim);
static ngx_int_t ngx_aigc_plan_new(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_str_t *owner, ngx_aigc_state_e state, time_t since);
static ngx_int_t ngx_aigc_plan_adopt(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_aigc_claim_t *ngx_aigc_plan_claim(ngx_aigc_plan_t *plan,
    ngx_int_t id);
static ngx_uint_t ngx_aigc_plan_changed(ngx_aigc_plan_t *plan, ngx_int_t id);
static ngx_int_t ngx_aigc_plan_state(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_disk(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_uninstall(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op, ngx_aigc_claim_t *claim);
static ngx_int_t ngx_aigc_plan_forget(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_aside(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_aigc_plan_change(ngx_aigc_plan_t *plan,
    ngx_aigc_op_t *op, ngx_aigc_claim_t *claim, ngx_aigc_claim_t *after);
static ngx_int_t ngx_aigc_plan_send(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_int_t id, ngx_str_t *before, ngx_str_t *after);


ngx_int_t
ngx_aigc_plan_op(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    /* the slot may be another template's by now, or one made anew */

    if (!ngx_aigc_fixed_eq(&op->uid, &plan->tmpl.uid)) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_GONE);
        return NGX_OK;
    }

    switch (op->kind) {

    case NGX_AIGC_INSTALL:
    case NGX_AIGC_INSTALL_ANOTHER:
        return ngx_aigc_plan_install(plan, op);

    case NGX_AIGC_FORGET:
        return ngx_aigc_plan_forget(plan, op);

    case NGX_AIGC_ADOPT:
        return ngx_aigc_plan_adopt(plan, op);

    case NGX_AIGC_ASIDE:
    case NGX_AIGC_BACK:
        return ngx_aigc_plan_aside(plan, op);

    default:
        return ngx_aigc_plan_state(plan, op);
    }
}


static ngx_int_t
ngx_aigc_plan_install(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_int_t          rc;
    ngx_str_t          owner;
    ngx_aigc_claim_t  *claim;

    ngx_aigc_fixed_get(&op->owner, &owner);

    if (op->after.len) {

        claim = ngx_aigc_plan_claim(plan, op->id);

        if (claim && ngx_aigc_fixed_eq(&op->after, &claim->raw)) {

            /* an answer that was lost: it is our own write that we see */

            ngx_aigc_plan_done(op, NGX_AIGC_RESULT_WRITTEN);
            return NGX_OK;
        }

        /* nothing has moved: the same again, it may have been carried out */

        if (claim == NULL && ngx_aigc_plan_same(plan, op)) {
            return ngx_aigc_plan_new(plan, op, &owner, NGX_AIGC_RUNNING,
                                     op->since);
        }
    }

    rc = ngx_aigc_plan_allowed(plan, op, &owner);

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
    }

    op->id = ngx_aigc_table_kept(plan->zone, plan->slot, &owner);

    if (op->id == NGX_ERROR) {
        op->id = ++plan->top;
    }

    return ngx_aigc_plan_new(plan, op, &owner, NGX_AIGC_RUNNING,
                             ngx_aigc_date(plan->zone));
}


/* NGX_OK: a new one; NGX_DECLINED: it is done, or waits */
static ngx_int_t
ngx_aigc_plan_allowed(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_str_t *owner)
{
    ngx_uint_t            i, n, left, own_left;
    ngx_aigc_claim_t     *claim, *own;
    ngx_aigc_result_e     result;
    ngx_aigc_template_t  *tmpl;

    n = 0;
    own = NULL;
    own_left = 0;
    tmpl = &plan->tmpl;
    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {

        if (!ngx_aigc_text_eq(&claim[i].owner, owner)) {
            continue;
        }

        if (ngx_aigc_plan_changed(plan, claim[i].id)) {
            return NGX_DECLINED;        /* it may still be refused: wait */
        }

        left = ngx_aigc_plan_left(plan, &claim[i]);
        n += !left;

        if (left && claim[i].state == NGX_AIGC_UNINSTALLING) {
            continue;
        }

        if (own == NULL || own_left || own->state == NGX_AIGC_UNINSTALLING) {
            own = &claim[i];
            own_left = left;
        }
    }

    if (own && op->kind == NGX_AIGC_INSTALL) {
        op->id = own->id;
        result = (own->state == NGX_AIGC_UNINSTALLING)
                 ? NGX_AIGC_RESULT_UNINSTALLING : NGX_AIGC_RESULT_UNCHANGED;

    } else if (tmpl->misconfigured.len
               || (!tmpl->written && tmpl->replicas > 0))
    {
        /* pods that no gateway has installed are not ours to scale away */

        result = NGX_AIGC_RESULT_MISCONFIGURED;

    } else if (n >= plan->limits->user_template) {
        result = NGX_AIGC_RESULT_LIMIT_USER_TEMPLATE;

    } else if (plan->claims.nelts >= tmpl->max) {
        result = NGX_AIGC_RESULT_LIMIT_TEMPLATE;

    } else if (plan->top >= NGX_AIGC_ID_MAX) {
        result = NGX_AIGC_RESULT_USED_UP;

    } else if (plan->limits->user_total
               && ngx_aigc_queue_admit(plan->zone, op,
                                       plan->limits->user_total)
                  != NGX_OK)
    {
        result = NGX_AIGC_RESULT_LIMIT_USER_TOTAL;

    } else {
        return NGX_OK;
    }

    ngx_aigc_plan_done(op, result);

    return NGX_DECLINED;
}


/* As ngx_aigc_table_left(), of a claim that this plan has not changed. */
static ngx_uint_t
ngx_aigc_plan_left(ngx_aigc_plan_t *plan, ngx_aigc_claim_t *claim)
{
    ngx_str_t          ns, name;
    ngx_aigc_record_t  record;

    if (claim->state == NGX_AIGC_RUNNING) {
        return 0;
    }

    ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
    ngx_aigc_fixed_get(&plan->tmpl.name, &name);

    return ngx_aigc_table_by_id(plan->zone, &ns, &name, claim->id, &record)
           == NGX_OK
           && ngx_aigc_table_left(plan->zone, &record);
}


/* A claim of owner on op->id, which has none. */
static ngx_int_t
ngx_aigc_plan_new(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op, ngx_str_t *owner,
    ngx_aigc_state_e state, time_t since)
{
    ngx_aigc_claim_t  after;

    ngx_memzero(&after, sizeof(ngx_aigc_claim_t));

    after.id = op->id;
    after.state = state;
    after.owner = *owner;
    after.since_sec = since;
    ngx_aigc_fixed_get(&plan->tmpl.uid, &after.gss);

    if (ngx_aigc_time_write(plan->pool, since, &after.since) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_aigc_plan_change(plan, op, NULL, &after);
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
    ngx_aigc_claim_t   *claim;
    ngx_aigc_record_t   record;

    ngx_aigc_fixed_get(&op->owner, &owner);
    ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
    ngx_aigc_fixed_get(&plan->tmpl.name, &name);

    claim = ngx_aigc_plan_claim(plan, op->id);

    if (claim) {
        ngx_aigc_plan_done(op, ngx_aigc_fixed_eq(&op->owner, &claim->owner)
                               ? NGX_AIGC_RESULT_UNCHANGED
                               : NGX_AIGC_RESULT_NOT_OWNER);
        return NGX_OK;
    }

    if (plan->claims.nelts >= plan->tmpl.max) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_LIMIT_TEMPLATE);
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

    return ngx_aigc_plan_new(plan, op, &owner,
                             (record.gs && !record.reserved
                              && record.gs_state != NGX_AIGC_GS_DELETING)
                             ? NGX_AIGC_RUNNING : NGX_AIGC_RELEASED,
                             ngx_aigc_date(plan->zone));
}


static ngx_aigc_claim_t *
ngx_aigc_plan_claim(ngx_aigc_plan_t *plan, ngx_int_t id)
{
    ngx_uint_t         i;
    ngx_aigc_claim_t  *claim;

    claim = plan->claims.elts;

    for (i = 0; i < plan->claims.nelts; i++) {
        if (claim[i].id == id) {
            return &claim[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_aigc_plan_same(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    return (op->kind == NGX_AIGC_INSTALL
            || op->kind == NGX_AIGC_INSTALL_ANOTHER)
           && op->after.len && op->generation == plan->tmpl.generation
           && !ngx_aigc_plan_changed(plan, op->id);
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


/* start, release, uninstall */
static ngx_int_t
ngx_aigc_plan_state(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_aigc_claim_t   *claim, after;
    ngx_aigc_state_e    state;

    if (ngx_aigc_plan_changed(plan, op->id)) {
        return NGX_OK;
    }

    claim = ngx_aigc_plan_claim(plan, op->id);

    if (claim == NULL) {

        /* our own uninstall, whose answer was lost, has gone on to its end */

        ngx_aigc_plan_done(op, ngx_aigc_is_uninstall(op->kind) && op->after.len
                               && op->http != 422   /* not taken */
                               ? NGX_AIGC_RESULT_WRITTEN
                               : NGX_AIGC_RESULT_GONE);
        return NGX_OK;
    }

    if (claim->owner.len == 0 || !ngx_aigc_fixed_eq(&op->owner, &claim->owner))
    {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_NOT_OWNER);
        return NGX_OK;
    }

    if (op->after.len && ngx_aigc_fixed_eq(&op->after, &claim->raw)) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_WRITTEN);
        return NGX_OK;
    }

    if (ngx_aigc_is_uninstall(op->kind)) {
        return ngx_aigc_plan_uninstall(plan, op, claim);
    }

    if (claim->state == NGX_AIGC_UNINSTALLING) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNINSTALLING);
        return NGX_OK;
    }

    state = (op->kind == NGX_AIGC_START) ? NGX_AIGC_RUNNING
                                         : NGX_AIGC_RELEASED;

    if (claim->state == state) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNCHANGED);
        return NGX_OK;
    }

    if (state == NGX_AIGC_RUNNING && ngx_aigc_plan_disk(plan, op) != NGX_OK) {
        return NGX_OK;
    }

    /* since and gss are kept as they were written */

    if (ngx_aigc_claim_read(plan->pool, claim->id, &claim->raw, &after)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    after.state = state;

    return ngx_aigc_plan_change(plan, op, claim, &after);
}


/* NGX_OK: it may be attached; NGX_DECLINED: op is done, or waits */
static ngx_int_t
ngx_aigc_plan_disk(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_str_t          ns, name;
    ngx_aigc_record_t  record;

    ngx_aigc_fixed_get(&plan->tmpl.ns, &ns);
    ngx_aigc_fixed_get(&plan->tmpl.name, &name);

    if (ngx_aigc_table_by_id(plan->zone, &ns, &name, op->id, &record)
        != NGX_OK)
    {
        return NGX_DECLINED;            /* busy: with the next patch */
    }

    if (record.disk == NGX_AIGC_DISK_FOREIGN) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_FOREIGN_DISK);
        return NGX_DECLINED;
    }

    if (record.disk == NGX_AIGC_DISK_LOST) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_PARTIAL);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * A disk that is on its way out cannot be promised any more; one that was to
 * stay can still be given up.
 */
static ngx_int_t
ngx_aigc_plan_uninstall(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_aigc_claim_t *claim)
{
    ngx_uint_t         keep;
    ngx_aigc_claim_t   after;

    keep = (op->kind == NGX_AIGC_UNINSTALL_KEEP);

    if (ngx_aigc_claim_read(plan->pool, claim->id, &claim->raw, &after)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (after.state == NGX_AIGC_UNINSTALLING && after.keep <= keep) {
        ngx_aigc_plan_done(op, after.keep == keep
                               ? NGX_AIGC_RESULT_UNCHANGED
                               : NGX_AIGC_RESULT_UNINSTALLING);
        return NGX_OK;
    }

    after.state = NGX_AIGC_UNINSTALLING;
    after.keep = keep;

    return ngx_aigc_plan_change(plan, op, claim, &after);
}


/* The id stays reserved for ever: top is kept up by each patch. */
static ngx_int_t
ngx_aigc_plan_forget(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_str_t          none;
    ngx_aigc_claim_t  *claim;

    claim = ngx_aigc_plan_claim(plan, op->id);

    if (claim == NULL || claim->state != NGX_AIGC_UNINSTALLING) {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_GONE);
        return NGX_OK;
    }

    ngx_str_null(&none);

    return ngx_aigc_plan_send(plan, op, claim->id, &claim->raw, &none);
}


/*
 * Its annotation stays as it is, and is written once more, so that the patch
 * does not apply where its user was quicker.
 */
static ngx_int_t
ngx_aigc_plan_aside(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op)
{
    ngx_uint_t         aside;
    ngx_aigc_claim_t  *claim;

    claim = ngx_aigc_plan_claim(plan, op->id);
    aside = (op->kind == NGX_AIGC_ASIDE);

    if (claim == NULL || claim->state != NGX_AIGC_RUNNING
        || claim->aside == aside)
    {
        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNCHANGED);
        return NGX_OK;
    }

    claim->aside = aside;
    plan->moves = 1;

    return ngx_aigc_plan_send(plan, op, claim->id, &claim->raw, &claim->raw);
}


/* From claim (NULL: there is none) to after. */
static ngx_int_t
ngx_aigc_plan_change(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op,
    ngx_aigc_claim_t *claim, ngx_aigc_claim_t *after)
{
    ngx_int_t  rc;
    ngx_str_t  before;

    rc = ngx_aigc_claim_write(plan->pool, after);

    if (rc == NGX_DECLINED) {
        /* this one alone: the others of the patch have nothing to do with it */

        ngx_aigc_plan_done(op, NGX_AIGC_RESULT_UNWRITABLE);
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (claim == NULL) {
        claim = ngx_array_push(&plan->claims);
        if (claim == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(claim, sizeof(ngx_aigc_claim_t));
    }

    op->since = after->since_sec;
    plan->moves |= (claim->state == NGX_AIGC_RUNNING
                    || after->state == NGX_AIGC_RUNNING);

    before = claim->raw;
    *claim = *after;

    return ngx_aigc_plan_send(plan, op, claim->id, &before, &claim->raw);
}


static ngx_int_t
ngx_aigc_plan_send(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op, ngx_int_t id,
    ngx_str_t *before, ngx_str_t *after)
{
    ngx_aigc_change_t  *change;

    change = ngx_array_push(&plan->changes);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->id = id;
    change->before = *before;
    change->after = *after;

    op->state = NGX_AIGC_OP_SENT;
    op->generation = plan->tmpl.generation;
    ngx_aigc_fixed_set(&op->after, after);

    return NGX_OK;
}


void
ngx_aigc_plan_done(ngx_aigc_op_t *op, ngx_aigc_result_e result)
{
    op->state = NGX_AIGC_OP_DONE;
    op->result = result;
}
