/*
 * instances/ngx_aigc_set_aside.h — the leader sets aside what cannot be made, so that
 * releases go through, and lets it come back in its turn.
 *
 * When the cluster says that a pod cannot be made, or says nothing for
 * NGX_AIGC_ASIDE_STALL ms, all that is missing in that template is set aside by
 * one patch.  It comes back oldest first, who was tried least before all: one,
 * then twice as many as before while all of a turn are made.  A turn that fails
 * is set aside again, and the next one waits: from NGX_AIGC_ASIDE_WAIT ms twice
 * as long each time, but no longer than that once any pod has gone, which may
 * have made room.
 */

#ifndef _NGX_AIGC_ASIDE_STEP_H_INCLUDED_
#define _NGX_AIGC_ASIDE_STEP_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_ASIDE_STALL     20000  /* ms: an admission webhook has 10 s */
#define NGX_AIGC_ASIDE_SURE      3000   /* ms, where the workload has said that
                                           it cannot, and not of which pod */
#define NGX_AIGC_ASIDE_WAIT      5000   /* ms */
#define NGX_AIGC_ASIDE_WAIT_MAX  120000
#define NGX_AIGC_ASIDE_MAX       256    /* instances in one patch */


/* For the pass; the lock is not held. */
void ngx_aigc_aside(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_ASIDE_STEP_H_INCLUDED_ */
