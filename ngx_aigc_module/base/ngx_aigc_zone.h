/*
 * base/ngx_aigc_zone.h — the one shared-memory zone: how it is carved into the
 * parts of those who own something in it, and the tools that every part uses.
 *
 * No pointer and no module address is stored in it: parts are found by offset,
 * slots by index.
 *
 * Locking.  Readers take no lock where a slot has a sequence counter, odd while
 * it is written: copy, then look whether it changed.  Who writes holds the slab
 * pool's mutex, which nginx takes from a dead worker; the slot that it left odd
 * is refused until a new writer has rewritten it.
 */

#ifndef _NGX_AIGC_ZONE_H_INCLUDED_
#define _NGX_AIGC_ZONE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_elapsed.h"


#define NGX_AIGC_ZONE_MIN       (2 * 1024 * 1024)
#define NGX_AIGC_PARTS_MAX      16
#define NGX_AIGC_PASSES         2       /* ngx_aigc_pass_e */
#define NGX_AIGC_NONE           ((uint32_t) -1)     /* no slot */
#define NGX_AIGC_SEQ_SPINS      1000    /* looks at a slot that is written */
#define NGX_AIGC_SEQ_SLEEPS     16      /* more looks, … */
#define NGX_AIGC_SEQ_SLEEP      200     /* … each so many us later: its writer
                                           may have lost the CPU.  Then the
                                           slot is "busy". */
#define NGX_AIGC_SEQ_TRIES      (NGX_AIGC_SEQ_SPINS + NGX_AIGC_SEQ_SLEEPS)


/* A string of bounded length inside a slot. */
#define ngx_aigc_fixed_t(n)  struct { uint16_t len; u_char data[n]; }

/* Cuts src to the room that is there. */
#define ngx_aigc_fixed_set(f, src)                                            \
    ngx_aigc_fixed_copy(&(f)->len, (f)->data, sizeof((f)->data), src)

#define ngx_aigc_fixed_get(f, dst)                                            \
    (dst)->len = (f)->len; (dst)->data = (f)->data

#define ngx_aigc_fixed_eq(f, str)                                             \
    ((f)->len == (str)->len                                                   \
     && ((str)->len == 0                                                      \
         || ngx_memcmp((f)->data, (str)->data, (str)->len) == 0))


typedef struct {
    ngx_atomic_t      applied;          /* watch events that changed something */
    ngx_atomic_t      relists;
    ngx_atomic_t      watch_errors;
    ngx_atomic_t      allowed;
    ngx_atomic_t      refused;          /* 401, 403, 404, 503 of the access phase */
    ngx_atomic_t      token_hits;       /* credentials that the zone knew */
    ngx_atomic_t      token_memo;       /* … that a worker itself did */
    ngx_atomic_t      token_misses;
    ngx_atomic_t      forged;           /* signatures found wrong */
    ngx_atomic_t      forged_deferred;  /* tokens not looked at: too many of
                                           those */
    ngx_atomic_t      pods_gone;        /* they may have made room */
    ngx_atomic_t      patches;          /* writes sent */
    ngx_atomic_t      patches_failed;   /* not 2xx */
    ngx_atomic_t      repairs;
    ngx_atomic_t      stamps;
    ngx_atomic_t      uninstalls;       /* finished */
    ngx_atomic_t      bindings;         /* disks bound to templates, or freed */
    ngx_atomic_t      full;             /* objects that found no slot */
    ngx_atomic_t      foreign_disk;     /* access refused for the disk's owner */
    ngx_atomic_t      collisions;       /* hosts found claimed twice */
    ngx_atomic_t      leader_changes;   /* we began to lead, or ended */
    ngx_atomic_t      mirror_pending;   /* users whose custom data is behind:
                                           now, not since the start */
    ngx_atomic_t      mirror_writes;
    ngx_atomic_t      mirror_errors;
    ngx_atomic_t      passes;           /* see ngx_aigc_pass.h */
    ngx_atomic_t      long_passes;
    ngx_atomic_t      closed;           /* connections ended by a revocation, a
                                           release, the end of a session */
    ngx_atomic_t      user_releases;    /* instances of users who are gone */
    ngx_atomic_t      revocations_full; /* revocations that found no room */
    ngx_atomic_t      renewed;          /* sessions, by Logto */
    ngx_atomic_t      renew_refused;    /* … it would not */
    ngx_atomic_t      roles;            /* good ID tokens with a claim "roles" */
    ngx_atomic_t      no_roles;         /* … without one */
    ngx_atomic_t      renew_failed;     /* … it could not be asked */
    ngx_atomic_t      renew_full;       /* … there was no room for it */
    ngx_atomic_t      grace;            /* requests let in all the same */
    ngx_atomic_t      calls_starved;    /* calls ended for want of a connection
                                           or memory */
    ngx_atomic_t      loops_rebuilt;    /* libcurl's multi handle had died */
} ngx_aigc_counters_t;


/* Worker 0's signs of life, ngx_current_msec; base/ngx_aigc_control.h. */
typedef struct {
    ngx_atomic_t      beat;             /* the last one; 0: none yet */
    ngx_atomic_t      stuck;            /* no call can be made since; 0: all
                                           is well */
} ngx_aigc_control_t;


/* The head of the zone, in shared memory. */
typedef struct {
    uint32_t                 layout;    /* of this module's build */
    size_t                   size;      /* bytes, this head included */
    ngx_atomic_t             cycles;    /* configurations, this one included */
    ngx_atomic_t             epoch;     /* the writer's; the newest may write */
    ngx_aigc_control_t       control;
    ngx_aigc_counters_t      counters;
    ngx_atomic_t             longest[NGX_AIGC_PASSES];      /* us */
    size_t                   parts[NGX_AIGC_PARTS_MAX];     /* offsets */
    uint32_t                 slots[NGX_AIGC_PARTS_MAX];     /* how many */
} ngx_aigc_shm_t;


typedef struct ngx_aigc_part_s  ngx_aigc_part_t;


/* The zone as one cycle of one process sees it. */
typedef struct {
    ngx_shm_zone_t          *shm_zone;
    ngx_slab_pool_t         *shpool;
    ngx_aigc_shm_t          *shm;
    ngx_aigc_part_t        **parts;
    void                    *part[NGX_AIGC_PARTS_MAX];
    ngx_atomic_uint_t        cycle;     /* shm->cycles of this configuration */
    ngx_atomic_uint_t        epoch;     /* ours, when this process writes */
    ngx_str_t                gateway;   /* its own host: never an instance */
    ngx_str_t                domain;    /* of all instances; len 0: any */
} ngx_aigc_zone_t;


/*
 * One owner's part of the zone: what there is once, then slots.  Its bytes are
 * zero at first.
 */
struct ngx_aigc_part_s {
    size_t                   head;      /* bytes of what there is once */
    size_t                   slot;      /* bytes of a slot */
    size_t                   share;     /* slots take this part of the zone: 8,
                                           an eighth; 0: there are none */
    size_t                   most;      /* slots; 0: any number */

    /* NULL, or: it takes all that is left, and makes it of so many bytes */
    void                   (*init)(ngx_aigc_zone_t *zone, void *part,
                                   size_t size);

    ngx_uint_t               index;     /* in zone->part */
};

#define ngx_aigc_part(zone, what)        ((zone)->part[(what).index])
#define ngx_aigc_part_slots(zone, what)  ((zone)->shm->slots[(what).index])


#define ngx_aigc_lock(zone)    ngx_shmtx_lock(&(zone)->shpool->mutex)
#define ngx_aigc_unlock(zone)  ngx_shmtx_unlock(&(zone)->shpool->mutex)

#define ngx_aigc_count(zone, name)                                            \
    (void) ngx_atomic_fetch_add(&(zone)->shm->counters.name, 1)


/*
 * Declares the zone at configuration time (the directive aigc_zone); it is
 * carved into parts (NULL ends them) when nginx maps it, and adopted with all
 * that it holds on reload.  NULL: an error was logged with the fix.
 */
ngx_aigc_zone_t *ngx_aigc_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, void *tag, ngx_aigc_part_t **parts);

/* Makes this process the writer: older epochs may not write any more. */
void ngx_aigc_zone_take(ngx_aigc_zone_t *zone);

/* With the lock held: NGX_OK while this process is the writer. */
ngx_int_t ngx_aigc_zone_is_writer(ngx_aigc_zone_t *zone);

/* 1: nginx was reloaded: others take over, or have done so. */
ngx_uint_t ngx_aigc_zone_replaced(ngx_aigc_zone_t *zone);

/*
 * Around a write of a slot, with the lock held.  begin is right also for a
 * slot that a dead writer left odd.
 */
void ngx_aigc_seq_begin(ngx_atomic_t *seq);
void ngx_aigc_seq_end(ngx_atomic_t *seq);

/*
 * Copies size bytes of a slot, which begins with its sequence counter, without
 * a lock.  NGX_OK; NGX_BUSY: half-written for too long (a dead writer).
 */
ngx_int_t ngx_aigc_seq_copy(void *dst, void *slot, size_t size);

/* Between two looks, the n-th of NGX_AIGC_SEQ_TRIES having failed. */
void ngx_aigc_seq_wait(ngx_uint_t n);

void ngx_aigc_fixed_copy(uint16_t *len, u_char *data, size_t room,
    ngx_str_t *src);


#endif /* _NGX_AIGC_ZONE_H_INCLUDED_ */
