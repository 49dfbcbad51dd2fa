/*
 * logto/ngx_aigc_gone.c — one user at a time is asked for.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_gone.h"

#include "base/ngx_aigc_text.h"
#include "base/ngx_aigc_timer.h"
#include "oidc/ngx_aigc_doubt.h"
#include "oidc/ngx_aigc_revocation.h"


typedef struct {
    ngx_aigc_logto_t       *logto;
    ngx_aigc_zone_t        *zone;
    ngx_log_t              *log;
    ngx_aigc_management_t  *call;
    ngx_event_t             timer;
    ngx_str_t               sub;        /* whom the call is about */
    u_char                  data[NGX_AIGC_SUB_MAX];
} ngx_aigc_gone_t;


static void ngx_aigc_gone_timer(ngx_event_t *ev);
static void ngx_aigc_gone_done(void *data, ngx_aigc_management_e result,
    json_t *json);


static ngx_aigc_gone_t  ngx_aigc_gone_asks;

time_t  ngx_aigc_gone_lifetime;


void
ngx_aigc_gone_start(ngx_cycle_t *cycle, ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, time_t lifetime)
{
    ngx_aigc_gone_t  *g;

    ngx_aigc_gone_lifetime = lifetime;

    if (logto == NULL || !logto->custom_data) {
        return;
    }

    g = &ngx_aigc_gone_asks;

    ngx_memzero(g, sizeof(ngx_aigc_gone_t));

    g->logto = logto;
    g->zone = zone;
    g->log = cycle->log;
    g->sub.data = g->data;

    ngx_aigc_timer_init(&g->timer, ngx_aigc_gone_timer, 1, cycle->log);
    ngx_add_timer(&g->timer, NGX_AIGC_GONE_POLL);
}


void
ngx_aigc_gone_stop(void)
{
    ngx_aigc_gone_t  *g;

    g = &ngx_aigc_gone_asks;

    if (g->call) {
        ngx_aigc_management_cancel(g->call);
        g->call = NULL;

        /* for whoever writes the table next */

        ngx_aigc_doubt_put(g->zone, &g->sub);
    }

    ngx_aigc_timer_stop(&g->timer);
}


static void
ngx_aigc_gone_timer(ngx_event_t *ev)
{
    ngx_aigc_gone_t  *g;

    g = &ngx_aigc_gone_asks;

    if (ngx_aigc_zone_is_writer(g->zone) != NGX_OK) {
        return;
    }

    if (ngx_aigc_doubt_take(g->zone, &g->sub) != NGX_OK) {
        ngx_add_timer(ev, NGX_AIGC_GONE_POLL);
        return;
    }

    g->call = ngx_aigc_management_profile(g->logto, g->zone, &g->sub,
                                          ngx_aigc_gone_done, NULL, g->log);
    if (g->call == NULL) {
        ngx_aigc_gone_done(NULL, NGX_AIGC_MANAGEMENT_UNAVAILABLE, NULL);
    }
}


static void
ngx_aigc_gone_done(void *data, ngx_aigc_management_e result, json_t *json)
{
    time_t            signed_in;
    ngx_msec_t        wait;
    ngx_aigc_gone_t  *g;

    g = &ngx_aigc_gone_asks;

    g->call = NULL;
    wait = NGX_AIGC_GONE_POLL;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:

        if (ngx_aigc_gone_suspended(json, &signed_in) == NGX_OK) {
            ngx_aigc_gone(g->zone, &g->sub, NGX_AIGC_GONE_SUSPENDED, signed_in,
                          0, g->log);
        }

        break;

    case NGX_AIGC_MANAGEMENT_NOT_FOUND:
        ngx_aigc_gone(g->zone, &g->sub, NGX_AIGC_GONE_DELETED, 0, 0, g->log);
        break;

    case NGX_AIGC_MANAGEMENT_UNAVAILABLE:
        ngx_aigc_doubt_put(g->zone, &g->sub);
        wait = NGX_AIGC_GONE_RETRY;
        break;

    default:
        /* that will not change soon; the walk over all users may tell */
        wait = NGX_AIGC_GONE_RETRY;
        break;
    }

    if (!g->timer.timer_set) {
        ngx_add_timer(&g->timer, wait);
    }
}


void
ngx_aigc_gone(ngx_aigc_zone_t *zone, ngx_str_t *sub, ngx_aigc_gone_e how,
    time_t signed_in, ngx_uint_t runs, ngx_log_t *log)
{
    uint64_t               when;
    ngx_aigc_revocation_e  reason;

    static const char  *words[] = { "suspended", "deleted" };

    when = ngx_aigc_revocation_when(zone, sub);
    reason = ngx_aigc_when_reason(when);

    /* told before, and nothing has begun since */

    if (when && reason != NGX_AIGC_REVOCATION_SESSION
        && ngx_aigc_when_time(when) >= signed_in
        && !(runs && reason == NGX_AIGC_REVOCATION_RELEASED))
    {
        return;
    }

    if (ngx_aigc_revocation_put(zone, sub, ngx_time(), NGX_AIGC_REVOCATION_USER,
                                log)
        == NGX_OK)
    {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "aigc: user \"%V\" is %s in Logto, which no webhook has "
                      "told: sessions end, instances are released",
                      sub, words[how]);
    }
}


ngx_int_t
ngx_aigc_gone_suspended(json_t *user, time_t *signed_in)
{
    double  msec;

    if (!json_is_true(json_object_get(user, "isSuspended"))) {
        return NGX_DECLINED;
    }

    /* no number, or none that makes sense: it may have been just now */

    msec = json_number_value(json_object_get(user, "lastSignInAt"));

    *signed_in = (msec >= 0 && msec < 1e15) ? (time_t) (msec / 1000)
                                            : ngx_time();
    return NGX_OK;
}
