/*
 * base/ngx_aigc_zone.h — the one shared-memory zone: how it is carved into
 * fixed partitions, and the tools that every partition uses.  What a partition
 * holds is in its own file.
 *
 * No pointer and no module address is stored in it: partitions are found by
 * offset, slots by index.  Nothing is evicted from the table, ever.
 *
 * Locking.  Readers of the table take no lock: every slot has a sequence
 * counter, odd while it is written; copy, then look whether it changed.  Who
 * writes holds the slab pool's mutex, which nginx takes from a dead worker; the
 * slot that it left odd is refused until a new writer has rewritten it.
 */

#ifndef _NGX_AIGC_ZONE_H_INCLUDED_
#define _NGX_AIGC_ZONE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_elapsed.h"
#include "ngx_aigc_text.h"              /* NGX_AIGC_SUB_MAX */
#include "oidc/ngx_aigc_jwt.h"
#include "kube/ngx_aigc_election.h"


#define NGX_AIGC_ZONE_MIN       (2 * 1024 * 1024)
#define NGX_AIGC_WATCHES_MAX    96      /* 6 kinds x 16 namespaces */
#define NGX_AIGC_PASSES         2       /* ngx_aigc_pass_e */
#define NGX_AIGC_DOUBTS         32      /* users to be asked for */
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


/*
 * What is watched.  Without the core kinds nothing can be decided; of the
 * auxiliary ones each is missed only for what it tells: a cluster that refuses
 * them, or is slow with them, leaves the table as good as it was.
 */
typedef enum {
    NGX_AIGC_KIND_GSS = 0,
    NGX_AIGC_KIND_GS,
    NGX_AIGC_KIND_PVC,
    NGX_AIGC_KIND_POD,
    NGX_AIGC_KINDS_CORE,                /* these are, and from here on not */
    NGX_AIGC_KIND_WORKLOAD = NGX_AIGC_KINDS_CORE,
    NGX_AIGC_KIND_WARNING,
    NGX_AIGC_KINDS
} ngx_aigc_kind_e;


/* One list+watch, as others see it. */
typedef struct {
    ngx_atomic_t      used;
    ngx_atomic_t      kind;             /* ngx_aigc_kind_e */
    ngx_atomic_t      what;             /* hash of kind, namespace, selector */
    ngx_atomic_t      synced;           /* epoch of the last complete list; 0:
                                           none yet */
    ngx_atomic_t      heard;            /* ngx_aigc_now() at the last event;
                                           0: none yet */
} ngx_aigc_watch_state_t;


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


/* Which gateway leads; kube/ngx_aigc_leader.h. */
typedef struct {
    ngx_atomic_t      leads;            /* this one does, … */
    ngx_atomic_t      until;            /* … if it is not later than that,
                                           ngx_current_msec */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) identity;   /* ours; len 0: none */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) holder;     /* whose the Lease is */
} ngx_aigc_leadership_t;


/* Worker 0's signs of life, ngx_current_msec; base/ngx_aigc_control.h. */
typedef struct {
    ngx_atomic_t      beat;             /* the last one; 0: none yet */
    ngx_atomic_t      stuck;            /* no call can be made since; 0: all
                                           is well */
} ngx_aigc_control_t;


/* What has been revoked; oidc/ngx_aigc_revocation.h. */
typedef struct {
    ngx_atomic_t      version;          /* grows with every revocation */
    ngx_atomic_t      known;            /* the ConfigMap was read, or cannot be */
    ngx_atomic_t      heard;            /* ngx_aigc_now() at its last event */
    ngx_atomic_t      floor;            /* what started until then is refused */
    ngx_atomic_t      moved;            /* grows before a place is used again */
    ngx_aigc_seldom_t told;             /* the line "no room" */
    ngx_atomic_t      begun;            /* readings of the ConfigMap, … */
    ngx_atomic_t      read;             /* … of which this one was the last to
                                           reach its end */
    uint32_t          used;
    uint32_t          cursor;           /* where a free place is looked for */
} ngx_aigc_revocations_t;


/* Whom Logto may not let in any more; oidc/ngx_aigc_doubt.h. */
typedef struct {
    ngx_atomic_t      n;
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX)  subs[NGX_AIGC_DOUBTS];
} ngx_aigc_doubt_t;


/* The head of the zone, in shared memory. */
typedef struct {
    uint32_t                 layout;    /* of this module's build */
    uint32_t                 ntemplates;
    uint32_t                 ninstances;
    uint32_t                 ndisks;
    uint32_t                 ntokens;
    uint32_t                 nops;
    uint32_t                 nrevocations;
    uint32_t                 nflights;
    uint32_t                 nbuckets;  /* of each index; a power of two */
    uint32_t                 used_instances;
    uint32_t                 used_templates;
    uint32_t                 used_disks;
    uint32_t                 end_instances; /* no slot from here on was ever */
    uint32_t                 end_disks;     /* … used: the lowest are first */

    size_t                   templates; /* offsets from this struct */
    size_t                   instances;
    size_t                   disks;
    size_t                   indexes;
    size_t                   tokens;
    size_t                   ops;
    size_t                   revocations;
    size_t                   revocation_heads;  /* nrevocations chains */
    size_t                   flights;
    size_t                   issuer;

    ngx_atomic_t             cycles;    /* configurations, this one included */
    ngx_atomic_t             epoch;     /* the writer's; the newest may write */
    ngx_atomic_t             index_seq; /* odd while a chain is changed */
    ngx_atomic_t             version;   /* of the table; grows with changes */
    ngx_atomic_t             mark;      /* of lists, for mark and sweep */
    ngx_atomic_t             ticket;    /* of queued writes, of flights */
    ngx_atomic_t             claims;    /* on addresses, so far */
    ngx_atomic_t             holes;     /* a dead writer's slots were freed and
                                           are not listed again yet */
    ngx_atomic_t             writing;   /* set while the table is changed: what
                                           a writer died in is repaired */
    ngx_atomic_t             lost;      /* epoch in which an object found no
                                           room; 0: the table is whole */
    ngx_atomic_t             lost_disks;    /* likewise, a disk */

    ngx_atomic_t             nwatches;  /* no watch from here on is used */
    ngx_aigc_watch_state_t   watches[NGX_AIGC_WATCHES_MAX];
    ngx_aigc_leadership_t    leadership;
    ngx_aigc_control_t       control;
    ngx_atomic_t             date;      /* kube/ngx_aigc_date.h */
    ngx_aigc_revocations_t   revoked;
    ngx_aigc_doubt_t         doubt;
    ngx_aigc_counters_t      counters;
    ngx_atomic_t             longest[NGX_AIGC_PASSES];      /* us */
} ngx_aigc_shm_t;


/* The zone as one cycle of one process sees it. */
typedef struct {
    ngx_shm_zone_t          *shm_zone;
    ngx_slab_pool_t         *shpool;
    ngx_aigc_shm_t          *shm;
    ngx_atomic_uint_t        cycle;     /* shm->cycles of this configuration */
    ngx_atomic_uint_t        epoch;     /* ours, when this process writes */
    ngx_str_t                gateway;   /* its own host: never an instance */
    ngx_str_t                domain;    /* of all instances; len 0: any */
} ngx_aigc_zone_t;


#define ngx_aigc_partition(zone, name, type)                                  \
    ((type *) (void *) ((u_char *) (zone)->shm + (zone)->shm->name))

#define ngx_aigc_lock(zone)    ngx_shmtx_lock(&(zone)->shpool->mutex)
#define ngx_aigc_unlock(zone)  ngx_shmtx_unlock(&(zone)->shpool->mutex)

#define ngx_aigc_count(zone, name)                                            \
    (void) ngx_atomic_fetch_add(&(zone)->shm->counters.name, 1)


/*
 * Declares the zone at configuration time (the directive aigc_zone); it is
 * carved when nginx maps it, and adopted with all that it holds on reload.
 * NULL: an error was logged with the fix.
 */
ngx_aigc_zone_t *ngx_aigc_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, void *tag);

/*
 * Makes this process the table's writer: older epochs may not write any more.
 * Where a writer has died while it wrote, the slots that it left half-written
 * are freed and the indexes rebuilt; else nothing is touched.
 */
void ngx_aigc_zone_take(ngx_aigc_zone_t *zone);

/* With the lock held: NGX_OK while this process is the writer. */
ngx_int_t ngx_aigc_zone_is_writer(ngx_aigc_zone_t *zone);

/* 1: nginx was reloaded: others take over, or have done so. */
ngx_uint_t ngx_aigc_zone_replaced(ngx_aigc_zone_t *zone);

/* NGX_OK; NGX_DECLINED: objects may be missing, a miss says nothing. */
ngx_int_t ngx_aigc_zone_whole(ngx_aigc_zone_t *zone);

/* NGX_OK when the first list of every watch of a core kind is complete. */
ngx_int_t ngx_aigc_zone_synced(ngx_aigc_zone_t *zone);

/*
 * NGX_OK when what is not known of this kind is not there: its lists are
 * complete, and the API server has not refused it since.
 */
ngx_int_t ngx_aigc_zone_kind_synced(ngx_aigc_zone_t *zone,
    ngx_aigc_kind_e kind);

/*
 * Watch number watch is to watch what (a hash) of kind; used 0: there is no
 * such watch.  What was known of another what under this number is forgotten.
 */
void ngx_aigc_zone_watch(ngx_aigc_zone_t *zone, ngx_uint_t watch,
    ngx_uint_t used, ngx_aigc_kind_e kind, uint32_t what);

/* A watch has completed a list: counts for synced, closes holes. */
void ngx_aigc_zone_listed(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/* It has said something: what is known of its kind is as young as that. */
void ngx_aigc_zone_heard(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/* … its list was refused: what was known of its kind is no longer. */
void ngx_aigc_zone_refused(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/*
 * Seconds since the quietest watch of a kind was heard; -1: none has been.  The
 * same of all core kinds together; 0: none.
 */
time_t ngx_aigc_zone_kind_age(ngx_aigc_zone_t *zone, ngx_aigc_kind_e kind);
time_t ngx_aigc_zone_age(ngx_aigc_zone_t *zone);

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
