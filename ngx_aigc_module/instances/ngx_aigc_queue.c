/*
 * instances/ngx_aigc_queue.c — the queue of writes, and the right to write.
 */

#include "ngx_aigc_queue.h"


static ngx_uint_t ngx_aigc_queue_free(ngx_aigc_zone_t *zone,
    ngx_aigc_op_t *op);
static ngx_uint_t ngx_aigc_queue_unseen(ngx_aigc_zone_t *zone,
    ngx_aigc_op_t *op);
static ngx_uint_t ngx_aigc_queue_dead(ngx_aigc_op_t *op);


typedef struct {
    ngx_atomic_t    ticket;             /* the last one given */
    ngx_aigc_op_t   ops[NGX_AIGC_OPS];
} ngx_aigc_queue_t;

#define ngx_aigc_queue(zone)                                                  \
    ((ngx_aigc_queue_t *) ngx_aigc_part(zone, ngx_aigc_queue_part))
#define ngx_aigc_ops(zone)  (ngx_aigc_queue(zone)->ops)

#define ngx_aigc_under_way(op)                                                \
    ((op)->state != NGX_AIGC_OP_FREE && (op)->state != NGX_AIGC_OP_DONE)


ngx_aigc_part_t  ngx_aigc_queue_part = {
    sizeof(ngx_aigc_queue_t), 0, 0, 0, NULL, 0
};


uint32_t
ngx_aigc_queue_add(ngx_aigc_zone_t *zone, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_str_t *uid, ngx_int_t id, ngx_str_t *owner,
    ngx_atomic_uint_t *ticket)
{
    uint32_t        i, slot;
    ngx_uint_t      n;
    ngx_aigc_op_t  *op;

    op = ngx_aigc_ops(zone);

    ngx_aigc_lock(zone);

    n = 0;
    slot = NGX_AIGC_NONE;

    for (i = 0; i < NGX_AIGC_OPS; i++) {

        if (ngx_aigc_queue_free(zone, &op[i])) {
            slot = ngx_min(slot, i);

        } else if (ngx_aigc_fixed_eq(&op[i].owner, owner)) {
            n++;
        }
    }

    if (slot == NGX_AIGC_NONE || n >= NGX_AIGC_OPS_OWNER) {
        ngx_aigc_unlock(zone);
        return NGX_AIGC_NONE;
    }

    op = &op[slot];

    ngx_aigc_op_init(op, kind, tmpl, uid, id, owner);

    op->pid = ngx_pid;
    op->ticket = ++ngx_aigc_queue(zone)->ticket;
    op->started = ngx_current_msec;

    *ticket = op->ticket;

    ngx_aigc_unlock(zone);

    return slot;
}


void
ngx_aigc_op_init(ngx_aigc_op_t *op, ngx_aigc_op_kind_e kind, uint32_t tmpl,
    ngx_str_t *uid, ngx_int_t id, ngx_str_t *owner)
{
    ngx_memzero(op, sizeof(ngx_aigc_op_t));

    op->state = NGX_AIGC_OP_WAITING;
    op->kind = kind;
    op->tmpl = tmpl;
    op->id = id;
    ngx_aigc_fixed_set(&op->uid, uid);
    ngx_aigc_fixed_set(&op->owner, owner);
}


/* Nobody needs it any more, or it has outlived who did. */
static ngx_uint_t
ngx_aigc_queue_free(ngx_aigc_zone_t *zone, ngx_aigc_op_t *op)
{
    return op->state == NGX_AIGC_OP_FREE
           || ngx_aigc_reached(op->started + NGX_AIGC_OP_LIFE)
           || (op->orphan && op->state == NGX_AIGC_OP_WRITTEN
               && !ngx_aigc_queue_unseen(zone, op));
}


/* An admitted install that may be written, but is not in the table yet. */
static ngx_uint_t
ngx_aigc_queue_unseen(ngx_aigc_zone_t *zone, ngx_aigc_op_t *op)
{
    ngx_str_t             uid;
    ngx_aigc_template_t  *t;

    if (!op->admitted || op->state == NGX_AIGC_OP_DONE) {
        return 0;
    }

    if (op->after.len == 0) {
        return 1;                       /* in a plan that is being made */
    }

    t = &ngx_aigc_partition(zone, templates, ngx_aigc_template_t)[op->tmpl];

    ngx_aigc_fixed_get(&t->uid, &uid);

    return t->used && ngx_aigc_fixed_eq(&op->uid, &uid)
           && t->generation <= op->generation;
}


ngx_int_t
ngx_aigc_queue_admit(ngx_aigc_zone_t *zone, ngx_aigc_op_t *op,
    ngx_uint_t total)
{
    uint32_t        i;
    ngx_str_t       owner;
    ngx_uint_t      n;
    ngx_aigc_op_t  *ops, *own;

    own = NULL;
    ops = ngx_aigc_ops(zone);

    ngx_aigc_fixed_get(&op->owner, &owner);

    ngx_aigc_lock(zone);

    n = ngx_aigc_table_owned(zone, &owner);

    for (i = 0; i < NGX_AIGC_OPS; i++) {

        if (ngx_aigc_queue_free(zone, &ops[i])) {
            continue;
        }

        if (ops[i].ticket == op->ticket) {
            own = &ops[i];

        } else if (ngx_aigc_fixed_eq(&ops[i].owner, &owner)
                   && ngx_aigc_queue_unseen(zone, &ops[i]))
        {
            n++;
        }
    }

    op->admitted = (own && n < total);

    if (own) {
        own->admitted = op->admitted;
        own->after.len = 0;             /* of an earlier patch, if any */
    }

    ngx_aigc_unlock(zone);

    return op->admitted ? NGX_OK : NGX_DECLINED;
}


void
ngx_aigc_queue_get(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket, ngx_aigc_op_t *op)
{
    ngx_aigc_lock(zone);
    *op = ngx_aigc_ops(zone)[slot];
    ngx_aigc_unlock(zone);

    if (op->ticket != ticket) {
        op->state = NGX_AIGC_OP_FREE;
    }
}


ngx_uint_t
ngx_aigc_queue_busy(ngx_aigc_zone_t *zone, uint32_t tmpl, ngx_int_t id)
{
    uint32_t        i;
    ngx_uint_t      busy;
    ngx_aigc_op_t  *op;

    op = ngx_aigc_ops(zone);
    busy = 0;

    ngx_aigc_lock(zone);

    for (i = 0; i < NGX_AIGC_OPS && !busy; i++) {
        busy = (op[i].tmpl == tmpl && op[i].id == id
                && ngx_aigc_under_way(&op[i])
                && !ngx_aigc_queue_dead(&op[i]));
    }

    ngx_aigc_unlock(zone);

    return busy;
}


ngx_uint_t
ngx_aigc_queue_length(ngx_aigc_zone_t *zone)
{
    uint32_t        i;
    ngx_uint_t      n;
    ngx_aigc_op_t  *op;

    op = ngx_aigc_ops(zone);
    n = 0;

    ngx_aigc_lock(zone);

    for (i = 0; i < NGX_AIGC_OPS; i++) {
        n += (ngx_aigc_under_way(&op[i]) && !ngx_aigc_queue_dead(&op[i]));
    }

    ngx_aigc_unlock(zone);

    return n;
}


/* A pid that was given to somebody else since keeps it for OP_LIFE at most. */
static ngx_uint_t
ngx_aigc_queue_dead(ngx_aigc_op_t *op)
{
    return op->pid != ngx_pid && kill(op->pid, 0) == -1
           && ngx_errno == NGX_ESRCH;
}


void
ngx_aigc_queue_leave(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket)
{
    ngx_aigc_op_t  *op;

    op = &ngx_aigc_ops(zone)[slot];

    ngx_aigc_lock(zone);

    if (op->ticket != ticket) {
        /* forgotten, and somebody else's by now */

    } else if (op->state == NGX_AIGC_OP_SENT
               || (op->state == NGX_AIGC_OP_WRITTEN
                   && ngx_aigc_queue_unseen(zone, op)))
    {
        op->orphan = 1;

    } else {
        op->state = NGX_AIGC_OP_FREE;
    }

    ngx_aigc_unlock(zone);
}


ngx_atomic_uint_t
ngx_aigc_queue_lock(ngx_aigc_zone_t *zone, uint32_t tmpl, ngx_msec_t time)
{
    ngx_atomic_uint_t     lock;
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_partition(zone, templates, ngx_aigc_template_t)[tmpl];

    lock = 0;

    ngx_aigc_lock(zone);

    if (t->lock == 0 || ngx_aigc_reached(t->lock_until)
        || (t->lock_generation && t->generation > t->lock_generation))
    {
        lock = ++ngx_aigc_queue(zone)->ticket;
        t->lock = lock;
        t->lock_until = ngx_current_msec + time;
        t->lock_generation = 0;
    }

    ngx_aigc_unlock(zone);

    return lock;
}


void
ngx_aigc_queue_renew(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_msec_t time)
{
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_partition(zone, templates, ngx_aigc_template_t)[tmpl];

    ngx_aigc_lock(zone);

    if (t->lock == lock) {
        t->lock_until = ngx_current_msec + time;
    }

    ngx_aigc_unlock(zone);
}


void
ngx_aigc_queue_unlock(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_msec_t wait, int64_t generation)
{
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_partition(zone, templates, ngx_aigc_template_t)[tmpl];

    ngx_aigc_lock(zone);

    if (t->lock == lock) {
        t->lock_until = ngx_current_msec + wait;
        t->lock_generation = generation;

        if (wait == 0) {
            t->lock = 0;
        }
    }

    ngx_aigc_unlock(zone);
}


ngx_uint_t
ngx_aigc_queue_waiting(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_aigc_op_t *ops, uint32_t *slots, ngx_uint_t max)
{
    uint32_t        i;
    ngx_uint_t      n, k;
    ngx_aigc_op_t  *op;

    op = ngx_aigc_ops(zone);
    n = 0;

    ngx_aigc_lock(zone);

    for (i = 0; i < NGX_AIGC_OPS; i++) {

        if (op[i].state == NGX_AIGC_OP_FREE || op[i].tmpl != tmpl) {
            continue;
        }

        if ((op[i].state == NGX_AIGC_OP_SENT
             || op[i].state == NGX_AIGC_OP_WAITING)
            && ngx_aigc_queue_dead(&op[i]))
        {
            op[i].state = NGX_AIGC_OP_FREE;
            continue;
        }

        if (op[i].state == NGX_AIGC_OP_SENT) {
            /* nobody writes this template now, so who sent it is dead */
            op[i].state = NGX_AIGC_OP_WAITING;
        }

        if (op[i].state != NGX_AIGC_OP_WAITING) {
            continue;
        }

        /* by age; when there are more than max, the youngest wait on */

        for (k = n; k > 0 && ops[k - 1].ticket > op[i].ticket; k--) {
            if (k < max) {
                ops[k] = ops[k - 1];
                slots[k] = slots[k - 1];
            }
        }

        if (k < max) {
            ops[k] = op[i];
            slots[k] = i;
            n = ngx_min(n + 1, max);
        }
    }

    ngx_aigc_unlock(zone);

    /* what has to go by itself is not joined by anybody, and joins nobody */

    for (k = 0; k < n; k++) {
        if (ops[k].alone) {
            return ngx_max(k, 1);
        }
    }

    return n;
}


void
ngx_aigc_queue_put(ngx_aigc_zone_t *zone, ngx_aigc_op_t *ops, uint32_t *slots,
    ngx_uint_t n, ngx_atomic_uint_t lock)
{
    ngx_uint_t      i;
    ngx_aigc_op_t  *op;

    ngx_aigc_lock(zone);

    for (i = 0; i < n; i++) {
        op = &ngx_aigc_ops(zone)[slots[i]];

        if (op->ticket != ops[i].ticket || op->state != NGX_AIGC_OP_WAITING) {
            continue;
        }

        *op = ops[i];
        op->lock = lock;

        if (op->orphan && op->state == NGX_AIGC_OP_DONE) {
            op->state = NGX_AIGC_OP_FREE;
        }
    }

    ngx_aigc_unlock(zone);
}


/*
 * The template is noted as refused, too, where an admission webhook cannot be
 * called, which is a 500.
 */
void
ngx_aigc_queue_answered(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_atomic_uint_t lock, ngx_aigc_verdict_e verdict, ngx_uint_t http)
{
    uint32_t              i;
    ngx_uint_t            n;
    ngx_aigc_op_t        *op;
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_partition(zone, templates, ngx_aigc_template_t)[tmpl];
    op = ngx_aigc_ops(zone);
    n = 0;

    ngx_aigc_lock(zone);

    if (verdict == NGX_AIGC_WRITE_DONE) {
        t->refused = 0;

    } else if (verdict == NGX_AIGC_WRITE_REFUSED || http == 500) {
        t->refused = ngx_time();
    }

    for (i = 0; i < NGX_AIGC_OPS; i++) {
        n += (op[i].state == NGX_AIGC_OP_SENT && op[i].lock == lock);
    }

    for (i = 0; n && i < NGX_AIGC_OPS; i++) {

        if (op[i].state != NGX_AIGC_OP_SENT || op[i].lock != lock) {
            continue;
        }

        op[i].http = http;

        if (op[i].orphan
            && !(verdict == NGX_AIGC_WRITE_DONE && op[i].admitted))
        {
            op[i].state = NGX_AIGC_OP_FREE;
            continue;
        }

        switch (verdict) {

        case NGX_AIGC_WRITE_DONE:
            op[i].state = NGX_AIGC_OP_WRITTEN;
            op[i].result = NGX_AIGC_RESULT_WRITTEN;
            break;

        case NGX_AIGC_WRITE_GONE:
        case NGX_AIGC_WRITE_REFUSED:

            if (n == 1) {
                op[i].state = NGX_AIGC_OP_DONE;
                op[i].result = NGX_AIGC_RESULT_REFUSED;
                break;
            }

            /* one of them is refused, maybe: each is tried by itself */

            op[i].alone = 1;

            /* fall through */

        default:
            op[i].state = NGX_AIGC_OP_WAITING;
            break;
        }
    }

    ngx_aigc_unlock(zone);
}
