/*
 * base/ngx_aigc_loop_time.h — how long the table's writer keeps the event loop
 * to itself: the longest of its passes and the number of long ones, since the
 * zone was made.
 *
 * A pass is one handler that the event loop calls: bytes of the cluster's (TLS,
 * parsing, the table), events that were left over, one round of the reconciler.
 * What counts is the CPU time of the thread: a machine that is busy with
 * others makes no pass longer.
 */

#ifndef _NGX_AIGC_LOOP_TIME_H_INCLUDED_
#define _NGX_AIGC_LOOP_TIME_H_INCLUDED_

#include "ngx_aigc_zone.h"


#define NGX_AIGC_LOOP_TIME_LONG  5000        /* us: a pass of more is counted as
                                           long */


typedef enum {
    NGX_AIGC_LOOP_TIME_WATCH = 0,
    NGX_AIGC_LOOP_TIME_RECONCILE
} ngx_aigc_loop_time_e;


/* Counts the passes of this process from now on: it writes the table. */
void ngx_aigc_loop_time_start(ngx_aigc_zone_t *zone);

/*
 * Called at the begin and at the end of a pass; a pass is not nested in
 * another.  They do nothing in a process that does not write the table.
 */
void ngx_aigc_loop_time_begin(void);
void ngx_aigc_loop_time_end(ngx_aigc_loop_time_e what);

/*
 * Returns the us since the begin of this pass.  A long job goes on in the next
 * pass when this is much.
 */
uint64_t ngx_aigc_loop_time_spent(void);


#endif /* _NGX_AIGC_LOOP_TIME_H_INCLUDED_ */
