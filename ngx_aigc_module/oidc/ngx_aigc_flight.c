/*
 * oidc/ngx_aigc_flight.c — sessions that are being renewed.
 */

#include "ngx_aigc_flight.h"


static ngx_aigc_flight_slot_t *ngx_aigc_flight_find(ngx_aigc_zone_t *zone,
    u_char *digest);
static ngx_uint_t ngx_aigc_flight_lost(ngx_aigc_flight_slot_t *f);
static ngx_uint_t ngx_aigc_flight_stands(ngx_aigc_flight_slot_t *f,
    time_t before);
static void ngx_aigc_flight_lead(ngx_aigc_zone_t *zone,
    ngx_aigc_flight_slot_t *f, u_char *digest, time_t before);


typedef struct {
    ngx_atomic_t             ticket;    /* the last one given */
    ngx_aigc_flight_slot_t   slots[];
} ngx_aigc_flights_t;

#define ngx_aigc_flight_all(zone)                                             \
    ((ngx_aigc_flights_t *) ngx_aigc_part(zone, ngx_aigc_flight_part))
#define ngx_aigc_flights(zone)  (ngx_aigc_flight_all(zone)->slots)

#define ngx_aigc_flight_passed(f)                                             \
    ngx_aigc_reached((f)->until)


ngx_aigc_part_t  ngx_aigc_flight_part = {
    sizeof(ngx_aigc_flights_t), sizeof(ngx_aigc_flight_slot_t), 32,
    NGX_AIGC_FLIGHTS_MAX, NULL, 0
};


ngx_int_t
ngx_aigc_flight_join(ngx_aigc_zone_t *zone, ngx_pool_t *pool, u_char *digest,
    time_t before, ngx_uint_t lead, ngx_aigc_flight_t *flight)
{
    u_char                  *p;
    ngx_aigc_flight_slot_t  *f;

    ngx_memzero(flight, sizeof(ngx_aigc_flight_t));

    p = ngx_pnalloc(pool, NGX_AIGC_SESSION_COOKIE_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_lock(zone);

    f = ngx_aigc_flight_find(zone, digest);

    if (f == NULL) {
        ngx_aigc_unlock(zone);
        return NGX_OK;
    }

    if (!ngx_aigc_flight_stands(f, before)
        || ngx_memcmp(f->digest, digest, NGX_AIGC_DIGEST_LEN) != 0)
    {
        if (!lead) {
            ngx_aigc_unlock(zone);
            return NGX_OK;
        }

        ngx_aigc_flight_lead(zone, f, digest, before);
        flight->lead = 1;
    }

    flight->state = f->state;
    flight->slot = f - ngx_aigc_flights(zone);
    flight->ticket = f->ticket;
    flight->fails = f->fails;

    if (f->state == NGX_AIGC_FLIGHT_RENEWED) {
        flight->cookie.len = f->cookie.len;
        flight->cookie.data = ngx_cpymem(p, f->cookie.data, f->cookie.len)
                              - f->cookie.len;
    }

    ngx_aigc_unlock(zone);

    return NGX_OK;
}


/*
 * The session's own slot, else one that may be used: a free one, else of those
 * whose time has come the one that has waited longest, else the oldest outcome.
 * NULL: all of them are needed.
 */
static ngx_aigc_flight_slot_t *
ngx_aigc_flight_find(ngx_aigc_zone_t *zone, u_char *digest)
{
    uint32_t                 i;
    ngx_msec_int_t           age, oldest;
    ngx_aigc_flight_slot_t  *f, *best;

    best = NULL;
    oldest = 0;

    for (i = 0; i < ngx_aigc_part_slots(zone, ngx_aigc_flight_part); i++) {

        f = &ngx_aigc_flights(zone)[i];

        if (f->state == NGX_AIGC_FLIGHT_FREE) {
            age = NGX_MAX_INT32_VALUE;

        } else if (ngx_memcmp(f->digest, digest, NGX_AIGC_DIGEST_LEN) == 0) {
            return f;

        } else if ((f->state == NGX_AIGC_FLIGHT_CALLING
                    && !ngx_aigc_flight_lost(f))
                   || (f->state == NGX_AIGC_FLIGHT_FAILED
                       && !ngx_aigc_flight_passed(f)))
        {
            continue;

        } else {
            age = (ngx_msec_int_t) (ngx_current_msec - f->until);
        }

        if (best == NULL || age > oldest) {
            best = f;
            oldest = age;
        }
    }

    return best;
}


/* CALLING, but nobody calls any more */
static ngx_uint_t
ngx_aigc_flight_lost(ngx_aigc_flight_slot_t *f)
{
    return ngx_aigc_flight_passed(f)
           || (kill(f->leader, 0) == -1 && ngx_errno == NGX_ESRCH);
}


/* Is there nothing to be asked for a token that ends at before? */
static ngx_uint_t
ngx_aigc_flight_stands(ngx_aigc_flight_slot_t *f, time_t before)
{
    switch (f->state) {

    case NGX_AIGC_FLIGHT_CALLING:
        return !ngx_aigc_flight_lost(f);

    case NGX_AIGC_FLIGHT_RENEWED:
        return !ngx_aigc_flight_passed(f) && before < f->after;

    case NGX_AIGC_FLIGHT_REFUSED:
    case NGX_AIGC_FLIGHT_FAILED:
        return !ngx_aigc_flight_passed(f) && before <= f->before;

    default:
        return 0;
    }
}


static void
ngx_aigc_flight_lead(ngx_aigc_zone_t *zone, ngx_aigc_flight_slot_t *f,
    u_char *digest, time_t before)
{
    if (ngx_memcmp(f->digest, digest, NGX_AIGC_DIGEST_LEN) != 0
        || f->before < before)
    {
        f->fails = 0;
    }

    /* who dies in here leaves it free, or lost */

    f->state = NGX_AIGC_FLIGHT_FREE;
    ngx_memory_barrier();

    f->ticket = ++ngx_aigc_flight_all(zone)->ticket;
    f->leader = ngx_pid;
    f->until = ngx_current_msec + NGX_AIGC_FLIGHT_CALL;
    f->before = before;
    ngx_memcpy(f->digest, digest, NGX_AIGC_DIGEST_LEN);

    ngx_memory_barrier();
    f->state = NGX_AIGC_FLIGHT_CALLING;
}


ngx_int_t
ngx_aigc_flight_wait(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket)
{
    ngx_aigc_flight_slot_t  *f;

    f = &ngx_aigc_flights(zone)[slot];

    return (f->ticket == ticket && f->state == NGX_AIGC_FLIGHT_CALLING
            && !ngx_aigc_flight_lost(f)) ? NGX_OK : NGX_DECLINED;
}


void
ngx_aigc_flight_end(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket, ngx_aigc_flight_state_e state,
    ngx_str_t *cookie, time_t after)
{
    ngx_msec_t               time;
    ngx_aigc_flight_slot_t  *f;

    f = &ngx_aigc_flights(zone)[slot];

    ngx_aigc_lock(zone);

    if (f->ticket != ticket || f->state != NGX_AIGC_FLIGHT_CALLING) {
        ngx_aigc_unlock(zone);
        return;
    }

    time = NGX_AIGC_FLIGHT_KEEP;

    switch (state) {

    case NGX_AIGC_FLIGHT_RENEWED:
        ngx_aigc_fixed_set(&f->cookie, cookie);
        f->after = after;
        f->fails = 0;
        break;

    case NGX_AIGC_FLIGHT_FAILED:
        time = ngx_min(NGX_AIGC_FLIGHT_BACKOFF << ngx_min(f->fails, 8),
                       NGX_AIGC_FLIGHT_BACKOFF_MAX);
        f->fails++;
        break;

    default:
        break;
    }

    f->until = ngx_current_msec + time;

    ngx_memory_barrier();
    f->state = state;

    ngx_aigc_unlock(zone);
}
