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


#define NGX_AIGC_WATCH_SLICE     1000   /* us of events in one pass of the loop,
                                           and the one that goes beyond */
#define NGX_AIGC_WATCH_SILENCE   150    /* s: bookmarks come every 60 to 120 s */
#define NGX_AIGC_WATCH_QUIET     700    /* s: without bookmarks, as Events are,
                                           the server ends a watch before */
#define NGX_AIGC_WATCH_AFTER     100    /* ms: are the required kinds listed? */
#define NGX_AIGC_WATCH_REFUSED   30000  /* ms between tries, on the average */
#define NGX_AIGC_WATCH_COMPLAIN  600000 /* ms between lines on such a one */
#define NGX_AIGC_WATCH_COMPLAIN_REQUIRED 10000  /* … on one that is required */
#define NGX_AIGC_WATCH_GUARD     500    /* ms: does someone else write now? */
#define NGX_AIGC_WATCH_AGAIN     4000   /* ms between two 410: then slower */
#define NGX_AIGC_WATCH_SETTLED   1000   /* ms that a watch has to stay open to
                                           count as heard, without an event */
#define NGX_AIGC_WATCH_BACKOFF   200    /* ms, doubled up to … */
#define NGX_AIGC_WATCH_BACKOFF_MAX  4000
#define NGX_AIGC_LIST_MAX        (8 * 1024 * 1024)  /* bytes of a page */


/* Who is told of it all. */
typedef struct {

    /* All required kinds are listed. */
    void         (*listed)(ngx_aigc_zone_t *zone);

    /* 1: not before they are listed anew is anything known. */
    ngx_uint_t   (*holes)(ngx_aigc_zone_t *zone);

    /* After each pass that has changed something. */
    void         (*changed)(void);
} ngx_aigc_watch_sink_t;

/* How many there are, each with a connection of its own. */
ngx_uint_t ngx_aigc_watch_number(ngx_aigc_kubernetes_t *k8s);

/*
 * Starts all watches.  zone has been taken (ngx_aigc_zone_take).  NGX_OK or
 * NGX_ERROR.  stop: ends them; they also end by themselves once another process
 * has become the writer.
 */
ngx_int_t ngx_aigc_watch_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, const ngx_aigc_watch_sink_t *sink);
void ngx_aigc_watch_stop(void);


#endif /* _NGX_AIGC_WATCH_H_INCLUDED_ */
