/*
 * core/ngx_aigc_reason.h — why an instance does not start, from its pod's
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


#endif /* _NGX_AIGC_REASON_H_INCLUDED_ */
