/*
 * instances/ngx_aigc_queue.h — writes that wait for a GameServerSet, of all
 * workers, and who may write it now.  All that wait go out together in one
 * patch (group commit).  Every call takes the lock by itself, for a look at the
 * queue only.
 *
 * An operation: WAITING → SENT (in a patch under way) → WRITTEN (the API server
 * took it, the table may not show it yet) or DONE (with a result); a patch that
 * has to be tried again puts its operations back to WAITING.
 */

#ifndef _NGX_AIGC_QUEUE_H_INCLUDED_
#define _NGX_AIGC_QUEUE_H_INCLUDED_

#include "ngx_aigc_table.h"
#include "kube/ngx_aigc_write.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_OP_LIFE     60000      /* ms: forgotten then (a dead worker) */
#define NGX_AIGC_LOCK_SHOWN  1500       /* ms until the table must show it */
#define NGX_AIGC_LOCK_SAME   100        /* … a patch that leaves spec as it is:
                                           its generation may not move */


typedef enum {
    NGX_AIGC_INSTALL = 1,               /* the existing one, or a new one */
    NGX_AIGC_INSTALL_ANOTHER,           /* a new one in any case */
    NGX_AIGC_START,
    NGX_AIGC_RELEASE,
    NGX_AIGC_UNINSTALL,
    NGX_AIGC_UNINSTALL_KEEP,            /* without the disk */
    NGX_AIGC_FORGET,                    /* the leader's: all of it is gone */
    NGX_AIGC_ASIDE,                     /* likewise: its pod cannot be made */
    NGX_AIGC_BACK,                      /* … and shall be tried once more */
    NGX_AIGC_ADOPT                      /* never waits in the queue: all of a
                                           template's in one patch */
} ngx_aigc_op_kind_e;

#define ngx_aigc_is_uninstall(kind)                                           \
    ((kind) == NGX_AIGC_UNINSTALL || (kind) == NGX_AIGC_UNINSTALL_KEEP)

typedef enum {
    NGX_AIGC_OP_FREE = 0,
    NGX_AIGC_OP_WAITING,
    NGX_AIGC_OP_SENT,
    NGX_AIGC_OP_WRITTEN,
    NGX_AIGC_OP_DONE
} ngx_aigc_op_state_e;

typedef enum {
    NGX_AIGC_RESULT_NONE = 0,
    NGX_AIGC_RESULT_WRITTEN,
    NGX_AIGC_RESULT_UNCHANGED,          /* it was so already */
    NGX_AIGC_RESULT_GONE,               /* no such template or instance */
    NGX_AIGC_RESULT_NOT_OWNER,
    NGX_AIGC_RESULT_UNINSTALLING,
    NGX_AIGC_RESULT_MISCONFIGURED,
    NGX_AIGC_RESULT_USED_UP,            /* the template has no more ids */
    NGX_AIGC_RESULT_LIMIT_TEMPLATE,     /* … as many instances as it may have */
    NGX_AIGC_RESULT_LIMIT_USER_TEMPLATE,    /* the user has, of this template */
    NGX_AIGC_RESULT_LIMIT_USER_TOTAL,       /* … of all templates */
    NGX_AIGC_RESULT_FOREIGN_DISK,
    NGX_AIGC_RESULT_UNWRITABLE,         /* its annotation would be too long */
    NGX_AIGC_RESULT_PARTIAL,            /* the zone does not hold all of it */
    NGX_AIGC_RESULT_REFUSED             /* the API server will not have it */
} ngx_aigc_result_e;


typedef struct {
    uint32_t                              state;    /* ngx_aigc_op_state_e */
    uint32_t                              kind;
    uint32_t                              tmpl;     /* slot */
    int32_t                               id;       /* -1: to be chosen */
    uint32_t                              result;
    uint32_t                              orphan;   /* nobody waits any more */
    uint32_t                              alone;    /* refused together with
                                                       others: goes by itself */
    uint32_t                              admitted; /* counts for its owner's
                                                       total until the table
                                                       shows it */
    ngx_pid_t                             pid;      /* of the worker in which
                                                       somebody waits */
    ngx_atomic_uint_t                     ticket;
    ngx_atomic_uint_t                     lock;     /* of the patch it is in */
    ngx_msec_t                            started;
    time_t                                since;
    int64_t                               generation;   /* written upon */
    ngx_uint_t                            http;     /* the last answer's */
    ngx_aigc_fixed_t(NGX_AIGC_UID_MAX)    uid;      /* of the template: a slot
                                                       may be used again */
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX)    owner;
    ngx_aigc_fixed_t(NGX_AIGC_ANNOTATION_MAX) after;    /* as sent */
} ngx_aigc_op_t;


extern ngx_aigc_part_t  ngx_aigc_queue_part;


/*
 * Adds an operation on the template with this uid in slot tmpl.  Its own slot
 * and ticket, or NGX_AIGC_NONE: the queue is full, or owner has too many in it.
 */
uint32_t ngx_aigc_queue_add(ngx_aigc_zone_t *zone, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_str_t *uid, ngx_int_t id, ngx_str_t *owner,
    ngx_atomic_uint_t *ticket);

/* An operation that waits, to be planned without the queue. */
void ngx_aigc_op_init(ngx_aigc_op_t *op, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_str_t *uid, ngx_int_t id, ngx_str_t *owner);

/* A copy; FREE when the slot is not this ticket's any more. */
void ngx_aigc_queue_get(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket, ngx_aigc_op_t *op);

/*
 * Is anything under way for an id?  Then the table does not say how it will be.
 */
ngx_uint_t ngx_aigc_queue_busy(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_int_t id);

/* How many are under way, for /metrics. */
ngx_uint_t ngx_aigc_queue_length(ngx_aigc_zone_t *zone);

/* The waiter leaves: an operation under way is finished without it. */
void ngx_aigc_queue_leave(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket);

/*
 * Counts op, a copy of an install that waits in the queue, for its owner's
 * total, unless owner has as many as total already: in the table, or admitted
 * and not shown there yet.  One look for all workers: no two of them admit the
 * last one.  NGX_OK; NGX_DECLINED.
 */
ngx_int_t ngx_aigc_queue_admit(ngx_aigc_zone_t *zone, ngx_aigc_op_t *op,
    ngx_uint_t total);

/*
 * Asks for the right to write a template.  A ticket, or 0: someone else has it.
 * It ends by itself after time ms, unless it is renewed before.
 */
ngx_atomic_uint_t ngx_aigc_queue_lock(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_msec_t time);
void ngx_aigc_queue_renew(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_msec_t time);

/*
 * Gives it back: now (wait 0), after wait ms, or, with generation, as soon as
 * the table shows a later one.
 */
void ngx_aigc_queue_unlock(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_msec_t wait, int64_t generation);

/*
 * Under the right to write: copies the waiting operations of a template into
 * ops, oldest first, at most max; slots gets their slots.  Those that a dead
 * worker had sent wait again.  Those for which a dead worker waited are
 * dropped: nobody was told of them, and what the same user has asked for since,
 * of another gateway maybe, is not to be undone by them.
 */
ngx_uint_t ngx_aigc_queue_waiting(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_aigc_op_t *ops, uint32_t *slots, ngx_uint_t max);

/*
 * Puts back n operations as ngx_aigc_plan() left them: SENT ones under lock,
 * DONE ones with their result.
 */
void ngx_aigc_queue_put(ngx_aigc_zone_t *zone, ngx_aigc_op_t *ops,
    uint32_t *slots, ngx_uint_t n, ngx_atomic_uint_t lock);

/*
 * The API server has answered the patch of a template under lock: its
 * operations are WRITTEN, or wait again, or are DONE, as refused.  Of several
 * that are refused together each is tried by itself first.
 */
void ngx_aigc_queue_answered(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_aigc_verdict_e verdict, ngx_uint_t http);


#endif /* _NGX_AIGC_QUEUE_H_INCLUDED_ */
