/*
 * base/ngx_aigc_zone.c — carving the zone, and the sequence counters.
 */

#include "ngx_aigc_zone.h"
#include "ngx_aigc_pass.h"
#include "oidc/ngx_aigc_flight.h"
#include "oidc/ngx_aigc_issuer.h"
#include "oidc/ngx_aigc_revocation.h"
#include "oidc/ngx_aigc_token.h"
#include "instances/ngx_aigc_index.h"
#include "instances/ngx_aigc_queue.h"
#include "instances/ngx_aigc_table.h"


/* Raise it when a partition's layout changes without changing its size. */
#define NGX_AIGC_LAYOUT  3


#define ngx_aigc_watch_core(state)                                            \
    ((state)->used && (state)->kind < NGX_AIGC_KINDS_CORE)


static ngx_int_t ngx_aigc_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static void ngx_aigc_zone_carve(ngx_aigc_shm_t *shm, size_t size);
static uint32_t ngx_aigc_zone_layout(void);


ngx_aigc_zone_t *
ngx_aigc_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    ngx_shm_zone_t   *shm_zone;
    ngx_aigc_zone_t  *zone;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_zone\" \"%V\" is declared twice: "
                           "keep one of them", name);
        return NULL;
    }

    shm_zone->init = ngx_aigc_zone_init;
    shm_zone->data = zone;
    zone->shm_zone = shm_zone;

    return zone;
}


static ngx_int_t
ngx_aigc_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_aigc_zone_t  *old = data;

    size_t            size;
    ngx_aigc_zone_t  *zone;

    zone = shm_zone->data;
    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old || shm_zone->shm.exists) {

        zone->shm = zone->shpool->data;

        if (zone->shm->layout != ngx_aigc_zone_layout()) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "aigc: zone \"%V\" was carved by another build of "
                          "the module: upgrade with USR2, not with HUP",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        zone->cycle = ++zone->shm->cycles;

        return NGX_OK;
    }

    zone->shpool->log_ctx = (u_char *) " in aigc zone";

    /* all free pages in one piece: slots are ours to manage, not the slab's */

    size = zone->shpool->pfree * ngx_pagesize;

    zone->shm = ngx_slab_calloc(zone->shpool, size);
    if (zone->shm == NULL) {
        return NGX_ERROR;
    }

    zone->shpool->data = zone->shm;

    ngx_aigc_zone_carve(zone->shm, size);
    ngx_aigc_table_repair(zone);

    return NGX_OK;
}


/*
 * An eighth for tokens, a sixteenth for templates and one for revocations, half
 * of that for flights; queue and issuer are of fixed size; the rest is split so
 * that every instance can have two disks.
 */
static void
ngx_aigc_zone_carve(ngx_aigc_shm_t *shm, size_t size)
{
    size_t  at, each, rest;

#define ngx_aigc_carve(name, count, type)                                     \
    shm->name = at;                                                           \
    at += ngx_align((count) * sizeof(type), 64)

    shm->layout = ngx_aigc_zone_layout();
    shm->ntokens = size / 8 / sizeof(ngx_aigc_token_t)
                   / NGX_AIGC_TOKEN_WAYS * NGX_AIGC_TOKEN_WAYS;
    shm->ntemplates = size / 16 / sizeof(ngx_aigc_template_t);
    shm->nops = NGX_AIGC_OPS;
    shm->nrevocations = ngx_min(size / 16 / (sizeof(ngx_aigc_revocation_t)
                                             + sizeof(uint32_t)),
                                NGX_AIGC_REVOCATIONS_MAX);
    shm->nflights = size / 32 / sizeof(ngx_aigc_flight_slot_t);

    at = ngx_align(sizeof(ngx_aigc_shm_t), 64);

    ngx_aigc_carve(issuer, 1, ngx_aigc_issuer_slot_t);
    ngx_aigc_carve(ops, shm->nops, ngx_aigc_op_t);
    ngx_aigc_carve(revocations, shm->nrevocations, ngx_aigc_revocation_t);
    ngx_aigc_carve(revocation_heads, shm->nrevocations, uint32_t);
    ngx_aigc_carve(flights, shm->nflights, ngx_aigc_flight_slot_t);
    ngx_aigc_carve(tokens, shm->ntokens, ngx_aigc_token_t);
    ngx_aigc_carve(templates, shm->ntemplates, ngx_aigc_template_t);

    /* every index has at most 2 buckets a slot */

    rest = size - at;
    each = sizeof(ngx_aigc_record_t) + 2 * sizeof(ngx_aigc_disk_t)
           + NGX_AIGC_INDEXES * 2 * sizeof(uint32_t);

    shm->ninstances = (rest - 4 * 64) / each;
    shm->ndisks = 2 * shm->ninstances;

    for (shm->nbuckets = 64;
         shm->nbuckets < shm->ninstances;
         shm->nbuckets *= 2) { /* void */ }

    ngx_aigc_carve(instances, shm->ninstances, ngx_aigc_record_t);
    ngx_aigc_carve(disks, shm->ndisks, ngx_aigc_disk_t);
    ngx_aigc_carve(indexes, NGX_AIGC_INDEXES * shm->nbuckets, uint32_t);

#undef ngx_aigc_carve
}


/* Different whenever a slot's size is: an old zone is never misread. */
static uint32_t
ngx_aigc_zone_layout(void)
{
    return (NGX_AIGC_LAYOUT << 24)
           ^ (uint32_t) (sizeof(ngx_aigc_shm_t) * 3
                         + sizeof(ngx_aigc_template_t) * 5
                         + sizeof(ngx_aigc_record_t) * 7
                         + sizeof(ngx_aigc_disk_t) * 11
                         + sizeof(ngx_aigc_token_t) * 13
                         + sizeof(ngx_aigc_op_t) * 17
                         + sizeof(ngx_aigc_revocation_t) * 29
                         + sizeof(ngx_aigc_flight_slot_t) * 23
                         + sizeof(ngx_aigc_issuer_slot_t) * 19);
}


void
ngx_aigc_zone_take(ngx_aigc_zone_t *zone)
{
    ngx_aigc_lock(zone);

    zone->epoch = ++zone->shm->epoch;

    if (zone->shm->writing) {
        ngx_aigc_table_repair(zone);
        zone->shm->writing = 0;
    }

    ngx_aigc_unlock(zone);

    ngx_aigc_pass_start(zone);
}


ngx_int_t
ngx_aigc_zone_is_writer(ngx_aigc_zone_t *zone)
{
    return (zone->epoch && zone->shm->epoch == zone->epoch) ? NGX_OK
                                                            : NGX_DECLINED;
}


ngx_uint_t
ngx_aigc_zone_replaced(ngx_aigc_zone_t *zone)
{
    return zone->shm->cycles != zone->cycle;
}


ngx_int_t
ngx_aigc_zone_whole(ngx_aigc_zone_t *zone)
{
    return (zone->shm->holes || zone->shm->lost) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_aigc_zone_synced(ngx_aigc_zone_t *zone)
{
    ngx_uint_t               i, kinds;
    ngx_aigc_watch_state_t  *state;

    kinds = 0;

    for (i = 0; i < zone->shm->nwatches; i++) {
        state = &zone->shm->watches[i];

        if (!ngx_aigc_watch_core(state)) {
            continue;
        }

        if (!state->synced) {
            return NGX_DECLINED;
        }

        kinds |= 1 << state->kind;
    }

    return (kinds == (1 << NGX_AIGC_KINDS_CORE) - 1) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_zone_kind_synced(ngx_aigc_zone_t *zone, ngx_aigc_kind_e kind)
{
    ngx_uint_t               i, n;
    ngx_aigc_watch_state_t  *state;

    n = 0;

    for (i = 0; i < zone->shm->nwatches; i++) {
        state = &zone->shm->watches[i];

        if (!state->used || state->kind != (ngx_atomic_uint_t) kind) {
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
ngx_aigc_zone_watch(ngx_aigc_zone_t *zone, ngx_uint_t watch, ngx_uint_t used,
    ngx_aigc_kind_e kind, uint32_t what)
{
    ngx_uint_t               n;
    ngx_aigc_watch_state_t  *state;

    state = &zone->shm->watches[watch];
    state->kind = kind;

    if (!used || !state->used || state->what != what) {
        state->synced = 0;
        state->heard = 0;
        state->what = what;
    }

    state->used = used;

    /* what every request looks at is no longer than it has to be */

    for (n = NGX_AIGC_WATCHES_MAX; n; n--) {
        if (zone->shm->watches[n - 1].used) {
            break;
        }
    }

    zone->shm->nwatches = n;
}


void
ngx_aigc_zone_listed(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    ngx_uint_t  i;

    zone->shm->watches[watch].synced = zone->epoch;

    for (i = 0; i < zone->shm->nwatches; i++) {
        if (ngx_aigc_watch_core(&zone->shm->watches[i])
            && zone->shm->watches[i].synced != zone->epoch)
        {
            return;
        }
    }

    zone->shm->holes = 0;

    if (zone->shm->lost != zone->epoch) {
        zone->shm->lost = 0;
    }

    if (zone->shm->lost_disks != zone->epoch) {
        zone->shm->lost_disks = 0;
    }
}


void
ngx_aigc_zone_heard(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    zone->shm->watches[watch].heard = ngx_aigc_now();
}


void
ngx_aigc_zone_refused(ngx_aigc_zone_t *zone, ngx_uint_t watch)
{
    zone->shm->watches[watch].synced = 0;
}


time_t
ngx_aigc_zone_kind_age(ngx_aigc_zone_t *zone, ngx_aigc_kind_e kind)
{
    time_t                   age, max;
    ngx_uint_t               i;
    ngx_aigc_watch_state_t  *state;

    max = -1;

    for (i = 0; i < zone->shm->nwatches; i++) {
        state = &zone->shm->watches[i];

        if (!state->used || state->kind != (ngx_atomic_uint_t) kind
            || !state->heard)
        {
            continue;
        }

        age = ngx_aigc_since_sec(state->heard);
        max = ngx_max(max, age);
    }

    return max;
}


time_t
ngx_aigc_zone_age(ngx_aigc_zone_t *zone)
{
    time_t                   age, max;
    ngx_uint_t               i;
    ngx_aigc_watch_state_t  *state;

    max = 0;

    for (i = 0; i < zone->shm->nwatches; i++) {
        state = &zone->shm->watches[i];

        if (!ngx_aigc_watch_core(state) || !state->heard) {
            continue;
        }

        age = ngx_aigc_since_sec(state->heard);
        max = ngx_max(max, age);
    }

    return max;
}


void
ngx_aigc_seq_begin(ngx_atomic_t *seq)
{
    *seq |= 1;
    ngx_memory_barrier();
}


void
ngx_aigc_seq_end(ngx_atomic_t *seq)
{
    ngx_memory_barrier();
    *seq = (*seq | 1) + 1;
}


ngx_int_t
ngx_aigc_seq_copy(void *dst, void *slot, size_t size)
{
    ngx_uint_t          i;
    ngx_atomic_t       *seq;
    ngx_atomic_uint_t   before;

    seq = slot;

    for (i = 0; i < NGX_AIGC_SEQ_TRIES; i++) {

        before = *seq;

        if (before & 1) {
            ngx_aigc_seq_wait(i);
            continue;
        }

        ngx_memory_barrier();
        ngx_memcpy(dst, slot, size);
        ngx_memory_barrier();

        if (*seq == before) {
            return NGX_OK;
        }
    }

    return NGX_BUSY;
}


void
ngx_aigc_seq_wait(ngx_uint_t n)
{
    if (n < NGX_AIGC_SEQ_SPINS) {
        ngx_cpu_pause();

    } else {
        (void) usleep(NGX_AIGC_SEQ_SLEEP);
    }
}


void
ngx_aigc_fixed_copy(uint16_t *len, u_char *data, size_t room, ngx_str_t *src)
{
    *len = (uint16_t) ngx_min(src->len, room);

    if (*len) {
        ngx_memcpy(data, src->data, *len);
    }
}
