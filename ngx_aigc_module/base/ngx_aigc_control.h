/*
 * base/ngx_aigc_control.h — is the control plane alive?  Worker 0 says so twice
 * a second, and says when its calls cannot be made; any worker can read it, for
 * /readyz and /metrics.
 */

#ifndef _NGX_AIGC_CONTROL_H_INCLUDED_
#define _NGX_AIGC_CONTROL_H_INCLUDED_

#include "ngx_aigc_zone.h"


#define NGX_AIGC_CONTROL_SILENT  10000  /* ms without a sign of worker 0 */
#define NGX_AIGC_CONTROL_STUCK   3000   /* ms without a call: what passes
                                           sooner is tried again unnoticed */


/* Worker 0 runs. */
void ngx_aigc_control_beat(ngx_aigc_zone_t *zone);

/* Its calls cannot be made: no connection, no memory; and can be again. */
void ngx_aigc_control_stuck(ngx_aigc_zone_t *zone);
void ngx_aigc_control_free(ngx_aigc_zone_t *zone);

/* ms since worker 0 was last heard of, and for how long it has been stuck. */
ngx_msec_t ngx_aigc_control_silent_for(ngx_aigc_zone_t *zone);
ngx_msec_t ngx_aigc_control_stuck_for(ngx_aigc_zone_t *zone);

/* NULL: it is alive; or why it is not, in words. */
const char *ngx_aigc_control_trouble(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_CONTROL_H_INCLUDED_ */
