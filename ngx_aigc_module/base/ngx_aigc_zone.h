/*
 * base/ngx_aigc_zone.h — the module's one shared-memory zone: how it is divided
 * into parts, each declared by the file that owns it, and the tools that all
 * parts use: lock, seqlock, counters, strings of bounded length.
 *
 * The zone holds no pointers and no module addresses: parts are found by
 * offset, slots by index.
 *
 * Locking.  A slot with a sequence counter is a seqlock: the counter is odd
 * during a write.  A reader takes no lock: it copies the slot, and tries again
 * if the counter was odd or has changed.  A writer holds the slab pool's mutex,
 * which nginx unlocks when a worker dies.  A slot that a dead writer left odd
 * reads as busy until it is written again.
 */

#ifndef _NGX_AIGC_ZONE_H_INCLUDED_
#define _NGX_AIGC_ZONE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_elapsed.h"


/*
 * Where nginx is built with libatomic_ops, its barrier is AO_nop(), which
 * orders nothing.
 */
#if (NGX_HAVE_LIBATOMIC)
#undef  ngx_memory_barrier
#define ngx_memory_barrier()  __sync_synchronize()
#endif


#define NGX_AIGC_ZONE_MIN       (2 * 1024 * 1024)
#define NGX_AIGC_PARTS_MAX      16
#define NGX_AIGC_LOOP_TIMES         2       /* ngx_aigc_loop_time_e */
#define NGX_AIGC_NONE           ((uint32_t) -1)     /* no slot */
#define NGX_AIGC_SEQ_SPINS      1000    /* attempts at a slot that is being
                                           written, without sleep */
#define NGX_AIGC_SEQ_SLEEPS     16      /* attempts after these, with sleep */
#define NGX_AIGC_SEQ_SLEEP      200     /* us of sleep before each: the writer
                                           may have lost the CPU.  After the
                                           last one the slot is busy. */
#define NGX_AIGC_SEQ_TRIES      (NGX_AIGC_SEQ_SPINS + NGX_AIGC_SEQ_SLEEPS)


/* A string of bounded length inside a slot. */
#define ngx_aigc_fixed_t(n)  struct { uint16_t len; u_char data[n]; }

/* Copies src, truncated to the size of f. */
#define ngx_aigc_fixed_set(f, src)                                            \
    ngx_aigc_fixed_copy(&(f)->len, (f)->data, sizeof((f)->data), src)

#define ngx_aigc_fixed_get(f, dst)                                            \
    (dst)->len = (f)->len; (dst)->data = (f)->data

#define ngx_aigc_fixed_eq(f, str)                                             \
    ((f)->len == (str)->len                                                   \
     && ((str)->len == 0                                                      \
         || ngx_memcmp((f)->data, (str)->data, (str)->len) == 0))


typedef struct {
    ngx_atomic_t      applied;          /* watch events with a change */
    ngx_atomic_t      relists;
    ngx_atomic_t      watch_errors;
    ngx_atomic_t      allowed;
    ngx_atomic_t      refused;          /* 401, 403, 404, 503 of access phase */
    ngx_atomic_t      token_hits;       /* credentials found in the zone */
    ngx_atomic_t      token_memo;       /* … found in a worker's own cache */
    ngx_atomic_t      token_misses;
    ngx_atomic_t      forged;           /* signatures that were wrong */
    ngx_atomic_t      forged_deferred;  /* tokens not verified: rate limit
                                           of wrong signatures */
    ngx_atomic_t      pods_gone;        /* a pod gone may leave room */
    ngx_atomic_t      patches;          /* writes sent */
    ngx_atomic_t      patches_failed;   /* not 2xx */
    ngx_atomic_t      repairs;
    ngx_atomic_t      stamps;
    ngx_atomic_t      uninstalls;       /* completed */
    ngx_atomic_t      bindings;         /* bindings of disks set or removed */
    ngx_atomic_t      full;             /* objects for which no slot was free */
    ngx_atomic_t      foreign_disk;     /* refused: disk of another owner */
    ngx_atomic_t      collisions;       /* hosts claimed by two instances */
    ngx_atomic_t      leader_changes;   /* this gateway won or lost the lead */
    ngx_atomic_t      mirror_pending;   /* gauge, not a counter: users whose
                                           custom data is out of date */
    ngx_atomic_t      mirror_writes;
    ngx_atomic_t      mirror_errors;
    ngx_atomic_t      passes;           /* see ngx_aigc_loop_time.h */
    ngx_atomic_t      long_passes;
    ngx_atomic_t      closed;           /* connections ended by a revocation, a
                                           release, the end of a session */
    ngx_atomic_t      user_releases;    /* released: user deleted, suspended */
    ngx_atomic_t      revocations_full; /* revocations: no slot was free */
    ngx_atomic_t      tickets_full;     /* tickets: likewise */
    ngx_atomic_t      renewed;          /* sessions renewed */
    ngx_atomic_t      renew_refused;    /* … the provider refused to renew */
    ngx_atomic_t      roles;            /* verified ID tokens with roles */
    ngx_atomic_t      no_roles;         /* … without roles */
    ngx_atomic_t      renew_failed;     /* renewals: failed otherwise */
    ngx_atomic_t      renew_full;       /* renewals: no slot was free */
    ngx_atomic_t      rotations;        /* refresh tokens replaced */
    ngx_atomic_t      rotations_full;   /* … forgotten: too long, or no slot
                                           was free */
    ngx_atomic_t      rotation_errors;  /* failed calls for their Secret */
    ngx_atomic_t      grace;            /* requests let in by grace= with an
                                           expired token */
    ngx_atomic_t      calls_starved;    /* calls ended for lack of a connection
                                           or memory */
    ngx_atomic_t      loops_rebuilt;    /* libcurl multi handles replaced */
} ngx_aigc_counters_t;


/* Heartbeat of worker 0, in ngx_current_msec; see base/ngx_aigc_control.h. */
typedef struct {
    ngx_atomic_t      beat;             /* the last heartbeat; 0: none yet */
    ngx_atomic_t      stuck;            /* no call could be made since then;
                                           0: calls work */
} ngx_aigc_control_t;


/* The head of the zone, in shared memory. */
typedef struct {
    uint32_t                 layout;    /* fingerprint of the build's layout */
    size_t                   size;      /* bytes, this head included */
    ngx_atomic_t             cycles;    /* grows with each configuration */
    ngx_atomic_t             epoch;     /* only the newest epoch may write */
    ngx_aigc_control_t       control;
    ngx_aigc_counters_t      counters;
    ngx_atomic_t             longest[NGX_AIGC_LOOP_TIMES];      /* pass, us */
    size_t                   parts[NGX_AIGC_PARTS_MAX];     /* offsets */
    uint32_t                 slots[NGX_AIGC_PARTS_MAX];     /* per part */
} ngx_aigc_shm_t;


typedef struct ngx_aigc_part_s  ngx_aigc_part_t;


/* The zone in one process and one nginx cycle. */
typedef struct {
    ngx_shm_zone_t          *shm_zone;
    ngx_slab_pool_t         *shpool;
    ngx_aigc_shm_t          *shm;
    ngx_aigc_part_t        **parts;
    void                    *part[NGX_AIGC_PARTS_MAX];
    ngx_atomic_uint_t        cycle;     /* shm->cycles when it was mapped */
    ngx_atomic_uint_t        epoch;     /* of this process; 0: not a writer */
    ngx_str_t                gateway;   /* its own host: never an instance */
    ngx_str_t                domain;    /* parent of instance hosts; len 0:
                                           any */
} ngx_aigc_zone_t;


/*
 * A part of the zone: a head, then an array of slots.  Its bytes are zero at
 * first.
 */
struct ngx_aigc_part_s {
    size_t                   head;      /* bytes of the head */
    size_t                   slot;      /* bytes of a slot */
    size_t                   share;     /* the slots take 1/share of the zone;
                                           0: no slots */
    size_t                   most;      /* limit of slots; 0: no limit */

    /* not NULL: the last part; it gets the rest of the zone, size bytes */
    void                   (*init)(ngx_aigc_zone_t *zone, void *part,
                                   size_t size);

    ngx_uint_t               index;     /* into zone->part and shm->parts */
};

#define ngx_aigc_part(zone, what)        ((zone)->part[(what).index])
#define ngx_aigc_part_slots(zone, what)  ((zone)->shm->slots[(what).index])


#define ngx_aigc_lock(zone)    ngx_shmtx_lock(&(zone)->shpool->mutex)
#define ngx_aigc_unlock(zone)  ngx_shmtx_unlock(&(zone)->shpool->mutex)

#define ngx_aigc_count(zone, name)                                            \
    (void) ngx_atomic_fetch_add(&(zone)->shm->counters.name, 1)


/*
 * Declares the zone when the directive aigc_zone is read.  When nginx maps it,
 * it is divided into parts (NULL ends them); a reload keeps its content.
 * NULL: an error was logged.
 */
ngx_aigc_zone_t *ngx_aigc_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, void *tag, ngx_aigc_part_t **parts);

/* Makes this process the writer; processes of older epochs stop writing. */
void ngx_aigc_zone_take(ngx_aigc_zone_t *zone);

/*
 * A new epoch of the same writer.  NGX_OK; NGX_DECLINED: another process is the
 * writer by now.
 */
ngx_int_t ngx_aigc_zone_renew(ngx_aigc_zone_t *zone);

/* NGX_OK: this process is the writer.  Final only with the lock held. */
ngx_int_t ngx_aigc_zone_is_writer(ngx_aigc_zone_t *zone);

/* 1: a newer configuration was loaded, whose workers take over; else 0. */
ngx_uint_t ngx_aigc_zone_replaced(ngx_aigc_zone_t *zone);

/*
 * Bracket a write of a slot, with the lock held: the counter is odd between
 * them.  begin also accepts a slot that a dead writer left odd.
 */
void ngx_aigc_seq_begin(ngx_atomic_t *seq);
void ngx_aigc_seq_end(ngx_atomic_t *seq);

/*
 * Copies size bytes of a slot, which begins with its sequence counter, without
 * a lock.  NGX_OK; NGX_BUSY: no attempt gave a whole copy (a dead writer).
 */
ngx_int_t ngx_aigc_seq_copy(void *dst, void *slot, size_t size);

/*
 * Likewise where a copy is more than bytes: copy() makes one of slot, to dst,
 * and must bear torn bytes, for which it gives NGX_ERROR.
 */
typedef ngx_int_t (*ngx_aigc_seq_copy_pt)(void *dst, void *slot, void *data);

ngx_int_t ngx_aigc_seq_read(void *dst, void *slot, ngx_aigc_seq_copy_pt copy,
    void *data);

/* Waits after attempt n, from 0: spins at first, then sleeps. */
void ngx_aigc_seq_wait(ngx_uint_t n);

void ngx_aigc_fixed_copy(uint16_t *len, u_char *data, size_t room,
    ngx_str_t *src);


#endif /* _NGX_AIGC_ZONE_H_INCLUDED_ */
