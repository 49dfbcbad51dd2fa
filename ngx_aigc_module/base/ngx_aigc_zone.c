/*
 * base/ngx_aigc_zone.c — carving the zone, and the sequence counters.
 */

#include "ngx_aigc_zone.h"


/* Raise it when the layout changes without changing any size. */
#define NGX_AIGC_LAYOUT  4


static ngx_int_t ngx_aigc_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_aigc_zone_carve(ngx_aigc_zone_t *zone);
static uint32_t ngx_aigc_zone_layout(ngx_aigc_part_t **parts);
static ngx_int_t ngx_aigc_seq_bytes(void *dst, void *slot, void *data);


ngx_aigc_zone_t *
ngx_aigc_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag,
    ngx_aigc_part_t **parts)
{
    ngx_uint_t        i;
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
    zone->parts = parts;

    for (i = 0; parts[i]; i++) {
        parts[i]->index = i;
    }

    return zone;
}


static ngx_int_t
ngx_aigc_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_aigc_zone_t  *old = data;

    ngx_uint_t        i;
    ngx_aigc_zone_t  *zone;

    zone = shm_zone->data;
    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (!old && !shm_zone->shm.exists) {
        return ngx_aigc_zone_carve(zone);
    }

    zone->shm = zone->shpool->data;

    if (zone->shm->layout != ngx_aigc_zone_layout(zone->parts)) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "aigc: zone \"%V\" was carved by another build of "
                      "the module: upgrade with USR2, not with HUP",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    for (i = 0; zone->parts[i]; i++) {
        zone->part[i] = (u_char *) zone->shm + zone->shm->parts[i];
    }

    zone->cycle = ++zone->shm->cycles;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_zone_carve(ngx_aigc_zone_t *zone)
{
    size_t            size, at, bytes;
    uint32_t         *n;
    ngx_uint_t        i;
    ngx_aigc_part_t  *part;

    zone->shpool->log_ctx = (u_char *) " in aigc zone";

    /* all free pages in one piece: slots are ours to manage, not the slab's */

    size = zone->shpool->pfree * ngx_pagesize;

    zone->shm = ngx_slab_calloc(zone->shpool, size);
    if (zone->shm == NULL) {
        return NGX_ERROR;
    }

    zone->shpool->data = zone->shm;
    zone->shm->layout = ngx_aigc_zone_layout(zone->parts);
    zone->shm->size = size;

    at = ngx_align(sizeof(ngx_aigc_shm_t), 64);

    for (i = 0; zone->parts[i]; i++) {
        part = zone->parts[i];
        n = &zone->shm->slots[i];

        if (part->share) {
            *n = size / part->share / part->slot;
            *n = (part->most && *n > part->most) ? part->most : *n;
        }

        bytes = part->init ? size - at : part->head + *n * part->slot;

        zone->shm->parts[i] = at;
        zone->part[i] = (u_char *) zone->shm + at;

        if (part->init) {
            part->init(zone, zone->part[i], bytes);
        }

        at += ngx_align(bytes, 64);
    }

    return NGX_OK;
}


static uint32_t
ngx_aigc_zone_layout(ngx_aigc_part_t **parts)
{
    uint32_t    layout;
    ngx_uint_t  i;

    layout = NGX_AIGC_LAYOUT * 31 + sizeof(ngx_aigc_shm_t);

    for (i = 0; parts[i]; i++) {
        layout = (layout * 31 + parts[i]->head) * 31 + parts[i]->slot;
    }

    return layout;
}


void
ngx_aigc_zone_take(ngx_aigc_zone_t *zone)
{
    ngx_aigc_lock(zone);

    zone->epoch = ++zone->shm->epoch;
    ngx_aigc_unlock(zone);
}


ngx_int_t
ngx_aigc_zone_renew(ngx_aigc_zone_t *zone)
{
    ngx_int_t  rc;

    ngx_aigc_lock(zone);

    rc = ngx_aigc_zone_is_writer(zone);

    if (rc == NGX_OK) {
        zone->epoch = ++zone->shm->epoch;
    }

    ngx_aigc_unlock(zone);

    return rc;
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


/*
 * The order on processors that reorder stores and loads, arm64 say: the odd
 * counter is stored before any byte of the slot, and the last byte before the
 * even one.  A reader that has loaded a byte of a write that began later loads,
 * behind its second barrier, a counter that differs from the first.  What it
 * copied meanwhile may be anything: it is not looked at.
 */

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
    return ngx_aigc_seq_read(dst, slot, ngx_aigc_seq_bytes, &size);
}


static ngx_int_t
ngx_aigc_seq_bytes(void *dst, void *slot, void *data)
{
    size_t  *size = data;

    ngx_memcpy(dst, slot, *size);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_seq_read(void *dst, void *slot, ngx_aigc_seq_copy_pt copy, void *data)
{
    ngx_int_t           rc;
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
        rc = copy(dst, slot, data);
        ngx_memory_barrier();

        if (*seq == before) {
            return (rc == NGX_OK) ? NGX_OK : NGX_BUSY;
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
