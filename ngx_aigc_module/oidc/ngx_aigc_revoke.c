/*
 * oidc/ngx_aigc_revoke.c — list and watch of one object.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revoke.h"
#include "ngx_aigc_revoke_read.h"

#include "base/ngx_aigc_loop_time.h"
#include "base/ngx_aigc_scan.h"
#include "base/ngx_aigc_text.h"
#include "kube/ngx_aigc_frame.h"


#define NGX_AIGC_REVOKE_QUERY    512    /* bytes of the watch's query */
#define NGX_AIGC_REVOKE_VERSION  64     /* bytes of a resourceVersion */


typedef struct {
    ngx_aigc_kubernetes_t  *k8s;
    ngx_aigc_zone_t        *zone;
    ngx_log_t              *log;
    ngx_aigc_fetch_t       *fetch;      /* the list, or the watch */
    ngx_aigc_frame_t        frame;
    ngx_uint_t              paused;     /* bytes wait until one is read */
    ngx_str_t               listed;     /* the object of a list: ours */
    char                    query[NGX_AIGC_REVOKE_QUERY];
    ngx_msec_t              backoff;
    ngx_event_t             timer;      /* the next list, or silence */
    ngx_event_t             poll;
    ngx_connection_t        dummy;      /* Debian's nginx logs a timer's fd */
    ngx_aigc_seldom_t       pruned;
} ngx_aigc_revoke_t;


static void ngx_aigc_revoke_event(ngx_event_t *ev,
    ngx_event_handler_pt handler);
static void ngx_aigc_revoke_poll(ngx_event_t *ev);
static void ngx_aigc_revoke_timer(ngx_event_t *ev);
static void ngx_aigc_revoke_list(void);
static void ngx_aigc_revoke_listed(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_revoke_list_text(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_revoke_list_query(ngx_pool_t *pool,
    ngx_str_t *metadata);
static void ngx_aigc_revoke_list_read(ngx_int_t rc);
static void ngx_aigc_revoke_list_free(void);
static void ngx_aigc_revoke_watch(void);
static ngx_int_t ngx_aigc_revoke_data(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static ngx_int_t ngx_aigc_revoke_pump(void);
static ngx_int_t ngx_aigc_revoke_take(ngx_str_t *line);
static void ngx_aigc_revoke_event_read(ngx_int_t rc);
static void ngx_aigc_revoke_ended(ngx_aigc_fetch_t *f);
static void ngx_aigc_revoke_silence(void);
static void ngx_aigc_revoke_retry(ngx_uint_t failed);


static ngx_aigc_revoke_t  ngx_aigc_revoke;


ngx_int_t
ngx_aigc_revoke_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, time_t lifetime)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    ngx_memzero(w, sizeof(ngx_aigc_revoke_t));

    w->k8s = k8s;
    w->zone = zone;
    w->log = cycle->log;
    w->dummy.fd = (ngx_socket_t) -1;
    (void) ngx_aigc_seldom(&w->pruned, 0);
    ngx_aigc_revoke_lifetime = lifetime;

    ngx_aigc_frame_init(&w->frame);
    ngx_aigc_revoke_read_init(zone, cycle->log);

    ngx_aigc_revoke_event(&w->timer, ngx_aigc_revoke_timer);
    ngx_aigc_revoke_event(&w->poll, ngx_aigc_revoke_poll);

    ngx_add_timer(&w->poll, NGX_AIGC_REVOKE_POLL);

    ngx_aigc_revoke_list();

    return NGX_OK;
}


void
ngx_aigc_revoke_stop(void)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (w->zone == NULL) {
        return;
    }

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }

    if (w->poll.timer_set) {
        ngx_del_timer(&w->poll);
    }

    if (w->fetch) {
        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
    }

    ngx_aigc_revoke_read_stop();
    ngx_aigc_revoke_list_free();
    ngx_aigc_frame_free(&w->frame);
    ngx_aigc_revoke_store_stop();

    w->zone = NULL;
}


static void
ngx_aigc_revoke_event(ngx_event_t *ev, ngx_event_handler_pt handler)
{
    ev->handler = handler;
    ev->data = &ngx_aigc_revoke.dummy;
    ev->log = ngx_aigc_revoke.log;
    ev->cancelable = 1;
}


/* What workers have revoked goes out; what nobody needs any more is dropped. */
static void
ngx_aigc_revoke_poll(ngx_event_t *ev)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (ngx_aigc_zone_is_writer(w->zone) != NGX_OK) {
        ngx_aigc_revoke_stop();
        return;
    }

    ngx_add_timer(ev, NGX_AIGC_REVOKE_POLL);

    ngx_aigc_revoke_store(w->k8s, w->zone, w->log);

    if (ngx_aigc_seldom(&w->pruned, NGX_AIGC_REVOKE_FORGET * 1000 / 6)) {
        ngx_aigc_revocation_prune(w->zone, ngx_time()
                                           - ngx_aigc_revoke_lifetime
                                           - NGX_AIGC_REVOKE_FORGET);
    }
}


static void
ngx_aigc_revoke_timer(ngx_event_t *ev)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (w->fetch) {
        /* a watch that says nothing, not even a bookmark */

        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
    }

    ngx_aigc_revoke_read_stop();
    ngx_aigc_revoke_list();
}


static void
ngx_aigc_revoke_list(void)
{
    ngx_aigc_fetch_t   *f;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    f = ngx_aigc_revoke_call(w->k8s, NULL, "?fieldSelector=metadata.name%3D"
                             NGX_AIGC_REVOKED_NAME, NULL, w->log);
    if (f == NULL) {
        ngx_aigc_revoke_retry(1);
        return;
    }

    f->timeout = NGX_AIGC_REVOKE_TIMEOUT;
    f->max = NGX_AIGC_REVOKE_BODY;
    f->done = ngx_aigc_revoke_listed;

    w->fetch = f;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        w->fetch = NULL;
        ngx_aigc_revoke_retry(1);
    }
}


static void
ngx_aigc_revoke_listed(ngx_aigc_fetch_t *f)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;
    w->fetch = NULL;

    if (f->status == 403 && f->error == NULL) {
        /* nobody will ever tell us: what we are told ourselves has to do */
        ngx_aigc_revocation_heard(w->zone);
    }

    if (f->status != 200 || f->error || ngx_aigc_revoke_list_text(f) != NGX_OK)
    {
        ngx_aigc_revoke_complain(f->status, f->error, "read");
        ngx_aigc_revoke_retry(1);
        return;
    }

    ngx_aigc_revoke_read(&w->listed, 1, ngx_aigc_revoke_list_read);
}


/* The objects of the list, one or none, kept until they are read. */
static ngx_int_t
ngx_aigc_revoke_list_text(ngx_aigc_fetch_t *f)
{
    ngx_str_t          *items;
    ngx_aigc_revoke_t  *w;

    ngx_aigc_scan_t  list[] = {
        { "metadata", ngx_null_string }, { "items", ngx_null_string }
    };

    w = &ngx_aigc_revoke;
    items = &list[1].value;

    if (ngx_aigc_scan(&f->answer, list, 2) != NGX_OK || items->len == 0
        || ngx_aigc_revoke_list_query(f->pool, &list[0].value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_revoke_list_free();

    w->listed.data = ngx_alloc(items->len, w->log);
    if (w->listed.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(w->listed.data, items->data, items->len);
    w->listed.len = items->len;

    return NGX_OK;
}


/* Of the watch that goes on from the list. */
static ngx_int_t
ngx_aigc_revoke_list_query(ngx_pool_t *pool, ngx_str_t *metadata)
{
    ngx_str_t           version;
    ngx_aigc_revoke_t  *w;

    ngx_aigc_scan_t  meta[] = { { "resourceVersion", ngx_null_string } };

    w = &ngx_aigc_revoke;

    if (ngx_aigc_scan(metadata, meta, 1) != NGX_OK
        || ngx_aigc_scan_string(pool, &meta[0].value, NGX_AIGC_REVOKE_VERSION,
                                &version)
           != NGX_OK
        || ngx_aigc_text_check(&version, NGX_AIGC_REVOKE_VERSION) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *ngx_snprintf((u_char *) w->query, sizeof(w->query) - 1,
                  "?fieldSelector=metadata.name%%3D" NGX_AIGC_REVOKED_NAME
                  "&watch=true&allowWatchBookmarks=true"
                  "&resourceVersion=%V&timeoutSeconds=%ui", &version,
                  (ngx_uint_t) 300 + ngx_random() % 300) = '\0';

    return NGX_OK;
}


static void
ngx_aigc_revoke_list_read(ngx_int_t rc)
{
    ngx_aigc_revoke_list_free();

    if (rc != NGX_OK) {
        ngx_aigc_revoke_complain(200, "it makes no sense", "read");
        ngx_aigc_revoke_retry(1);
        return;
    }

    ngx_aigc_revocation_heard(ngx_aigc_revoke.zone);

    /* a smaller one than ours may have been written over it */

    ngx_aigc_revoke_again();

    ngx_aigc_revoke_watch();
}


static void
ngx_aigc_revoke_list_free(void)
{
    if (ngx_aigc_revoke.listed.data) {
        ngx_free(ngx_aigc_revoke.listed.data);
        ngx_str_null(&ngx_aigc_revoke.listed);
    }
}


static void
ngx_aigc_revoke_watch(void)
{
    ngx_aigc_fetch_t   *f;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    ngx_aigc_frame_free(&w->frame);
    ngx_aigc_frame_init(&w->frame);

    w->paused = 0;

    f = ngx_aigc_revoke_call(w->k8s, NULL, w->query, NULL, w->log);
    if (f == NULL) {
        ngx_aigc_revoke_retry(1);
        return;
    }

    f->data = ngx_aigc_revoke_data;
    f->done = ngx_aigc_revoke_ended;

    w->fetch = f;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        w->fetch = NULL;
        ngx_aigc_revoke_retry(1);
        return;
    }

    ngx_aigc_revoke_silence();
}


static void
ngx_aigc_revoke_silence(void)
{
    ngx_add_timer(&ngx_aigc_revoke.timer, NGX_AIGC_REVOKE_SILENCE * 1000);
}


static ngx_int_t
ngx_aigc_revoke_data(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (f->status != 200) {
        return NGX_OK;                  /* the status alone counts */
    }

    if (ngx_aigc_revoke_reads()) {
        w->paused = 1;                  /* its text must stay where it is */
        return NGX_AGAIN;
    }

    if (ngx_aigc_frame_feed(&w->frame, p, len) != NGX_OK) {
        f->error = "an event is too large";
        return NGX_ERROR;
    }

    return ngx_aigc_revoke_pump();
}


static ngx_int_t
ngx_aigc_revoke_pump(void)
{
    ngx_str_t           line;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    while (!ngx_aigc_revoke_reads()
           && ngx_aigc_frame_next(&w->frame, &line) == NGX_OK)
    {
        if (ngx_aigc_revoke_take(&line) != NGX_OK) {
            w->fetch->error = "an event was not understood, or is an error";
            return NGX_ERROR;
        }

        w->backoff = 0;
        ngx_aigc_revocation_heard(w->zone);
        ngx_aigc_revoke_silence();
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_revoke_take(ngx_str_t *line)
{
    static ngx_str_t  none = ngx_string("{}");

#define ngx_aigc_revoke_is(word)                                              \
    ngx_aigc_text_is(&event[0].value, "\"" word "\"")

    ngx_aigc_scan_t  event[] = {
        { "type", ngx_null_string }, { "object", ngx_null_string }
    };

    if (ngx_aigc_scan(line, event, 2) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_revoke_is("BOOKMARK")) {
        return NGX_OK;
    }

    if (ngx_aigc_revoke_is("ADDED") || ngx_aigc_revoke_is("MODIFIED")) {
        ngx_aigc_revoke_read(&event[1].value, 0, ngx_aigc_revoke_event_read);
        return NGX_OK;
    }

    if (ngx_aigc_revoke_is("DELETED")) {
        /* by whoever: all of it is written again */
        ngx_aigc_revoke_read(&none, 0, ngx_aigc_revoke_event_read);
        return NGX_OK;
    }

    return NGX_DECLINED;                /* ERROR, 410 mostly: list again */

#undef ngx_aigc_revoke_is
}


/* Called within a pass, outside of libcurl. */
static void
ngx_aigc_revoke_event_read(ngx_int_t rc)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (w->fetch == NULL) {
        return;
    }

    if (rc == NGX_OK) {

        /* a smaller one than ours may have been written over it */

        ngx_aigc_revoke_again();

        rc = ngx_aigc_revoke_pump();

    } else {
        w->fetch->error = "an event was not understood";
    }

    if (rc == NGX_OK && w->paused && !ngx_aigc_revoke_reads()) {
        w->paused = 0;
        rc = ngx_aigc_fetch_resume(w->fetch);
    }

    if (rc != NGX_OK) {
        ngx_aigc_revoke_complain(w->fetch->status, w->fetch->error,
                                 "watched");
        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;

        ngx_aigc_revoke_retry(1);
    }
}


static void
ngx_aigc_revoke_ended(ngx_aigc_fetch_t *f)
{
    ngx_uint_t  failed;

    ngx_aigc_revoke.fetch = NULL;

    /* what was not read to its end is listed */

    ngx_aigc_revoke_read_stop();

    failed = (f->status != 200 || f->error);

    if (failed) {
        ngx_aigc_revoke_complain(f->status, f->error, "watched");
    }

    ngx_aigc_revoke_retry(failed);
}


static void
ngx_aigc_revoke_retry(ngx_uint_t failed)
{
    ngx_msec_t          wait;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (failed) {
        w->backoff = w->backoff ? ngx_min(2 * w->backoff,
                                          NGX_AIGC_REVOKE_BACKOFF_MAX)
                                : NGX_AIGC_REVOKE_BACKOFF;
    }

    wait = ngx_max(w->backoff, 20);

    ngx_add_timer(&w->timer, wait / 2 + ngx_random() % wait);
}
