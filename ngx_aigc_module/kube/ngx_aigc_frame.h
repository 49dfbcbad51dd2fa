/*
 * kube/ngx_aigc_frame.h — cuts the bytes of a Kubernetes watch, which come in
 * pieces of any size, into lines and these into watch events: JSON objects, one
 * on each line (pure; no I/O).
 */

#ifndef _NGX_AIGC_FRAME_H_INCLUDED_
#define _NGX_AIGC_FRAME_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


typedef enum {
    NGX_AIGC_EVENT_ADDED = 1,
    NGX_AIGC_EVENT_MODIFIED,
    NGX_AIGC_EVENT_DELETED,
    NGX_AIGC_EVENT_BOOKMARK,
    NGX_AIGC_EVENT_ERROR
} ngx_aigc_event_e;


typedef struct {
    u_char            *data;            /* malloc'ed, grows as needed */
    size_t             start;           /* bytes before are taken */
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

/* Frees the bytes of f, which can be used again. */
void ngx_aigc_frame_free(ngx_aigc_frame_t *f);

/*
 * Adds len bytes.  The caller takes all whole lines out after each call.
 * NGX_OK; NGX_DECLINED: more than NGX_AIGC_FRAME_MAX bytes would wait;
 * NGX_ERROR: no memory.  Unless NGX_OK, no byte was added.
 */
ngx_int_t ngx_aigc_frame_feed(ngx_aigc_frame_t *f, u_char *p, size_t len);

/*
 * Takes out the next whole line that is not empty, without its newline.  line
 * is valid until the next call with f.  NGX_OK; NGX_AGAIN: there is none yet.
 */
ngx_int_t ngx_aigc_frame_next(ngx_aigc_frame_t *f, ngx_str_t *line);

/*
 * Parses one line.  NGX_OK: event is filled, and the caller owns event->root;
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
