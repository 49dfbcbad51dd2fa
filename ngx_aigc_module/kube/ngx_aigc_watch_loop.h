/*
 * kube/ngx_aigc_watch_loop.h — one watch: its state, and its loop.  For the
 * watch's own files.
 */

#ifndef _NGX_AIGC_WATCH_LOOP_H_INCLUDED_
#define _NGX_AIGC_WATCH_LOOP_H_INCLUDED_

#include "ngx_aigc_watch.h"
#include "ngx_aigc_frame.h"

#include "base/ngx_aigc_scan.h"


typedef enum {
    NGX_AIGC_WATCH_WAITING = 0,         /* for the timer */
    NGX_AIGC_WATCH_STREAMING_LIST,
    NGX_AIGC_WATCH_PAGED_LIST,
    NGX_AIGC_WATCH_WATCHING
} ngx_aigc_watch_phase_e;


/* What all watches of a process share. */
typedef struct {
    ngx_aigc_kubernetes_t      *k8s;
    ngx_aigc_zone_t            *zone;
    ngx_log_t                  *log;
    const ngx_aigc_watch_sink_t  *sink;
} ngx_aigc_watch_all_t;


typedef struct {
    ngx_aigc_watch_all_t    *all;
    ngx_uint_t               index;     /* in the zone's watches */
    const ngx_aigc_kind_t   *kind;
    ngx_str_t                ns;        /* len 0: all */
    ngx_aigc_watch_phase_e   phase;
    unsigned                 pages:1;   /* the server has no streaming list */
    unsigned                 paused:1;  /* libcurl keeps bytes until resume */
    unsigned                 gone:1;    /* 410: the version is too old */
    unsigned                 settling:1;    /* the timer runs for
                                           NGX_AIGC_WATCH_SETTLED */
    unsigned                 taking:1;  /* event is half applied, by take */
    const char              *error;     /* why an event was not taken */
    ngx_uint_t               status;    /* of the last connection; 0: none */
    uint32_t                 mark;
    ngx_aigc_backoff_t       backoff;
    ngx_aigc_seldom_t        complained;    /* limits lines about errors */
    uint32_t                 complaint; /* hash of the last such line */
    ngx_aigc_seldom_t        listed_again;  /* limits lists because of 410 */
    ngx_str_t                version;   /* in version_data */
    u_char                   version_data[64];
    ngx_str_t                next;      /* continue token of the next page */
    u_char                   next_data[1024];
    ngx_uint_t               limit;     /* objects of a page: the kind's, fewer
                                           once a page was too large */
    ngx_aigc_frame_t         frame;
    ngx_str_t                page;      /* items of a list, not all applied yet;
                                           malloc'ed */
    ngx_aigc_scan_walk_t     walk;      /* … and which is the next of them */
    ngx_aigc_watch_event_t   event;     /* parsed, not yet applied; type 0:
                                           there is none */
    ngx_aigc_fetch_t        *fetch;
    ngx_event_t              timer;     /* reconnect, or silence */
    ngx_event_t              more;      /* events left over from this pass */
} ngx_aigc_watch_t;


#define ngx_aigc_watch_required(w)  ((w)->kind->flags & NGX_AIGC_KIND_REQUIRED)

/* The level of a log line about an event that a user may notice. */
#define ngx_aigc_watch_notice(w)                                              \
    (ngx_aigc_watch_required(w) ? NGX_LOG_NOTICE : NGX_LOG_INFO)


/*
 * The request line's path and query, from pool: of a list's next page, or of
 * the watch from the version that is known.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_watch_path(ngx_aigc_watch_t *w, ngx_pool_t *pool,
    ngx_str_t *path);

/*
 * Keeps a page's items, to be applied as events are, some in each pass, its
 * version and its continue token.  NGX_OK; NGX_DECLINED: not understood;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f);

/* Copies a text.  NGX_OK; NGX_DECLINED: no room, dst stays as it was. */
ngx_int_t ngx_aigc_watch_keep(ngx_str_t *dst, size_t room, ngx_str_t *src);

/* Lists, or continues to watch from the version that is known. */
void ngx_aigc_watch_connect(ngx_aigc_watch_t *w);

/* Drops all that was received and not applied; the server sends it again. */
void ngx_aigc_watch_forget(ngx_aigc_watch_t *w);

/* Restarts the timer, because something was heard. */
void ngx_aigc_watch_silence(ngx_aigc_watch_t *w);

/*
 * Called when a connection has ended.  _retry(): why is a text for the log;
 * NULL: it ended as it should, or with 410 (w->gone).  _refused(): the API
 * server refuses a kind that is not required.
 */
void ngx_aigc_watch_retry(ngx_aigc_watch_t *w, const char *why);
void ngx_aigc_watch_refused(ngx_aigc_watch_t *w, ngx_uint_t status);

/* Handler of w->more. */
void ngx_aigc_watch_more(ngx_event_t *ev);


#endif /* _NGX_AIGC_WATCH_LOOP_H_INCLUDED_ */
