/*
 * logto/ngx_aigc_mirror_users.h — the mirror's memory: who has which instances,
 * and whose custom data may be behind.  For the mirror's own files.
 *
 * Kept up from the table by the records' sequence counters: a look costs a
 * glance at each record, and work only for those that have changed.  A user's
 * instances are a sum of hashes, in any order; the sum that custom data was
 * last brought to tells whether something has to be done.
 */

#ifndef _NGX_AIGC_MIRROR_USERS_H_INCLUDED_
#define _NGX_AIGC_MIRROR_USERS_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "instances/ngx_aigc_table.h"

#include "ngx_aigc_entry.h"


#define NGX_AIGC_MIRROR_SLICE  500       /* changed records in one look: 2 ms */
#define NGX_AIGC_MIRROR_LOOK   8192      /* records in one look: 1 ms */
#define NGX_AIGC_MIRROR_ALL    NGX_MAX_UINT32_VALUE /* … a look to act upon */


typedef struct {
    ngx_str_node_t            sn;       /* by "sub" */
    ngx_queue_t               queue;
    uint64_t                  wanted;   /* sum of what the table says */
    uint64_t                  written;  /* … custom data was brought to */
    uint32_t                  first;    /* slot; NGX_AIGC_NONE: no instance */
    ngx_msec_t                next;     /* not before: ngx_current_msec */
    ngx_aigc_backoff_t        backoff;
    uint32_t                  scan;     /* the last walk that met the user */
    unsigned                  queued:1;
    unsigned                  stale:1;  /* custom data is known to be wrong */
    unsigned                  unseen:1; /* … not known: a scan will tell */
    unsigned                  gone:1;   /* Logto does not know this user */
    u_char                    data[1];
} ngx_aigc_mirror_user_t;

/* What was seen in a slot of the table. */
typedef struct {
    ngx_atomic_uint_t         seq;
    uint64_t                  hash;
    ngx_aigc_mirror_user_t   *user;     /* NULL: no instance of anybody */
    uint32_t                  next;     /* of the same user */
    uint32_t                  prev;
} ngx_aigc_mirror_slot_t;

typedef struct {
    ngx_aigc_kubernetes_t    *k8s;      /* what is watched */
    ngx_aigc_zone_t          *zone;
    ngx_log_t                *log;
    ngx_rbtree_t              tree;
    ngx_rbtree_node_t         sentinel;
    ngx_queue_t               queue;    /* those to be looked at */
    ngx_uint_t                pending;  /* … how many */
    ngx_aigc_mirror_slot_t   *slots;
    ngx_aigc_mirror_user_t   *current;  /* whom a call is about: stays */
    uint32_t                  at;       /* slot, where the next look goes on */
    ngx_atomic_uint_t         version;  /* of the table, as it began */
    ngx_uint_t                again;    /* it has left something out */
    ngx_uint_t                initial;  /* before the first whole look: who is
                                           new is unseen */
} ngx_aigc_mirror_users_t;


/* NGX_OK or NGX_ERROR; after either _free() may be called. */
ngx_int_t ngx_aigc_mirror_users_init(ngx_aigc_mirror_users_t *users,
    ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone, ngx_log_t *log);
void ngx_aigc_mirror_users_free(ngx_aigc_mirror_users_t *users);

/*
 * Takes in what has changed in the table: looks at no more than so many of its
 * records, and goes on there with the next call.  NGX_OK: all of it, as it was
 * when the first look began; NGX_AGAIN: not all of it, look again soon.
 */
ngx_int_t ngx_aigc_mirror_users_refresh(ngx_aigc_mirror_users_t *users,
    ngx_uint_t most);

/* The user, or NULL; create: NULL only without memory. */
ngx_aigc_mirror_user_t *ngx_aigc_mirror_user(ngx_aigc_mirror_users_t *users,
    ngx_str_t *sub, ngx_uint_t create);

/*
 * Custom data was brought to sum / is known to be wrong.  Either may free the
 * user, unless it is users->current.
 */
void ngx_aigc_mirror_user_settled(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, uint64_t sum);
void ngx_aigc_mirror_user_stale(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user);

/* It failed: after the others, and after wait ms. */
void ngx_aigc_mirror_user_later(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, ngx_msec_t wait);

/* Does an instance of the user's run, as the table says now? */
ngx_uint_t ngx_aigc_mirror_user_runs(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user);

/*
 * The walk of that number is over: those with instances that it has not met are
 * read by themselves; once, unless something of theirs runs.
 */
void ngx_aigc_mirror_users_unlisted(ngx_aigc_mirror_users_t *users,
    uint32_t scan);

/* The scan is over, or cannot go on: nobody is left to it any more. */
void ngx_aigc_mirror_users_seen(ngx_aigc_mirror_users_t *users);

/*
 * The next to be looked at now, or NULL: wait is then in how many ms the first
 * one will be, if any (else 0).
 * Users whose last call failed come after all others: a failing one delays
 * nobody else, however slow the calls are.
 */
ngx_aigc_mirror_user_t *ngx_aigc_mirror_users_next(
    ngx_aigc_mirror_users_t *users, ngx_msec_t *wait);

/*
 * What a user (NULL: one without instances) should have, as an object for
 * ngx_aigc_entry_diff(): the caller's.  NULL: no memory, or the table is busy.
 */
json_t *ngx_aigc_mirror_user_entries(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user);

/*
 * For ngx_aigc_entry_diff(), data is users.  NGX_OK: nobody needs this entry
 * any more.  NGX_DECLINED: it stays; what the table does not show because it is
 * not watched, or has no room, says nothing.
 */
ngx_int_t ngx_aigc_mirror_stale(void *data, ngx_aigc_entry_t *entry);


#endif /* _NGX_AIGC_MIRROR_USERS_H_INCLUDED_ */
