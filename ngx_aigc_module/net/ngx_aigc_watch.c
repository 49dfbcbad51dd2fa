/*
 * net/ngx_aigc_watch.c — the reflector: one loop for each kind and namespace.
 * What an event means for the table is in ngx_aigc_apply.c.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch.h"
#include "ngx_aigc_apply.h"

#include "core/ngx_aigc_frame.h"


typedef enum {
    NGX_AIGC_WATCH_WAITING = 0,         /* for its timer */
    NGX_AIGC_WATCH_STREAMING_LIST,
    NGX_AIGC_WATCH_PAGED_LIST,
    NGX_AIGC_WATCH_WATCHING
} ngx_aigc_watch_phase_e;


typedef struct {
    ngx_uint_t               index;     /* in the zone's watches */
    ngx_aigc_kind_e          kind;
    ngx_str_t                ns;        /* len 0: all */
    ngx_aigc_watch_phase_e   phase;
    unsigned                 pages:1;   /* the server has no streaming list */
    unsigned                 paused:1;  /* libcurl holds bytes back for us */
    unsigned                 gone:1;    /* 410: the version is too old */
    uint32_t                 mark;
    ngx_msec_t               backoff;
    time_t                   complained;
    ngx_str_t                version;   /* in version_data */
    u_char                   version_data[64];
    ngx_str_t                next;      /* continue token of the next page */
    u_char                   next_data[1024];
    ngx_aigc_frame_t         frame;
    ngx_aigc_fetch_t        *fetch;
    ngx_event_t              timer;     /* reconnect, or silence */
    ngx_event_t              more;      /* events left over from this pass */
} ngx_aigc_watch_t;


static void ngx_aigc_watch_connect(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_path(ngx_aigc_watch_t *w, ngx_pool_t *pool,
    ngx_str_t *path);
static ngx_int_t ngx_aigc_watch_data(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static void ngx_aigc_watch_done(ngx_aigc_fetch_t *f);
static void ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_watch_pump(ngx_aigc_watch_t *w);
static ngx_int_t ngx_aigc_watch_take(ngx_aigc_watch_t *w, ngx_str_t *line);
static void ngx_aigc_watch_listed(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_retry(ngx_aigc_watch_t *w, const char *why);
static void ngx_aigc_watch_timer(ngx_event_t *ev);
static void ngx_aigc_watch_more(ngx_event_t *ev);
static void ngx_aigc_watch_keep(ngx_str_t *dst, size_t room, const char *src,
    size_t len);


static const char  *ngx_aigc_watch_names[] = {
    "GameServerSets", "GameServers", "PersistentVolumeClaims"
};

/* Debian's nginx logs an event's fd, so a timer needs a connection, too. */
static ngx_connection_t            ngx_aigc_watch_connection;

static ngx_aigc_watch_t           *ngx_aigc_watches;
static ngx_uint_t                  ngx_aigc_nwatches;
static ngx_aigc_kubernetes_t      *ngx_aigc_watch_k8s;
static ngx_aigc_zone_t            *ngx_aigc_watch_zone;
static ngx_log_t                  *ngx_aigc_watch_log;
static ngx_aigc_watch_changed_pt   ngx_aigc_watch_changed;
static void                       *ngx_aigc_watch_changed_data;


ngx_int_t
ngx_aigc_watch_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, ngx_aigc_watch_changed_pt changed, void *data)
{
    uint32_t           what;
    ngx_str_t         *ns;
    ngx_uint_t         i, n;
    ngx_aigc_watch_t  *w;

    n = ngx_max(k8s->namespaces.nelts, 1);
    ns = k8s->namespaces.elts;

    w = ngx_pcalloc(cycle->pool, n * NGX_AIGC_KINDS * sizeof(ngx_aigc_watch_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_watches = w;
    ngx_aigc_nwatches = n * NGX_AIGC_KINDS;
    ngx_aigc_watch_k8s = k8s;
    ngx_aigc_watch_zone = zone;
    ngx_aigc_watch_log = cycle->log;
    ngx_aigc_watch_changed = changed;
    ngx_aigc_watch_changed_data = data;
    ngx_aigc_watch_connection.fd = (ngx_socket_t) -1;

    for (i = ngx_aigc_nwatches; i < NGX_AIGC_WATCHES_MAX; i++) {
        ngx_aigc_zone_watch(zone, i, 0, 0);
    }

    /* what a former configuration watched and this one does not */

    (void) ngx_aigc_table_keep(zone, &k8s->namespaces);

    for (i = 0; i < ngx_aigc_nwatches; i++) {
        w[i].index = i;
        w[i].kind = i % NGX_AIGC_KINDS;

        if (k8s->namespaces.nelts) {
            w[i].ns = ns[i / NGX_AIGC_KINDS];
        }

        what = ngx_murmur_hash2(w[i].ns.data, w[i].ns.len)
               ^ ngx_murmur_hash2(k8s->selector.data, k8s->selector.len)
               ^ (uint32_t) i;

        ngx_aigc_zone_watch(zone, i, 1, what);

        w[i].version.data = w[i].version_data;
        w[i].next.data = w[i].next_data;

        w[i].timer.handler = ngx_aigc_watch_timer;
        w[i].timer.data = &ngx_aigc_watch_connection;
        w[i].timer.log = cycle->log;
        w[i].timer.cancelable = 1;

        w[i].more.handler = ngx_aigc_watch_more;
        w[i].more.data = &w[i];
        w[i].more.log = cycle->log;

        ngx_aigc_frame_init(&w[i].frame);
        ngx_aigc_watch_connect(&w[i]);
    }

    return NGX_OK;
}


void
ngx_aigc_watch_stop(void)
{
    ngx_uint_t         i;
    ngx_aigc_watch_t  *w;

    for (i = 0; i < ngx_aigc_nwatches; i++) {
        w = &ngx_aigc_watches[i];

        if (w->fetch) {
            ngx_aigc_fetch_cancel(w->fetch);
            w->fetch = NULL;
        }

        if (w->timer.timer_set) {
            ngx_del_timer(&w->timer);
        }

        if (w->more.posted) {
            ngx_delete_posted_event(&w->more);
        }

        ngx_aigc_frame_free(&w->frame);
    }

    ngx_aigc_nwatches = 0;
}


static void
ngx_aigc_watch_connect(ngx_aigc_watch_t *w)
{
    ngx_str_t          path;
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *f;

    ngx_aigc_frame_free(&w->frame);
    ngx_aigc_frame_init(&w->frame);

    w->paused = 0;
    w->gone = 0;

    if (w->version.len && w->next.len == 0) {
        w->phase = NGX_AIGC_WATCH_WATCHING;

    } else {
        w->phase = w->pages ? NGX_AIGC_WATCH_PAGED_LIST
                            : NGX_AIGC_WATCH_STREAMING_LIST;

        if (w->next.len == 0) {
            w->mark = (uint32_t) ++ngx_aigc_watch_zone->shm->mark;
            ngx_aigc_count(ngx_aigc_watch_zone, relists);
        }
    }

    pool = ngx_create_pool(4096, ngx_aigc_watch_log);
    if (pool == NULL) {
        ngx_aigc_watch_retry(w, "no memory");
        return;
    }

    f = NULL;

    if (ngx_aigc_watch_path(w, pool, &path) == NGX_OK) {
        f = ngx_aigc_kubernetes_call(ngx_aigc_watch_k8s, NULL, &path, NULL,
                                     ngx_aigc_watch_log);
    }

    ngx_destroy_pool(pool);

    if (f == NULL) {
        ngx_aigc_watch_retry(w, "no memory");
        return;
    }

    f->ctx = w;
    f->done = ngx_aigc_watch_done;

    if (w->phase == NGX_AIGC_WATCH_PAGED_LIST) {
        f->max = NGX_AIGC_LIST_MAX;
        f->timeout = 30000;

    } else {
        f->data = ngx_aigc_watch_data;
    }

    w->fetch = f;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        w->fetch = NULL;
        ngx_aigc_watch_retry(w, "libcurl failed");
        return;
    }

    ngx_add_timer(&w->timer, NGX_AIGC_WATCH_SILENCE * 1000);
}


static ngx_int_t
ngx_aigc_watch_path(ngx_aigc_watch_t *w, ngx_pool_t *pool, ngx_str_t *path)
{
    u_char                *p;
    size_t                 len;
    ngx_str_t              selector, escaped, next, *given;
    const char            *api, *plural;

    static ngx_str_t       owned = ngx_string(NGX_AIGC_LABEL_GSS);
    static const char     *plurals[] = {
        "gameserversets", "gameservers", "persistentvolumeclaims"
    };

    api = (w->kind == NGX_AIGC_KIND_PVC) ? "/api/v1"
                                         : "/apis/game.kruise.io/v1alpha1";
    plural = plurals[w->kind];

    given = &ngx_aigc_watch_k8s->selector;
    selector = (w->kind == NGX_AIGC_KIND_GSS) ? *given : owned;

    if (ngx_aigc_url_encode(pool, &selector, &escaped) != NGX_OK
        || ngx_aigc_url_encode(pool, &w->next, &next) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 512 + w->ns.len + escaped.len + next.len + w->version.len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;

    p = ngx_slprintf(p, path->data + len, "%s%s%V/%s?labelSelector=%V",
                     api, w->ns.len ? "/namespaces/" : "", &w->ns, plural,
                     &escaped);

    switch (w->phase) {

    case NGX_AIGC_WATCH_STREAMING_LIST:
        p = ngx_slprintf(p, path->data + len,
                         "&watch=true&allowWatchBookmarks=true"
                         "&sendInitialEvents=true"
                         "&resourceVersionMatch=NotOlderThan"
                         "&timeoutSeconds=%ui",
                         (ngx_uint_t) 300 + ngx_random() % 300);
        break;

    case NGX_AIGC_WATCH_PAGED_LIST:
        p = ngx_slprintf(p, path->data + len, "&limit=%d",
                         w->kind == NGX_AIGC_KIND_GSS ? NGX_AIGC_LIST_GSS
                                                      : NGX_AIGC_LIST_OTHERS);
        if (next.len) {
            p = ngx_slprintf(p, path->data + len, "&continue=%V", &next);
        }

        break;

    default:
        p = ngx_slprintf(p, path->data + len,
                         "&watch=true&allowWatchBookmarks=true"
                         "&resourceVersion=%V&timeoutSeconds=%ui",
                         &w->version, (ngx_uint_t) 300 + ngx_random() % 300);
        break;
    }

    path->len = p - path->data;

    return NGX_OK;
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

    return ngx_aigc_watch_pump(w);
}


/* What does not fit in this pass of the event loop goes on in the next. */
static ngx_int_t
ngx_aigc_watch_pump(ngx_aigc_watch_t *w)
{
    ngx_str_t       line;
    ngx_uint_t      n;
    struct timeval  begin, now;

    n = 0;
    ngx_gettimeofday(&begin);

    while (ngx_aigc_frame_next(&w->frame, &line) == NGX_OK) {

        n++;

        if (ngx_aigc_watch_take(w, &line) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_gettimeofday(&now);

        if ((now.tv_sec - begin.tv_sec) * 1000
            + (now.tv_usec - begin.tv_usec) / 1000
            >= NGX_AIGC_WATCH_SLICE)
        {
            ngx_post_event(&w->more, &ngx_posted_next_events);
            break;
        }
    }

    if (n) {
        ngx_aigc_watch_zone->shm->watches[w->index].heard = ngx_time();
        ngx_add_timer(&w->timer, NGX_AIGC_WATCH_SILENCE * 1000);
        ngx_aigc_watch_changed(ngx_aigc_watch_changed_data);
    }

    return NGX_OK;
}


static void
ngx_aigc_watch_more(ngx_event_t *ev)
{
    ngx_aigc_watch_t  *w;

    w = ev->data;

    if (w->fetch == NULL) {
        return;
    }

    if (ngx_aigc_watch_pump(w) != NGX_OK) {
        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
        ngx_aigc_watch_retry(w, w->gone ? NULL : "an event was not understood");
        return;
    }

    if (!w->more.posted && w->paused) {
        w->paused = 0;
        ngx_aigc_fetch_resume(w->fetch);
    }
}


/* One event.  NGX_ERROR: this connection is of no more use. */
static ngx_int_t
ngx_aigc_watch_take(ngx_aigc_watch_t *w, ngx_str_t *line)
{
    ngx_int_t               rc;
    ngx_aigc_watch_event_t  event;

    if (ngx_aigc_watch_event(line, &event) != NGX_OK) {
        w->fetch->error = "an event was not understood";
        return NGX_ERROR;
    }

    rc = NGX_OK;

    switch (event.type) {

    case NGX_AIGC_EVENT_ERROR:
        w->gone = (event.code == 410);
        w->fetch->error = w->gone ? "410 Gone" : "an ERROR event";
        rc = NGX_ERROR;
        break;

    case NGX_AIGC_EVENT_BOOKMARK:
        ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                            (char *) event.version.data, event.version.len);

        if (event.initial_end && w->phase == NGX_AIGC_WATCH_STREAMING_LIST) {
            ngx_aigc_watch_listed(w);
            w->phase = NGX_AIGC_WATCH_WATCHING;
        }

        break;

    default:
        rc = ngx_aigc_apply(ngx_aigc_watch_zone, w->kind, event.object,
                            event.type == NGX_AIGC_EVENT_DELETED,
                            w->phase == NGX_AIGC_WATCH_WATCHING ? 0 : w->mark,
                            ngx_aigc_watch_log);

        if (rc == NGX_OK && w->phase == NGX_AIGC_WATCH_WATCHING) {
            ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                                (char *) event.version.data,
                                event.version.len);
        }
    }

    json_decref(event.root);

    return rc;
}


static void
ngx_aigc_watch_listed(ngx_aigc_watch_t *w)
{
    (void) ngx_aigc_table_sweep(ngx_aigc_watch_zone, w->kind, &w->ns, w->mark);

    ngx_aigc_zone_listed(ngx_aigc_watch_zone, w->index);

    ngx_aigc_watch_zone->shm->watches[w->index].heard = ngx_time();
    w->backoff = 0;

    ngx_log_error(NGX_LOG_NOTICE, ngx_aigc_watch_log, 0,
                  "aigc: %s%s%V listed, version %V",
                  ngx_aigc_watch_names[w->kind], w->ns.len ? " of " : "",
                  &w->ns, &w->version);
}


static void
ngx_aigc_watch_done(ngx_aigc_fetch_t *f)
{
    u_char             buf[64];
    const char        *why;
    ngx_aigc_watch_t  *w;

    w = f->ctx;
    w->fetch = NULL;

    if (w->more.posted) {
        /* the connection has ended, what it brought still counts */
        ngx_delete_posted_event(&w->more);
    }

    if (f->status == 410) {
        w->gone = 1;
    }

    if (f->status == 200 && f->error == NULL
        && w->phase == NGX_AIGC_WATCH_PAGED_LIST)
    {
        ngx_aigc_watch_page(w, f);
        return;
    }

    if ((f->status == 400 || f->status == 422)
        && w->phase == NGX_AIGC_WATCH_STREAMING_LIST)
    {
        ngx_log_error(NGX_LOG_NOTICE, f->log, 0,
                      "aigc: the API server has no streaming lists: %s are "
                      "listed page by page", ngx_aigc_watch_names[w->kind]);
        w->pages = 1;
        ngx_aigc_watch_connect(w);
        return;
    }

    why = f->error;

    if (why == NULL && f->status != 200) {
        *ngx_snprintf(buf, sizeof(buf) - 1, "status %ui", f->status) = '\0';
        why = (char *) buf;
    }

    ngx_aigc_watch_retry(w, w->gone ? NULL : why);
}


static void
ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f)
{
    size_t       i;
    json_t      *root, *items, *item, *meta, *next, *version;

    root = json_loadb((char *) f->answer.data, f->answer.len, 0, NULL);
    items = json_object_get(root, "items");
    meta = json_object_get(root, "metadata");
    version = json_object_get(meta, "resourceVersion");
    next = json_object_get(meta, "continue");

    if (!json_is_array(items) || !json_is_string(version)) {
        json_decref(root);
        ngx_aigc_watch_retry(w, "a list was not understood");
        return;
    }

    json_array_foreach(items, i, item) {
        if (ngx_aigc_apply(ngx_aigc_watch_zone, w->kind, item, 0, w->mark,
                           f->log)
            == NGX_ERROR)
        {
            break;
        }
    }

    ngx_aigc_watch_keep(&w->version, sizeof(w->version_data),
                        json_string_value(version),
                        json_string_length(version));

    w->next.len = 0;

    if (json_is_string(next)) {
        ngx_aigc_watch_keep(&w->next, sizeof(w->next_data),
                            json_string_value(next),
                            json_string_length(next));
    }

    json_decref(root);

    if (w->next.len == 0) {
        ngx_aigc_watch_listed(w);
    }

    ngx_aigc_watch_changed(ngx_aigc_watch_changed_data);
    ngx_aigc_watch_connect(w);
}


/* why NULL: it ended as it should, or with 410 */
static void
ngx_aigc_watch_retry(ngx_aigc_watch_t *w, const char *why)
{
    ngx_msec_t  wait;

    if (ngx_aigc_zone_is_writer(ngx_aigc_watch_zone) != NGX_OK) {
        /* after a reload: the new worker watches now */
        w->phase = NGX_AIGC_WATCH_WAITING;
        return;
    }

    if (w->gone || w->phase != NGX_AIGC_WATCH_WATCHING) {
        /* a list that broke off begins anew, with a new mark */
        w->version.len = 0;
        w->next.len = 0;
    }

    if (w->gone) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_aigc_watch_log, 0,
                      "aigc: the watch of %s is too old (410): listing again",
                      ngx_aigc_watch_names[w->kind]);
    }

    w->phase = NGX_AIGC_WATCH_WAITING;

    if (why) {
        ngx_aigc_count(ngx_aigc_watch_zone, watch_errors);

        w->backoff = w->backoff ? ngx_min(2 * w->backoff,
                                          NGX_AIGC_WATCH_BACKOFF_MAX)
                                : NGX_AIGC_WATCH_BACKOFF;

        if (ngx_time() - w->complained >= 10) {
            w->complained = ngx_time();
            ngx_log_error(NGX_LOG_ERR, ngx_aigc_watch_log, 0,
                          "aigc: the watch of %s ended: %s; the table is "
                          "%T s old, trying again",
                          ngx_aigc_watch_names[w->kind], why,
                          ngx_aigc_zone_age(ngx_aigc_watch_zone));
        }
    }

    wait = w->backoff ? w->backoff : 10;

    ngx_add_timer(&w->timer, wait / 2 + ngx_random() % wait);
}


static void
ngx_aigc_watch_timer(ngx_event_t *ev)
{
    ngx_aigc_watch_t  *w;

    w = (ngx_aigc_watch_t *) ((u_char *) ev
                              - offsetof(ngx_aigc_watch_t, timer));

    if (ngx_aigc_zone_is_writer(ngx_aigc_watch_zone) != NGX_OK) {
        ngx_aigc_watch_stop();
        return;
    }

    if (w->fetch) {
        /* a version of the future gives a watch that says nothing */

        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
        w->gone = 1;
        ngx_aigc_watch_retry(w, "it was silent");
        return;
    }

    ngx_aigc_watch_connect(w);
}


static void
ngx_aigc_watch_keep(ngx_str_t *dst, size_t room, const char *src, size_t len)
{
    if (len <= room) {
        ngx_memcpy(dst->data, src, len);
        dst->len = len;
    }
}
