/*
 * net/ngx_aigc_fetch.c — libcurl's sockets and timer as nginx events.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <curl/curl.h>

#include "ngx_aigc_fetch.h"

#include "zone/ngx_aigc_pass.h"


static int ngx_aigc_fetch_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket);
static int ngx_aigc_fetch_timer(CURLM *multi, long ms, void *data);
static int ngx_aigc_fetch_close(void *data, curl_socket_t s);
static ngx_connection_t *ngx_aigc_fetch_find(curl_socket_t s);
static void ngx_aigc_fetch_forget(ngx_connection_t *c, ngx_uint_t flags);
static ngx_int_t ngx_aigc_fetch_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t want, ngx_uint_t flags);
static void ngx_aigc_fetch_io(ngx_event_t *ev);
static void ngx_aigc_fetch_timeout(ngx_event_t *ev);
static void ngx_aigc_fetch_finished(void);
static ngx_int_t ngx_aigc_fetch_setup(ngx_aigc_fetch_t *f);
static size_t ngx_aigc_fetch_write(char *p, size_t size, size_t n, void *data);
static size_t ngx_aigc_fetch_header(char *p, size_t size, size_t n,
    void *data);
static void ngx_aigc_fetch_status(ngx_aigc_fetch_t *f);
static void ngx_aigc_fetch_free(ngx_aigc_fetch_t *f);


static CURLM             *ngx_aigc_multi;
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

    ngx_aigc_multi = curl_multi_init();
    if (ngx_aigc_multi == NULL) {
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

    if (curl_multi_setopt(ngx_aigc_multi, CURLMOPT_SOCKETFUNCTION,
                          ngx_aigc_fetch_socket) != CURLM_OK
        || curl_multi_setopt(ngx_aigc_multi, CURLMOPT_TIMERFUNCTION,
                             ngx_aigc_fetch_timer) != CURLM_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_aigc_fetch_exit(void)
{
    if (ngx_aigc_multi == NULL) {
        return;
    }

    if (ngx_aigc_fetch_timer_event.timer_set) {
        ngx_del_timer(&ngx_aigc_fetch_timer_event);
    }

    (void) curl_multi_cleanup(ngx_aigc_multi);
    ngx_aigc_multi = NULL;

    while (!ngx_queue_empty(&ngx_aigc_fetch_sockets)) {
        ngx_aigc_fetch_forget(ngx_queue_data(
                                   ngx_queue_head(&ngx_aigc_fetch_sockets),
                                   ngx_connection_t, queue), NGX_CLOSE_EVENT);
    }

    curl_global_cleanup();
}


ngx_aigc_fetch_t *
ngx_aigc_fetch_create(ngx_log_t *log)
{
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *f;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NULL;
    }

    f = ngx_pcalloc(pool, sizeof(ngx_aigc_fetch_t));
    if (f == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    f->pool = pool;
    f->log = log;
    f->connect_timeout = 5000;

    return f;
}


ngx_int_t
ngx_aigc_fetch_text(ngx_aigc_fetch_t *f, ngx_str_t *dst, const char *value,
    ngx_str_t *more)
{
    u_char  *p;
    size_t   len;

    len = ngx_strlen(value);

    dst->len = len + (more ? more->len : 0);
    dst->data = ngx_pnalloc(f->pool, dst->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(dst->data, value, len);

    if (more && more->len) {
        p = ngx_cpymem(p, more->data, more->len);
    }

    *p = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_aigc_fetch_start(ngx_aigc_fetch_t *f)
{
    if (ngx_aigc_multi == NULL || ngx_aigc_fetch_setup(f) != NGX_OK
        || curl_multi_add_handle(ngx_aigc_multi, f->easy) != CURLM_OK)
    {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: a call to \"%V\" could not be started", &f->url);
        ngx_aigc_fetch_free(f);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_fetch_setup(ngx_aigc_fetch_t *f)
{
    CURL               *easy;
    ngx_uint_t          i;
    struct curl_slist  *list, *next;

    easy = curl_easy_init();
    if (easy == NULL) {
        return NGX_ERROR;
    }

    f->easy = easy;
    list = NULL;

    for (i = 0; i < f->nheaders; i++) {
        next = curl_slist_append(list, (char *) f->headers[i].data);
        if (next == NULL) {
            curl_slist_free_all(list);
            return NGX_ERROR;
        }

        list = next;
    }

    f->list = list;

    if (f->data == NULL) {
        f->answer.data = ngx_pnalloc(f->pool, f->max + 1);
        if (f->answer.data == NULL) {
            return NGX_ERROR;
        }
    }

#define ngx_aigc_setopt(option, value)                                        \
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) {                  \
        return NGX_ERROR;                                                     \
    }

    ngx_aigc_setopt(CURLOPT_URL, (char *) f->url.data);
    ngx_aigc_setopt(CURLOPT_PRIVATE, f);
    ngx_aigc_setopt(CURLOPT_NOSIGNAL, 1L);

    /* a resolver thread that hangs is left behind, not waited for */
    ngx_aigc_setopt(CURLOPT_QUICK_EXIT, 1L);

    ngx_aigc_setopt(CURLOPT_PROTOCOLS_STR, "http,https");
    ngx_aigc_setopt(CURLOPT_FOLLOWLOCATION, 0L);
    ngx_aigc_setopt(CURLOPT_PROXY, "");
    ngx_aigc_setopt(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPALIVE, 1L);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPIDLE, 30L);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPINTVL, 10L);
    ngx_aigc_setopt(CURLOPT_CONNECTTIMEOUT_MS, (long) f->connect_timeout);
    ngx_aigc_setopt(CURLOPT_TIMEOUT_MS, (long) f->timeout);
    ngx_aigc_setopt(CURLOPT_HTTPHEADER, list);
    ngx_aigc_setopt(CURLOPT_CLOSESOCKETFUNCTION, ngx_aigc_fetch_close);
    ngx_aigc_setopt(CURLOPT_WRITEFUNCTION, ngx_aigc_fetch_write);
    ngx_aigc_setopt(CURLOPT_WRITEDATA, f);

    if (f->begin) {
        ngx_aigc_setopt(CURLOPT_HEADERFUNCTION, ngx_aigc_fetch_header);
        ngx_aigc_setopt(CURLOPT_HEADERDATA, f);
    }

    if (f->ca_file.len) {
        ngx_aigc_setopt(CURLOPT_CAINFO, (char *) f->ca_file.data);
    }

    if (f->body.len || f->method) {
        ngx_aigc_setopt(CURLOPT_POSTFIELDSIZE, (long) f->body.len);
        ngx_aigc_setopt(CURLOPT_POSTFIELDS,
                        f->body.len ? (char *) f->body.data : "");
    }

    if (f->method) {
        ngx_aigc_setopt(CURLOPT_CUSTOMREQUEST, f->method);
    }

#undef ngx_aigc_setopt

    return NGX_OK;
}


void
ngx_aigc_fetch_cancel(ngx_aigc_fetch_t *f)
{
    (void) curl_multi_remove_handle(ngx_aigc_multi, f->easy);

    ngx_aigc_fetch_free(f);
}


/* libcurl does not end a transfer whose bytes are refused in here */
ngx_int_t
ngx_aigc_fetch_resume(ngx_aigc_fetch_t *f)
{
    return curl_easy_pause(f->easy, CURLPAUSE_CONT) == CURLE_OK ? NGX_OK
                                                                : NGX_ERROR;
}


static void
ngx_aigc_fetch_free(ngx_aigc_fetch_t *f)
{
    if (f->easy) {
        curl_easy_cleanup(f->easy);
    }

    if (f->list) {
        curl_slist_free_all(f->list);
    }

    ngx_destroy_pool(f->pool);
}


static size_t
ngx_aigc_fetch_write(char *p, size_t size, size_t n, void *data)
{
    ngx_aigc_fetch_t *f = data;

    size_t  len;

    len = size * n;

    if (f->data) {

        ngx_aigc_fetch_status(f);

        switch (f->data(f, (u_char *) p, len)) {

        case NGX_OK:
            return len;

        case NGX_AGAIN:
            return CURL_WRITEFUNC_PAUSE;

        default:
            return 0;
        }
    }

    if (len > f->max - f->answer.len) {
        f->error = "the answer is too large";
        f->large = 1;
        return 0;
    }

    ngx_memcpy(f->answer.data + f->answer.len, p, len);
    f->answer.len += len;

    return len;
}


/* line by line; the empty one is the end, of a 1xx answer, too */
static size_t
ngx_aigc_fetch_header(char *p, size_t size, size_t n, void *data)
{
    ngx_aigc_fetch_t *f = data;

    if (size * n <= 2) {
        f->status = 0;
        ngx_aigc_fetch_status(f);

        if (f->status >= 200) {
            f->begin(f);
        }
    }

    return size * n;
}


static void
ngx_aigc_fetch_status(ngx_aigc_fetch_t *f)
{
    long  status;

    if (f->status == 0
        && curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status)
           == CURLE_OK)
    {
        f->status = status;
    }
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

        (void) curl_multi_assign(ngx_aigc_multi, s, c);
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
static int
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

    if (ngx_aigc_multi == NULL) {
        return;
    }

    ngx_aigc_pass_begin();

    (void) curl_multi_socket_action(ngx_aigc_multi, c->fd, what, &running);

    ngx_aigc_fetch_finished();

    ngx_aigc_pass_end(NGX_AIGC_PASS_WATCH);
}


static void
ngx_aigc_fetch_timeout(ngx_event_t *ev)
{
    int  running;

    if (ngx_aigc_multi == NULL) {
        return;
    }

    ngx_aigc_pass_begin();

    (void) curl_multi_socket_action(ngx_aigc_multi, CURL_SOCKET_TIMEOUT, 0,
                                    &running);

    ngx_aigc_fetch_finished();

    ngx_aigc_pass_end(NGX_AIGC_PASS_WATCH);
}


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

    while (ngx_aigc_multi) {

        msg = curl_multi_info_read(ngx_aigc_multi, &left);

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

        if (code != CURLE_OK && f->error == NULL) {
            f->error = curl_easy_strerror(code);
        }

        (void) curl_multi_remove_handle(ngx_aigc_multi, easy);

        f->done(f);

        ngx_aigc_fetch_free(f);
    }
}
