/*
 * base/ngx_aigc_fetch_loop.c — libcurl's sockets and timer as nginx events.
 *
 * libcurl gives a multi handle up for good when one of these callbacks returns
 * -1, with every transfer that it has and will have.  So they never do: a
 * transfer that gets no connection, or no event, ends alone.  Should the handle
 * die all the same, another takes its place.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_fetch_loop.h"

#include "ngx_aigc_control.h"
#include "ngx_aigc_elapsed.h"
#include "ngx_aigc_loop_time.h"
#include "ngx_aigc_timer.h"


#define NGX_AIGC_FETCH_REBUILD  1000    /* ms: there was no memory for a new
                                           multi handle */


static CURLM *ngx_aigc_fetch_multi_create(void);
static int ngx_aigc_fetch_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket);
static int ngx_aigc_fetch_timer(CURLM *multi, long ms, void *data);
static ngx_aigc_fetch_t *ngx_aigc_fetch_of(CURL *easy);
static ngx_connection_t *ngx_aigc_fetch_watch(ngx_aigc_fetch_t *f,
    curl_socket_t s);
static ngx_connection_t *ngx_aigc_fetch_find(curl_socket_t s);
static void ngx_aigc_fetch_forget(ngx_connection_t *c, ngx_uint_t flags);
static ngx_int_t ngx_aigc_fetch_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t want, ngx_uint_t flags);
static void ngx_aigc_fetch_io(ngx_event_t *ev);
static void ngx_aigc_fetch_timeout(ngx_event_t *ev);
static void ngx_aigc_fetch_act(curl_socket_t s, int what);
static void ngx_aigc_fetch_check(CURLMcode code, const char *what);
static void ngx_aigc_fetch_after(ngx_event_t *ev);
static void ngx_aigc_fetch_rebuild(void);
static void ngx_aigc_fetch_finished(void);


CURLM                    *ngx_aigc_fetch_multi;

static ngx_cycle_t       *ngx_aigc_fetch_cycle;
static ngx_aigc_zone_t   *ngx_aigc_fetch_zone;
static ngx_queue_t        ngx_aigc_fetch_sockets;   /* ngx_connection_t.queue */
static ngx_queue_t        ngx_aigc_fetch_calls;     /* ngx_aigc_fetch_t.queue */
static ngx_uint_t         ngx_aigc_fetch_dead;      /* the multi handle is */
static ngx_event_t        ngx_aigc_fetch_timer_event;
static ngx_event_t        ngx_aigc_fetch_after_event;   /* see _after() */


ngx_int_t
ngx_aigc_fetch_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    ngx_uint_t duties)
{
    ngx_aigc_fetch_cycle = cycle;
    ngx_aigc_fetch_zone = zone;
    ngx_aigc_fetch_dead = 0;

    ngx_queue_init(&ngx_aigc_fetch_sockets);
    ngx_queue_init(&ngx_aigc_fetch_calls);

    ngx_aigc_timer_init(&ngx_aigc_fetch_timer_event, ngx_aigc_fetch_timeout, 1,
                        cycle->log);
    ngx_aigc_timer_init(&ngx_aigc_fetch_after_event, ngx_aigc_fetch_after, 1,
                        cycle->log);

    if (ngx_aigc_reserve_set(cycle, NGX_AIGC_RESERVE_CALL,
                             NGX_AIGC_RESERVE_CALLS)
        != NGX_OK
        || ngx_aigc_reserve_set(cycle, NGX_AIGC_RESERVE_DUTY, duties)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "aigc: curl_global_init() failed");
        return NGX_ERROR;
    }

    /* nginx does not start a worker again that fails here: it waits instead */

    ngx_aigc_fetch_dead = 1;
    ngx_aigc_fetch_rebuild();

    return NGX_OK;
}


static CURLM *
ngx_aigc_fetch_multi_create(void)
{
    CURLM  *multi;

    multi = curl_multi_init();

    if (multi
        && (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
                              ngx_aigc_fetch_socket) != CURLM_OK
            || curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi) != CURLM_OK
            || curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
                                 ngx_aigc_fetch_timer) != CURLM_OK))
    {
        (void) curl_multi_cleanup(multi);
        return NULL;
    }

    return multi;
}


void
ngx_aigc_fetch_exit(void)
{
    CURLM  *multi;

    if (ngx_aigc_fetch_cycle == NULL) {
        return;
    }

    ngx_aigc_timer_stop(&ngx_aigc_fetch_timer_event);

    ngx_aigc_timer_stop(&ngx_aigc_fetch_after_event);

    if (ngx_aigc_fetch_after_event.posted) {
        ngx_delete_posted_event(&ngx_aigc_fetch_after_event);
    }

    multi = ngx_aigc_fetch_multi;
    ngx_aigc_fetch_multi = NULL;        /* no timer, no call any more */

    if (multi) {
        (void) curl_multi_cleanup(multi);
    }

    while (!ngx_queue_empty(&ngx_aigc_fetch_sockets)) {
        ngx_aigc_fetch_forget(ngx_queue_data(
                                   ngx_queue_head(&ngx_aigc_fetch_sockets),
                                   ngx_connection_t, queue), NGX_CLOSE_EVENT);
    }

    curl_global_cleanup();

    ngx_aigc_fetch_cycle = NULL;
}


const char *
ngx_aigc_fetch_join(ngx_aigc_fetch_t *f)
{
    CURLMcode  code;

    if (ngx_aigc_fetch_multi == NULL) {
        ngx_aigc_fetch_starve(f);
        return "libcurl has no memory";
    }

    code = curl_multi_add_handle(ngx_aigc_fetch_multi, f->easy);

    if (code != CURLM_OK) {
        ngx_aigc_fetch_check(code, "curl_multi_add_handle()");
        ngx_aigc_fetch_starve(f);
        return curl_multi_strerror(code);
    }

    f->multi = ngx_aigc_fetch_multi;
    ngx_queue_insert_tail(&ngx_aigc_fetch_calls, &f->queue);

    return NULL;
}


void
ngx_aigc_fetch_leave(ngx_aigc_fetch_t *f)
{
    CURLMcode  code;

    if (f->multi == NULL) {
        return;
    }

    code = curl_multi_remove_handle(f->multi, f->easy);

    if (code != CURLM_OK && f->multi == ngx_aigc_fetch_multi) {
        ngx_aigc_fetch_check(code, "curl_multi_remove_handle()");
    }

    f->multi = NULL;
    ngx_queue_remove(&f->queue);
}


void
ngx_aigc_fetch_starve(ngx_aigc_fetch_t *f)
{
    ngx_aigc_count(ngx_aigc_fetch_zone, calls_starved);

    if (f->reserve == NGX_AIGC_RESERVE_DUTY
        && ngx_aigc_zone_is_writer(ngx_aigc_fetch_zone) == NGX_OK)
    {
        ngx_aigc_control_stuck(ngx_aigc_fetch_zone);
    }

    if (f->multi) {
        f->starved = 1;
        ngx_post_event(&ngx_aigc_fetch_after_event, &ngx_posted_events);
    }
}


/* Always 0: see above. */
static int
ngx_aigc_fetch_socket(CURL *easy, curl_socket_t s, int what, void *data,
    void *socket)
{
    ngx_connection_t  *c;
    ngx_aigc_fetch_t  *f;

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

    f = ngx_aigc_fetch_of(easy);

    if (f == NULL || data != ngx_aigc_fetch_multi) {
        return 0;                       /* libcurl's own, or one that goes */
    }

    if (c == NULL) {
        c = ngx_aigc_fetch_watch(f, s);
    }

    if (c
        && ngx_aigc_fetch_event(c->read, NGX_READ_EVENT, what & CURL_POLL_IN,
                                0)
           == NGX_OK
        && ngx_aigc_fetch_event(c->write, NGX_WRITE_EVENT,
                                what & CURL_POLL_OUT, 0)
           == NGX_OK)
    {
        if (f->reserve == NGX_AIGC_RESERVE_DUTY
            && ngx_aigc_zone_is_writer(ngx_aigc_fetch_zone) == NGX_OK)
        {
            ngx_aigc_control_free(ngx_aigc_fetch_zone);
        }

        return 0;
    }

    if (c) {
        ngx_aigc_fetch_forget(c, 0);
    }

    ngx_aigc_fetch_starve(f);

    return 0;
}


/* NULL: libcurl's own handle, with which it closes connections */
static ngx_aigc_fetch_t *
ngx_aigc_fetch_of(CURL *easy)
{
    char  *private;

    private = NULL;

    return (easy && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private)
                    == CURLE_OK)
           ? (ngx_aigc_fetch_t *) private : NULL;
}


/* NULL: there is no connection */
static ngx_connection_t *
ngx_aigc_fetch_watch(ngx_aigc_fetch_t *f, curl_socket_t s)
{
    CURLMcode          code;
    ngx_connection_t  *c;

    c = ngx_aigc_reserve_get(f->reserve, s, ngx_aigc_fetch_cycle->log);

    if (c == NULL) {
        return NULL;
    }

    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_aigc_fetch_io;
    c->write->handler = ngx_aigc_fetch_io;

    ngx_queue_insert_head(&ngx_aigc_fetch_sockets, &c->queue);

    code = curl_multi_assign(ngx_aigc_fetch_multi, s, c);

    if (code != CURLM_OK) {
        ngx_aigc_fetch_check(code, "curl_multi_assign()");
    }

    return c;
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

    ngx_aigc_reserve_free(c);
}


static int
ngx_aigc_fetch_timer(CURLM *multi, long ms, void *data)
{
    ngx_event_t  *ev;

    ev = &ngx_aigc_fetch_timer_event;

    if (multi != ngx_aigc_fetch_multi) {
        return 0;
    }

    ngx_aigc_timer_stop(ev);

    if (ms >= 0) {
        ngx_add_timer(ev, (ngx_msec_t) ms);
    }

    return 0;
}


static void
ngx_aigc_fetch_io(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_aigc_fetch_act(c->fd, ev->write ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
}


static void
ngx_aigc_fetch_timeout(ngx_event_t *ev)
{
    ngx_aigc_fetch_act(CURL_SOCKET_TIMEOUT, 0);
}


static void
ngx_aigc_fetch_act(curl_socket_t s, int what)
{
    int        running;
    CURLMcode  code;

    if (ngx_aigc_fetch_multi == NULL) {
        return;
    }

    ngx_aigc_loop_time_begin();

    code = curl_multi_socket_action(ngx_aigc_fetch_multi, s, what, &running);

    if (code != CURLM_OK) {
        ngx_aigc_fetch_check(code, "curl_multi_socket_action()");
    }

    ngx_aigc_fetch_finished();

    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_WATCH);
}


/*
 * What libcurl says of the whole multi handle.  It tells of no way to cure one,
 * so whatever it is, a new one takes over, after this pass.
 */
static void
ngx_aigc_fetch_check(CURLMcode code, const char *what)
{
    static ngx_aigc_seldom_t  said;

    if (ngx_aigc_seldom(&said, NGX_AIGC_FETCH_REBUILD)) {
        ngx_log_error(NGX_LOG_ERR, ngx_aigc_fetch_cycle->log, 0,
                      "aigc: %s failed: %d (%s): calls begin anew", what,
                      (int) code, curl_multi_strerror(code));
    }

    ngx_aigc_fetch_dead = 1;
    ngx_post_event(&ngx_aigc_fetch_after_event, &ngx_posted_events);
}


/* What cannot be done inside of libcurl's own calls. */
static void
ngx_aigc_fetch_after(ngx_event_t *ev)
{
    ngx_queue_t       *q;
    ngx_aigc_fetch_t  *f;

    ngx_aigc_loop_time_begin();

    if (ngx_aigc_fetch_dead) {
        ngx_aigc_fetch_rebuild();
    }

    /* done() may end others, too: begin at the head each time */

    q = ngx_queue_head(&ngx_aigc_fetch_calls);

    while (q != ngx_queue_sentinel(&ngx_aigc_fetch_calls)) {

        f = ngx_queue_data(q, ngx_aigc_fetch_t, queue);
        q = ngx_queue_next(q);

        if (f->starved) {
            f->end(f, "no connection is free, or no event: see "
                      "\"worker_connections\"");
            q = ngx_queue_head(&ngx_aigc_fetch_calls);
        }
    }

    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_WATCH);
}


/*
 * A multi handle, the first one or another one.  Every call of a dead one ends,
 * with an error: who made it tries again.
 */
static void
ngx_aigc_fetch_rebuild(void)
{
    CURLM             *old, *new;
    ngx_queue_t       *q, calls;
    ngx_aigc_fetch_t  *f;

    new = ngx_aigc_fetch_multi_create();

    if (new == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_aigc_fetch_cycle->log, 0,
                      "aigc: curl_multi_init() failed: trying again");
        ngx_add_timer(&ngx_aigc_fetch_after_event, NGX_AIGC_FETCH_REBUILD);
        return;
    }

    ngx_aigc_fetch_finished();          /* what ended before */

    old = ngx_aigc_fetch_multi;

    ngx_aigc_timer_stop(&ngx_aigc_fetch_timer_event);

    ngx_aigc_fetch_multi = new;
    ngx_aigc_fetch_dead = 0;

    if (old == NULL) {
        return;                         /* it is the first one */
    }

    ngx_aigc_count(ngx_aigc_fetch_zone, loops_rebuilt);

    /* done() may make new calls: these are of the new handle */

    ngx_queue_init(&calls);

    while (!ngx_queue_empty(&ngx_aigc_fetch_calls)) {
        q = ngx_queue_head(&ngx_aigc_fetch_calls);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&calls, q);
    }

    while (!ngx_queue_empty(&calls)) {
        f = ngx_queue_data(ngx_queue_head(&calls), ngx_aigc_fetch_t, queue);
        f->end(f, "libcurl gave all its calls up");
    }

    (void) curl_multi_cleanup(old);
}


/* Some calls may have ended: done() of each. */
static void
ngx_aigc_fetch_finished(void)
{
    int                left;
    char              *private;
    long               status;
    CURL              *easy;
    CURLMsg           *msg;
    CURLcode           code;
    ngx_aigc_fetch_t  *f;

    /* done() may end everything: look at the handle again each time */

    while (ngx_aigc_fetch_multi) {

        msg = curl_multi_info_read(ngx_aigc_fetch_multi, &left);

        if (msg == NULL) {
            return;
        }

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        easy = msg->easy_handle;
        code = msg->data.result;

        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) != CURLE_OK) {
            continue;
        }

        f = (ngx_aigc_fetch_t *) private;

        if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status)
            == CURLE_OK)
        {
            f->status = status;
        }

        f->end(f, code == CURLE_OK ? NULL : curl_easy_strerror(code));
    }
}
