/*
 * kube/ngx_aigc_sync.h — what is watched, and how far the watches are, for all
 * workers: complete lists, and how long ago each was heard.
 */

#ifndef _NGX_AIGC_SYNC_H_INCLUDED_
#define _NGX_AIGC_SYNC_H_INCLUDED_

#include "ngx_aigc_kind.h"


#define NGX_AIGC_NAMESPACES_MAX  16
#define NGX_AIGC_WATCHES_MAX     (NGX_AIGC_KINDS_MAX * NGX_AIGC_NAMESPACES_MAX)


/* One list+watch, as others see it. */
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
    ngx_atomic_t             mark;      /* of lists, for mark and sweep */
    ngx_atomic_t             nwatches;  /* no watch from here on is used */
    ngx_aigc_watch_state_t   watches[NGX_AIGC_WATCHES_MAX];
} ngx_aigc_sync_t;


extern ngx_aigc_part_t  ngx_aigc_sync_part;

#define ngx_aigc_sync(zone)                                                   \
    ((ngx_aigc_sync_t *) ngx_aigc_part(zone, ngx_aigc_sync_part))


/* NGX_OK when the first list of every watch of a required kind is complete. */
ngx_int_t ngx_aigc_sync_complete(ngx_aigc_zone_t *zone);

/*
 * NGX_OK when what is not known of this kind is not there: its lists are
 * complete, and the API server has not refused it since.
 */
ngx_int_t ngx_aigc_sync_kind(ngx_aigc_zone_t *zone,
    const ngx_aigc_kind_t *kind);

/*
 * Watch number watch is to watch what (a hash) of kind; kind NULL: there is no
 * such watch.  What was known of another what under this number is forgotten.
 */
void ngx_aigc_sync_watch(ngx_aigc_zone_t *zone, ngx_uint_t watch,
    const ngx_aigc_kind_t *kind, uint32_t what);

/*
 * A watch has completed a list: counts for complete.  NGX_OK: all required ones
 * have, since this process writes; NGX_DECLINED.
 */
ngx_int_t ngx_aigc_sync_listed(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/* It has said something: what is known of its kind is as young as that. */
void ngx_aigc_sync_heard(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/* … its list was refused: what was known of its kind is no longer. */
void ngx_aigc_sync_refused(ngx_aigc_zone_t *zone, ngx_uint_t watch);

/*
 * Seconds since the quietest watch of a kind was heard; -1: none has been.  The
 * same of all required kinds together; 0: none.
 */
time_t ngx_aigc_sync_kind_age(ngx_aigc_zone_t *zone,
    const ngx_aigc_kind_t *kind);
time_t ngx_aigc_sync_age(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_SYNC_H_INCLUDED_ */
