/*
 * kube/ngx_aigc_watch_loop.c — the reflector's loop.  How it goes on when a
 * connection has ended is in ngx_aigc_watch_retry.c; what an object means is its
 * kind's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch_loop.h"

#include "ngx_aigc_managed_fields.h"
#include "base/ngx_aigc_loop_time.h"


static void ngx_aigc_watch_begin(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_watch_data(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static void ngx_aigc_watch_done(ngx_aigc_fetch_t *f);
static void ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_watch_pump(ngx_aigc_watch_t *w);
static ngx_uint_t ngx_aigc_watch_full(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_go_on(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_take(ngx_aigc_watch_t *w,
    ngx_aigc_watch_event_t *event);
static ngx_int_t ngx_aigc_watch_apply(ngx_aigc_watch_t *w, json_t *object,
    ngx_uint_t deleted, uint32_t mark);
static void ngx_aigc_watch_give_up(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_listed(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_keep(ngx_str_t *dst, size_t room,
    const char *src, size_t len);


void
ngx_aigc_watch_connect(ngx_aigc_watch_t *w)
{
    ngx_str_t          path;
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *f;

    ngx_aigc_frame_free(&w->frame);
    ngx_aigc_frame_init(&w->frame);
    ngx_aigc_watch_forget(w);

    w->paused = 0;
    w->gone = 0;
    w->settling = 0;

    if (w->version.len && w->next.len == 0) {
        w->phase = NGX_AIGC_WATCH_WATCHING;

    } else {
        w->phase = w->pages ? NGX_AIGC_WATCH_PAGED_LIST
                            : NGX_AIGC_WATCH_STREAMING_LIST;

        if (w->next.len == 0) {
            w->mark = (uint32_t) ++ngx_aigc_sync(w->all->zone)->mark;
            ngx_aigc_count(w->all->zone, relists);
        }
    }

    pool = ngx_create_pool(4096, w->all->log);
    if (pool == NULL) {
        ngx_aigc_watch_retry(w, "no memory");
        return;
    }

    f = NULL;

    if (ngx_aigc_watch_path(w, pool, &path) == NGX_OK) {
        f = ngx_aigc_kubernetes_call(w->all->k8s, NULL, &path, NULL,
                                     w->all->log);
    }

    ngx_destroy_pool(pool);

    if (f == NULL) {
        ngx_aigc_watch_retry(w, "no memory");
        return;
    }

    if (ngx_aigc_fetch_text(f, &f->headers[1], "Accept: application/json",
                            NULL)
        != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        ngx_aigc_watch_retry(w, "no memory");
        return;
    }

    f->ctx = w;
    f->done = ngx_aigc_watch_done;

    if (w->phase == NGX_AIGC_WATCH_PAGED_LIST) {
        f->max = NGX_AIGC_LIST_MAX;
        f->timeout = 30000;

    } else {
        f->begin = ngx_aigc_watch_begin;
        f->data = ngx_aigc_watch_data;
    }

    w->fetch = f;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        w->fetch = NULL;
        ngx_aigc_watch_retry(w, "libcurl failed");
        return;
    }

    ngx_aigc_watch_silence(w);
}


void
ngx_aigc_watch_silence(ngx_aigc_watch_t *w)
{
    w->settling = 0;
    ngx_add_timer(&w->timer, (w->kind->flags & NGX_AIGC_KIND_QUIET
                              ? NGX_AIGC_WATCH_QUIET : NGX_AIGC_WATCH_SILENCE)
                             * 1000);
}


/*
 * A watch that goes on, and stays open, has nothing to tell: the table is as
 * young as it.  (A page of a proxy's, with status 200, does not stay open.)
 */
static void
ngx_aigc_watch_begin(ngx_aigc_fetch_t *f)
{
    ngx_aigc_watch_t  *w;

    w = f->ctx;

    if (f->status == 200 && w->phase == NGX_AIGC_WATCH_WATCHING) {
        w->settling = 1;
        ngx_add_timer(&w->timer, NGX_AIGC_WATCH_SETTLED);
    }
}


static ngx_int_t
ngx_aigc_watch_data(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    ngx_aigc_watch_t  *w;

    w = f->ctx;

    if (f->status != 200) {
        return NGX_OK;                  /* the status alone counts */
    }

    if (w->more.posted) {
        w->paused = 1;
        return NGX_AGAIN;
    }

    if (ngx_aigc_frame_feed(&w->frame, p, len) != NGX_OK) {
        f->error = "an event is too large";
        return NGX_ERROR;
    }

    return ngx_aigc_watch_pump(w);
}


/*
 * What does not fit in this pass of the event loop goes on in the next.  An
 * object of 500 instances takes some 3 ms to parse and 2 ms to apply: it may be
 * parsed in one pass and applied in the next.
 */
static ngx_int_t
ngx_aigc_watch_pump(ngx_aigc_watch_t *w)
{
    ngx_str_t   line;
    ngx_uint_t  heard, changed;

    heard = 0;
    changed = 0;

    for ( ;; ) {

        if (w->event.root == NULL) {

            if (ngx_aigc_frame_next(&w->frame, &line) != NGX_OK) {
                break;
            }

            ngx_aigc_managed_fields_empty(&line);

            if (ngx_aigc_watch_event(&line, &w->event) != NGX_OK) {
                w->fetch->error = "an event was not understood";
                return NGX_ERROR;
            }

            heard = 1;

            /* an ERROR is a connection's last word: it is heard at once */

            if (w->event.type != NGX_AIGC_EVENT_ERROR
                && ngx_aigc_watch_full(w))
            {
                break;
            }
        }

        if (ngx_aigc_watch_take(w, &w->event) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_aigc_watch_forget(w);
        changed = 1;

        if (ngx_aigc_watch_full(w)) {
            break;
        }
    }

    if (heard || changed) {
        ngx_aigc_sync_heard(w->all->zone, w->index);
        ngx_aigc_watch_silence(w);

        if (w->phase == NGX_AIGC_WATCH_WATCHING) {
            ngx_aigc_backoff_reset(&w->backoff);
        }
    }

    if (changed) {
        w->all->sink->changed();
    }

    return NGX_OK;
}


/* libcurl may have called several times in this pass. */
static ngx_uint_t
ngx_aigc_watch_full(ngx_aigc_watch_t *w)
{
    if (ngx_aigc_loop_time_spent() < NGX_AIGC_WATCH_SLICE) {
        return 0;
    }

    ngx_post_event(&w->more, &ngx_posted_next_events);

    return 1;
}


void
ngx_aigc_watch_forget(ngx_aigc_watch_t *w)
{
    json_decref(w->event.root);
    w->event.root = NULL;
}


void
ngx_aigc_watch_more(ngx_event_t *ev)
{
    ngx_aigc_watch_t  *w;

    w = ev->data;

    if (w->fetch == NULL) {
        return;
    }

    ngx_aigc_loop_time_begin();
    ngx_aigc_watch_go_on(w);
    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_WATCH);
}


static void
ngx_aigc_watch_go_on(ngx_aigc_watch_t *w)
{

    if (ngx_aigc_watch_pump(w) != NGX_OK) {
        ngx_aigc_watch_give_up(w);
        return;
    }

    if (w->more.posted || !w->paused) {
        return;
    }

    w->paused = 0;

    if (ngx_aigc_fetch_resume(w->fetch) != NGX_OK) {
        ngx_aigc_watch_give_up(w);
    }
}


/* Outside of libcurl's own calls, which would do it by themselves. */
static void
ngx_aigc_watch_give_up(ngx_aigc_watch_t *w)
{
    const char  *why;

    why = w->fetch->error ? w->fetch->error : "an event was not understood";

    ngx_aigc_fetch_cancel(w->fetch);
    w->fetch = NULL;

    ngx_aigc_watch_retry(w, w->gone ? NULL : why);
}


/* One event.  NGX_ERROR: this connection is of no more use. */
static ngx_int_t
ngx_aigc_watch_take(ngx_aigc_watch_t *w, ngx_aigc_watch_event_t *event)
{
    ngx_int_t  rc;

    rc = NGX_OK;

    switch (event->type) {

    case NGX_AIGC_EVENT_ERROR:
        w->gone = (event->code == 410);
        w->fetch->error = w->gone ? "410 Gone" : "an ERROR event";
        rc = NGX_ERROR;
        break;

    case NGX_AIGC_EVENT_BOOKMARK:
        if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
            rc = NGX_ERROR;
            break;
        }

        rc = ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                 (char *) event->version.data,
                                 event->version.len);

        if (rc == NGX_OK && event->initial_end
            && w->phase == NGX_AIGC_WATCH_STREAMING_LIST)
        {
            ngx_aigc_watch_listed(w);
            w->phase = NGX_AIGC_WATCH_WATCHING;
        }

        break;

    default:
        rc = ngx_aigc_watch_apply(w, event->object,
                                  event->type == NGX_AIGC_EVENT_DELETED,
                                  w->phase == NGX_AIGC_WATCH_WATCHING
                                  ? 0 : w->mark);

        if (rc == NGX_OK && w->phase == NGX_AIGC_WATCH_WATCHING) {
            rc = ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                     (char *) event->version.data,
                                     event->version.len);
        }
    }

    return (rc == NGX_OK) ? NGX_OK : NGX_ERROR;
}


/*
 * One object; mark: the running list's, or 0 from a watch.  NGX_OK, also for an
 * object that is none of ours or has no room; NGX_ERROR: no memory, or we are
 * not the writer any more.
 */
static ngx_int_t
ngx_aigc_watch_apply(ngx_aigc_watch_t *w, json_t *object, ngx_uint_t deleted,
    uint32_t mark)
{
    void                   *value;
    ngx_int_t               rc;
    ngx_pool_t             *pool;
    ngx_aigc_zone_t        *zone;
    const ngx_aigc_kind_t  *kind;

    zone = w->all->zone;
    kind = w->kind;

    pool = ngx_create_pool(8192, w->all->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    value = ngx_palloc(pool, kind->size);
    rc = value ? kind->read(pool, object, value) : NGX_ERROR;

    if (rc == NGX_OK && !deleted) {
        rc = kind->put(zone, value, mark, w->all->log);

    } else if (rc == NGX_OK && kind->drop) {
        rc = kind->drop(zone, value);
    }

    ngx_destroy_pool(pool);

    if (rc == NGX_ERROR || ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED && ngx_aigc_kind_chosen(kind)) {
        ngx_log_error(NGX_LOG_WARN, w->all->log, 0,
                      "aigc: one of the %s was not taken into the table: its "
                      "names are too long, or the zone is full", kind->name);
    }

    return NGX_OK;
}


static void
ngx_aigc_watch_listed(ngx_aigc_watch_t *w)
{
    ngx_aigc_kind_sweep(w->kind, w->all->zone, NULL, &w->ns, w->mark);

    if (ngx_aigc_sync_listed(w->all->zone, w->index) == NGX_OK) {
        w->all->sink->listed(w->all->zone);
    }

    ngx_aigc_sync_heard(w->all->zone, w->index);
    ngx_aigc_backoff_reset(&w->backoff);

    ngx_log_error(ngx_aigc_watch_notice(w), w->all->log, 0,
                  "aigc: %s%s%V listed, version %V",
                  w->kind->name, w->ns.len ? " of " : "", &w->ns, &w->version);
}


static void
ngx_aigc_watch_done(ngx_aigc_fetch_t *f)
{
    u_char             buf[128];
    const char        *why;
    ngx_aigc_watch_t  *w;

    w = f->ctx;
    w->fetch = NULL;

    if (w->more.posted) {
        /* what is left over comes again: the version was not kept yet */
        ngx_delete_posted_event(&w->more);
    }

    if (f->status == 410) {
        w->gone = 1;
    }

    if (!ngx_aigc_watch_required(w)
        && (f->status == 403 || f->status == 404))
    {
        ngx_aigc_watch_refused(w, f->status);
        return;
    }

    if (f->status == 200 && f->error == NULL
        && w->phase == NGX_AIGC_WATCH_PAGED_LIST)
    {
        ngx_aigc_watch_page(w, f);
        return;
    }

    if ((f->status == 400 || f->status == 422)
        && w->phase == NGX_AIGC_WATCH_STREAMING_LIST)
    {
        ngx_log_error(NGX_LOG_NOTICE, f->log, 0,
                      "aigc: the API server has no streaming lists: %s are "
                      "listed page by page", w->kind->name);
        w->pages = 1;
        ngx_aigc_watch_connect(w);
        return;
    }

    why = f->error;

    if (why == NULL && f->status != 200) {
        *ngx_snprintf(buf, sizeof(buf) - 1, "status %ui%s", f->status,
                      f->status == 403 ? " (grant the gateway get, list and "
                                         "watch, as in rbac.yaml)" : "")
            = '\0';
        why = (char *) buf;
    }

    ngx_aigc_watch_retry(w, w->gone ? NULL : why);
}


static void
ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f)
{
    size_t       i;
    json_t      *root, *items, *item, *meta, *next, *version;
    ngx_int_t    rc;

    ngx_aigc_managed_fields_empty(&f->answer);

    root = json_loadb((char *) f->answer.data, f->answer.len, 0, NULL);
    items = json_object_get(root, "items");
    meta = json_object_get(root, "metadata");
    version = json_object_get(meta, "resourceVersion");
    next = json_object_get(meta, "continue");

    if (!json_is_array(items) || !json_is_string(version)) {
        json_decref(root);
        ngx_aigc_watch_retry(w, "a list was not understood");
        return;
    }

    rc = NGX_OK;

    json_array_foreach(items, i, item) {
        rc = ngx_aigc_watch_apply(w, item, 0, w->mark);
        if (rc != NGX_OK) {
            break;
        }
    }

    w->next.len = 0;

    if (rc == NGX_OK) {
        rc = ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                 json_string_value(version),
                                 json_string_length(version));
    }

    if (rc == NGX_OK && json_string_length(next)) {
        rc = ngx_aigc_watch_keep(&w->next, sizeof(w->next_data),
                                 json_string_value(next),
                                 json_string_length(next));
    }

    json_decref(root);

    if (rc != NGX_OK) {
        /* a list that is not whole must not sweep */
        ngx_aigc_watch_retry(w, "a list could not be taken");
        return;
    }

    if (w->next.len == 0) {
        ngx_aigc_watch_listed(w);
    }

    w->all->sink->changed();
    ngx_aigc_watch_connect(w);
}


/* NGX_DECLINED: there is no room, dst stays as it was */
static ngx_int_t
ngx_aigc_watch_keep(ngx_str_t *dst, size_t room, const char *src, size_t len)
{
    if (len > room) {
        return NGX_DECLINED;
    }

    ngx_memcpy(dst->data, src, len);
    dst->len = len;

    return NGX_OK;
}
