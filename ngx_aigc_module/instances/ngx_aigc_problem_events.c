/*
 * instances/ngx_aigc_problem_events.c — one Event for a kind of problem in a
 * template, and another one when there are more of it.
 */

#include "ngx_aigc_reconcile.h"
#include "ngx_aigc_problem.h"
#include "ngx_aigc_event.h"

#include "ngx_aigc_ids.h"
#include "ngx_aigc_table_peek.h"


#define NGX_AIGC_PROBLEM_IDS  5            /* named in a message */


/* A template's problems of one kind. */
typedef struct {
    ngx_uint_t   n;
    ngx_uint_t   nids;
    ngx_int_t    ids[NGX_AIGC_PROBLEM_IDS];
} ngx_aigc_tally_t;


static void ngx_aigc_problem_report(uint32_t slot, ngx_aigc_template_t *tmpl);
static void ngx_aigc_problem_tally(ngx_aigc_tally_t *tally, ngx_uint_t bits,
    ngx_int_t id);
static ngx_int_t ngx_aigc_problem_event(ngx_aigc_template_t *tmpl,
    ngx_aigc_problem_t *problem, ngx_aigc_tally_t *tally);


static ngx_aigc_kubernetes_t  *ngx_aigc_problem_k8s;
static ngx_aigc_zone_t        *ngx_aigc_problem_zone;
static ngx_log_t              *ngx_aigc_problem_log;
static uint32_t                ngx_aigc_problem_next;   /* slot, where the next
                                                           pass goes on */


void
ngx_aigc_problem_events(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t             slot;
    ngx_aigc_template_t  tmpl;

    ngx_aigc_problem_k8s = k8s;
    ngx_aigc_problem_zone = zone;
    ngx_aigc_problem_log = log;

    for (slot = ngx_aigc_problem_next;
         ngx_aigc_table_next_template(zone, &slot, &tmpl) == NGX_OK;
         slot++)
    {
        if (!tmpl.deleting) {
            ngx_aigc_problem_report(slot, &tmpl);
        }

        if (ngx_aigc_reconcile_enough()) {
            ngx_aigc_problem_next = slot + 1;
            return;
        }
    }

    ngx_aigc_problem_next = 0;
}


static void
ngx_aigc_problem_report(uint32_t slot, ngx_aigc_template_t *tmpl)
{
    uint32_t            i;
    ngx_uint_t          kind;
    ngx_aigc_tally_t    tally[NGX_AIGC_PROBLEMS];
    ngx_aigc_record_t   record;

    ngx_memzero(tally, sizeof(tally));

    ngx_aigc_problem_tally(tally, ngx_aigc_problem_template(tmpl), -1);

    for (i = tmpl->first;
         ngx_aigc_peek_record(ngx_aigc_problem_zone, i, &record) == NGX_OK;
         i = record.next_tmpl)
    {
        ngx_aigc_problem_tally(tally,
                               ngx_aigc_problem_record(ngx_aigc_problem_zone,
                                                       &record),
                               record.id);
    }

    for (kind = 0; kind < NGX_AIGC_PROBLEMS; kind++) {

        if (tally[kind].n == tmpl->reported[kind]) {
            continue;
        }

        /* not in a turn that may never come: what is noted is not told again */

        if (tally[kind].n > tmpl->reported[kind]
            && (!ngx_aigc_event_idle()
                || ngx_aigc_problem_event(tmpl, &ngx_aigc_problems[kind],
                                          &tally[kind])
                   != NGX_OK))
        {
            continue;                   /* with the next pass */
        }

        ngx_aigc_problem_reported(ngx_aigc_problem_zone, slot, kind,
                                  tally[kind].n);
    }
}


static void
ngx_aigc_problem_tally(ngx_aigc_tally_t *tally, ngx_uint_t bits, ngx_int_t id)
{
    for ( /* void */ ; bits; bits >>= 1, tally++) {

        if (!(bits & 1)) {
            continue;
        }

        if (id >= 0 && tally->nids < NGX_AIGC_PROBLEM_IDS) {
            tally->ids[tally->nids++] = id;
        }

        tally->n++;
    }
}


static ngx_int_t
ngx_aigc_problem_event(ngx_aigc_template_t *tmpl, ngx_aigc_problem_t *problem,
    ngx_aigc_tally_t *tally)
{
    u_char       buf[512], *p, *last;
    ngx_uint_t   i;

    if (tally->n == 1) {
        return ngx_aigc_event(ngx_aigc_problem_k8s, tmpl,
                              tally->nids ? tally->ids[0] : -1,
                              problem->reason, problem->message,
                              ngx_aigc_problem_log);
    }

    ngx_sort(tally->ids, tally->nids, sizeof(ngx_int_t), ngx_aigc_id_cmp);

    last = buf + sizeof(buf) - 1;
    p = ngx_slprintf(buf, last, "instances");

    for (i = 0; i < tally->nids; i++) {
        p = ngx_slprintf(p, last, "%s %i", i ? "," : "", tally->ids[i]);
    }

    if (tally->n > tally->nids) {
        p = ngx_slprintf(p, last, " and %ui more", tally->n - tally->nids);
    }

    p = ngx_slprintf(p, last, ", each: %s", problem->message);
    *p = '\0';

    return ngx_aigc_event(ngx_aigc_problem_k8s, tmpl, -1, problem->reason,
                          (char *) buf, ngx_aigc_problem_log);
}
