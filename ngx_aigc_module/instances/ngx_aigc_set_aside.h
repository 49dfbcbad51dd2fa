/*
 * instances/ngx_aigc_set_aside.h — a reconciler's step: leaves instances out of
 * spec whose pods cannot be made, and puts them back later.  Why that is needed
 * is in instances/ngx_aigc_aside.h.
 *
 * A template is stalled when the cluster says that a pod of it cannot be made,
 * or when a pod is missing for NGX_AIGC_ASIDE_STALL ms without a word.  One
 * patch then sets aside all instances of the template whose pods are missing.
 *
 * They come back in turns: first the instance that was tried least often, of
 * equals the oldest.  A turn is one instance; after a turn whose pods were all
 * made it is twice as many.  After a turn that failed its instances are set
 * aside again, and the next turn waits: NGX_AIGC_ASIDE_WAIT ms, doubled at each
 * failure.  When a pod anywhere has ended, there may be room, and no turn waits
 * longer than NGX_AIGC_ASIDE_WAIT ms.
 */

#ifndef _NGX_AIGC_SET_ASIDE_H_INCLUDED_
#define _NGX_AIGC_SET_ASIDE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_ASIDE_STALL     20000  /* ms that a pod may be missing: an
                                           admission webhook has 10 s */
#define NGX_AIGC_ASIDE_SURE      3000   /* ms that it may be missing once the
                                           workload has said that it cannot make
                                           a pod, but not which */
#define NGX_AIGC_ASIDE_WAIT      5000   /* ms until the turn after a failed
                                           one */
#define NGX_AIGC_ASIDE_WAIT_MAX  120000 /* ms to which that is doubled */
#define NGX_AIGC_ASIDE_MAX       256    /* instances in one patch */


/* Takes the lock by itself. */
void ngx_aigc_aside(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_SET_ASIDE_H_INCLUDED_ */
