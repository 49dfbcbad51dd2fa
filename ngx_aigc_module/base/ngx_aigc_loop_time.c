/*
 * base/ngx_aigc_loop_time.c — the clock of worker 0's passes.
 */

#include "ngx_aigc_loop_time.h"


static uint64_t ngx_aigc_loop_time_now(void);


static ngx_aigc_zone_t  *ngx_aigc_loop_time_zone;
static uint64_t          ngx_aigc_loop_time_began;


void
ngx_aigc_loop_time_start(ngx_aigc_zone_t *zone)
{
    ngx_aigc_loop_time_zone = zone;
}


void
ngx_aigc_loop_time_begin(void)
{
    ngx_aigc_loop_time_began = ngx_aigc_loop_time_now();
}


void
ngx_aigc_loop_time_end(ngx_aigc_loop_time_e what)
{
    uint64_t         us;
    ngx_aigc_shm_t  *shm;

    if (ngx_aigc_loop_time_zone == NULL) {
        return;
    }

    us = ngx_aigc_loop_time_spent();
    shm = ngx_aigc_loop_time_zone->shm;

    /* an old worker 0 may end beside the new one: the longest may be lost */

    if (us > shm->longest[what]) {
        shm->longest[what] = us;
    }

    if (us > NGX_AIGC_LOOP_TIME_LONG) {
        ngx_aigc_count(ngx_aigc_loop_time_zone, long_passes);
    }

    ngx_aigc_count(ngx_aigc_loop_time_zone, passes);
}


uint64_t
ngx_aigc_loop_time_spent(void)
{
    return ngx_aigc_loop_time_now() - ngx_aigc_loop_time_began;
}


static uint64_t
ngx_aigc_loop_time_now(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) != 0) {
        return 0;
    }

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
