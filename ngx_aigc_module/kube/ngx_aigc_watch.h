/*
 * kube/ngx_aigc_watch.h — list and watch: each kind of ngx_aigc_kinds in each
 * namespace, those that are not required once the others are listed.  Runs in
 * the one worker that writes the zone.
 *
 *   list (streaming: the watch sends all objects, then a bookmark that says so;
 *   or page by page where the server has no such lists)
 *     → sweep what was not named → watch → connection ends: watch on from the
 *       last version, with jittered backoff after errors
 *     → 410 Gone, as an answer or as an event: list again
 */

#ifndef _NGX_AIGC_WATCH_H_INCLUDED_
#define _NGX_AIGC_WATCH_H_INCLUDED_

#include "ngx_aigc_kubernetes.h"
#include "ngx_aigc_sync.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_WATCH_SLICE     1000   /* us of events in one pass of the event
                                           loop; the last event may take it
                                           beyond */
#define NGX_AIGC_WATCH_SILENCE   150    /* s without an event until a watch is
                                           silent: bookmarks come every 60 to
                                           120 s */
#define NGX_AIGC_WATCH_QUIET     700    /* the same for a kind without
                                           bookmarks: the server ends a watch
                                           earlier */
#define NGX_AIGC_WATCH_AFTER     100    /* ms between checks whether the
                                           required kinds are listed */
#define NGX_AIGC_WATCH_REFUSED   30000  /* ms between tries of a kind that is
                                           refused, on the average */
#define NGX_AIGC_WATCH_COMPLAIN  600000 /* ms between log lines about such a
                                           kind */
#define NGX_AIGC_WATCH_COMPLAIN_REQUIRED 10000  /* … about a required one */
#define NGX_AIGC_WATCH_GUARD     500    /* ms between checks whether another
                                           process is the writer now */
#define NGX_AIGC_WATCH_AGAIN     4000   /* ms: two 410 within it slow a watch
                                           down */
#define NGX_AIGC_WATCH_SETTLED   1000   /* ms that a watch has to stay open to
                                           count as heard, without an event */
#define NGX_AIGC_WATCH_BACKOFF   200    /* ms after an error */
#define NGX_AIGC_WATCH_BACKOFF_MAX  4000    /* ms to which that is doubled */


/* Callbacks of the owner of the watches. */
typedef struct {

    /* All required kinds are listed. */
    void         (*listed)(ngx_aigc_zone_t *zone);

    /* 1: the table may lack objects until the required kinds are listed. */
    ngx_uint_t   (*holes)(ngx_aigc_zone_t *zone);

    /* After each pass that has changed something. */
    void         (*changed)(void);

    /* 1: all kinds are to be listed anew, now.  Asked twice a second. */
    ngx_uint_t   (*again)(ngx_aigc_zone_t *zone);
} ngx_aigc_watch_sink_t;

/* Returns the number of watches; each has a connection of its own. */
ngx_uint_t ngx_aigc_watch_number(ngx_aigc_kubernetes_t *k8s);

/*
 * _start() starts all watches, after ngx_aigc_zone_take().  NGX_OK; NGX_ERROR:
 * no memory.  _stop() ends them; they also end by themselves when another
 * process has become the writer.
 */
ngx_int_t ngx_aigc_watch_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, const ngx_aigc_watch_sink_t *sink);
void ngx_aigc_watch_stop(void);


#endif /* _NGX_AIGC_WATCH_H_INCLUDED_ */
