/*
 * base/ngx_aigc_elapsed.h — intervals, rate limits and backoff.  They use the
 * monotonic clock ngx_current_msec: a step of the wall clock does not change
 * them.  All processes of one boot share this clock, so a time may be kept in
 * shared memory.
 *
 * Dates, which are exchanged with Kubernetes and Logto, use ngx_time().
 */

#ifndef _NGX_AIGC_ELAPSED_H_INCLUDED_
#define _NGX_AIGC_ELAPSED_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* ms since then; also right after the counter has wrapped. */
#define ngx_aigc_since(then)  ((ngx_msec_t) (ngx_current_msec - (then)))

/* 1: the time when is reached; it must be less than half a wrap away. */
#define ngx_aigc_reached(when)                                                \
    ((ngx_msec_int_t) (ngx_current_msec - (ngx_msec_t) (when)) >= 0)

/*
 * Whole seconds since then.  0 if then is still in the future: another process
 * may have stored it, whose cached clock is ahead of this one's.
 */
#define ngx_aigc_since_sec(then)                                              \
    (ngx_aigc_reached(then) ? (time_t) (ngx_aigc_since(then) / 1000) : 0)

/*
 * The current time, but never 0, for variables in which 0 means "never".  It is
 * at most one ms late.
 */
#define ngx_aigc_now()  (ngx_current_msec ? ngx_current_msec : 1)


/*
 * Level of a leaky bucket, in ms: it drains evenly and is empty at due.  Its
 * level is never above most.  A higher result means that due is long past, and
 * the bucket empty.
 */
static ngx_inline ngx_msec_t
ngx_aigc_share_taken(ngx_msec_t due, ngx_msec_t now, ngx_msec_t most)
{
    return ((ngx_msec_t) (due - now) <= most) ? due - now : 0;
}


/* Rate limit for an action, such as a line in the log. */
typedef struct {
    ngx_msec_t  last;
    ngx_uint_t  done;                   /* 0: never yet */
} ngx_aigc_seldom_t;


/* 1: do it now; 0: it was last done less than every ms ago. */
static ngx_inline ngx_uint_t
ngx_aigc_seldom(ngx_aigc_seldom_t *seldom, ngx_msec_t every)
{
    if (seldom->done && ngx_aigc_since(seldom->last) < every) {
        return 0;
    }

    seldom->last = ngx_current_msec;
    seldom->done = 1;

    return 1;
}


/*
 * The same for lines about a number that may change, a status: with another one
 * than *last it is said at once.  *last is what was said.
 */
static ngx_inline ngx_uint_t
ngx_aigc_seldom_about(ngx_aigc_seldom_t *seldom, ngx_uint_t *last,
    ngx_uint_t about, ngx_msec_t every)
{
    if (about != *last) {
        seldom->done = 0;
    }

    if (!ngx_aigc_seldom(seldom, every)) {
        return 0;
    }

    *last = about;

    return 1;
}


/* A random time from half of ms to one and a half of it; ms is not 0. */
static ngx_inline ngx_msec_t
ngx_aigc_jitter(ngx_msec_t ms)
{
    return ms / 2 + ngx_random() % ms;
}


/* Exponential backoff between attempts that fail. */
typedef struct {
    ngx_msec_t  wait;                   /* without jitter; 0: none has failed */
} ngx_aigc_backoff_t;


/*
 * An attempt has failed.  Returns the ms until the next one, with jitter:
 * first, doubled at each further failure up to max.
 */
static ngx_inline ngx_msec_t
ngx_aigc_backoff_next(ngx_aigc_backoff_t *backoff, ngx_msec_t first,
    ngx_msec_t max)
{
    backoff->wait = backoff->wait ? ngx_min(2 * backoff->wait, max) : first;

    return ngx_aigc_jitter(backoff->wait);
}


/* An attempt has succeeded. */
static ngx_inline void
ngx_aigc_backoff_reset(ngx_aigc_backoff_t *backoff)
{
    backoff->wait = 0;
}


#endif /* _NGX_AIGC_ELAPSED_H_INCLUDED_ */
