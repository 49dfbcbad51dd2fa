/*
 * base/ngx_aigc_control.h — health of the control plane.  Worker 0 writes a
 * heartbeat twice a second, and notes when its calls cannot be made.  Any
 * worker reads both, for /readyz and /metrics.
 */

#ifndef _NGX_AIGC_CONTROL_H_INCLUDED_
#define _NGX_AIGC_CONTROL_H_INCLUDED_

#include "ngx_aigc_zone.h"


#define NGX_AIGC_CONTROL_SILENT  10000  /* ms without a heartbeat */
#define NGX_AIGC_CONTROL_STUCK   3000   /* ms without a call: a shorter time is
                                           not reported */


/* Writes the heartbeat of worker 0. */
void ngx_aigc_control_beat(ngx_aigc_zone_t *zone);

/*
 * _stuck() notes that worker 0 can make no calls, for lack of a connection or
 * memory.  _free() notes that it can make calls again.
 */
void ngx_aigc_control_stuck(ngx_aigc_zone_t *zone);
void ngx_aigc_control_free(ngx_aigc_zone_t *zone);

/*
 * Return the ms since the last heartbeat, and the ms for which worker 0 has not
 * been able to make calls.
 */
ngx_msec_t ngx_aigc_control_silent_for(ngx_aigc_zone_t *zone);
ngx_msec_t ngx_aigc_control_stuck_for(ngx_aigc_zone_t *zone);

/* Returns why the control plane is not healthy; NULL: it is. */
const char *ngx_aigc_control_trouble(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_CONTROL_H_INCLUDED_ */
