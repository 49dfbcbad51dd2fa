/*
 * base/ngx_aigc_elapsed.h — intervals.  They are measured with
 * ngx_current_msec, which only goes forward, whatever happens to the date: a
 * step of the wall clock neither stretches nor shortens them.  A point of time
 * that is kept in shared memory means the same in every process of one boot.
 *
 * Dates are ngx_time(): what Kubernetes and Logto say, and what is said to them.
 */

#ifndef _NGX_AIGC_ELAPSED_H_INCLUDED_
#define _NGX_AIGC_ELAPSED_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* ms since a point of time; right also where the counter has wrapped. */
#define ngx_aigc_since(then)  ((ngx_msec_t) (ngx_current_msec - (then)))

/* Is a point of time reached?  It lies at most half a wrap away. */
#define ngx_aigc_reached(when)                                                \
    ((ngx_msec_int_t) (ngx_current_msec - (ngx_msec_t) (when)) >= 0)

/*
 * The same in whole seconds.  Another process, which reads the clock once in
 * each pass of its event loop, may have kept what is not yet for this one: 0.
 */
#define ngx_aigc_since_sec(then)                                              \
    (ngx_aigc_reached(then) ? (time_t) (ngx_aigc_since(then) / 1000) : 0)

/*
 * Now, as a point of time that is never 0, for places where 0 says "never":
 * one ms late at most.
 */
#define ngx_aigc_now()  (ngx_current_msec ? ngx_current_msec : 1)


/*
 * Of a share that is given back evenly: ms that are taken at now, when all of
 * it is back at due.  No more than most are ever taken; what seems to be more
 * was given back long ago, since when the counter has gone half way round.
 */
static ngx_inline ngx_msec_t
ngx_aigc_share_taken(ngx_msec_t due, ngx_msec_t now, ngx_msec_t most)
{
    return ((ngx_msec_t) (due - now) <= most) ? due - now : 0;
}


/* What is done at most once in a while, such as a line in the log. */
typedef struct {
    ngx_msec_t  last;
    ngx_uint_t  done;                   /* 0: never yet */
} ngx_aigc_seldom_t;


/* 1: do it now; 0: the last time is less than every ms ago. */
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


#endif /* _NGX_AIGC_ELAPSED_H_INCLUDED_ */
