/*
 * base/ngx_aigc_control.c — worker 0's signs of life.
 */

#include "ngx_aigc_control.h"

#include "ngx_aigc_elapsed.h"


void
ngx_aigc_control_beat(ngx_aigc_zone_t *zone)
{
    zone->shm->control.beat = ngx_aigc_now();
}


void
ngx_aigc_control_stuck(ngx_aigc_zone_t *zone)
{
    if (zone->shm->control.stuck == 0) {
        zone->shm->control.stuck = ngx_aigc_now();
    }
}


void
ngx_aigc_control_free(ngx_aigc_zone_t *zone)
{
    zone->shm->control.stuck = 0;
}


ngx_msec_t
ngx_aigc_control_silent_for(ngx_aigc_zone_t *zone)
{
    ngx_msec_t  beat;

    beat = zone->shm->control.beat;

    /* another process's clock may be a moment ahead of this one's */

    return (beat && ngx_aigc_reached(beat)) ? ngx_aigc_since(beat) : 0;
}


ngx_msec_t
ngx_aigc_control_stuck_for(ngx_aigc_zone_t *zone)
{
    ngx_msec_t  stuck;

    stuck = zone->shm->control.stuck;

    return (stuck && ngx_aigc_reached(stuck)) ? ngx_aigc_since(stuck) : 0;
}


const char *
ngx_aigc_control_trouble(ngx_aigc_zone_t *zone)
{
    if (ngx_aigc_control_silent_for(zone) > NGX_AIGC_CONTROL_SILENT) {
        return "worker 0, which watches the cluster, does not run";
    }

    if (ngx_aigc_control_stuck_for(zone) > NGX_AIGC_CONTROL_STUCK) {
        return "worker 0 cannot make calls: see the error log";
    }

    return NULL;
}
