/*
 * kube/ngx_aigc_date.c — kept as the date at which ngx_current_msec was 0: one
 * word, which is read and written at once.
 */

#include "ngx_aigc_date.h"


void
ngx_aigc_date_seen(ngx_aigc_zone_t *zone, time_t date)
{
    if (date) {
        zone->shm->date = date - (time_t) (ngx_current_msec / 1000);
    }
}


time_t
ngx_aigc_date(ngx_aigc_zone_t *zone)
{
    time_t  zero;

    zero = (time_t) zone->shm->date;

    return zero ? zero + (time_t) (ngx_current_msec / 1000) : ngx_time();
}
