/*
 * base/ngx_http_aigc_poll.c — one timer for a waiting request.
 */

#include "ngx_http_aigc_poll.h"

#include "ngx_aigc_timer.h"


typedef struct {
    ngx_event_t           event;
    ngx_http_request_t   *request;
    void                (*handler)(ngx_http_request_t *r);
} ngx_http_aigc_poll_t;


static ngx_http_aigc_poll_t *ngx_http_aigc_poll_find(ngx_http_request_t *r);
static void ngx_http_aigc_poll_fired(ngx_event_t *ev);
static void ngx_http_aigc_poll_cleanup(void *data);


ngx_int_t
ngx_http_aigc_poll(ngx_http_request_t *r, ngx_msec_t ms,
    void (*handler)(ngx_http_request_t *r))
{
    ngx_http_cleanup_t    *cln;
    ngx_http_aigc_poll_t  *poll;

    poll = ngx_http_aigc_poll_find(r);

    if (poll == NULL) {
        poll = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_poll_t));
        if (poll == NULL) {
            return NGX_ERROR;
        }

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_aigc_poll_cleanup;
        cln->data = poll;

        poll->request = r;
        poll->event.handler = ngx_http_aigc_poll_fired;
        poll->event.data = r->connection;
        poll->event.log = r->connection->log;
    }

    poll->handler = handler;

    ngx_add_timer(&poll->event, ms);

    return NGX_OK;
}


void
ngx_http_aigc_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_aigc_poll_t  *poll;

    poll = ngx_http_aigc_poll_find(r);

    if (poll) {
        ngx_aigc_timer_stop(&poll->event);
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, rc);
}


static ngx_http_aigc_poll_t *
ngx_http_aigc_poll_find(ngx_http_request_t *r)
{
    ngx_http_cleanup_t    *cln;
    ngx_http_aigc_poll_t  *poll;

    /* a subrequest's cleanups are its main request's */

    for (cln = r->main->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_aigc_poll_cleanup) {
            continue;
        }

        poll = cln->data;

        if (poll->request == r) {
            return poll;
        }
    }

    return NULL;
}


static void
ngx_http_aigc_poll_fired(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_aigc_poll_t  *poll;

    poll = (ngx_http_aigc_poll_t *) ((u_char *) ev
                                     - offsetof(ngx_http_aigc_poll_t, event));
    c = poll->request->connection;

    ngx_http_set_log_request(c->log, poll->request);

    poll->handler(poll->request);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_poll_cleanup(void *data)
{
    ngx_http_aigc_poll_t  *poll = data;

    ngx_aigc_timer_stop(&poll->event);
}
