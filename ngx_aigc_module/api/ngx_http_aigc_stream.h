/*
 * api/ngx_http_aigc_stream.h — the output of one event stream, or of a long
 * list: never more than one message at a time, so that a client that does not
 * read costs no memory.
 */

#ifndef _NGX_HTTP_AIGC_STREAM_H_INCLUDED_
#define _NGX_HTTP_AIGC_STREAM_H_INCLUDED_

#include "ngx_http_aigc_audience.h"


#define NGX_HTTP_AIGC_STREAM_TEXTS  2   /* of a message */


typedef struct {
    ngx_queue_t                queue;   /* of the worker's streams */
    ngx_queue_t                own;     /* of its audience */
    ngx_queue_t                due;     /* of those that wait for a snapshot */
    ngx_http_aigc_audience_t  *audience;    /* NULL: it has ended */
    void                      *data;    /* the caller's */
    ngx_http_request_t        *request;
    ngx_event_t                expiry;  /* is it until yet? */
    time_t                     until;   /* it ends; a date */
    ngx_msec_t                 written; /* when: ngx_current_msec */
    unsigned                   behind:1;    /* news are not for it: a snapshot
                                               is */

    /* what is being sent; a filter may still point to it */
    ngx_http_aigc_text_t      *texts[NGX_HTTP_AIGC_STREAM_TEXTS];
    ngx_buf_t                  bufs[NGX_HTTP_AIGC_STREAM_TEXTS];
} ngx_http_aigc_stream_t;


/*
 * A stream of r, from its pool, with r as its own ever after; drained is called
 * when a message that had to wait has gone out.  NULL: no memory.
 */
ngx_http_aigc_stream_t *ngx_http_aigc_stream_create(ngx_http_request_t *r,
    void (*drained)(ngx_http_aigc_stream_t *stream));

/* The stream that r has. */
ngx_http_aigc_stream_t *ngx_http_aigc_stream_of(ngx_http_request_t *r);

/* 1: its message has not gone out; 0: another one may be sent. */
ngx_uint_t ngx_http_aigc_stream_pending(ngx_http_aigc_stream_t *stream);

/*
 * Sends first and second, which may be NULL; nothing is pending.  Takes a
 * reference of each for as long as it needs it.  NGX_OK: it has gone out;
 * NGX_AGAIN: it will; NGX_ERROR: finalize the request with it.
 */
ngx_int_t ngx_http_aigc_stream_send(ngx_http_aigc_stream_t *stream,
    ngx_http_aigc_text_t *first, ngx_http_aigc_text_t *second);

/*
 * Finalizes the request with rc, or, with NGX_OK, after the end of its body.
 * From a timer or on behalf of another request: stream may be gone then.
 */
void ngx_http_aigc_stream_finish(ngx_http_aigc_stream_t *stream,
    ngx_int_t rc);


#endif /* _NGX_HTTP_AIGC_STREAM_H_INCLUDED_ */
