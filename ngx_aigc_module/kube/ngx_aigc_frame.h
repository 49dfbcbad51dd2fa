/*
 * kube/ngx_aigc_frame.h — a Kubernetes watch cut into events: JSON objects, one
 * a line (chunked in any way).
 */

#ifndef _NGX_AIGC_FRAME_H_INCLUDED_
#define _NGX_AIGC_FRAME_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>


#define NGX_AIGC_FRAME_MAX   (4 * 1024 * 1024)   /* bytes of one event, and
                                                    of all that wait; an etcd
                                                    object is at most 1.5 MiB */


typedef enum {
    NGX_AIGC_EVENT_ADDED = 1,
    NGX_AIGC_EVENT_MODIFIED,
    NGX_AIGC_EVENT_DELETED,
    NGX_AIGC_EVENT_BOOKMARK,
    NGX_AIGC_EVENT_ERROR
} ngx_aigc_event_e;


typedef struct {
    u_char            *data;            /* malloc'ed, grows to the bound */
    size_t             start;           /* taken before */
    size_t             scanned;         /* no newline from start to here */
    size_t             len;
    size_t             size;
} ngx_aigc_frame_t;

typedef struct {
    ngx_aigc_event_e   type;
    json_t            *object;          /* borrowed from root */
    json_t            *root;            /* json_decref() when done */
    ngx_str_t          text;            /* the object's, part of the line */
    ngx_str_t          version;         /* metadata.resourceVersion, borrowed
                                           from root or line; ERROR: empty */
    ngx_uint_t         initial_end;     /* BOOKMARK with the annotation
                                           k8s.io/initial-events-end: "true" */
    ngx_int_t          code;            /* ERROR: status code (410), else 0 */
} ngx_aigc_watch_event_t;


void ngx_aigc_frame_init(ngx_aigc_frame_t *f);
void ngx_aigc_frame_free(ngx_aigc_frame_t *f);  /* usable again afterwards */

/*
 * Takes len bytes.  NGX_OK; NGX_DECLINED: more than NGX_AIGC_FRAME_MAX would
 * wait (so take the lines out after each feed); NGX_ERROR.  Then nothing of
 * them was taken.
 */
ngx_int_t ngx_aigc_frame_feed(ngx_aigc_frame_t *f, u_char *p, size_t len);

/*
 * The next whole line, without its newline, empty lines skipped; valid until
 * the next call on f.  NGX_OK or NGX_AGAIN.
 */
ngx_int_t ngx_aigc_frame_next(ngx_aigc_frame_t *f, ngx_str_t *line);

/*
 * Parses one line.  NGX_OK: event is filled and event->root is the caller's;
 * NGX_DECLINED: not a watch event (an unknown type, no object, no
 * resourceVersion).
 */
ngx_int_t ngx_aigc_watch_event(ngx_str_t *line, ngx_aigc_watch_event_t *event);

/*
 * The same without building the object, whose text and version stay parts of
 * the line; BOOKMARK and ERROR are parsed.  A walk through it all, by bytes.
 */
ngx_int_t ngx_aigc_watch_event_text(ngx_str_t *line,
    ngx_aigc_watch_event_t *event);


#endif /* _NGX_AIGC_FRAME_H_INCLUDED_ */
