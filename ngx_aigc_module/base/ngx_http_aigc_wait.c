/*
 * base/ngx_http_aigc_wait.c — one timer for a waiting request.
 */

#include "ngx_http_aigc_wait.h"

#include "ngx_aigc_timer.h"


typedef struct {
    ngx_event_t           event;
    ngx_http_request_t   *request;
    void                (*handler)(ngx_http_request_t *r);
} ngx_http_aigc_wait_t;


static ngx_http_aigc_wait_t *ngx_http_aigc_wait_find(ngx_http_request_t *r);
static void ngx_http_aigc_wait_fired(ngx_event_t *ev);
static void ngx_http_aigc_wait_cleanup(void *data);


ngx_int_t
ngx_http_aigc_wait(ngx_http_request_t *r, ngx_msec_t ms,
    void (*handler)(ngx_http_request_t *r))
{
    ngx_http_cleanup_t    *cln;
    ngx_http_aigc_wait_t  *wait;

    wait = ngx_http_aigc_wait_find(r);

    if (wait == NULL) {
        wait = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_wait_t));
        if (wait == NULL) {
            return NGX_ERROR;
        }

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_aigc_wait_cleanup;
        cln->data = wait;

        wait->request = r;
        wait->event.handler = ngx_http_aigc_wait_fired;
        wait->event.data = r->connection;
        wait->event.log = r->connection->log;
    }

    wait->handler = handler;

    ngx_add_timer(&wait->event, ms);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_wait_soon(ngx_http_request_t *r, ngx_msec_t start,
    ngx_msec_t max, void (*handler)(ngx_http_request_t *r))
{
    ngx_msec_t  ms;

    ms = 1 + (ngx_current_msec - start) / 8;

    return ngx_http_aigc_wait(r, ngx_min(ms, max), handler);
}


void
ngx_http_aigc_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_aigc_wait_t  *wait;

    wait = ngx_http_aigc_wait_find(r);

    if (wait) {
        ngx_aigc_timer_stop(&wait->event);
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, rc);
}


static ngx_http_aigc_wait_t *
ngx_http_aigc_wait_find(ngx_http_request_t *r)
{
    ngx_http_cleanup_t    *cln;
    ngx_http_aigc_wait_t  *wait;

    /* a subrequest's cleanups are its main request's */

    for (cln = r->main->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_aigc_wait_cleanup) {
            continue;
        }

        wait = cln->data;

        if (wait->request == r) {
            return wait;
        }
    }

    return NULL;
}


static void
ngx_http_aigc_wait_fired(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_aigc_wait_t  *wait;

    wait = (ngx_http_aigc_wait_t *) ((u_char *) ev
                                     - offsetof(ngx_http_aigc_wait_t, event));
    c = wait->request->connection;

    ngx_http_set_log_request(c->log, wait->request);

    wait->handler(wait->request);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_wait_cleanup(void *data)
{
    ngx_http_aigc_wait_t  *wait = data;

    ngx_aigc_timer_stop(&wait->event);
}
