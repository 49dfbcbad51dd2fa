/*
 * kube/ngx_aigc_watch_retry.c — what comes after the end of a connection:
 * again, soon or later, from where it was or from a new list.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch_loop.h"


static void ngx_aigc_watch_complain(ngx_aigc_watch_t *w, const char *why);


/*
 * No right to a kind that is not required, or no such kind: all goes on without
 * it, and what it once told is forgotten.  Asked for again now and then.
 */
void
ngx_aigc_watch_refused(ngx_aigc_watch_t *w, ngx_uint_t status)
{
    if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
        w->phase = NGX_AIGC_WATCH_WAITING;
        return;
    }

    w->mark = (uint32_t) ++ngx_aigc_sync(w->all->zone)->mark;

    ngx_aigc_kind_sweep(w->kind, w->all->zone, NULL, &w->ns, w->mark);
    ngx_aigc_sync_refused(w->all->zone, w->index);

    w->phase = NGX_AIGC_WATCH_WAITING;
    w->version.len = 0;
    w->next.len = 0;

    if (ngx_aigc_seldom(&w->complained, NGX_AIGC_WATCH_COMPLAIN)) {
        ngx_log_error(NGX_LOG_WARN, w->all->log, 0,
                      "aigc: %s%s%V cannot be watched: status %ui; instances "
                      "are shown without %s", w->kind->name,
                      w->ns.len ? " of " : "", &w->ns, status,
                      w->kind->without);
    }

    w->all->sink->changed();

    ngx_add_timer(&w->timer, ngx_aigc_jitter(NGX_AIGC_WATCH_REFUSED));
}


static void
ngx_aigc_watch_complain(ngx_aigc_watch_t *w, const char *why)
{
    uint32_t    hash;
    ngx_uint_t  required, level;

    hash = ngx_crc32_short((u_char *) why, ngx_strlen(why));
    required = ngx_aigc_watch_required(w);
    level = required ? NGX_LOG_ERR : NGX_LOG_WARN;

    if (required && hash != w->complaint) {
        w->complained.done = 0;
    }

    if (!ngx_aigc_seldom(&w->complained,
                         required ? NGX_AIGC_WATCH_COMPLAIN_REQUIRED
                                  : NGX_AIGC_WATCH_COMPLAIN))
    {
        return;
    }

    w->complaint = hash;

    ngx_log_error(level, w->all->log, 0,
                  "aigc: the watch of %s ended: %s; the table is %T s old, "
                  "trying again", w->kind->name, why,
                  ngx_aigc_sync_age(w->all->zone));
}


/* why NULL: it ended as it should, or with 410 */
void
ngx_aigc_watch_retry(ngx_aigc_watch_t *w, const char *why)
{
    ngx_msec_t  wait;

    if (ngx_aigc_zone_is_writer(w->all->zone) != NGX_OK) {
        /* after a reload: the new worker watches now */
        w->phase = NGX_AIGC_WATCH_WAITING;
        return;
    }

    if (w->gone || w->phase != NGX_AIGC_WATCH_WATCHING) {
        /* a list that broke off begins anew, with a new mark */
        w->version.len = 0;
        w->next.len = 0;
    }

    wait = 0;

    if (w->gone && why == NULL) {

        /* one that is told so again and again does not ask all the time */

        if (!ngx_aigc_seldom(&w->listed_again, NGX_AIGC_WATCH_AGAIN)) {
            w->listed_again.last = ngx_current_msec;
            wait = NGX_AIGC_WATCH_AGAIN / 4;
        }

        ngx_log_error(ngx_aigc_watch_notice(w), w->all->log, 0,
                      "aigc: the watch of %s is too old (410): listing again",
                      w->kind->name);
    }

    w->phase = NGX_AIGC_WATCH_WAITING;

    if (why) {
        /* a cluster may refuse what is not needed, for ever */

        if (w->kind->failed == NULL || w->status != 403) {
            ngx_aigc_count(w->all->zone, watch_errors);
        }

        (void) ngx_aigc_backoff_next(&w->backoff, NGX_AIGC_WATCH_BACKOFF,
                                     NGX_AIGC_WATCH_BACKOFF_MAX);

        if (w->kind->failed) {
            w->kind->failed(w->all->zone, w->status,
                            (w->status && w->status != 200) ? NULL : why);

        } else {
            ngx_aigc_watch_complain(w, why);
        }
    }

    wait = ngx_max(wait, ngx_max(w->backoff.wait, 10));

    ngx_add_timer(&w->timer, ngx_aigc_jitter(wait));
}
