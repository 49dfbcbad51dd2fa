/*
 * instances/ngx_aigc_event.c — each Event (core/v1) is a POST: a few at one
 * time.
 */

#include "ngx_aigc_event.h"
#include "base/ngx_aigc_bounds.h"

#include <jansson.h>


#define NGX_AIGC_EVENT_TIMEOUT  5000    /* ms */


static json_t *ngx_aigc_event_json(ngx_aigc_template_t *tmpl, ngx_int_t id,
    const char *reason, const char *message, ngx_str_t *now);
static void ngx_aigc_event_next(void);
static ngx_aigc_fetch_t *ngx_aigc_event_shift(void);
static void ngx_aigc_event_done(ngx_aigc_fetch_t *f);


/* under way; NULL: a free place */
static ngx_aigc_fetch_t  *ngx_aigc_events[NGX_AIGC_EVENTS_MAX];

/* a ring: the first one's place, and how many there are */
static ngx_aigc_fetch_t  *ngx_aigc_events_wait[NGX_AIGC_EVENTS_WAIT];
static ngx_uint_t         ngx_aigc_events_first;
static ngx_uint_t         ngx_aigc_events_nwait;


ngx_int_t
ngx_aigc_event(ngx_aigc_kubernetes_t *k8s, ngx_aigc_template_t *tmpl,
    ngx_int_t id, const char *reason, const char *message, ngx_log_t *log)
{
    u_char             buf[sizeof("/api/v1/namespaces//events")
                           + NGX_AIGC_NS_MAX];
    ngx_str_t          path, now;
    ngx_aigc_fetch_t  *f;

    if (ngx_aigc_events_nwait == NGX_AIGC_EVENTS_WAIT) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "aigc: an Event %s is not written: %d others wait",
                      reason, NGX_AIGC_EVENTS_WAIT);
        return NGX_BUSY;
    }

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf), "/api/v1/namespaces/%*s/events",
                            (size_t) tmpl->ns.len, tmpl->ns.data)
               - buf;

    f = ngx_aigc_kubernetes_call(k8s, "POST", &path,
                                 "Content-Type: application/json", log);
    if (f == NULL) {
        return NGX_BUSY;
    }

    if (ngx_aigc_time_write(f->pool, ngx_time(), &now) != NGX_OK
        || ngx_aigc_kubernetes_body(f, ngx_aigc_event_json(tmpl, id, reason,
                                                           message, &now))
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_BUSY;
    }

    f->timeout = NGX_AIGC_EVENT_TIMEOUT;
    f->max = NGX_AIGC_EVENT_ANSWER;
    f->done = ngx_aigc_event_done;

    ngx_aigc_events_wait[(ngx_aigc_events_first + ngx_aigc_events_nwait++)
                         % NGX_AIGC_EVENTS_WAIT] = f;

    ngx_aigc_event_next();

    return NGX_OK;
}


/* One that cannot even be started is given up: fetch_start() has freed it. */
static void
ngx_aigc_event_next(void)
{
    ngx_uint_t         i;
    ngx_aigc_fetch_t  *f;

    for (i = 0; i < NGX_AIGC_EVENTS_MAX && ngx_aigc_events_nwait; i++) {

        if (ngx_aigc_events[i]) {
            continue;
        }

        f = ngx_aigc_event_shift();

        if (ngx_aigc_fetch_start(f) == NGX_OK) {
            ngx_aigc_events[i] = f;

        } else {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "aigc: an Event could not be sent");
        }
    }
}


ngx_uint_t
ngx_aigc_event_idle(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_AIGC_EVENTS_MAX; i++) {
        if (ngx_aigc_events[i] == NULL) {
            return 1;
        }
    }

    return 0;
}


static ngx_aigc_fetch_t *
ngx_aigc_event_shift(void)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_events_wait[ngx_aigc_events_first];

    ngx_aigc_events_first = (ngx_aigc_events_first + 1) % NGX_AIGC_EVENTS_WAIT;
    ngx_aigc_events_nwait--;

    return f;
}


void
ngx_aigc_event_cancel(void)
{
    ngx_uint_t  i;

    if (ngx_aigc_events_nwait) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aigc: this gateway leads no more: %ui Events are not "
                      "written", ngx_aigc_events_nwait);
    }

    while (ngx_aigc_events_nwait) {
        ngx_destroy_pool(ngx_aigc_event_shift()->pool);
    }

    for (i = 0; i < NGX_AIGC_EVENTS_MAX; i++) {
        if (ngx_aigc_events[i]) {
            ngx_aigc_fetch_cancel(ngx_aigc_events[i]);
            ngx_aigc_events[i] = NULL;
        }
    }
}


static json_t *
ngx_aigc_event_json(ngx_aigc_template_t *tmpl, ngx_int_t id,
    const char *reason, const char *message, ngx_str_t *now)
{
    json_t  *note;

    note = (id < 0) ? json_string(message)
                    : json_sprintf("instance %d: %s", (int) id, message);

    return json_pack("{s:s, s:s, s:{s:s+, s:s%},"
                     " s:{s:s, s:s, s:s%, s:s%, s:s%},"
                     " s:s, s:o, s:s, s:{s:s}, s:s%, s:s%, s:i}",
                     "apiVersion", "v1",
                     "kind", "Event",
                     "metadata",
                     "generateName", "aigc-gateway", ".",
                     "namespace", tmpl->ns.data, (size_t) tmpl->ns.len,
                     "involvedObject",
                     "apiVersion", "game.kruise.io/v1alpha1",
                     "kind", "GameServerSet",
                     "namespace", tmpl->ns.data, (size_t) tmpl->ns.len,
                     "name", tmpl->name.data, (size_t) tmpl->name.len,
                     "uid", tmpl->uid.data, (size_t) tmpl->uid.len,
                     "reason", reason,
                     "message", note,
                     "type", "Warning",
                     "source", "component", "aigc-gateway",
                     "firstTimestamp", now->data, now->len,
                     "lastTimestamp", now->data, now->len,
                     "count", 1);
}


static void
ngx_aigc_event_done(ngx_aigc_fetch_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_AIGC_EVENTS_MAX; i++) {
        if (ngx_aigc_events[i] == f) {
            ngx_aigc_events[i] = NULL;
        }
    }

    (void) ngx_aigc_kubernetes_written(f, "an Event could not be written");

    ngx_aigc_event_next();
}
