/*
 * instances/ngx_aigc_set_aside.c — who is set aside, and whose turn it is.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_set_aside.h"
#include "ngx_aigc_leader_patch.h"
#include "ngx_aigc_reconcile.h"

#include "ngx_aigc_aside.h"
#include "ngx_aigc_table_peek.h"


/* One that waits for its pod. */
typedef struct {
    ngx_int_t                 id;
    uint32_t                  slot;     /* its record's */
    ngx_uint_t                tries;
    time_t                    since;
} ngx_aigc_aside_one_t;

/*
 * What this process knows of a template.  A new leader begins anew: with the
 * first turn, at once.
 */
typedef struct {
    uint32_t                  uid;      /* a hash: a slot may be used again */
    ngx_int_t                 lowest;   /* missing, -1: none; kruise makes pods
                                           by their ids: it is the one … */
    ngx_msec_t                since;    /* … that all wait for, since then */
    ngx_msec_t                failed;   /* the last turn did */
    ngx_atomic_uint_t         gone;     /* pods, until then */
    ngx_uint_t                failures; /* in a row */
    ngx_uint_t                turn;     /* how many come back */
    ngx_uint_t                open;     /* they have, and are not all there */
} ngx_aigc_aside_state_t;

/* What one look at a template finds. */
typedef struct {
    ngx_aigc_aside_one_t      missing[NGX_AIGC_ASIDE_MAX];
    ngx_aigc_aside_one_t      aside[NGX_AIGC_ASIDE_MAX];
    ngx_uint_t                nmissing;
    ngx_uint_t                naside;
    ngx_uint_t                lowest;   /* of missing */
    ngx_uint_t                named;    /* missing ones that were refused */
} ngx_aigc_aside_found_t;


static void ngx_aigc_aside_template(uint32_t slot, ngx_aigc_template_t *tmpl,
    ngx_aigc_aside_state_t *state);
static void ngx_aigc_aside_find(ngx_aigc_template_t *tmpl,
    ngx_aigc_aside_found_t *found);
static void ngx_aigc_aside_add(ngx_aigc_aside_one_t *list, ngx_uint_t *n,
    ngx_aigc_aside_one_t *one);
static ngx_uint_t ngx_aigc_aside_stuck(ngx_aigc_template_t *tmpl,
    ngx_aigc_aside_state_t *state, ngx_aigc_aside_found_t *found);
static void ngx_aigc_aside_put(uint32_t slot, ngx_aigc_aside_state_t *state,
    ngx_aigc_aside_found_t *found);
static ngx_uint_t ngx_aigc_aside_due(ngx_aigc_aside_state_t *state);
static ngx_int_t ngx_aigc_aside_send(uint32_t slot,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_aside_one_t *list, ngx_uint_t n);
static void ngx_aigc_aside_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n);
static int ngx_libc_cdecl ngx_aigc_aside_cmp(const void *one,
    const void *two);


static ngx_aigc_leader_patch_t  ngx_aigc_aside_out = {
    NGX_AIGC_TASK_ASIDE, NGX_AIGC_ASIDE,
    "what cannot be made could not be set aside",
    ngx_aigc_aside_sent, NULL
};

static ngx_aigc_leader_patch_t  ngx_aigc_aside_back = {
    NGX_AIGC_TASK_ASIDE, NGX_AIGC_BACK,
    "what was set aside could not be tried again",
    ngx_aigc_aside_sent, NULL
};

static ngx_aigc_zone_t         *ngx_aigc_aside_zone;
static ngx_log_t               *ngx_aigc_aside_log;
static ngx_aigc_aside_state_t  *ngx_aigc_aside_states;
static uint32_t                 ngx_aigc_aside_next;    /* slot, where the next
                                                           pass goes on */


void
ngx_aigc_aside(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t                 slot, hash;
    ngx_aigc_template_t      tmpl;
    ngx_aigc_aside_state_t  *state;

    ngx_aigc_aside_zone = zone;
    ngx_aigc_aside_log = log;

    if (ngx_aigc_aside_states == NULL) {
        ngx_aigc_aside_states = ngx_calloc(ngx_aigc_table(zone)->ntemplates
                                           * sizeof(ngx_aigc_aside_state_t),
                                           log);
        if (ngx_aigc_aside_states == NULL) {
            return;
        }
    }

    for (slot = ngx_aigc_aside_next;
         ngx_aigc_table_next_template(zone, &slot, &tmpl) == NGX_OK;
         slot++)
    {
        if (slot > ngx_aigc_aside_next && ngx_aigc_reconcile_enough()) {
            ngx_aigc_aside_next = slot;
            return;
        }

        if (tmpl.deleting || tmpl.partial || !tmpl.written
            || tmpl.nrunning == 0)
        {
            continue;
        }

        state = &ngx_aigc_aside_states[slot];
        hash = ngx_crc32_short(tmpl.uid.data, tmpl.uid.len);

        if (state->uid != hash) {
            ngx_memzero(state, sizeof(ngx_aigc_aside_state_t));
            state->uid = hash;
            state->lowest = -1;
        }

        ngx_aigc_aside_template(slot, &tmpl, state);
    }

    ngx_aigc_aside_next = 0;
}


static void
ngx_aigc_aside_template(uint32_t slot, ngx_aigc_template_t *tmpl,
    ngx_aigc_aside_state_t *state)
{
    ngx_int_t               lowest;
    ngx_uint_t              i, n;
    ngx_aigc_aside_found_t   found;

    ngx_aigc_aside_find(tmpl, &found);

    lowest = found.nmissing ? found.missing[found.lowest].id : -1;

    if (lowest != state->lowest) {
        state->lowest = lowest;
        state->since = ngx_current_msec;
    }

    if (found.nmissing && tmpl->unmade.code.len
        && ngx_current_msec - state->since > NGX_AIGC_ASIDE_SURE)
    {
        for (i = 0; i < found.nmissing; i++) {
            ngx_aigc_aside_blame(ngx_aigc_aside_zone, found.missing[i].slot, 0);
        }
    }

    if (!tmpl->agrees || ngx_aigc_plan_settled(tmpl) != NGX_OK) {
        return;                         /* what is asked for is not known yet */
    }

    if (found.nmissing) {

        if (ngx_aigc_aside_stuck(tmpl, state, &found)) {
            ngx_aigc_aside_put(slot, state, &found);
        }

        return;
    }

    if (state->open) {
        state->open = 0;
        state->failures = 0;
        state->turn *= 2;
    }

    if (found.naside == 0 || !ngx_aigc_aside_due(state)) {
        return;
    }

    ngx_qsort(found.aside, found.naside, sizeof(ngx_aigc_aside_one_t),
              ngx_aigc_aside_cmp);

    state->turn = ngx_max(state->turn, 1);
    state->turn = ngx_min(state->turn, NGX_AIGC_ASIDE_MAX);

    n = ngx_min(state->turn, found.naside);

    if (ngx_aigc_aside_send(slot, &ngx_aigc_aside_back, found.aside, n)
        == NGX_OK)
    {
        state->open = 1;
    }
}


static void
ngx_aigc_aside_find(ngx_aigc_template_t *tmpl, ngx_aigc_aside_found_t *found)
{
    uint32_t              i;
    ngx_uint_t            missing;
    ngx_aigc_record_t     r;
    ngx_aigc_aside_one_t  one;

    found->nmissing = 0;
    found->naside = 0;
    found->named = 0;
    found->lowest = 0;

    for (i = tmpl->first;
         ngx_aigc_peek_record(ngx_aigc_aside_zone, i, &r) == NGX_OK;
         i = r.next_tmpl)
    {
        missing = ngx_aigc_aside_missing(&r);

        if (!missing && !r.aside) {
            continue;
        }

        one.id = r.id;
        one.slot = i;
        one.tries = r.tries;
        one.since = r.since;

        if (!missing) {
            ngx_aigc_aside_add(found->aside, &found->naside, &one);
            continue;
        }

        found->named += r.refused;

        ngx_aigc_aside_add(found->missing, &found->nmissing, &one);
    }

    for (i = 1; i < found->nmissing; i++) {
        if (found->missing[i].id < found->missing[found->lowest].id) {
            found->lowest = i;
        }
    }
}


/* of more than there is room for, those with the lowest ids stay */

static void
ngx_aigc_aside_add(ngx_aigc_aside_one_t *list, ngx_uint_t *n,
    ngx_aigc_aside_one_t *one)
{
    ngx_uint_t  i, highest;

    if (*n < NGX_AIGC_ASIDE_MAX) {
        list[(*n)++] = *one;
        return;
    }

    highest = 0;

    for (i = 1; i < *n; i++) {
        if (list[i].id > list[highest].id) {
            highest = i;
        }
    }

    if (one->id < list[highest].id) {
        list[highest] = *one;
    }
}


static ngx_uint_t
ngx_aigc_aside_stuck(ngx_aigc_template_t *tmpl, ngx_aigc_aside_state_t *state,
    ngx_aigc_aside_found_t *found)
{
    ngx_msec_t  waited;

    waited = ngx_current_msec - state->since;

    return found->named
           || (tmpl->unmade.refused && waited > NGX_AIGC_ASIDE_SURE)
           || waited > NGX_AIGC_ASIDE_STALL;
}


/* Nobody named: it is the lowest, with which kruise begins. */
static void
ngx_aigc_aside_put(uint32_t slot, ngx_aigc_aside_state_t *state,
    ngx_aigc_aside_found_t *found)
{
    ngx_uint_t         i;
    ngx_aigc_record_t  r;

    if (ngx_aigc_aside_send(slot, &ngx_aigc_aside_out, found->missing,
                            found->nmissing)
        != NGX_OK)
    {
        return;
    }

    for (i = 0; i < found->nmissing; i++) {

        if (ngx_aigc_peek_record(ngx_aigc_aside_zone, found->missing[i].slot,
                                 &r)
            == NGX_OK
            && (found->named ? r.refused : i == found->lowest))
        {
            ngx_aigc_aside_blame(ngx_aigc_aside_zone, found->missing[i].slot,
                                 1);
        }
    }

    state->open = 0;
    state->turn = 1;
    state->failures++;
    state->failed = ngx_current_msec;
    state->gone = ngx_aigc_aside_zone->shm->counters.pods_gone;
}


static ngx_uint_t
ngx_aigc_aside_due(ngx_aigc_aside_state_t *state)
{
    ngx_msec_t  wait;
    ngx_uint_t  i;

    if (state->failures == 0) {
        return 1;
    }

    wait = NGX_AIGC_ASIDE_WAIT;

    if (state->gone == ngx_aigc_aside_zone->shm->counters.pods_gone) {

        for (i = 1; i < state->failures && wait < NGX_AIGC_ASIDE_WAIT_MAX;
             i++)
        {
            wait *= 2;
        }

        wait = ngx_min(wait, NGX_AIGC_ASIDE_WAIT_MAX);
    }

    return ngx_current_msec - state->failed >= wait;
}


static ngx_int_t
ngx_aigc_aside_send(uint32_t slot, ngx_aigc_leader_patch_t *patch,
    ngx_aigc_aside_one_t *list, ngx_uint_t n)
{
    ngx_uint_t               i;
    ngx_aigc_leader_item_t   items[NGX_AIGC_ASIDE_MAX];

    for (i = 0; i < n; i++) {
        ngx_memzero(&items[i], sizeof(ngx_aigc_leader_item_t));
        items[i].tmpl = slot;
        items[i].id = list[i].id;
        items[i].record = list[i].slot;
    }

    return ngx_aigc_leader_patch_one(ngx_aigc_aside_zone, patch, slot, items,
                                     n, ngx_aigc_aside_log);
}


static void
ngx_aigc_aside_sent(ngx_aigc_template_t *tmpl, ngx_aigc_leader_item_t *items,
    ngx_aigc_op_t *ops, ngx_uint_t n)
{
    ngx_log_error(NGX_LOG_NOTICE, ngx_aigc_aside_log, 0,
                  "aigc: template %*s/%*s: %ui from instance %D on %s",
                  (size_t) tmpl->ns.len, tmpl->ns.data,
                  (size_t) tmpl->name.len, tmpl->name.data, n, ops[0].id,
                  ops[0].kind == NGX_AIGC_ASIDE
                  ? "set aside: their pods cannot be made" : "tried again");
}


/* who was tried least, then who has waited longest */

static int ngx_libc_cdecl
ngx_aigc_aside_cmp(const void *one, const void *two)
{
    const ngx_aigc_aside_one_t  *a = one;
    const ngx_aigc_aside_one_t  *b = two;

    if (a->tries != b->tries) {
        return (a->tries > b->tries) ? 1 : -1;
    }

    if (a->since != b->since) {
        return (a->since > b->since) ? 1 : -1;
    }

    return (a->id > b->id) - (a->id < b->id);
}
