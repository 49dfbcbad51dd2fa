/*
 * instances/ngx_aigc_reason.h — why an instance does not start, from its pod's
 * status, and what a warning about the pod may add.
 *
 * Precedence: a pod that should have ended and has not; then the pod's status,
 * which is how things are now; then the last warning about this very pod.  An
 * event never says that it is over, so a warning counts only while the status
 * says nothing and does not show that its matter is done.
 */

#ifndef _NGX_AIGC_REASON_H_INCLUDED_
#define _NGX_AIGC_REASON_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_pod.h"


/*
 * s that a pod may end later than its grace period says, before it is told,
 * and before it is held to hang.  The latter is what Kubernetes gives a node
 * that does not answer before it ends its pods: one that is restarted meanwhile
 * ends them itself.
 */
#define NGX_AIGC_ENDING_LATE   5
#define NGX_AIGC_ENDING_STUCK  300


/* How the end of a pod goes. */
typedef enum {
    NGX_AIGC_ENDING_IN_TIME = 0,        /* or it is not to end */
    NGX_AIGC_ENDING_IS_LATE,
    NGX_AIGC_ENDING_IS_STUCK            /* not without an administrator */
} ngx_aigc_ending_e;


/*
 * Sets pod->progress; and pod->reason_code and pod->reason, from pool, unless
 * the pod is ready or goes.  status: the pod's, or NULL.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_reason_read(ngx_pool_t *pool, json_t *status,
    ngx_aigc_pod_t *pod);

/*
 * Is a warning with this code done with, for a pod that has come so far?  1
 * for those of container images and restarts, too: a pod's status tells them,
 * and takes them back.
 */
ngx_uint_t ngx_aigc_reason_over(ngx_str_t *code,
    ngx_aigc_progress_e progress);

/*
 * Is it OKG's word on a call of its own that it makes again by itself?  1 for
 * "apiCallError" and "internalError": on every start its webhook cannot make
 * the Service, since the pod has no uid yet.  No reason, unless it lasts.
 */
ngx_uint_t ngx_aigc_reason_passing(ngx_str_t *code);

/*
 * Of a pod that is there at now, both by the API server's clock.  deadline: the
 * end of its grace period, 0: it is not to end, or that is unknown.
 */
ngx_aigc_ending_e ngx_aigc_reason_ending(time_t deadline, time_t now);

/* The time after which that gets worse; 0: it does not. */
time_t ngx_aigc_reason_worse(time_t deadline, time_t now);


#endif /* _NGX_AIGC_REASON_H_INCLUDED_ */
