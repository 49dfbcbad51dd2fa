/*
 * oidc/ngx_aigc_revoke_quit.c — no revocation is lost with the nginx that was
 * told of it.  A worker that quits stays until the ConfigMap has them all, also
 * those that its last requests make; worker 0 writes them, and another worker
 * where worker 0 has ended before.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revoke.h"

#include "base/ngx_aigc_elapsed.h"
#include "base/ngx_aigc_timer.h"


typedef struct {
    ngx_aigc_kubernetes_t  *k8s;
    ngx_aigc_zone_t        *zone;
    ngx_log_t              *log;
    ngx_msec_t              since;      /* that there is something to write */
    ngx_event_t             hold;       /* keeps the worker: not cancelable */
} ngx_aigc_revoke_quit_t;


static void ngx_aigc_revoke_quit_told(void);
static void ngx_aigc_revoke_quit_look(ngx_event_t *ev);
static ngx_uint_t ngx_aigc_revoke_quit_pending(void);


static ngx_aigc_revoke_quit_t  ngx_aigc_revoke_quitting;


void
ngx_aigc_revoke_quit_init(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, time_t lifetime)
{
    ngx_aigc_revoke_quit_t  *q;

    q = &ngx_aigc_revoke_quitting;

    ngx_memzero(q, sizeof(ngx_aigc_revoke_quit_t));

    q->k8s = k8s;
    q->zone = zone;
    q->log = cycle->log;

    ngx_aigc_timer_init(&q->hold, ngx_aigc_revoke_quit_look, 0, cycle->log);

    ngx_aigc_revoke_lifetime = lifetime;
    ngx_aigc_revoke_k8s = k8s;
}


void
ngx_aigc_revoke_quit(void)
{
    ngx_aigc_revocation_notify(ngx_aigc_revoke_quit_told);
    ngx_aigc_revoke_quit_told();
}


void
ngx_aigc_revoke_quit_stop(void)
{
    ngx_aigc_revoke_quit_t  *q;

    q = &ngx_aigc_revoke_quitting;

    if (q->zone == NULL) {
        return;
    }

    ngx_aigc_revocation_notify(NULL);

    ngx_aigc_timer_stop(&q->hold);

    ngx_aigc_revoke_store_stop();

    q->zone = NULL;
}


/* Somebody was revoked here, while this worker quits. */
static void
ngx_aigc_revoke_quit_told(void)
{
    ngx_aigc_revoke_quit_t  *q;

    q = &ngx_aigc_revoke_quitting;

    if (!q->hold.timer_set) {
        q->since = ngx_current_msec;
        ngx_aigc_revoke_quit_look(&q->hold);
    }
}


static void
ngx_aigc_revoke_quit_look(ngx_event_t *ev)
{
    ngx_msec_t               waited;
    ngx_aigc_revoke_quit_t  *q;

    q = &ngx_aigc_revoke_quitting;

    if (!ngx_aigc_revoke_quit_pending()) {
        return;
    }

    waited = ngx_aigc_since(q->since);

    if (waited >= NGX_AIGC_REVOKE_QUIT) {
        ngx_log_error(NGX_LOG_WARN, q->log, 0,
                      "aigc: this worker ends, and not all revocations are in "
                      "the ConfigMap " NGX_AIGC_REVOKED_NAME ": other gateways "
                      "do not know of them");
        return;
    }

    if (ngx_aigc_zone_is_writer(q->zone) == NGX_OK
        || waited >= NGX_AIGC_REVOKE_QUIT_OTHER)
    {
        ngx_aigc_revoke_store(q->k8s, q->zone, q->log);
    }

    ngx_add_timer(ev, NGX_AIGC_REVOKE_QUIT_LOOK);
}


static ngx_uint_t
ngx_aigc_revoke_quit_pending(void)
{
    time_t              from;
    ngx_aigc_revoked_t  one;

    from = ngx_time() - ngx_aigc_revoke_lifetime - NGX_AIGC_REVOKED_LATE;

    return ngx_aigc_revocation_list(ngx_aigc_revoke_quitting.zone,
                                    NGX_AIGC_REVOCATION_PENDING, from, &one, 1);
}
