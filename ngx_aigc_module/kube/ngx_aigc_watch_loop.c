/*
 * kube/ngx_aigc_watch_loop.c — the reflector's loop.  How it goes on when a
 * connection has ended is in ngx_aigc_watch_retry.c; what an object means is
 * its kind's.
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
static ngx_int_t ngx_aigc_watch_pump(ngx_aigc_watch_t *w);
static ngx_uint_t ngx_aigc_watch_full(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_go_on(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_take(ngx_aigc_watch_t *w,
    ngx_aigc_watch_event_t *event);
static ngx_int_t ngx_aigc_watch_next(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_drop(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_apply(ngx_aigc_watch_t *w,
    ngx_aigc_watch_event_t *event);
static void ngx_aigc_watch_give_up(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_listed(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_changed(ngx_aigc_watch_t *w);


void
ngx_aigc_watch_connect(ngx_aigc_watch_t *w)
{
    ngx_str_t          path;
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *f;

    ngx_aigc_watch_forget(w);

    w->paused = 0;
    w->gone = 0;
    w->settling = 0;
    w->status = 0;

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

    if (ngx_aigc_watch_pump(w) != NGX_OK) {
        f->error = w->error;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * What does not fit in this pass of the event loop goes on in the next.  An
 * object of 500 instances takes some 3 ms to parse and 2 ms to apply: it may be
 * parsed in one pass and applied in the next.  NGX_ERROR: w->error says why.
 */
static ngx_int_t
ngx_aigc_watch_pump(ngx_aigc_watch_t *w)
{
    ngx_int_t   rc;
    ngx_uint_t  heard, changed;

    heard = 0;
    changed = 0;
    w->error = "an event was not understood";

    for ( ;; ) {

        if (w->event.type == 0) {

            rc = ngx_aigc_watch_next(w);

            if (rc == NGX_AGAIN) {
                break;
            }

            if (rc != NGX_OK) {
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

        rc = ngx_aigc_watch_take(w, &w->event);

        if (rc == NGX_AGAIN) {
            ngx_post_event(&w->more, &ngx_posted_next_events);
            break;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_aigc_watch_drop(w);
        changed = 1;

        if (ngx_aigc_watch_full(w)) {
            break;
        }
    }

    if (heard || changed) {
        ngx_aigc_sync_heard(w->all->zone, w->index);

        if (w->fetch) {
            ngx_aigc_watch_silence(w);
        }

        if (w->phase == NGX_AIGC_WATCH_WATCHING) {
            ngx_aigc_backoff_reset(&w->backoff);
        }
    }

    if (changed) {
        ngx_aigc_watch_changed(w);
    }

    return NGX_OK;
}


/*
 * The next event of the connection, or of the page, which has one for each
 * item.  NGX_OK; NGX_AGAIN: there is no whole one; NGX_DECLINED.
 */
static ngx_int_t
ngx_aigc_watch_next(ngx_aigc_watch_t *w)
{
    ngx_int_t  rc;
    ngx_str_t  name, text;

    if (w->page.data) {
        rc = ngx_aigc_scan_next(&w->walk, &name, &text);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE && w->walk.array) ? NGX_AGAIN : NGX_DECLINED;
        }

        w->event.text = text;

        if (w->kind->take == NULL) {
            ngx_aigc_managed_fields_empty(&text);
            w->event.root = json_loadb((char *) text.data, text.len, 0, NULL);
            w->event.object = w->event.root;
        }

        w->event.type = NGX_AIGC_EVENT_ADDED;

        return (w->kind->take || w->event.root) ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_aigc_frame_next(&w->frame, &text) != NGX_OK) {
        return NGX_AGAIN;
    }

    if (w->kind->take) {
        return ngx_aigc_watch_event_text(&text, &w->event);
    }

    ngx_aigc_managed_fields_empty(&text);

    return ngx_aigc_watch_event(&text, &w->event);
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
    ngx_aigc_watch_drop(w);
    ngx_aigc_frame_free(&w->frame);

    if (w->page.data) {
        ngx_free(w->page.data);
        ngx_str_null(&w->page);
    }
}


/* The event is applied, or is not to be. */
static void
ngx_aigc_watch_drop(ngx_aigc_watch_t *w)
{
    json_decref(w->event.root);
    ngx_memzero(&w->event, sizeof(ngx_aigc_watch_event_t));
    w->taking = 0;
}


void
ngx_aigc_watch_more(ngx_event_t *ev)
{
    ngx_aigc_watch_t  *w;

    w = ev->data;

    if (w->fetch == NULL && w->page.data == NULL) {
        return;
    }

    ngx_aigc_loop_time_begin();
    ngx_aigc_watch_go_on(w);
    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_WATCH);
}


static void
ngx_aigc_watch_go_on(ngx_aigc_watch_t *w)
{
    /* a list without an item has asked nobody yet who writes the table */

    if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK
        || ngx_aigc_watch_pump(w) != NGX_OK)
    {
        ngx_aigc_watch_give_up(w);
        return;
    }

    if (w->more.posted) {
        return;
    }

    if (w->page.data) {

        if (w->next.len == 0) {
            ngx_aigc_watch_listed(w);
        }

        ngx_aigc_watch_connect(w);
        return;
    }

    if (!w->paused) {
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

    why = w->error;

    if (w->fetch) {
        why = w->fetch->error ? w->fetch->error : why;

        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
    }

    ngx_aigc_watch_retry(w, w->gone ? NULL : why);
}


/*
 * One event.  NGX_OK; NGX_AGAIN: the rest of it in a later pass; NGX_ERROR:
 * this connection is of no more use.
 */
static ngx_int_t
ngx_aigc_watch_take(ngx_aigc_watch_t *w, ngx_aigc_watch_event_t *event)
{
    ngx_int_t  rc;

    rc = NGX_OK;

    switch (event->type) {

    case NGX_AIGC_EVENT_ERROR:
        w->gone = (event->code == 410);
        w->error = w->gone ? "410 Gone" : "an ERROR event";
        rc = NGX_ERROR;
        break;

    case NGX_AIGC_EVENT_BOOKMARK:
        if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
            rc = NGX_ERROR;
            break;
        }

        rc = ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                 &event->version);

        if (rc == NGX_OK && event->initial_end
            && w->phase == NGX_AIGC_WATCH_STREAMING_LIST)
        {
            ngx_aigc_watch_listed(w);
            w->phase = NGX_AIGC_WATCH_WATCHING;
        }

        break;

    default:
        rc = ngx_aigc_watch_apply(w, event);

        if (rc == NGX_OK && w->phase == NGX_AIGC_WATCH_WATCHING) {
            rc = ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                     &event->version);
        }
    }

    return (rc == NGX_OK || rc == NGX_AGAIN) ? rc : NGX_ERROR;
}


static ngx_int_t
ngx_aigc_watch_apply(ngx_aigc_watch_t *w, ngx_aigc_watch_event_t *event)
{
    uint32_t    mark;
    ngx_str_t   text;
    ngx_uint_t  deleted, more;

    deleted = (event->type == NGX_AIGC_EVENT_DELETED);
    mark = (w->phase == NGX_AIGC_WATCH_WATCHING) ? 0 : w->mark;

    if (w->kind->take == NULL) {
        return ngx_aigc_kind_apply(w->kind, w->all->zone, event->object,
                                   deleted, mark, w->all->log);
    }

    if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
        return NGX_ERROR;
    }

    text = event->text;
    text.len = deleted ? 0 : text.len;

    more = w->taking;
    w->taking = 1;

    return w->kind->take(w->all->zone, &text, more, mark, w->all->log);
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
    w->limit = w->kind->page;

    ngx_log_error(ngx_aigc_watch_notice(w), w->all->log, 0,
                  "aigc: %s%s%V listed, version %V",
                  w->kind->name, w->ns.len ? " of " : "", &w->ns, &w->version);

    ngx_aigc_watch_changed(w);
}


/* The table is another; what is taken in slices is not in it. */
static void
ngx_aigc_watch_changed(ngx_aigc_watch_t *w)
{
    if (w->kind->take == NULL) {
        w->all->sink->changed();
    }
}


static void
ngx_aigc_watch_done(ngx_aigc_fetch_t *f)
{
    u_char             buf[128];
    const char        *why;
    ngx_aigc_watch_t  *w;

    w = f->ctx;
    w->fetch = NULL;
    w->status = f->status;

    if (w->more.posted) {
        /* what is left over comes again: the version was not kept yet */
        ngx_delete_posted_event(&w->more);
    }

    if (f->status == 410) {
        w->gone = 1;
    }

    if (!(w->kind->flags & (NGX_AIGC_KIND_REQUIRED|NGX_AIGC_KIND_OWN))
        && (f->status == 403 || f->status == 404))
    {
        ngx_aigc_watch_refused(w, f->status);
        return;
    }

    if (f->status == 200 && f->error == NULL
        && w->phase == NGX_AIGC_WATCH_PAGED_LIST)
    {
        if (ngx_aigc_watch_page(w, f) == NGX_OK) {
            ngx_post_event(&w->more, &ngx_posted_next_events);

        } else {
            ngx_aigc_watch_retry(w, "a list was not understood");
        }

        return;
    }

    if (f->large && w->limit > 1) {
        /* the same page again, as the first of several */
        w->limit /= 2;

        ngx_log_error(NGX_LOG_INFO, f->log, 0,
                      "aigc: a page of %s has more than %d bytes: asking for "
                      "%ui at a time", w->kind->name, NGX_AIGC_LIST_MAX,
                      w->limit);
        ngx_aigc_watch_connect(w);
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
