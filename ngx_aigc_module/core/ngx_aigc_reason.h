/*
 * core/ngx_aigc_reason.h — why an instance does not start, from its pod's
 * status.
 */

#ifndef _NGX_AIGC_REASON_H_INCLUDED_
#define _NGX_AIGC_REASON_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_objects.h"


/*
 * Sets gs->reason_code and gs->reason, from pool, unless the GameServer is
 * ready or goes.  pod: podStatus, or NULL.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_reason_read(ngx_pool_t *pool, json_t *pod,
    ngx_aigc_gs_t *gs);


#endif /* _NGX_AIGC_REASON_H_INCLUDED_ */
