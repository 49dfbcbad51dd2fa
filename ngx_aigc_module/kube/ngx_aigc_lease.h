/*
 * kube/ngx_aigc_lease.h — one leader among all gateways of a cluster, by a Lease
 * that each of them reads and that one holds.  Runs in the one worker that
 * writes the table.  What the rules are is in kube/ngx_aigc_election.h; whether
 * we lead is in kube/ngx_aigc_leader.h.
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


#define NGX_AIGC_LEASE_TIMEOUT  5000    /* ms for a call: half the DEADLINE, so
                                           that one may fail */
#define NGX_AIGC_LEASE_SOON     200     /* ms at least between two calls */
#define NGX_AIGC_LEASE_RELEASE  1000    /* ms that a quit may take longer */
#define NGX_AIGC_LEASE_JITTER   400     /* ms */
#define NGX_AIGC_LEASE_LOG      30000   /* ms between lines about failures */
#define NGX_AIGC_LEASE_BODY     (1024 * 1024)   /* bytes: annotations fit */


/* leads: we do from now on, or we do no more and may change nothing. */
typedef void (*ngx_aigc_lease_changed_pt)(ngx_uint_t leads);

/*
 * From the start of the worker; zone has been taken.  Where this nginx leads
 * already, it goes on and changed() is not called.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_lease_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, ngx_aigc_lease_changed_pt changed);

/*
 * At a graceful quit: gives the Lease up, for which the worker stays up to
 * LEASE_RELEASE longer; not at a reload, nor when another worker has taken over.
 */
void ngx_aigc_lease_quit(void);

/* Ends all of it; the Lease stays as it is. */
void ngx_aigc_lease_stop(void);


#endif /* _NGX_AIGC_LEASE_H_INCLUDED_ */
