/*
 * instances/ngx_aigc_gss_write.h — a write of a GameServerSet, whoever makes
 * it: a request, the leader, an adoption.  How the patch is sent is the
 * caller's; the right to write, the plan and what the response means are the
 * same.
 *
 *   begin → ngx_aigc_plan() or ngx_aigc_plan_queue() → sent → answered
 *
 * or, where it is not sent, or its response is lost: end.
 */

#ifndef _NGX_AIGC_GSS_WRITE_H_INCLUDED_
#define _NGX_AIGC_GSS_WRITE_H_INCLUDED_

#include "ngx_aigc_queue.h"


#define NGX_AIGC_GSS_WRITE_LOST  1000   /* ms for the table to show a write
                                           whose response is lost */


/* The caller zeroes it and sets failed before the first begin(). */
typedef struct {
    const char          *failed;        /* for the log: "a repair was not
                                           taken" */
    ngx_uint_t           failures;      /* in a row, of this writer's */
    uint32_t             tmpl;          /* slot */
    ngx_atomic_uint_t    lock;          /* the right to write; 0: it has not */

    /* as planned, while it has the right to write */
    ngx_pool_t          *pool;
    ngx_str_t            path;
    ngx_str_t            patch;         /* len 0: nothing to write */
    int64_t              generation;    /* written upon */
    ngx_msec_t           shown;         /* ms until the table must show it */
} ngx_aigc_gss_write_t;


/*
 * Takes the right to write the template in slot tmpl, for time ms, and a pool.
 * NGX_OK; NGX_AGAIN: somebody else writes it; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_gss_write_begin(ngx_aigc_zone_t *zone,
    ngx_aigc_gss_write_t *w, uint32_t tmpl, ngx_msec_t time, ngx_log_t *log);

/*
 * The response, with its HTTP status (0: none, for the reason error, which may
 * be NULL) and an error's body: tells the queue what became of the operations,
 * logs what failed, gives the right back and frees the pool.
 */
ngx_aigc_verdict_e ngx_aigc_gss_write_answered(ngx_aigc_zone_t *zone,
    ngx_aigc_gss_write_t *w, ngx_uint_t http, ngx_str_t *body,
    const char *error, ngx_log_t *log);

/*
 * Without a response: gives the right back, after wait ms (0: at once), frees
 * the pool; what was planned waits again.
 */
void ngx_aigc_gss_write_end(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_msec_t wait);


#endif /* _NGX_AIGC_GSS_WRITE_H_INCLUDED_ */
