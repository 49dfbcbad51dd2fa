/*
 * kube/ngx_aigc_date.c — kept as the date at which ngx_current_msec was 0: one
 * word, which is read and written at once.
 */

#include "ngx_aigc_date.h"


#define ngx_aigc_date_zero(zone)                                              \
    (*(ngx_atomic_t *) ngx_aigc_part(zone, ngx_aigc_date_part))


ngx_aigc_part_t  ngx_aigc_date_part = {
    sizeof(ngx_atomic_t), 0, 0, 0, NULL, 0
};


void
ngx_aigc_date_seen(ngx_aigc_zone_t *zone, time_t date)
{
    if (date) {
        ngx_aigc_date_zero(zone) = date - (time_t) (ngx_current_msec / 1000);
    }
}


time_t
ngx_aigc_date(ngx_aigc_zone_t *zone)
{
    time_t  zero;

    zero = (time_t) ngx_aigc_date_zero(zone);

    return zero ? zero + (time_t) (ngx_current_msec / 1000) : ngx_time();
}
