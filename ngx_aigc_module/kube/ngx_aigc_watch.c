/*
 * kube/ngx_aigc_watch.c — all watches of a process: start and end.  Each one's
 * loop is in ngx_aigc_watch_loop.c.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch.h"
#include "ngx_aigc_watch_loop.h"

#include "base/ngx_aigc_control.h"
#include "base/ngx_aigc_timer.h"


static void ngx_aigc_watch_one(ngx_aigc_watch_t *w,
    const ngx_aigc_kind_t *kind, ngx_str_t *ns);
static void ngx_aigc_watch_cut(ngx_aigc_watch_t *w);
static void ngx_aigc_watch_guard(ngx_event_t *ev);
static void ngx_aigc_watch_again(void);
static void ngx_aigc_watch_timer(ngx_event_t *ev);


static ngx_event_t           ngx_aigc_watch_guard_event;
static ngx_aigc_watch_t     *ngx_aigc_watches;
static ngx_uint_t            ngx_aigc_nwatches;
static ngx_aigc_watch_all_t  ngx_aigc_watch_all;


ngx_uint_t
ngx_aigc_watch_number(ngx_aigc_kubernetes_t *k8s)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < ngx_aigc_nkinds; i++) {
        n += (ngx_aigc_kinds[i].flags & NGX_AIGC_KIND_OWN)
             ? 1 : ngx_max(k8s->namespaces.nelts, 1);
    }

    return n;
}


ngx_int_t
ngx_aigc_watch_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, const ngx_aigc_watch_sink_t *sink)
{
    ngx_str_t         *ns;
    ngx_uint_t         i, n;
    ngx_aigc_watch_t  *w;

    static ngx_str_t   all = ngx_string("");

    n = ngx_aigc_watch_number(k8s);
    ns = k8s->namespaces.elts;

    w = ngx_pcalloc(cycle->pool, n * sizeof(ngx_aigc_watch_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_watches = w;
    ngx_aigc_nwatches = n;
    ngx_aigc_watch_all.k8s = k8s;
    ngx_aigc_watch_all.zone = zone;
    ngx_aigc_watch_all.log = cycle->log;
    ngx_aigc_watch_all.sink = sink;

    ngx_aigc_timer_init(&ngx_aigc_watch_guard_event, ngx_aigc_watch_guard, 1,
                        cycle->log);
    ngx_aigc_watch_guard(&ngx_aigc_watch_guard_event);

    for (i = ngx_aigc_nwatches; i < NGX_AIGC_WATCHES_MAX; i++) {
        ngx_aigc_sync_watch(zone, i, NULL, 0);
    }

    /* what a former configuration watched and this one does not */

    for (i = 0; k8s->namespaces.nelts && i < ngx_aigc_nkinds; i++) {
        ngx_aigc_kind_sweep(&ngx_aigc_kinds[i], zone, &k8s->namespaces, NULL,
                            0);
    }

    /* by namespace: one more at the end leaves the others what they are */

    for (i = 0; i < ngx_aigc_nkinds; i++) {
        if (ngx_aigc_kinds[i].flags & NGX_AIGC_KIND_OWN) {
            ngx_aigc_watch_one(w++, &ngx_aigc_kinds[i], &k8s->lease_ns);
        }
    }

    for (n = 0; n < ngx_max(k8s->namespaces.nelts, 1); n++) {
        for (i = 0; i < ngx_aigc_nkinds; i++) {
            if (!(ngx_aigc_kinds[i].flags & NGX_AIGC_KIND_OWN)) {
                ngx_aigc_watch_one(w++, &ngx_aigc_kinds[i],
                                   k8s->namespaces.nelts ? &ns[n] : &all);
            }
        }
    }

    return NGX_OK;
}


static void
ngx_aigc_watch_one(ngx_aigc_watch_t *w, const ngx_aigc_kind_t *kind,
    ngx_str_t *ns)
{
    uint32_t    what;
    ngx_str_t  *selector;

    selector = &ngx_aigc_watch_all.k8s->selector;

    w->all = &ngx_aigc_watch_all;
    w->index = w - ngx_aigc_watches;
    w->kind = kind;
    w->limit = kind->page;
    w->ns = *ns;

    what = ngx_murmur_hash2(ns->data, ns->len)
           ^ ngx_murmur_hash2(selector->data, selector->len)
           ^ (uint32_t) w->index;

    ngx_aigc_sync_watch(w->all->zone, w->index, kind, what);

    w->version.data = w->version_data;
    w->next.data = w->next_data;

    ngx_aigc_timer_init(&w->timer, ngx_aigc_watch_timer, 1, w->all->log);

    w->more.handler = ngx_aigc_watch_more;
    w->more.data = w;
    w->more.log = w->all->log;

    ngx_aigc_frame_init(&w->frame);

    if (kind->flags & (NGX_AIGC_KIND_REQUIRED|NGX_AIGC_KIND_OWN)) {
        ngx_aigc_watch_connect(w);

    } else {
        ngx_add_timer(&w->timer, NGX_AIGC_WATCH_AFTER);
    }
}


void
ngx_aigc_watch_stop(void)
{
    ngx_uint_t         i;
    ngx_aigc_watch_t  *w;

    for (i = 0; i < ngx_aigc_nwatches; i++) {
        w = &ngx_aigc_watches[i];

        ngx_aigc_watch_cut(w);
        ngx_aigc_timer_stop(&w->timer);
        ngx_aigc_watch_forget(w);
    }

    ngx_aigc_nwatches = 0;

    ngx_aigc_timer_stop(&ngx_aigc_watch_guard_event);
}


/* Ends its call, and what is left of the pass over what that brought. */
static void
ngx_aigc_watch_cut(ngx_aigc_watch_t *w)
{
    if (w->fetch) {
        ngx_aigc_fetch_cancel(w->fetch);
        w->fetch = NULL;
    }

    if (w->more.posted) {
        ngx_delete_posted_event(&w->more);
    }
}


/*
 * A sign of life; and, when another process writes the table: it watches, and
 * this one does not.
 */
static void
ngx_aigc_watch_guard(ngx_event_t *ev)
{
    if (ngx_aigc_zone_is_writer(ngx_aigc_watch_all.zone) != NGX_OK) {
        ngx_aigc_watch_stop();
        return;
    }

    ngx_aigc_control_beat(ngx_aigc_watch_all.zone);

    if (ngx_aigc_watch_all.sink->again(ngx_aigc_watch_all.zone)
        && ngx_aigc_zone_renew(ngx_aigc_watch_all.zone) == NGX_OK)
    {
        ngx_aigc_watch_again();
    }

    ngx_add_timer(ev, NGX_AIGC_WATCH_GUARD);
}


/* Decisions go on by what is known, while it is read once more. */
static void
ngx_aigc_watch_again(void)
{
    ngx_uint_t         i;
    ngx_aigc_watch_t  *w;

    for (i = 0; i < ngx_aigc_nwatches; i++) {
        w = &ngx_aigc_watches[i];

        if (w->kind->flags & NGX_AIGC_KIND_OWN) {
            continue;
        }

        ngx_aigc_watch_cut(w);

        w->phase = NGX_AIGC_WATCH_WAITING;
        w->version.len = 0;
        w->next.len = 0;

        ngx_add_timer(&w->timer, NGX_AIGC_WATCH_AFTER);
    }
}


static void
ngx_aigc_watch_timer(ngx_event_t *ev)
{
    ngx_aigc_watch_t  *w;

    w = (ngx_aigc_watch_t *) ((u_char *) ev
                              - offsetof(ngx_aigc_watch_t, timer));

    if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
        ngx_aigc_watch_stop();
        return;
    }

    if (w->fetch && w->settling) {
        ngx_aigc_sync_heard(w->all->zone, w->index);
        ngx_aigc_backoff_reset(&w->backoff);
        ngx_aigc_watch_silence(w);
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

    /* the required kinds come first: what there is to tell more about */

    if (!(w->kind->flags & (NGX_AIGC_KIND_REQUIRED|NGX_AIGC_KIND_OWN))
        && (ngx_aigc_sync_complete(w->all->zone) != NGX_OK
            || w->all->sink->holes(w->all->zone)))
    {
        ngx_add_timer(&w->timer, NGX_AIGC_WATCH_AFTER);
        return;
    }

    ngx_aigc_watch_connect(w);
}
