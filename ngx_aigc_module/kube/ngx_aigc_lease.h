/*
 * kube/ngx_aigc_lease.h — elects one leader among a cluster's gateways, by a
 * Lease that all of them read and one holds.  It runs only in the worker that
 * writes the table.  The rules of the election are in kube/ngx_aigc_election.h,
 * its present outcome in kube/ngx_aigc_leader.h.
 *
 *   read → free, or ours → write, with the resourceVersion that was read
 *        → somebody else's → read again in a while
 *   written → we lead for LEASE_DEADLINE from when it was sent → write again
 *             LEASE_RETRY after it was sent, however long the answer took;
 *             refused, since it has changed: read
 */

#ifndef _NGX_AIGC_LEASE_H_INCLUDED_
#define _NGX_AIGC_LEASE_H_INCLUDED_

#include "ngx_aigc_kubernetes.h"

#include "ngx_aigc_leader.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_LEASE_TIMEOUT  5000    /* ms for a call: half the DEADLINE, so
                                           that one may fail */
#define NGX_AIGC_LEASE_SOON     200     /* ms at least between two calls */
#define NGX_AIGC_LEASE_RELEASE  1000    /* ms that a quit may take longer */
#define NGX_AIGC_LEASE_JITTER   400     /* ms */
#define NGX_AIGC_LEASE_LOG      30000   /* ms between lines about failures */


/* 1: this gateway leads from now on; 0: no more, it may change nothing. */
typedef void (*ngx_aigc_lease_changed_pt)(ngx_uint_t leads);

/*
 * Starts the election when the worker starts, after ngx_aigc_zone_take().  If
 * this nginx leads already, as after a reload, it keeps the lead, and changed()
 * is not called for it.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_lease_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, ngx_aigc_lease_changed_pt changed);

/*
 * At a graceful shutdown: releases the Lease; the worker waits for it for up to
 * LEASE_RELEASE.  Does nothing at a reload or if another worker has taken over.
 */
void ngx_aigc_lease_release(void);

/* Stops all timers and calls without a change to the Lease. */
void ngx_aigc_lease_stop(void);


#endif /* _NGX_AIGC_LEASE_H_INCLUDED_ */
