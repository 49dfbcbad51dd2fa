/*
 * oidc/ngx_aigc_revocation.c — chains of entries by key.  An entry is written
 * whole before a chain shows it, and leaves its chain before it is free; its
 * place is used again only after "moved" has grown, by which a reader who stood
 * there finds out.
 */

#include "ngx_aigc_revocation.h"


#define NGX_AIGC_REVOCATIONS_TOLD  10000    /* ms between two lines "no room" */


static uint32_t *ngx_aigc_revocation_bucket(ngx_aigc_zone_t *zone,
    u_char *key);
static uint64_t ngx_aigc_revocation_find(ngx_aigc_zone_t *zone, u_char *key);
static ngx_uint_t ngx_aigc_revocation_covers(ngx_aigc_subject_t *s,
    time_t time);
static ngx_aigc_revocation_slot_t *ngx_aigc_revocation_slot(
    ngx_aigc_zone_t *zone, u_char *key);
static ngx_aigc_revocation_slot_t *ngx_aigc_revocation_add(
    ngx_aigc_zone_t *zone, ngx_aigc_revocation_t *revocation);
static uint32_t ngx_aigc_revocation_free(ngx_aigc_zone_t *zone,
    uint64_t when);
static void ngx_aigc_revocation_full(ngx_aigc_zone_t *zone, uint64_t when);
static void ngx_aigc_revocation_log_full(ngx_aigc_zone_t *zone,
    ngx_atomic_uint_t full, ngx_log_t *log);
static void ngx_aigc_revocation_drop(ngx_aigc_zone_t *zone, uint32_t slot);
static void ngx_aigc_revocation_raise(ngx_aigc_zone_t *zone, time_t floor);


static void  (*ngx_aigc_revocation_added)(void);


/* behind the slots, the head of a chain for each */
ngx_aigc_part_t  ngx_aigc_revocation_part = {
    sizeof(ngx_aigc_revocations_t),
    sizeof(ngx_aigc_revocation_slot_t) + sizeof(uint32_t),
    16, NGX_AIGC_REVOCATIONS_MAX, NULL, 0
};


ngx_int_t
ngx_aigc_subject(ngx_str_t *session, ngx_str_t *login, ngx_str_t *user,
    time_t start, ngx_aigc_subject_t *s)
{
    u_char  key[3][NGX_AIGC_REVOCATION_KEY_LEN];

    if (ngx_aigc_revocation_key(session, key[0]) != NGX_OK
        || ngx_aigc_revocation_key(login, key[1]) != NGX_OK
        || ngx_aigc_revocation_key(user, key[2]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(s->session, key[0], NGX_AIGC_SUBJECT_KEY);
    ngx_memcpy(s->login, key[1], NGX_AIGC_SUBJECT_KEY);
    ngx_memcpy(s->user, key[2], NGX_AIGC_SUBJECT_KEY);
    s->start = start;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_revocation_check(ngx_aigc_zone_t *zone, ngx_aigc_subject_t *s,
    ngx_atomic_uint_t *version)
{
    time_t      floor;
    uint64_t    when;
    ngx_uint_t  i;

    u_char     *keys[] = { s->session, s->login, s->user };

    /* what is revoked from here on changes the version */

    *version = ngx_aigc_revocations(zone)->version;
    ngx_memory_barrier();

    floor = (time_t) ngx_aigc_revocations(zone)->floor;

    if (s->start <= floor
        || (floor && ngx_aigc_revocation_covers(s, floor)))
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < 3; i++) {

        when = ngx_aigc_revocation_find(zone, keys[i]);

        if (when && ngx_aigc_revocation_covers(s, ngx_aigc_when_time(when))) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * A session that begins in the future was dated by a clock that has been put
 * right since: it may have begun before any revocation.
 */
static ngx_uint_t
ngx_aigc_revocation_covers(ngx_aigc_subject_t *s, time_t time)
{
    return s->start <= time
           || s->start > ngx_time() + NGX_AIGC_REVOCATION_AHEAD;
}


uint64_t
ngx_aigc_revocation_when(ngx_aigc_zone_t *zone, ngx_str_t *text)
{
    u_char  key[NGX_AIGC_REVOCATION_KEY_LEN];

    return (ngx_aigc_revocation_key(text, key) == NGX_OK)
           ? ngx_aigc_revocation_find(zone, key) : 0;
}


ngx_int_t
ngx_aigc_revocation_user_gone(ngx_aigc_zone_t *zone, ngx_aigc_subject_t *s)
{
    uint64_t  when;

    when = ngx_aigc_revocation_find(zone, s->user);

    return (when && ngx_aigc_revocation_covers(s, ngx_aigc_when_time(when))
            && ngx_aigc_when_reason(when) >= NGX_AIGC_REVOCATION_USER)
           ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_revocation_put(ngx_aigc_zone_t *zone, ngx_str_t *text, time_t time,
    ngx_aigc_revocation_e reason, ngx_log_t *log)
{
    ngx_int_t                    rc;
    ngx_aigc_revocation_t        revocation;
    ngx_aigc_revocation_slot_t  *r;
    ngx_atomic_uint_t            full;

    if (ngx_aigc_revocation_key(text, revocation.key) != NGX_OK) {
        return NGX_ERROR;
    }

    revocation.when = ngx_aigc_when(time, reason);

    ngx_aigc_lock(zone);

    rc = NGX_OK;
    full = zone->shm->counters.revocations_full;
    r = ngx_aigc_revocation_slot(zone, revocation.key);

    if (r == NULL) {
        (void) ngx_aigc_revocation_add(zone, &revocation);

    } else if (r->revocation.when < revocation.when) {
        r->revocation.when = revocation.when;

    } else {
        rc = NGX_DECLINED;
    }

    ngx_memory_barrier();

    if (rc == NGX_OK) {
        ngx_aigc_revocations(zone)->version++;
    }

    ngx_aigc_unlock(zone);

    ngx_aigc_revocation_log_full(zone, full, log);

    if (rc == NGX_OK && ngx_aigc_revocation_added) {
        ngx_aigc_revocation_added();
    }

    return rc;
}


void
ngx_aigc_revocation_notify(void (*told)(void))
{
    ngx_aigc_revocation_added = told;
}


uint32_t
ngx_aigc_revocation_read(ngx_aigc_zone_t *zone)
{
    return (uint32_t) ++ngx_aigc_revocations(zone)->begun;
}


ngx_uint_t
ngx_aigc_revocation_seen(ngx_aigc_zone_t *zone, ngx_aigc_revocation_t *list,
    ngx_uint_t n, uint32_t mark, ngx_log_t *log)
{
    ngx_uint_t                   i, made, changed;
    ngx_aigc_revocation_slot_t  *r;
    ngx_atomic_uint_t            full;

    made = 0;
    changed = 0;

    ngx_aigc_lock(zone);

    full = zone->shm->counters.revocations_full;

    for (i = 0; i < n && made < NGX_AIGC_REVOCATIONS_MADE; i++) {

        r = ngx_aigc_revocation_slot(zone, list[i].key);

        if (r == NULL) {
            made += (ngx_aigc_revocations(zone)->used
                     >= ngx_aigc_revocations_n(zone)
                     && ngx_aigc_when_time(list[i].when)
                        > (time_t) ngx_aigc_revocations(zone)->floor);

            r = ngx_aigc_revocation_add(zone, &list[i]);
            changed |= (r != NULL);

        } else if (r->revocation.when < list[i].when) {
            r->revocation.when = list[i].when;
            changed = 1;
        }

        /* a write's response may come after a reading that knows more */

        if (r && (int32_t) (mark - r->mark) >= 0) {
            r->stored = list[i].when;
            r->mark = mark;
        }
    }

    ngx_memory_barrier();

    if (changed) {
        ngx_aigc_revocations(zone)->version++;
    }

    ngx_aigc_unlock(zone);

    ngx_aigc_revocation_log_full(zone, full, log);

    return i;
}


void
ngx_aigc_revocation_whole(ngx_aigc_zone_t *zone, uint32_t mark)
{
    ngx_aigc_revocations(zone)->read = mark;
    ngx_aigc_revocations(zone)->known = 1;
}


void
ngx_aigc_revocation_floor(ngx_aigc_zone_t *zone, time_t floor)
{
    ngx_aigc_lock(zone);
    ngx_aigc_revocation_raise(zone, floor);
    ngx_aigc_unlock(zone);
}


void
ngx_aigc_revocation_released(ngx_aigc_zone_t *zone, ngx_aigc_revocation_t *user)
{
    ngx_aigc_revocation_slot_t  *r;

    ngx_aigc_lock(zone);

    r = ngx_aigc_revocation_slot(zone, user->key);

    if (r && r->revocation.when == user->when) {
        r->revocation.when = ngx_aigc_when(ngx_aigc_when_time(user->when),
                                        NGX_AIGC_REVOCATION_RELEASED);
        ngx_aigc_revocations(zone)->version++;
    }

    ngx_aigc_unlock(zone);
}


void
ngx_aigc_revocation_prune(ngx_aigc_zone_t *zone, time_t time)
{
    time_t                       ended;
    uint32_t                     i, used;
    ngx_aigc_revocation_slot_t  *r;

    used = 0;

    ngx_aigc_lock(zone);

    for (i = 0; i < ngx_aigc_revocations_n(zone); i++) {

        r = &ngx_aigc_revocation_slots(zone)[i];
        ended = ngx_aigc_when_time(r->revocation.when);

        if (r->revocation.when
            && (ended < time
                || (ngx_aigc_revocation_stored(zone, r) == 0
                    && ended <= (time_t) ngx_aigc_revocations(zone)->floor)))
        {
            ngx_aigc_revocation_drop(zone, i);
        }

        used += (r->revocation.when != 0);
    }

    /* whoever died while counting */

    ngx_aigc_revocations(zone)->used = used;

    ngx_aigc_unlock(zone);
}


void
ngx_aigc_revocation_forget(ngx_aigc_zone_t *zone, ngx_aigc_revocation_t *list,
    ngx_uint_t n)
{
    ngx_uint_t                   i;
    ngx_aigc_revocation_slot_t  *r;

    ngx_aigc_lock(zone);

    for (i = 0; i < n; i++) {
        r = ngx_aigc_revocation_slot(zone, list[i].key);

        if (r && r->revocation.when == list[i].when) {
            ngx_aigc_revocation_drop(zone, r - ngx_aigc_revocation_slots(zone));
        }
    }

    ngx_aigc_unlock(zone);
}


static uint32_t *
ngx_aigc_revocation_bucket(ngx_aigc_zone_t *zone, u_char *key)
{
    uint32_t  hash, n, *heads;

    ngx_memcpy(&hash, key, sizeof(hash));

    n = ngx_aigc_revocations_n(zone);

    heads = (uint32_t *) &ngx_aigc_revocation_slots(zone)[n];

    return &heads[hash % n];
}


/* Without the lock: the entry's "when"; 0: there is none. */
static uint64_t
ngx_aigc_revocation_find(ngx_aigc_zone_t *zone, u_char *key)
{
    uint32_t                     next, n;
    uint64_t                     when;
    ngx_uint_t                   i;
    ngx_atomic_uint_t            moved;
    ngx_aigc_revocation_slot_t  *r;

    for (i = 0; i < NGX_AIGC_SEQ_TRIES; i++) {

        moved = ngx_aigc_revocations(zone)->moved;
        ngx_memory_barrier();

        when = 0;
        next = *ngx_aigc_revocation_bucket(zone, key);

        for (n = 0; next && n < ngx_aigc_revocations_n(zone); n++) {

            r = &ngx_aigc_revocation_slots(zone)[next - 1];

            if (ngx_memcmp(r->revocation.key, key, NGX_AIGC_SUBJECT_KEY) == 0) {
                when = r->revocation.when;
                break;
            }

            next = r->next;
        }

        ngx_memory_barrier();

        if (moved == ngx_aigc_revocations(zone)->moved) {
            return when;
        }
    }

    return (uint64_t) -1;               /* who cannot be told is refused */
}


/* The functions below: with the lock held. */

static ngx_aigc_revocation_slot_t *
ngx_aigc_revocation_slot(ngx_aigc_zone_t *zone, u_char *key)
{
    uint32_t                     next;
    ngx_aigc_revocation_slot_t  *r;

    next = *ngx_aigc_revocation_bucket(zone, key);

    while (next) {
        r = &ngx_aigc_revocation_slots(zone)[next - 1];

        if (ngx_memcmp(r->revocation.key, key, NGX_AIGC_REVOCATION_KEY_LEN)
            == 0)
        {
            return r;
        }

        next = r->next;
    }

    return NULL;
}


/* NULL: there is no room, the floor stands for it */
static ngx_aigc_revocation_slot_t *
ngx_aigc_revocation_add(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_t *revocation)
{
    uint32_t                     slot, *head;
    ngx_aigc_revocation_slot_t  *r;

    slot = ngx_aigc_revocation_free(zone, revocation->when);

    if (slot == NGX_AIGC_NONE) {
        return NULL;
    }

    r = &ngx_aigc_revocation_slots(zone)[slot];
    head = ngx_aigc_revocation_bucket(zone, revocation->key);

    ngx_aigc_revocations(zone)->moved++;
    ngx_aigc_revocations(zone)->used++;
    ngx_memory_barrier();

    r->revocation = *revocation;
    r->stored = 0;
    r->mark = 0;
    r->next = *head;
    ngx_memory_barrier();

    *head = slot + 1;

    return r;
}


/*
 * A free place; where there is none, the oldest entry's, unless when is older
 * than all: NGX_AIGC_NONE.
 */
static uint32_t
ngx_aigc_revocation_free(ngx_aigc_zone_t *zone, uint64_t when)
{
    uint32_t                     i, slot, oldest;
    ngx_aigc_revocation_slot_t  *r;

    r = ngx_aigc_revocation_slots(zone);
    oldest = 0;

    if (ngx_aigc_revocations(zone)->used >= ngx_aigc_revocations_n(zone)
        && ngx_aigc_when_time(when)
           <= (time_t) ngx_aigc_revocations(zone)->floor)
    {
        return NGX_AIGC_NONE;
    }

    for (i = 0; i < ngx_aigc_revocations_n(zone); i++) {

        slot = (ngx_aigc_revocations(zone)->cursor + i)
               % ngx_aigc_revocations_n(zone);

        if (r[slot].revocation.when == 0) {
            ngx_aigc_revocations(zone)->cursor = slot + 1;
            return slot;
        }

        if (r[slot].revocation.when < r[oldest].revocation.when) {
            oldest = slot;
        }
    }

    if (when <= r[oldest].revocation.when) {
        ngx_aigc_revocation_full(zone, when);
        return NGX_AIGC_NONE;
    }

    ngx_aigc_revocation_full(zone, r[oldest].revocation.when);
    ngx_aigc_revocation_drop(zone, oldest);

    return oldest;
}


static void
ngx_aigc_revocation_full(ngx_aigc_zone_t *zone, uint64_t when)
{
    ngx_aigc_revocation_raise(zone, ngx_aigc_when_time(when));

    ngx_aigc_count(zone, revocations_full);
}


/* Says, without the lock, if there was no room: full is the count before. */
static void
ngx_aigc_revocation_log_full(ngx_aigc_zone_t *zone, ngx_atomic_uint_t full,
    ngx_log_t *log)
{
    if (zone->shm->counters.revocations_full == full
        || !ngx_aigc_seldom(&ngx_aigc_revocations(zone)->told,
                            NGX_AIGC_REVOCATIONS_TOLD))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "aigc: no room for more than %uD revocations: sessions that "
                  "began until %T are refused; a larger \"aigc_zone\" holds "
                  "more, up to %d", ngx_aigc_revocations_n(zone),
                  (time_t) ngx_aigc_revocations(zone)->floor,
                  NGX_AIGC_REVOCATIONS_MAX);
}


static void
ngx_aigc_revocation_drop(ngx_aigc_zone_t *zone, uint32_t slot)
{
    uint32_t                    *next;
    ngx_aigc_revocation_slot_t  *r;

    r = ngx_aigc_revocation_slots(zone);

    next = ngx_aigc_revocation_bucket(zone, r[slot].revocation.key);

    while (*next && *next != slot + 1) {
        next = &r[*next - 1].next;
    }

    if (*next) {
        *next = r[slot].next;
    }

    ngx_memory_barrier();

    r[slot].revocation.when = 0;
    ngx_aigc_revocations(zone)->used--;
}


static void
ngx_aigc_revocation_raise(ngx_aigc_zone_t *zone, time_t floor)
{
    if (floor <= (time_t) ngx_aigc_revocations(zone)->floor) {
        return;
    }

    ngx_aigc_revocations(zone)->floor = floor;
    ngx_memory_barrier();

    ngx_aigc_revocations(zone)->version++;
}
