/*
 * api/ngx_http_aigc_stream.c — sending, waiting for a slow client, the end.
 */

#include "ngx_http_aigc_stream.h"


typedef struct {
    ngx_http_aigc_stream_t    stream;
    void                    (*drained)(ngx_http_aigc_stream_t *stream);
} ngx_http_aigc_stream_ctx_t;


static void ngx_http_aigc_stream_write(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_stream_settle(ngx_http_aigc_stream_t *stream);
static void ngx_http_aigc_stream_release(void *data);


ngx_http_aigc_stream_t *
ngx_http_aigc_stream_create(ngx_http_request_t *r,
    void (*drained)(ngx_http_aigc_stream_t *stream))
{
    ngx_event_t                 *rev;
    ngx_pool_cleanup_t          *cln;
    ngx_http_aigc_stream_ctx_t  *sc;

    /*
     * Texts are released with the pool, not when the request is terminated:
     * HTTP/2 may have a frame half-written until then.
     */

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_aigc_stream_ctx_t));

    if (cln == NULL) {
        return NULL;
    }

    sc = cln->data;
    ngx_memzero(sc, sizeof(ngx_http_aigc_stream_ctx_t));

    cln->handler = ngx_http_aigc_stream_release;

    sc->drained = drained;
    sc->stream.request = r;

    if (ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_stream_ctx_t, sc)
        != NGX_OK)
    {
        return NULL;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_aigc_stream_write;

    /* the client may have closed while nobody looked */

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NULL;
    }

    return &sc->stream;
}


ngx_http_aigc_stream_t *
ngx_http_aigc_stream_of(ngx_http_request_t *r)
{
    ngx_http_aigc_stream_ctx_t  *sc;

    sc = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_stream_ctx_t);

    return &sc->stream;
}


static void
ngx_http_aigc_stream_release(void *data)
{
    ngx_http_aigc_stream_t *stream = data;

    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AIGC_STREAM_TEXTS; i++) {
        ngx_http_aigc_text_release(stream->texts[i]);
        stream->texts[i] = NULL;
    }
}


ngx_uint_t
ngx_http_aigc_stream_pending(ngx_http_aigc_stream_t *stream)
{
    return stream->request->buffered || stream->request->connection->buffered;
}


ngx_int_t
ngx_http_aigc_stream_send(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second)
{
    ngx_buf_t             *b;
    ngx_uint_t             i, n;
    ngx_chain_t            out[NGX_HTTP_AIGC_STREAM_TEXTS];
    ngx_http_aigc_text_t  *texts[NGX_HTTP_AIGC_STREAM_TEXTS];

    texts[0] = first;
    texts[1] = second;

    n = 0;

    for (i = 0; i < NGX_HTTP_AIGC_STREAM_TEXTS; i++) {

        if (texts[i] == NULL) {
            continue;
        }

        texts[i]->refs++;
        stream->texts[n] = texts[i];

        b = &stream->bufs[n];
        ngx_memzero(b, sizeof(ngx_buf_t));

        b->pos = texts[i]->data;
        b->last = texts[i]->data + texts[i]->len;
        b->start = b->pos;
        b->end = b->last;
        b->memory = 1;
        b->tag = (ngx_buf_tag_t) &ngx_http_aigc_module;

        out[n].buf = b;
        out[n].next = NULL;

        if (n) {
            out[n - 1].next = &out[n];
        }

        n++;
    }

    stream->bufs[n - 1].flush = 1;
    stream->written = ngx_current_msec;

    if (ngx_http_output_filter(stream->request, out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_http_aigc_stream_settle(stream);
}


/* After each attempt to send. */
static ngx_int_t
ngx_http_aigc_stream_settle(ngx_http_aigc_stream_t *stream)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    wev = r->connection->write;

    if (ngx_http_aigc_stream_pending(stream)) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (!wev->delayed) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        return (ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK)
               ? NGX_AGAIN : NGX_ERROR;
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    ngx_http_aigc_stream_release(stream);

    return NGX_OK;
}


/* As ngx_http_writer(), but for a body that has no end yet. */
static void
ngx_http_aigc_stream_write(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_event_t                 *wev;
    ngx_connection_t            *c;
    ngx_http_aigc_stream_ctx_t  *sc;

    sc = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_stream_ctx_t);

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (!ngx_http_aigc_stream_pending(&sc->stream)) {
        return;
    }

    rc = NGX_OK;

    if (!wev->delayed && !r->aio) {
        rc = ngx_http_output_filter(r, NULL);
    }

    if (rc != NGX_ERROR) {
        rc = ngx_http_aigc_stream_settle(&sc->stream);
    }

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (rc == NGX_OK) {
        sc->drained(&sc->stream);
    }
}


void
ngx_http_aigc_stream_finish(ngx_http_aigc_stream_t *stream, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = stream->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (rc == NGX_OK) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    /* a worker that exits waits for no slow client */

    if (ngx_exiting && ngx_http_aigc_stream_pending(stream)) {
        rc = NGX_ERROR;
    }

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}
