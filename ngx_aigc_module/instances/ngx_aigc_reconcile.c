/*
 * instances/ngx_aigc_reconcile.c — the pass.  Level-triggered: it looks at the
 * table, not at what has changed in it, so a step that failed is taken again by
 * the next.  Each step has a file of its own, and a pass of the event loop:
 * requests and watches have their turn in between.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_event.h"
#include "base/ngx_aigc_loop_time.h"
#include "base/ngx_aigc_timer.h"
#include "kube/ngx_aigc_lease.h"
#include "kube/ngx_aigc_task.h"


static void ngx_aigc_reconcile_leader(ngx_uint_t leads);
static void ngx_aigc_reconcile_end(void);
static void ngx_aigc_reconcile_round(ngx_event_t *ev);
static void ngx_aigc_reconcile_step(ngx_event_t *ev);


static ngx_aigc_kubernetes_t  *ngx_aigc_reconcile_k8s;
static ngx_aigc_zone_t        *ngx_aigc_reconcile_zone;
static ngx_log_t              *ngx_aigc_reconcile_log;
static ngx_event_t             ngx_aigc_reconcile_event;
static ngx_event_t             ngx_aigc_reconcile_next;     /* step, which is */
static ngx_aigc_step_t        *ngx_aigc_reconcile_steps;
static ngx_uint_t              ngx_aigc_reconcile_at;       /* … this one */
static ngx_uint_t              ngx_aigc_reconcile_again;
static ngx_uint_t              ngx_aigc_reconcile_halfway;  /* the step is */
static uint64_t                ngx_aigc_reconcile_took;     /* us, this round */
static ngx_msec_t              ngx_aigc_reconcile_pause;    /* ms, after it */


ngx_int_t
ngx_aigc_reconcile_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, ngx_aigc_step_t *steps)
{
    ngx_aigc_reconcile_k8s = k8s;
    ngx_aigc_reconcile_zone = zone;
    ngx_aigc_reconcile_steps = steps;
    ngx_aigc_reconcile_log = cycle->log;

    ngx_aigc_task_init(k8s, zone, ngx_aigc_reconcile_kick, cycle->log);

    ngx_aigc_timer_init(&ngx_aigc_reconcile_event, ngx_aigc_reconcile_round, 1,
                        cycle->log);

    ngx_memzero(&ngx_aigc_reconcile_next, sizeof(ngx_event_t));
    ngx_aigc_reconcile_next.handler = ngx_aigc_reconcile_step;
    ngx_aigc_reconcile_next.log = cycle->log;

    ngx_add_timer(&ngx_aigc_reconcile_event, NGX_AIGC_RECONCILE_EVERY);

    return ngx_aigc_lease_start(cycle, k8s, zone, ngx_aigc_reconcile_leader);
}


void
ngx_aigc_reconcile_stop(void)
{
    ngx_aigc_timer_stop(&ngx_aigc_reconcile_event);

    ngx_aigc_lease_stop();
    ngx_aigc_reconcile_end();
}


/* All that a leader does, under way or waiting. */
static void
ngx_aigc_reconcile_end(void)
{
    ngx_aigc_step_t  *step;

    if (ngx_aigc_reconcile_next.posted) {
        ngx_delete_posted_event(&ngx_aigc_reconcile_next);
    }

    ngx_aigc_reconcile_again = 0;

    ngx_aigc_task_cancel();
    ngx_aigc_event_cancel();

    for (step = ngx_aigc_reconcile_steps; step && step->run; step++) {
        if (step->stop) {
            step->stop();
        }
    }
}


/* Somebody else may lead from here on. */
static void
ngx_aigc_reconcile_leader(ngx_uint_t leads)
{
    if (leads) {
        ngx_aigc_reconcile_kick();

    } else {
        ngx_aigc_reconcile_end();
    }
}


void
ngx_aigc_reconcile_kick(void)
{
    ngx_aigc_timer_within(&ngx_aigc_reconcile_event,
                          ngx_max(NGX_AIGC_RECONCILE_SOON,
                                  ngx_aigc_reconcile_pause));
}


ngx_uint_t
ngx_aigc_reconcile_enough(void)
{
    if (ngx_aigc_loop_time_spent() < NGX_AIGC_RECONCILE_SLICE) {
        return 0;
    }

    ngx_aigc_reconcile_halfway = 1;

    return 1;
}


/* A round begins: its steps follow, one a pass of the event loop. */
static void
ngx_aigc_reconcile_round(ngx_event_t *ev)
{
    ngx_event_t  *step;

    if (ngx_aigc_zone_is_writer(ngx_aigc_reconcile_zone) != NGX_OK) {
        ngx_aigc_reconcile_stop();
        return;
    }

    step = &ngx_aigc_reconcile_next;

    if (step->posted) {
        ngx_aigc_reconcile_again = 1;

    } else {
        ngx_aigc_reconcile_at = 0;
        ngx_aigc_reconcile_took = 0;
        ngx_post_event(step, &ngx_posted_next_events);
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_AIGC_RECONCILE_EVERY);
    }
}


static void
ngx_aigc_reconcile_step(ngx_event_t *ev)
{
    ngx_aigc_step_t  *step;

    /* a half-known cluster is nothing to act upon */

    if (ngx_aigc_leader_leads(ngx_aigc_reconcile_zone) != NGX_OK
        || ngx_aigc_zone_is_writer(ngx_aigc_reconcile_zone) != NGX_OK
        || ngx_aigc_sync_complete(ngx_aigc_reconcile_zone) != NGX_OK
        || ngx_aigc_table(ngx_aigc_reconcile_zone)->holes)
    {
        return;
    }

    ngx_aigc_loop_time_begin();

    ngx_aigc_reconcile_halfway = 0;

    step = &ngx_aigc_reconcile_steps[ngx_aigc_reconcile_at];
    step->run(ngx_aigc_reconcile_k8s, ngx_aigc_reconcile_zone,
              ngx_aigc_reconcile_log);

    ngx_aigc_reconcile_took += ngx_aigc_loop_time_spent();

    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_RECONCILE);

    ngx_aigc_reconcile_at += !ngx_aigc_reconcile_halfway;

    if (ngx_aigc_reconcile_steps[ngx_aigc_reconcile_at].run) {
        ngx_post_event(ev, &ngx_posted_next_events);
        return;
    }

    ngx_aigc_reconcile_pause = ngx_min(ngx_aigc_reconcile_took / 1000
                                       * NGX_AIGC_RECONCILE_SHARE,
                                       NGX_AIGC_RECONCILE_EVERY);

    if (ngx_aigc_reconcile_again) {
        ngx_aigc_reconcile_again = 0;
        ngx_aigc_reconcile_kick();
    }
}
