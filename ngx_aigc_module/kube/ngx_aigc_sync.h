/*
 * kube/ngx_aigc_sync.h — the state of all watches, in the zone, for all
 * workers: which lists are complete, and when each watch was last heard of.
 */

#ifndef _NGX_AIGC_SYNC_H_INCLUDED_
#define _NGX_AIGC_SYNC_H_INCLUDED_

#include "ngx_aigc_kind.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_WATCHES_MAX     (NGX_AIGC_KINDS_MAX * NGX_AIGC_NAMESPACES_MAX)


/* One watch, as other workers see it. */
typedef struct {
    ngx_atomic_t      used;
    ngx_atomic_t      kind;             /* its place in ngx_aigc_kinds */
    ngx_atomic_t      what;             /* hash of kind, namespace, selector */
    ngx_atomic_t      synced;           /* epoch of the last complete list; 0:
                                           none yet */
    ngx_atomic_t      heard;            /* ngx_aigc_now() at the last event;
                                           0: none yet */
} ngx_aigc_watch_state_t;


typedef struct {
    ngx_atomic_t             mark;      /* of the newest list, for mark and
                                           sweep */
    ngx_atomic_t             nwatches;  /* high-water mark: watches at or above
                                           it are not used */
    ngx_aigc_watch_state_t   watches[NGX_AIGC_WATCHES_MAX];
} ngx_aigc_sync_t;


extern ngx_aigc_part_t  ngx_aigc_sync_part;

#define ngx_aigc_sync(zone)                                                   \
    ((ngx_aigc_sync_t *) ngx_aigc_part(zone, ngx_aigc_sync_part))


/*
 * NGX_OK: the first list of every watch of a required kind is complete;
 * NGX_DECLINED: not yet.
 */
ngx_int_t ngx_aigc_sync_complete(ngx_aigc_zone_t *zone);

/*
 * NGX_OK: the lists of this kind are complete, so an object that is not known
 * does not exist; NGX_DECLINED: not yet, or the API server has refused the kind
 * since.
 */
ngx_int_t ngx_aigc_sync_kind(ngx_aigc_zone_t *zone,
    const ngx_aigc_kind_t *kind);

/*
 * Declares that watch number watch is of kind, with what as its hash; kind
 * NULL: there is no such watch.  If the hash has changed, the state of this
 * number is reset.
 */
void ngx_aigc_sync_watch(ngx_aigc_zone_t *zone, ngx_uint_t watch,
    const ngx_aigc_kind_t *kind, uint32_t what);

/*
 * Notes that a watch has completed a list.  NGX_OK: all watches of required
 * kinds have, since this process became the writer; NGX_DECLINED: not yet.
 */
ngx_int_t ngx_aigc_sync_listed(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/* Notes that a watch was heard of: what is known of its kind is up to date. */
void ngx_aigc_sync_heard(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/*
 * Notes that the API server refuses a watch: nothing is known of its kind any
 * more.
 */
void ngx_aigc_sync_refused(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/*
 * Return the seconds since the watch that was silent for the longest time was
 * heard of: of the watches of one kind, or of all required kinds for kind NULL
 * (-1: none was); and likewise of all required kinds (0: none was).
 */
time_t ngx_aigc_sync_kind_age(ngx_aigc_zone_t *zone,
    const ngx_aigc_kind_t *kind);
time_t ngx_aigc_sync_age(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_SYNC_H_INCLUDED_ */
