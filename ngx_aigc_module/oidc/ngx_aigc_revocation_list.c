/*
 * oidc/ngx_aigc_revocation_list.c — looks at all entries.
 */

#include "ngx_aigc_revocation.h"


/* In a loop under the lock: others have their turn now and then. */
#define ngx_aigc_revocation_breathe(zone, i)                                  \
    if ((i) && (i) % NGX_AIGC_REVOCATIONS_LOCK == 0) {                        \
        ngx_aigc_unlock(zone);                                                \
        ngx_aigc_lock(zone);                                                  \
    }


ngx_uint_t
ngx_aigc_revocation_list(ngx_aigc_zone_t *zone, ngx_aigc_revocations_e which,
    time_t time, ngx_aigc_revocation_t *list, ngx_uint_t max)
{
    uint32_t                     i;
    ngx_uint_t                   n, take;
    ngx_aigc_revocation_slot_t  *r;

    n = 0;

    ngx_aigc_lock(zone);

    for (i = 0; i < ngx_aigc_revocations_n(zone) && n < max; i++) {

        ngx_aigc_revocation_breathe(zone, i);

        r = &ngx_aigc_revocation_slots(zone)[i];

        if (r->revocation.when == 0) {
            continue;
        }

        switch (which) {

        case NGX_AIGC_REVOCATIONS_PENDING:
            take = (ngx_aigc_revocation_stored(zone, r) != r->revocation.when
                    && ngx_aigc_when_time(r->revocation.when) >= time
                    && ngx_aigc_when_time(r->revocation.when)
                       > (time_t) ngx_aigc_revocations(zone)->floor);
            break;

        case NGX_AIGC_REVOCATIONS_PAST:
            take = (ngx_aigc_revocation_stored(zone, r) == r->revocation.when
                    && ngx_aigc_when_time(r->revocation.when) < time);
            break;

        default: /* NGX_AIGC_REVOCATIONS_USER */
            take = (ngx_aigc_when_reason(r->revocation.when)
                    == NGX_AIGC_REVOCATION_USER);
            break;
        }

        if (take) {
            list[n++] = r->revocation;
        }
    }

    ngx_aigc_unlock(zone);

    return n;
}


time_t
ngx_aigc_revocation_oldest(ngx_aigc_zone_t *zone, ngx_uint_t n, ngx_log_t *log)
{
    time_t                       low, high, middle;
    uint32_t                     i, used, *times;
    ngx_uint_t                   k, until;
    ngx_aigc_revocation_slot_t  *r;

    times = ngx_alloc(ngx_aigc_revocations_n(zone) * sizeof(uint32_t), log);
    if (times == NULL) {
        return 0;
    }

    used = 0;

    for (i = 0; i < ngx_aigc_revocations_n(zone); i++) {
        r = &ngx_aigc_revocation_slots(zone)[i];
        times[used] = (uint32_t) ngx_aigc_when_time(r->revocation.when);
        used += (times[used] != 0);
    }

    /* the smallest time until which there are n of them */

    low = 0;
    high = ngx_time() + NGX_AIGC_REVOCATION_LATE;

    while (low < high) {
        middle = low + (high - low) / 2;

        for (k = 0, until = 0; k < used; k++) {
            until += (times[k] <= (uint32_t) middle);
        }

        if (until < n) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    ngx_free(times);

    return (n && used >= n) ? low : 0;
}
