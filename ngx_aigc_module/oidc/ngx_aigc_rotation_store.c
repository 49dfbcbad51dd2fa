/*
 * oidc/ngx_aigc_rotation_store.c — the calls about the Secret that no renewal
 * waits for, and what a failed one means.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_rotation_turn.h"

#include "base/ngx_aigc_timer.h"


#define NGX_AIGC_ROTATION_EVERY    1000     /* ms: is a token left unwritten? */
#define NGX_AIGC_ROTATION_LEFT     5000     /* ms: who got it has not written
                                               it */
#define NGX_AIGC_ROTATION_AWAY     5000     /* ms without calls after one that
                                               failed, … */
#define NGX_AIGC_ROTATION_REFUSED  30000    /* … was refused */
#define NGX_AIGC_ROTATION_LOG      60000    /* ms between lines that say the
                                               same */
#define NGX_AIGC_ROTATION_CLEAN    10000    /* ms between two removals */


typedef struct {
    struct ngx_aigc_kubernetes_s  *k8s;
    ngx_aigc_rotation_call_pt      call;
    ngx_aigc_zone_t               *zone;    /* NULL: not begun, or ended */
    ngx_log_t                     *log;
    ngx_str_t                      ns;
    ngx_event_t                    timer;

    ngx_msec_t                     away;    /* no calls until then, … */
    ngx_uint_t                     failed;  /* … if 1 */
    ngx_aigc_seldom_t              complained;  /* of … */
    ngx_uint_t                     complaint;   /* … this status */

    ngx_aigc_fetch_t              *fetch;   /* the removal under way */
    ngx_aigc_seldom_t              cleaned;
} ngx_aigc_rotation_store_t;


static void ngx_aigc_rotation_timer(ngx_event_t *ev);
static ngx_int_t ngx_aigc_rotation_drop_body(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static void ngx_aigc_rotation_removed(ngx_aigc_fetch_t *f);
static void ngx_aigc_rotation_say(ngx_uint_t status, const char *error,
    const char *what);


static ngx_aigc_rotation_store_t  ngx_aigc_rotation_store;


void
ngx_aigc_rotation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_rotation_call_pt call,
    ngx_str_t *ns)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    ngx_memzero(s, sizeof(ngx_aigc_rotation_store_t));

    s->k8s = k8s;
    s->call = call;
    s->zone = zone;
    s->log = cycle->log;
    s->ns = *ns;

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


ngx_aigc_fetch_t *
ngx_aigc_rotation_call(const char *method, const char *content_type)
{
    u_char                      buf[256];
    ngx_str_t                   path;
    ngx_aigc_fetch_t           *f;
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            "/api/v1/namespaces/%V/secrets%s", &s->ns,
                            ngx_strcmp(method, "POST") == 0
                            ? "" : "/" NGX_AIGC_ROTATION_NAME)
               - buf;

    f = s->call(s->k8s, method, &path, content_type, s->log);

    if (f) {
        f->timeout = NGX_AIGC_ROTATION_TIMEOUT;

        if (content_type) {
            f->data = ngx_aigc_rotation_drop_body;
        }
    }

    return f;
}


/* the whole Secret comes back: its watch says the same */
static ngx_int_t
ngx_aigc_rotation_drop_body(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    return NGX_OK;
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

    if (f->status != 200 && f->status != 404) {
        ngx_aigc_rotation_complain(f->status, f->error, "pruned");
    }
}


void
ngx_aigc_rotation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error)
{
    ngx_aigc_rotation_say(status, error, "watched");
}


ngx_uint_t
ngx_aigc_rotation_may_call(void)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    return s->zone && (!s->failed || ngx_aigc_reached(s->away));
}


void
ngx_aigc_rotation_complain(ngx_uint_t status, const char *error,
    const char *what)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    s->failed = 1;
    s->away = ngx_current_msec + (status == 403 ? NGX_AIGC_ROTATION_REFUSED
                                                : NGX_AIGC_ROTATION_AWAY);

    ngx_aigc_rotation_say(status, error, what);
}


static void
ngx_aigc_rotation_say(ngx_uint_t status, const char *error, const char *what)
{
    ngx_aigc_rotation_store_t  *s;

    s = &ngx_aigc_rotation_store;

    ngx_aigc_count(s->zone, rotation_errors);

    if (status != s->complaint) {
        s->complained.done = 0;
    }

    if (!ngx_aigc_seldom(&s->complained, NGX_AIGC_ROTATION_LOG)) {
        return;
    }

    s->complaint = status;

    ngx_log_error(NGX_LOG_ERR, s->log, 0,
                  "aigc: the Secret %V/" NGX_AIGC_ROTATION_NAME " could not be "
                  "%s: status %ui%s%s%s; this gateway goes on by the refresh "
                  "tokens that it knows itself", &s->ns, what, status,
                  error ? ", " : "", error ? error : "",
                  status == 403 ? ": see docker/kubernetes/rbac.yaml" : "");
}
