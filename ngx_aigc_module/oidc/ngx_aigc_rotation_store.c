/*
 * oidc/ngx_aigc_rotation_store.c — what no renewal waits for: tokens that are
 * left to be written, and entries that can go.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_rotation_store.h"

#include "ngx_aigc_rotation_turn.h"
#include "base/ngx_aigc_timer.h"


#define NGX_AIGC_ROTATION_EVERY  1000   /* ms: is a token left unwritten? */
#define NGX_AIGC_ROTATION_LEFT   5000   /* ms: who got it has not written it */
#define NGX_AIGC_ROTATION_CLEAN  10000  /* ms between two removals */


typedef struct {
    ngx_aigc_zone_t     *zone;          /* NULL: not begun, or ended */
    ngx_log_t           *log;
    ngx_event_t          timer;
    ngx_aigc_fetch_t    *fetch;         /* the removal under way */
    ngx_aigc_seldom_t    cleaned;
} ngx_aigc_rotation_store_t;


static void ngx_aigc_rotation_timer(ngx_event_t *ev);
static void ngx_aigc_rotation_removed(ngx_aigc_fetch_t *f);


static ngx_aigc_rotation_store_t  ngx_aigc_rotation_store;


void
ngx_aigc_rotation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_rotation_call_pt call,
    ngx_str_t *ns)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    ngx_memzero(s, sizeof(ngx_aigc_rotation_store_t));

    s->zone = zone;
    s->log = cycle->log;

    ngx_aigc_rotation_calls(cycle, zone, k8s, call, ns);

    ngx_aigc_timer_init(&s->timer, ngx_aigc_rotation_timer, 1, cycle->log);
}


void
ngx_aigc_rotation_start(void)
{
    ngx_add_timer(&ngx_aigc_rotation_store.timer, NGX_AIGC_ROTATION_EVERY);
}


void
ngx_aigc_rotation_stop(void)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    if (s->zone == NULL) {
        return;
    }

    ngx_aigc_timer_stop(&s->timer);

    if (s->fetch) {
        ngx_aigc_fetch_cancel(s->fetch);
        s->fetch = NULL;
    }

    s->zone = NULL;

    ngx_aigc_rotation_calls_end();
}


/* What a worker could not write, or has died with, goes out now. */
static void
ngx_aigc_rotation_timer(ngx_event_t *ev)
{
    ngx_str_t                   now;
    ngx_pool_t                 *pool;
    ngx_aigc_rotation_turn_t    turn;
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    if (ngx_aigc_zone_is_writer(s->zone) != NGX_OK) {
        return;
    }

    ngx_add_timer(ev, NGX_AIGC_ROTATION_EVERY);

    if (!ngx_aigc_rotation_rotates(s->zone) || !ngx_aigc_rotation_may_call()) {
        return;
    }

    pool = ngx_create_pool(4096, s->log);
    if (pool == NULL) {
        return;
    }

    ngx_memzero(&turn, sizeof(ngx_aigc_rotation_turn_t));
    turn.zone = s->zone;

    if (ngx_aigc_rotation_pending(s->zone, pool, NGX_AIGC_ROTATION_LEFT,
                                  turn.key, &now)
        == NGX_OK)
    {
        ngx_aigc_rotation_write(&turn, NGX_AIGC_ROTATION_TURN_WRITE, &now);
    }

    ngx_destroy_pool(pool);
}


void
ngx_aigc_rotation_prune(struct ngx_aigc_kubernetes_s *k8s,
    ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    u_char                     *keys;
    ngx_uint_t                  n;
    ngx_aigc_fetch_t           *f;
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    n = ngx_aigc_rotation_past(&keys);

    if (n == 0 || s->fetch || !ngx_aigc_rotation_may_call()
        || !ngx_aigc_seldom(&s->cleaned, NGX_AIGC_ROTATION_CLEAN))
    {
        return;
    }

    f = ngx_aigc_rotation_call("PATCH",
                               "Content-Type: application/merge-patch+json");
    if (f == NULL) {
        return;
    }

    f->done = ngx_aigc_rotation_removed;

    if (ngx_aigc_rotation_patch_remove(f->pool, keys, n, &f->body) != NGX_OK) {
        ngx_destroy_pool(f->pool);
        return;
    }

    if (ngx_aigc_fetch_start(f) == NGX_OK) {
        s->fetch = f;
    }
}


/* the watch brings the rest */
static void
ngx_aigc_rotation_removed(ngx_aigc_fetch_t *f)
{
    ngx_aigc_rotation_store.fetch = NULL;

    if (f->status != 200) {
        ngx_aigc_rotation_complain(f->status, f->error, "pruned");
    }
}


void
ngx_aigc_rotation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error)
{
    if (status == 403) {
        ngx_aigc_rotation_heard(zone);
    }

    ngx_aigc_rotation_say(status, error, "watched");
}
