/*
 * kube/ngx_aigc_sync.c — the state of the watches.
 */

#include "ngx_aigc_sync.h"


#define ngx_aigc_sync_of(state, which)                                        \
    ((state)->used && &ngx_aigc_kinds[(state)->kind] == (which))

#define ngx_aigc_sync_required(state)                                         \
    ((state)->used && (ngx_aigc_kinds_required & (1 << (state)->kind)))


ngx_aigc_part_t  ngx_aigc_sync_part = {
    sizeof(ngx_aigc_sync_t), 0, 0, 0, NULL, 0
};


ngx_int_t
ngx_aigc_sync_complete(ngx_aigc_zone_t *zone)
{
    ngx_uint_t               i, kinds;
    ngx_aigc_watch_state_t  *state;

    kinds = 0;

    for (i = 0; i < ngx_aigc_sync(zone)->nwatches; i++) {
        state = &ngx_aigc_sync(zone)->watches[i];

        if (!ngx_aigc_sync_required(state)) {
            continue;
        }

        if (!state->synced) {
            return NGX_DECLINED;
        }

        kinds |= 1 << state->kind;
    }

    return (kinds == ngx_aigc_kinds_required) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_sync_kind(ngx_aigc_zone_t *zone, const ngx_aigc_kind_t *kind)
{
    ngx_uint_t               i, n;
    ngx_aigc_watch_state_t  *state;

    n = 0;

    for (i = 0; i < ngx_aigc_sync(zone)->nwatches; i++) {
        state = &ngx_aigc_sync(zone)->watches[i];

        if (!ngx_aigc_sync_of(state, kind)) {
            continue;
        }

        if (!state->synced) {
            return NGX_DECLINED;
        }

        n++;
    }

    return n ? NGX_OK : NGX_DECLINED;
}


void
ngx_aigc_sync_watch(ngx_aigc_zone_t *zone, ngx_uint_t watch,
    const ngx_aigc_kind_t *kind, uint32_t what)
{
    ngx_uint_t               n;
    ngx_aigc_watch_state_t  *state;

    state = &ngx_aigc_sync(zone)->watches[watch];
    state->kind = kind ? kind - ngx_aigc_kinds : 0;

    if (kind == NULL || !state->used || state->what != what) {
        state->synced = 0;
        state->heard = 0;
        state->what = what;
    }

    state->used = (kind != NULL);

    /* what every request looks at is no longer than it has to be */

    for (n = NGX_AIGC_WATCHES_MAX; n; n--) {
        if (ngx_aigc_sync(zone)->watches[n - 1].used) {
            break;
        }
    }

    ngx_aigc_sync(zone)->nwatches = n;
}


ngx_int_t
ngx_aigc_sync_listed(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    ngx_uint_t  i;

    ngx_aigc_sync(zone)->watches[watch].synced = zone->epoch;

    for (i = 0; i < ngx_aigc_sync(zone)->nwatches; i++) {
        if (ngx_aigc_sync_required(&ngx_aigc_sync(zone)->watches[i])
            && ngx_aigc_sync(zone)->watches[i].synced != zone->epoch)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


void
ngx_aigc_sync_heard(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    ngx_aigc_sync(zone)->watches[watch].heard = ngx_aigc_now();
}


void
ngx_aigc_sync_refused(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    ngx_aigc_sync(zone)->watches[watch].synced = 0;
}


time_t
ngx_aigc_sync_kind_age(ngx_aigc_zone_t *zone, const ngx_aigc_kind_t *kind)
{
    time_t                   age, max;
    ngx_uint_t               i;
    ngx_aigc_watch_state_t  *state;

    max = -1;

    for (i = 0; i < ngx_aigc_sync(zone)->nwatches; i++) {
        state = &ngx_aigc_sync(zone)->watches[i];

        if (!state->heard
            || !(kind ? ngx_aigc_sync_of(state, kind)
                      : ngx_aigc_sync_required(state)))
        {
            continue;
        }

        age = ngx_aigc_since_sec(state->heard);
        max = ngx_max(max, age);
    }

    return max;
}


time_t
ngx_aigc_sync_age(ngx_aigc_zone_t *zone)
{
    time_t  age;

    age = ngx_aigc_sync_kind_age(zone, NULL);

    return ngx_max(age, 0);
}
