/*
 * net/ngx_aigc_fetch_loop.c — libcurl's sockets and timer as nginx events.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_fetch_loop.h"

#include "zone/ngx_aigc_pass.h"


static int ngx_aigc_fetch_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket);
static int ngx_aigc_fetch_timer(CURLM *multi, long ms, void *data);
static ngx_connection_t *ngx_aigc_fetch_find(curl_socket_t s);
static void ngx_aigc_fetch_forget(ngx_connection_t *c, ngx_uint_t flags);
static ngx_int_t ngx_aigc_fetch_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t want, ngx_uint_t flags);
static void ngx_aigc_fetch_io(ngx_event_t *ev);
static void ngx_aigc_fetch_timeout(ngx_event_t *ev);


CURLM                    *ngx_aigc_fetch_multi;

static ngx_cycle_t       *ngx_aigc_fetch_cycle;
static ngx_queue_t        ngx_aigc_fetch_sockets;   /* ngx_connection_t.queue */
static ngx_event_t        ngx_aigc_fetch_timer_event;

/* Debian's nginx logs an event's fd, so a timer needs a connection, too. */
static ngx_connection_t   ngx_aigc_fetch_timer_connection;


ngx_int_t
ngx_aigc_fetch_init(ngx_cycle_t *cycle)
{
    ngx_event_t  *ev;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "aigc: curl_global_init() failed");
        return NGX_ERROR;
    }

    ngx_aigc_fetch_multi = curl_multi_init();
    if (ngx_aigc_fetch_multi == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "aigc: curl_multi_init() failed");
        return NGX_ERROR;
    }

    ngx_queue_init(&ngx_aigc_fetch_sockets);

    ngx_aigc_fetch_cycle = cycle;
    ngx_aigc_fetch_timer_connection.fd = (ngx_socket_t) -1;

    ev = &ngx_aigc_fetch_timer_event;
    ngx_memzero(ev, sizeof(ngx_event_t));
    ev->handler = ngx_aigc_fetch_timeout;
    ev->data = &ngx_aigc_fetch_timer_connection;
    ev->log = cycle->log;
    ev->cancelable = 1;

    if (curl_multi_setopt(ngx_aigc_fetch_multi, CURLMOPT_SOCKETFUNCTION,
                          ngx_aigc_fetch_socket) != CURLM_OK
        || curl_multi_setopt(ngx_aigc_fetch_multi, CURLMOPT_TIMERFUNCTION,
                             ngx_aigc_fetch_timer) != CURLM_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_aigc_fetch_exit(void)
{
    if (ngx_aigc_fetch_multi == NULL) {
        return;
    }

    if (ngx_aigc_fetch_timer_event.timer_set) {
        ngx_del_timer(&ngx_aigc_fetch_timer_event);
    }

    (void) curl_multi_cleanup(ngx_aigc_fetch_multi);
    ngx_aigc_fetch_multi = NULL;

    while (!ngx_queue_empty(&ngx_aigc_fetch_sockets)) {
        ngx_aigc_fetch_forget(ngx_queue_data(
                                   ngx_queue_head(&ngx_aigc_fetch_sockets),
                                   ngx_connection_t, queue), NGX_CLOSE_EVENT);
    }

    curl_global_cleanup();
}


static int
ngx_aigc_fetch_socket(CURL *easy, curl_socket_t s, int what, void *data,
    void *socket)
{
    ngx_connection_t  *c;

    c = ngx_aigc_fetch_find(s);

    if (what == CURL_POLL_REMOVE) {
        if (c) {
            ngx_aigc_fetch_forget(c, fcntl(s, F_GETFD) == -1
                                     ? NGX_CLOSE_EVENT : 0);
        }

        return 0;
    }

    if (c && socket == NULL) {
        /* an earlier one of that number (7.88 closes what never connected) */
        ngx_aigc_fetch_forget(c, NGX_CLOSE_EVENT);
        c = NULL;
    }

    if (c == NULL) {
        c = ngx_get_connection(s, ngx_aigc_fetch_cycle->log);
        if (c == NULL) {
            return -1;
        }

        c->log = ngx_aigc_fetch_cycle->log;
        c->read->log = c->log;
        c->write->log = c->log;
        c->read->handler = ngx_aigc_fetch_io;
        c->write->handler = ngx_aigc_fetch_io;

        ngx_queue_insert_head(&ngx_aigc_fetch_sockets, &c->queue);

        (void) curl_multi_assign(ngx_aigc_fetch_multi, s, c);
    }

    if (ngx_aigc_fetch_event(c->read, NGX_READ_EVENT, what & CURL_POLL_IN, 0)
        != NGX_OK
        || ngx_aigc_fetch_event(c->write, NGX_WRITE_EVENT,
                                what & CURL_POLL_OUT, 0)
           != NGX_OK)
    {
        return -1;
    }

    return 0;
}


/* libcurl does not read until EAGAIN: its sockets are level-triggered */
static ngx_int_t
ngx_aigc_fetch_event(ngx_event_t *ev, ngx_int_t event, ngx_uint_t want,
    ngx_uint_t flags)
{
    if (want) {
        return ev->active ? NGX_OK : ngx_add_event(ev, event, NGX_LEVEL_EVENT);
    }

    return ev->active ? ngx_del_event(ev, event, flags) : NGX_OK;
}


/* libcurl closes some sockets without a word to the socket function. */
int
ngx_aigc_fetch_close(void *data, curl_socket_t s)
{
    ngx_connection_t  *c;

    c = ngx_aigc_fetch_find(s);

    if (c) {
        ngx_aigc_fetch_forget(c, 0);
    }

    return ngx_close_socket(s);
}


/* There are as many as watches and calls to Logto: few. */
static ngx_connection_t *
ngx_aigc_fetch_find(curl_socket_t s)
{
    ngx_queue_t       *q;
    ngx_connection_t  *c;

    for (q = ngx_queue_head(&ngx_aigc_fetch_sockets);
         q != ngx_queue_sentinel(&ngx_aigc_fetch_sockets);
         q = ngx_queue_next(q))
    {
        c = ngx_queue_data(q, ngx_connection_t, queue);

        if (c->fd == s) {
            return c;
        }
    }

    return NULL;
}


/* Only nginx's view goes.  NGX_CLOSE_EVENT: libcurl has closed it already. */
static void
ngx_aigc_fetch_forget(ngx_connection_t *c, ngx_uint_t flags)
{
    ngx_queue_remove(&c->queue);

    (void) ngx_aigc_fetch_event(c->read, NGX_READ_EVENT, 0, flags);
    (void) ngx_aigc_fetch_event(c->write, NGX_WRITE_EVENT, 0, flags);

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
}


static int
ngx_aigc_fetch_timer(CURLM *multi, long ms, void *data)
{
    ngx_event_t  *ev;

    ev = &ngx_aigc_fetch_timer_event;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ms >= 0) {
        ngx_add_timer(ev, (ngx_msec_t) ms);
    }

    return 0;
}


static void
ngx_aigc_fetch_io(ngx_event_t *ev)
{
    int                running, what;
    ngx_connection_t  *c;

    c = ev->data;
    what = ev->write ? CURL_CSELECT_OUT : CURL_CSELECT_IN;

    if (ngx_aigc_fetch_multi == NULL) {
        return;
    }

    ngx_aigc_pass_begin();

    (void) curl_multi_socket_action(ngx_aigc_fetch_multi, c->fd, what,
                                    &running);

    ngx_aigc_fetch_finished();

    ngx_aigc_pass_end(NGX_AIGC_PASS_WATCH);
}


static void
ngx_aigc_fetch_timeout(ngx_event_t *ev)
{
    int  running;

    if (ngx_aigc_fetch_multi == NULL) {
        return;
    }

    ngx_aigc_pass_begin();

    (void) curl_multi_socket_action(ngx_aigc_fetch_multi, CURL_SOCKET_TIMEOUT,
                                    0, &running);

    ngx_aigc_fetch_finished();

    ngx_aigc_pass_end(NGX_AIGC_PASS_WATCH);
}
