/*
 * kube/ngx_aigc_frame.c — a Kubernetes watch cut into events.  Every byte is
 * copied and looked at a bounded number of times, in whatever pieces they come.
 */

#include "ngx_aigc_frame.h"
#include "base/ngx_aigc_scan.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_FRAME_MIN  16384       /* bytes: what libcurl hands over */
#define NGX_AIGC_FRAME_KEEP 262144      /* bytes kept while nothing waits */


static ngx_int_t ngx_aigc_frame_room(ngx_aigc_frame_t *f, size_t len);
static ngx_int_t ngx_aigc_watch_version(ngx_str_t *object, ngx_str_t *version);
static ngx_int_t ngx_aigc_watch_quoted(ngx_str_t *value, ngx_str_t *text);
static ngx_aigc_event_e ngx_aigc_watch_type(ngx_str_t *name);


void
ngx_aigc_frame_init(ngx_aigc_frame_t *f)
{
    ngx_memzero(f, sizeof(ngx_aigc_frame_t));
}


void
ngx_aigc_frame_free(ngx_aigc_frame_t *f)
{
    free(f->data);

    ngx_memzero(f, sizeof(ngx_aigc_frame_t));
}


ngx_int_t
ngx_aigc_frame_feed(ngx_aigc_frame_t *f, u_char *p, size_t len)
{
    ngx_int_t  rc;

    if (len == 0) {
        return NGX_OK;
    }

    if (f->start == f->len && f->size > NGX_AIGC_FRAME_KEEP) {
        ngx_aigc_frame_free(f);
    }

    rc = ngx_aigc_frame_room(f, len);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memcpy(f->data + f->len, p, len);
    f->len += len;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_frame_room(ngx_aigc_frame_t *f, size_t len)
{
    size_t   waiting, size;
    u_char  *data;

    waiting = f->len - f->start;

    if (len > NGX_AIGC_FRAME_MAX - waiting) {
        return NGX_DECLINED;
    }

    if (f->size - f->len >= len) {
        return NGX_OK;
    }

    /* moving down pays when it frees at least as much as it moves */

    if (f->start >= waiting && f->size - waiting >= len) {

        if (waiting) {
            ngx_memcpy(f->data, f->data + f->start, waiting);
        }

        f->scanned -= f->start;
        f->start = 0;
        f->len = waiting;

        return NGX_OK;
    }

    size = f->size ? f->size : NGX_AIGC_FRAME_MIN;

    while (size < waiting + len) {
        size *= 2;
    }

    /* as much again as waits, so that the next move is far away */

    if (size < 2 * waiting) {
        size *= 2;
    }

    data = malloc(size);
    if (data == NULL) {
        return NGX_ERROR;
    }

    if (waiting) {
        ngx_memcpy(data, f->data + f->start, waiting);
    }

    free(f->data);

    f->data = data;
    f->size = size;
    f->scanned -= f->start;
    f->start = 0;
    f->len = waiting;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_frame_next(ngx_aigc_frame_t *f, ngx_str_t *line)
{
    u_char  *newline;

    while (f->scanned < f->len) {

        newline = memchr(f->data + f->scanned, '\n', f->len - f->scanned);

        if (newline == NULL) {
            f->scanned = f->len;
            break;
        }

        line->data = f->data + f->start;
        line->len = newline - line->data;

        f->start = newline - f->data + 1;
        f->scanned = f->start;

        if (line->len && line->data[line->len - 1] == '\r') {
            line->len--;
        }

        if (line->len) {
            return NGX_OK;
        }
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_aigc_watch_event(ngx_str_t *line, ngx_aigc_watch_event_t *event)
{
    json_t     *meta;
    ngx_str_t   type, end;

    ngx_memzero(event, sizeof(ngx_aigc_watch_event_t));

    event->root = json_loadb((char *) line->data, line->len, 0, NULL);
    if (event->root == NULL) {
        return NGX_DECLINED;
    }

    type = ngx_aigc_json_text(event->root, "type");

    event->type = ngx_aigc_watch_type(&type);
    event->object = json_object_get(event->root, "object");

    if (event->type == 0 || !json_is_object(event->object)) {
        goto declined;
    }

    if (event->type == NGX_AIGC_EVENT_ERROR) {
        event->code = ngx_aigc_json_int(event->object, "code", 0, 999, 0);
        return NGX_OK;
    }

    meta = json_object_get(event->object, "metadata");

    event->version = ngx_aigc_json_text(meta, "resourceVersion");

    if (event->version.len == 0) {
        goto declined;
    }

    if (event->type == NGX_AIGC_EVENT_BOOKMARK) {
        end = ngx_aigc_json_text(json_object_get(meta, "annotations"),
                                 "k8s.io/initial-events-end");

        event->initial_end = ngx_aigc_text_is(&end, "true");
    }

    return NGX_OK;

declined:

    json_decref(event->root);
    ngx_memzero(event, sizeof(ngx_aigc_watch_event_t));

    return NGX_DECLINED;
}


ngx_int_t
ngx_aigc_watch_event_text(ngx_str_t *line, ngx_aigc_watch_event_t *event)
{
    ngx_str_t         name;
    ngx_aigc_event_e  type;

    ngx_aigc_scan_t  members[] = {
        { "type", ngx_null_string }, { "object", ngx_null_string }
    };

    ngx_memzero(event, sizeof(ngx_aigc_watch_event_t));

    if (ngx_aigc_scan(line, members, 2) != NGX_OK
        || ngx_aigc_watch_quoted(&members[0].value, &name) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    type = ngx_aigc_watch_type(&name);

    if (type == NGX_AIGC_EVENT_BOOKMARK || type == NGX_AIGC_EVENT_ERROR) {
        return ngx_aigc_watch_event(line, event);
    }

    if (type == 0
        || ngx_aigc_watch_version(&members[1].value, &event->version)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    event->type = type;
    event->text = members[1].value;

    return NGX_OK;
}


/* The metadata come early in an object: the rest is not looked at. */
static ngx_int_t
ngx_aigc_watch_version(ngx_str_t *object, ngx_str_t *version)
{
    ngx_int_t             rc;
    ngx_str_t             name, value;
    ngx_aigc_scan_walk_t  walk;

    ngx_aigc_scan_t  meta[] = { { "resourceVersion", ngx_null_string } };

    ngx_aigc_scan_walk(&walk, object);

    do {
        rc = ngx_aigc_scan_next(&walk, &name, &value);
    } while (rc == NGX_OK && !ngx_aigc_text_is(&name, "metadata"));

    if (rc != NGX_OK || ngx_aigc_scan(&value, meta, 1) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_aigc_watch_quoted(&meta[0].value, version);
}


/* A string that nothing is escaped in, without its quotes. */
static ngx_int_t
ngx_aigc_watch_quoted(ngx_str_t *value, ngx_str_t *text)
{
    if (value->len <= 2 || value->data[0] != '"'
        || ngx_strlchr(value->data, value->data + value->len, '\\'))
    {
        return NGX_DECLINED;
    }

    text->data = value->data + 1;
    text->len = value->len - 2;

    return NGX_OK;
}


static ngx_aigc_event_e
ngx_aigc_watch_type(ngx_str_t *name)
{
    ngx_uint_t  i;

    static struct {
        ngx_str_t         name;
        ngx_aigc_event_e  type;
    } types[] = {
        { ngx_string("ADDED"), NGX_AIGC_EVENT_ADDED },
        { ngx_string("MODIFIED"), NGX_AIGC_EVENT_MODIFIED },
        { ngx_string("DELETED"), NGX_AIGC_EVENT_DELETED },
        { ngx_string("BOOKMARK"), NGX_AIGC_EVENT_BOOKMARK },
        { ngx_string("ERROR"), NGX_AIGC_EVENT_ERROR }
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (ngx_aigc_text_eq(name, &types[i].name)) {
            return types[i].type;
        }
    }

    return 0;
}
