/*
 * net/ngx_aigc_event.c — one POST of an Event (core/v1).
 */

#include "ngx_aigc_event.h"

#include <jansson.h>


#define NGX_AIGC_EVENT_TIMEOUT  5000    /* ms */
#define NGX_AIGC_EVENT_ANSWER   16384   /* bytes */


static json_t *ngx_aigc_event_json(ngx_aigc_template_t *tmpl, ngx_int_t id,
    const char *reason, const char *message, ngx_str_t *now);
static void ngx_aigc_event_done(ngx_aigc_fetch_t *f);


static ngx_uint_t  ngx_aigc_events;     /* under way */


ngx_int_t
ngx_aigc_event(ngx_aigc_kubernetes_t *k8s, ngx_aigc_template_t *tmpl,
    ngx_int_t id, const char *reason, const char *message, ngx_log_t *log)
{
    char              *text;
    u_char             buf[sizeof("/api/v1/namespaces//events")
                           + NGX_AIGC_NS_MAX];
    json_t            *json;
    ngx_str_t          path, now, body;
    ngx_aigc_fetch_t  *f;

    if (ngx_aigc_events == NGX_AIGC_EVENTS_MAX) {
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

    json = NULL;
    text = NULL;

    if (ngx_aigc_time_write(f->pool, ngx_time(), &now) == NGX_OK) {
        json = ngx_aigc_event_json(tmpl, id, reason, message, &now);
        text = json_dumps(json, JSON_COMPACT);
    }

    json_decref(json);

    body.data = (u_char *) text;
    body.len = text ? ngx_strlen(text) : 0;

    if (text == NULL || ngx_aigc_fetch_text(f, &f->body, "", &body) != NGX_OK)
    {
        free(text);
        ngx_destroy_pool(f->pool);
        return NGX_BUSY;
    }

    free(text);

    f->timeout = NGX_AIGC_EVENT_TIMEOUT;
    f->max = NGX_AIGC_EVENT_ANSWER;
    f->done = ngx_aigc_event_done;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_BUSY;
    }

    ngx_aigc_events++;

    return NGX_OK;
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
    ngx_aigc_events--;

    if (f->status != 201) {
        ngx_log_error(NGX_LOG_WARN, f->log, 0,
                      "aigc: an Event could not be written: status %ui%s%s",
                      f->status, f->error ? ", " : "",
                      f->error ? f->error : "");
    }
}
