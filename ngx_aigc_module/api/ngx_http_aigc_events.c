/*
 * api/ngx_http_aigc_events.c — who is sent what, and when.
 *
 * A stream that is behind (new, or too slow for the last news) gets a snapshot
 * as soon as it can take one.  A stream may end while it is sent to, and others
 * with it, so no loop holds on to a place in a queue that it goes through.
 */

#include "ngx_http_aigc_events.h"
#include "ngx_http_aigc_stream.h"
#include "ngx_http_aigc_view.h"

#include "base/ngx_aigc_timer.h"


static ngx_int_t ngx_http_aigc_events_start(ngx_http_aigc_main_conf_t *mcf);
static void ngx_http_aigc_events_leave(void *data);
static void ngx_http_aigc_events_expiry(ngx_http_aigc_stream_t *stream);
static void ngx_http_aigc_events_expired(ngx_event_t *ev);
static void ngx_http_aigc_events_drained(ngx_http_aigc_stream_t *stream);
static void ngx_http_aigc_events_check(ngx_event_t *ev);
static void ngx_http_aigc_events_push_all(ngx_http_aigc_text_t *news);
static void ngx_http_aigc_events_push_owners(void);
static void ngx_http_aigc_events_push(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second);
static void ngx_http_aigc_events_snapshots(void);
static void ngx_http_aigc_events_beat(void);
static void ngx_http_aigc_events_end(void);
static void ngx_http_aigc_events_send(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second);
static ngx_http_aigc_stream_t *ngx_http_aigc_events_next(ngx_queue_t *todo);
static void ngx_http_aigc_queue_move(ngx_queue_t *from, ngx_queue_t *to);


static ngx_queue_t            ngx_http_aigc_streams;    /* written longest ago
                                                           first */
static ngx_queue_t            ngx_http_aigc_due;        /* for a snapshot */
static ngx_uint_t             ngx_http_aigc_nstreams;
static ngx_http_aigc_text_t  *ngx_http_aigc_comment;
static ngx_event_t            ngx_http_aigc_timer;


ngx_int_t
ngx_http_aigc_events_room(ngx_str_t *sub)
{
    if (ngx_http_aigc_view_count(sub) >= NGX_HTTP_AIGC_EVENTS_USER) {
        return NGX_BUSY;
    }

    return (ngx_http_aigc_nstreams
            >= ngx_cycle->connection_n / NGX_HTTP_AIGC_EVENTS_SHARE)
           ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_http_aigc_events_listen(ngx_http_request_t *r, ngx_str_t *sub,
    time_t until)
{
    time_t                      left;
    ngx_int_t                   rc;
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_text_t       *retry;
    ngx_http_aigc_stream_t     *stream;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    cln = ngx_http_cleanup_add(r, 0);
    stream = ngx_http_aigc_stream_create(r, ngx_http_aigc_events_drained);
    retry = ngx_http_aigc_text_create(sizeof("retry: \n\n") + NGX_INT_T_LEN);

    if (cln == NULL || stream == NULL || retry == NULL
        || ngx_http_aigc_events_start(mcf) != NGX_OK)
    {
        ngx_http_aigc_text_release(retry);
        return NGX_ERROR;
    }

    stream->audience = ngx_http_aigc_view_join(sub);

    if (stream->audience == NULL) {
        ngx_http_aigc_text_release(retry);
        return NGX_ERROR;
    }

    ngx_http_aigc_nstreams++;

    ngx_queue_insert_tail(&ngx_http_aigc_streams, &stream->queue);
    ngx_queue_insert_tail(&stream->audience->streams, &stream->own);
    ngx_queue_init(&stream->due);

    cln->handler = ngx_http_aigc_events_leave;
    cln->data = stream;

    left = ngx_time() + NGX_HTTP_AIGC_EVENTS_LIFE;
    stream->until = ngx_min(until, left);

    stream->expiry.handler = ngx_http_aigc_events_expired;
    stream->expiry.data = r->connection;
    stream->expiry.log = r->connection->log;
    ngx_http_aigc_events_expiry(stream);

    stream->behind = 1;

    retry->len = ngx_sprintf(retry->data, "retry: %ui\n\n",
                             (ngx_uint_t) (NGX_HTTP_AIGC_EVENTS_RETRY
                                           + ngx_random()
                                             % NGX_HTTP_AIGC_EVENTS_SPREAD))
                 - retry->data;

    rc = ngx_http_aigc_stream_send(stream, retry, NULL);

    ngx_http_aigc_text_release(retry);

    if (rc == NGX_OK) {
        ngx_http_aigc_events_drained(stream);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* For the first stream, or the first one after none. */
static ngx_int_t
ngx_http_aigc_events_start(ngx_http_aigc_main_conf_t *mcf)
{
    if (ngx_http_aigc_view_open(mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_aigc_comment == NULL) {

        ngx_http_aigc_comment = ngx_http_aigc_text_create(sizeof(":\n\n"));

        if (ngx_http_aigc_comment == NULL) {
            return NGX_ERROR;
        }

        ngx_http_aigc_comment->len = sizeof(":\n\n") - 1;
        ngx_memcpy(ngx_http_aigc_comment->data, ":\n\n", sizeof(":\n\n") - 1);

        ngx_queue_init(&ngx_http_aigc_streams);
        ngx_queue_init(&ngx_http_aigc_due);

        /* not cancelable: an exiting worker ends its streams in it */

        ngx_aigc_timer_init(&ngx_http_aigc_timer, ngx_http_aigc_events_check, 0,
                            ngx_cycle->log);
    }

    if (!ngx_http_aigc_timer.timer_set) {
        ngx_add_timer(&ngx_http_aigc_timer, NGX_HTTP_AIGC_EVENTS_WAKE);
    }

    return NGX_OK;
}


/* A cleanup of the request; the view stays open until the timer's next turn. */
static void
ngx_http_aigc_events_leave(void *data)
{
    ngx_http_aigc_stream_t *stream = data;

    ngx_aigc_timer_stop(&stream->expiry);

    ngx_queue_remove(&stream->queue);
    ngx_queue_remove(&stream->own);
    ngx_queue_remove(&stream->due);

    ngx_http_aigc_nstreams--;

    ngx_http_aigc_view_leave(stream->audience);
    stream->audience = NULL;
}


/* It ends at a date, which a step of the clock brings nearer or puts off. */
static void
ngx_http_aigc_events_expiry(ngx_http_aigc_stream_t *stream)
{
    time_t  left;

    left = stream->until - ngx_time();
    left = ngx_min(ngx_max(left, 1), NGX_HTTP_AIGC_EVENTS_EXPIRY);

    ngx_add_timer(&stream->expiry, (ngx_msec_t) left * 1000);
}


static void
ngx_http_aigc_events_expired(ngx_event_t *ev)
{
    ngx_http_aigc_stream_t  *stream;

    stream = (ngx_http_aigc_stream_t *)
                 ((u_char *) ev - offsetof(ngx_http_aigc_stream_t, expiry));

    if (ngx_time() < stream->until) {
        ngx_http_aigc_events_expiry(stream);
        return;
    }

    ngx_http_aigc_stream_finish(stream, NGX_OK);
}


/* It can take a message again. */
static void
ngx_http_aigc_events_drained(ngx_http_aigc_stream_t *stream)
{
    if (stream->behind && ngx_queue_empty(&stream->due)) {
        ngx_queue_insert_tail(&ngx_http_aigc_due, &stream->due);
        ngx_post_event(&ngx_http_aigc_timer, &ngx_posted_events);
    }
}


/* Each 200 ms, and at once for a stream that waits for a snapshot. */
static void
ngx_http_aigc_events_check(ngx_event_t *ev)
{
    ngx_int_t              rc;
    ngx_http_aigc_text_t  *news;

    if (ngx_exiting) {
        ngx_http_aigc_events_end();
    }

    if (ngx_http_aigc_nstreams == 0) {
        ngx_aigc_timer_stop(ev);

        ngx_http_aigc_view_close();
        return;
    }

    rc = ngx_http_aigc_view_update();

    news = ngx_http_aigc_view_news();

    if (news) {
        ngx_http_aigc_events_push_all(news);

    } else {
        ngx_http_aigc_events_push_owners();
    }

    ngx_http_aigc_view_forget();

    if (rc != NGX_AGAIN) {
        ngx_http_aigc_events_snapshots();
    }

    ngx_http_aigc_events_beat();

    if (rc == NGX_BUSY) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_AIGC_EVENTS_WAKE);
    }
}


/* What everybody is told, each with the news of its own. */
static void
ngx_http_aigc_events_push_all(ngx_http_aigc_text_t *news)
{
    ngx_queue_t              todo;
    ngx_http_aigc_stream_t  *stream;

    ngx_http_aigc_queue_move(&ngx_http_aigc_streams, &todo);

    while (!ngx_queue_empty(&todo)) {
        stream = ngx_http_aigc_events_next(&todo);
        ngx_http_aigc_events_push(stream, news, stream->audience->news);
    }
}


static void
ngx_http_aigc_events_push_owners(void)
{
    ngx_queue_t               todo, *q, *changed;
    ngx_http_aigc_text_t     *news;
    ngx_http_aigc_stream_t   *stream;
    ngx_http_aigc_audience_t *audience;

    changed = ngx_http_aigc_view_changed();

    while (!ngx_queue_empty(changed)) {
        q = ngx_queue_head(changed);
        audience = ngx_queue_data(q, ngx_http_aigc_audience_t, changed);

        news = audience->news;
        news->refs++;

        ngx_http_aigc_audience_quiet(audience);
        ngx_http_aigc_queue_move(&audience->streams, &todo);

        while (!ngx_queue_empty(&todo)) {
            q = ngx_queue_head(&todo);
            stream = ngx_queue_data(q, ngx_http_aigc_stream_t, own);

            ngx_queue_remove(q);
            ngx_queue_insert_tail(&stream->audience->streams, q);

            ngx_http_aigc_events_push(stream, news, NULL);
        }

        ngx_http_aigc_text_release(news);
    }
}


static void
ngx_http_aigc_events_push(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second)
{
    if (stream->behind) {
        return;
    }

    if (ngx_http_aigc_stream_pending(stream)) {
        stream->behind = 1;             /* …_drained() goes on with it */
        return;
    }

    ngx_http_aigc_events_send(stream, first, second);
}


static void
ngx_http_aigc_events_snapshots(void)
{
    ngx_queue_t              todo, *q;
    ngx_http_aigc_text_t    *first, *second;
    ngx_http_aigc_stream_t  *stream;

    ngx_http_aigc_queue_move(&ngx_http_aigc_due, &todo);

    while (!ngx_queue_empty(&todo)) {
        q = ngx_queue_head(&todo);
        stream = ngx_queue_data(q, ngx_http_aigc_stream_t, due);

        ngx_queue_remove(q);

        if (ngx_http_aigc_view_snapshot(stream->audience, &first, &second)
            != NGX_OK)
        {
            ngx_queue_insert_tail(&ngx_http_aigc_due, q);   /* not now */
            continue;
        }

        ngx_queue_init(q);
        stream->behind = 0;

        ngx_http_aigc_events_send(stream, first, second);

        ngx_http_aigc_text_release(first);
        ngx_http_aigc_text_release(second);
    }
}


/* A comment for those that have not been written to for a while. */
static void
ngx_http_aigc_events_beat(void)
{
    ngx_queue_t             *q;
    ngx_http_aigc_stream_t  *stream;

    while (!ngx_queue_empty(&ngx_http_aigc_streams)) {
        q = ngx_queue_head(&ngx_http_aigc_streams);
        stream = ngx_queue_data(q, ngx_http_aigc_stream_t, queue);

        if (ngx_current_msec - stream->written < NGX_HTTP_AIGC_EVENTS_BEAT) {
            return;
        }

        if (ngx_http_aigc_stream_pending(stream)) {
            stream->written = ngx_current_msec;     /* it waits for its turn */
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&ngx_http_aigc_streams, q);
            continue;
        }

        ngx_http_aigc_events_send(stream, ngx_http_aigc_comment, NULL);
    }
}


static void
ngx_http_aigc_events_end(void)
{
    ngx_queue_t  todo;

    ngx_http_aigc_queue_move(&ngx_http_aigc_streams, &todo);

    while (!ngx_queue_empty(&todo)) {
        ngx_http_aigc_stream_finish(ngx_http_aigc_events_next(&todo), NGX_OK);
    }
}


static void
ngx_http_aigc_events_send(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second)
{
    ngx_queue_remove(&stream->queue);
    ngx_queue_insert_tail(&ngx_http_aigc_streams, &stream->queue);

    ngx_http_set_log_request(stream->request->connection->log,
                             stream->request);

    if (ngx_http_aigc_stream_send(stream, first, second) == NGX_ERROR) {
        ngx_http_aigc_stream_finish(stream, NGX_ERROR);
    }
}


/* The first one of a walk over all, which is back in its place. */
static ngx_http_aigc_stream_t *
ngx_http_aigc_events_next(ngx_queue_t *todo)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(todo);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(&ngx_http_aigc_streams, q);

    return ngx_queue_data(q, ngx_http_aigc_stream_t, queue);
}


static void
ngx_http_aigc_queue_move(ngx_queue_t *from, ngx_queue_t *to)
{
    ngx_queue_init(to);

    if (!ngx_queue_empty(from)) {
        ngx_queue_add(to, from);
        ngx_queue_init(from);
    }
}
