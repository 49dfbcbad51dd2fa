/*
 * net/ngx_aigc_revoke.c — list and watch of one object.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revoke.h"

#include "core/ngx_aigc_frame.h"


typedef struct {
    ngx_aigc_kubernetes_t  *k8s;
    ngx_aigc_zone_t        *zone;
    ngx_log_t              *log;
    ngx_aigc_fetch_t       *fetch;      /* the list, or the watch */
    ngx_aigc_frame_t        frame;
    ngx_msec_t              backoff;
    ngx_event_t             timer;      /* the next list, or silence */
    ngx_event_t             poll;
    ngx_connection_t        dummy;      /* Debian's nginx logs a timer's fd */
    ngx_aigc_seldom_t       pruned;
    ngx_aigc_seldom_t       complained;
    ngx_uint_t              complaint;  /* of this status */
} ngx_aigc_revoke_t;


static void ngx_aigc_revoke_event(ngx_event_t *ev,
    ngx_event_handler_pt handler);
static void ngx_aigc_revoke_poll(ngx_event_t *ev);
static void ngx_aigc_revoke_timer(ngx_event_t *ev);
static void ngx_aigc_revoke_list(void);
static void ngx_aigc_revoke_listed(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_revoke_read_list(ngx_aigc_fetch_t *f, u_char *query,
    size_t room);
static void ngx_aigc_revoke_watch(const char *query);
static ngx_int_t ngx_aigc_revoke_data(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static ngx_int_t ngx_aigc_revoke_take(ngx_str_t *line);
static void ngx_aigc_revoke_ended(ngx_aigc_fetch_t *f);
static void ngx_aigc_revoke_object(json_t *object);
static void ngx_aigc_revoke_retry(ngx_uint_t failed);


static ngx_aigc_revoke_t  ngx_aigc_revoke;

time_t                  ngx_aigc_revoke_lifetime;
ngx_aigc_kubernetes_t  *ngx_aigc_revoke_k8s;


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

    ngx_aigc_revoke_list();
}


ngx_aigc_fetch_t *
ngx_aigc_revoke_call(ngx_aigc_kubernetes_t *k8s, const char *method,
    const char *query, const char *content_type, ngx_log_t *log)
{
    u_char     buf[1024];
    ngx_str_t  path;

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            "/api/v1/namespaces/%V/configmaps%s",
                            &k8s->lease_ns, query)
               - buf;

    return ngx_aigc_kubernetes_call(k8s, method, &path, content_type, log);
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
    u_char              query[512];
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;
    w->fetch = NULL;

    if (f->status == 403 && f->error == NULL) {
        /* nobody will ever tell us: what we are told ourselves has to do */
        ngx_aigc_revocation_heard(w->zone);
    }

    if (f->status != 200 || f->error
        || ngx_aigc_revoke_read_list(f, query, sizeof(query)) != NGX_OK)
    {
        ngx_aigc_revoke_complain(f, "read");
        ngx_aigc_revoke_retry(1);
        return;
    }

    ngx_aigc_revocation_heard(w->zone);

    ngx_aigc_revoke_watch((char *) query);
}


/* Takes the list; query becomes that of the watch which goes on from it. */
static ngx_int_t
ngx_aigc_revoke_read_list(ngx_aigc_fetch_t *f, u_char *query, size_t room)
{
    size_t       i;
    json_t      *root, *items, *item;
    ngx_int_t    rc;
    const char  *version;

    root = json_loadb((char *) f->answer.data, f->answer.len, 0, NULL);
    items = json_object_get(root, "items");
    version = json_string_value(json_object_get(
                  json_object_get(root, "metadata"), "resourceVersion"));

    rc = NGX_DECLINED;

    if (json_is_array(items) && version && ngx_strlen(version) < 64) {

        ngx_aigc_revocation_lost(ngx_aigc_revoke.zone);

        json_array_foreach(items, i, item) {
            ngx_aigc_revoke_object(item);
        }

        *ngx_snprintf(query, room - 1,
                      "?fieldSelector=metadata.name%%3D" NGX_AIGC_REVOKED_NAME
                      "&watch=true&allowWatchBookmarks=true"
                      "&resourceVersion=%s&timeoutSeconds=%ui", version,
                      (ngx_uint_t) 300 + ngx_random() % 300) = '\0';
        rc = NGX_OK;
    }

    json_decref(root);

    return rc;
}


static void
ngx_aigc_revoke_watch(const char *query)
{
    ngx_aigc_fetch_t   *f;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    ngx_aigc_frame_free(&w->frame);
    ngx_aigc_frame_init(&w->frame);

    f = ngx_aigc_revoke_call(w->k8s, NULL, query, NULL, w->log);
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

    ngx_add_timer(&w->timer, NGX_AIGC_REVOKE_SILENCE * 1000);
}


static ngx_int_t
ngx_aigc_revoke_data(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    ngx_str_t           line;
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (f->status != 200) {
        return NGX_OK;                  /* the status alone counts */
    }

    if (ngx_aigc_frame_feed(&w->frame, p, len) != NGX_OK) {
        f->error = "an event is too large";
        return NGX_ERROR;
    }

    while (ngx_aigc_frame_next(&w->frame, &line) == NGX_OK) {

        if (ngx_aigc_revoke_take(&line) != NGX_OK) {
            f->error = "an event was not understood, or is an error";
            return NGX_ERROR;
        }

        w->backoff = 0;
        ngx_aigc_revocation_heard(w->zone);
        ngx_add_timer(&w->timer, NGX_AIGC_REVOKE_SILENCE * 1000);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_revoke_take(ngx_str_t *line)
{
    ngx_int_t               rc;
    ngx_aigc_watch_event_t  event;

    if (ngx_aigc_watch_event(line, &event) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_OK;

    switch (event.type) {

    case NGX_AIGC_EVENT_ERROR:
        rc = NGX_DECLINED;              /* 410, mostly: it is listed again */
        break;

    case NGX_AIGC_EVENT_BOOKMARK:
        break;

    case NGX_AIGC_EVENT_DELETED:
        /* by whoever: all of it is written again */
        ngx_aigc_revocation_lost(ngx_aigc_revoke.zone);
        ngx_aigc_revoke_again();
        break;

    default:
        ngx_aigc_revoke_object(event.object);
        break;
    }

    json_decref(event.root);

    return rc;
}


static void
ngx_aigc_revoke_object(json_t *object)
{
    json_t               *value;
    ngx_int_t             rc;
    ngx_str_t             name, text;
    const char           *key;
    ngx_aigc_zone_t      *zone;
    ngx_aigc_revoked_t    revoked;

    zone = ngx_aigc_revoke.zone;

    /* each event has all of it */

    ngx_aigc_revocation_lost(zone);

    json_object_foreach(json_object_get(object, "data"), key, value) {

        name.data = (u_char *) key;
        name.len = ngx_strlen(key);
        text.data = (u_char *) json_string_value(value);
        text.len = json_string_length(value);

        rc = ngx_aigc_revoked_parse(&name, &text, &revoked);

        if (rc == NGX_OK) {
            ngx_aigc_revocation_seen(zone, &revoked, ngx_aigc_revoke.log);

        } else if (rc == NGX_DONE) {
            ngx_aigc_revocation_floor(zone, ngx_aigc_when_time(revoked.when));
        }
    }

    /* a smaller one than ours may have been written over it */

    ngx_aigc_revoke_again();
}


static void
ngx_aigc_revoke_ended(ngx_aigc_fetch_t *f)
{
    ngx_uint_t  failed;

    ngx_aigc_revoke.fetch = NULL;

    failed = (f->status != 200 || f->error);

    if (failed) {
        ngx_aigc_revoke_complain(f, "watched");
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


void
ngx_aigc_revoke_complain(ngx_aigc_fetch_t *f, const char *what)
{
    ngx_aigc_revoke_t  *w;

    w = &ngx_aigc_revoke;

    if (f->status != w->complaint) {
        w->complained.done = 0;
    }

    if (!ngx_aigc_seldom(&w->complained, NGX_AIGC_REVOKE_LOG)) {
        return;
    }

    w->complaint = f->status;

    ngx_log_error(NGX_LOG_ERR, f->log, 0,
                  "aigc: the ConfigMap %V/" NGX_AIGC_REVOKED_NAME " could not "
                  "be %s: status %ui%s%s%s; what was revoked here holds here, "
                  "trying again", &ngx_aigc_revoke_k8s->lease_ns, what,
                  f->status, f->error ? ", " : "", f->error ? f->error : "",
                  f->status == 403 ? ": see docker/kubernetes/rbac.yaml" : "");
}
