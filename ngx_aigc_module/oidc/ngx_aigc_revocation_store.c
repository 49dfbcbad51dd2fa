/*
 * oidc/ngx_aigc_revocation_store.c — what is written into the ConfigMap, and
 * removed from it.  Level-triggered: it looks at what the zone has and the
 * ConfigMap has not, so what failed is tried again.
 *
 * No revocation is lost with the nginx that was told of it.  A worker that
 * quits stays until the ConfigMap has them all, also those that its last
 * requests make; worker 0 writes them, and another worker where worker 0 has
 * ended before.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revocation_store.h"

#include "base/ngx_aigc_timer.h"


#define NGX_AIGC_REVOCATION_EVERY     100    /* ms: has any worker revoked? */
#define NGX_AIGC_REVOCATION_BATCH    256    /* entries of a patch */
#define NGX_AIGC_REVOCATION_TIMEOUT  5000   /* ms for a write */
#define NGX_AIGC_REVOCATION_BACKOFF  200    /* ms, doubled up to … */
#define NGX_AIGC_REVOCATION_BACKOFF_MAX  8000
#define NGX_AIGC_REVOCATION_LOG      30000  /* ms between lines that say the
                                               same */
#define NGX_AIGC_REVOCATION_PRUNE    10000  /* ms between looks for what is
                                               past */
#define NGX_AIGC_REVOCATION_FORGET   3600   /* s that the zone keeps it longer
                                               than the ConfigMap does */
#define NGX_AIGC_REVOCATION_SHUTDOWN 2000   /* ms that a worker may stay */
#define NGX_AIGC_REVOCATION_OTHER    300    /* ms in which worker 0, or the one
                                               of a reload, has written */
#define NGX_AIGC_REVOCATION_LOOK     20     /* ms between two looks */


typedef struct {
    struct ngx_aigc_kubernetes_s  *k8s;
    ngx_aigc_revocation_call_pt    call;
    ngx_aigc_zone_t               *zone;    /* NULL: not begun, or ended */
    ngx_log_t                     *log;
    ngx_str_t                      ns;
    time_t                         lifetime;
    ngx_event_t                    timer;
    ngx_event_t                    flush;   /* keeps a worker that quits: not
                                               cancelable */
    ngx_msec_t                     since;   /* that it has something to write */
    ngx_aigc_seldom_t              pruned;  /* the zone */

    u_char                         buf[256];
    ngx_str_t                      path;    /* of a call, in buf */

    ngx_aigc_fetch_t              *fetch;   /* the write under way, … */
    ngx_uint_t                     n;       /* … of these */
    ngx_aigc_revocation_t          list[NGX_AIGC_REVOCATION_BATCH];
    uint32_t                       begun;   /* readings when it was sent */
    ngx_uint_t                     pruning; /* it removes what is past */
    ngx_uint_t                     create;  /* there is none to patch */
    ngx_atomic_uint_t              done;    /* version that is stored */
    ngx_aigc_backoff_t             backoff;
    ngx_msec_t                     next;    /* ngx_current_msec */
    ngx_aigc_seldom_t              cleaned; /* the ConfigMap */
    ngx_aigc_seldom_t              complained;  /* of … */
    ngx_uint_t                     complaint;   /* … this status */
} ngx_aigc_revocation_store_t;


static void ngx_aigc_revocation_timer(ngx_event_t *ev);
static void ngx_aigc_revocation_flush_start(void);
static void ngx_aigc_revocation_flush(ngx_event_t *ev);
static time_t ngx_aigc_revocation_from(void);
static ngx_uint_t ngx_aigc_revocation_pending(void);
static void ngx_aigc_revocation_store(void);
static ngx_aigc_fetch_t *ngx_aigc_revocation_call(const char *method,
    const char *name, const char *content_type);
static ngx_int_t ngx_aigc_revocation_send(ngx_aigc_fetch_t *f, ngx_int_t rc,
    ngx_aigc_fetch_done_pt done);
static void ngx_aigc_revocation_written(ngx_aigc_fetch_t *f);
static void ngx_aigc_revocation_removed(ngx_aigc_fetch_t *f);
static void ngx_aigc_revocation_complain(ngx_uint_t status, const char *error,
    const char *what);


static ngx_aigc_revocation_store_t  ngx_aigc_revocation_writer;


void
ngx_aigc_revocation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_revocation_call_pt call,
    ngx_str_t *ns, time_t lifetime)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    ngx_memzero(s, sizeof(ngx_aigc_revocation_store_t));

    s->k8s = k8s;
    s->call = call;
    s->zone = zone;
    s->log = cycle->log;
    s->ns = *ns;
    s->lifetime = lifetime;

    ngx_aigc_timer_init(&s->timer, ngx_aigc_revocation_timer, 1, cycle->log);
    ngx_aigc_timer_init(&s->flush, ngx_aigc_revocation_flush, 0, cycle->log);
}


void
ngx_aigc_revocation_start(void)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    (void) ngx_aigc_seldom(&s->pruned, 0);

    ngx_add_timer(&s->timer, NGX_AIGC_REVOCATION_EVERY);
}


void
ngx_aigc_revocation_stop(void)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (s->zone == NULL) {
        return;
    }

    ngx_aigc_revocation_notify(NULL);

    ngx_aigc_timer_stop(&s->timer);
    ngx_aigc_timer_stop(&s->flush);

    if (s->fetch) {
        ngx_aigc_fetch_cancel(s->fetch);
        s->fetch = NULL;
    }

    s->zone = NULL;
}


/* What workers have revoked goes out; what nobody needs any more is dropped. */
static void
ngx_aigc_revocation_timer(ngx_event_t *ev)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (ngx_aigc_zone_is_writer(s->zone) != NGX_OK) {
        return;
    }

    ngx_add_timer(ev, NGX_AIGC_REVOCATION_EVERY);

    ngx_aigc_revocation_store();

    if (ngx_aigc_seldom(&s->pruned, NGX_AIGC_REVOCATION_FORGET * 1000 / 6)) {
        ngx_aigc_revocation_prune(s->zone, ngx_time() - s->lifetime
                                           - NGX_AIGC_REVOCATION_FORGET);
    }
}


void
ngx_aigc_revocation_shutdown(void)
{
    ngx_aigc_revocation_notify(ngx_aigc_revocation_flush_start);
    ngx_aigc_revocation_flush_start();
}


/* Somebody was revoked here, while this worker quits. */
static void
ngx_aigc_revocation_flush_start(void)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (!s->flush.timer_set) {
        s->since = ngx_current_msec;
        ngx_aigc_revocation_flush(&s->flush);
    }
}


static void
ngx_aigc_revocation_flush(ngx_event_t *ev)
{
    ngx_msec_t                    waited;
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (!ngx_aigc_revocation_pending()) {
        return;
    }

    waited = ngx_aigc_since(s->since);

    if (waited >= NGX_AIGC_REVOCATION_SHUTDOWN) {
        ngx_log_error(NGX_LOG_WARN, s->log, 0,
                      "aigc: this worker ends, and not all revocations are in "
                      "the ConfigMap " NGX_AIGC_REVOCATION_NAME ": other "
                      "gateways do not know of them");
        return;
    }

    if (ngx_aigc_zone_is_writer(s->zone) == NGX_OK
        || waited >= NGX_AIGC_REVOCATION_OTHER)
    {
        ngx_aigc_revocation_store();
    }

    ngx_add_timer(ev, NGX_AIGC_REVOCATION_LOOK);
}


/* No session that is still good is older. */
static time_t
ngx_aigc_revocation_from(void)
{
    return ngx_time() - ngx_aigc_revocation_writer.lifetime
           - NGX_AIGC_REVOCATION_LATE;
}


/* 1: something is to be written. */
static ngx_uint_t
ngx_aigc_revocation_pending(void)
{
    ngx_aigc_revocation_t  one;

    return ngx_aigc_revocation_list(ngx_aigc_revocation_writer.zone,
                                    NGX_AIGC_REVOCATIONS_PENDING,
                                    ngx_aigc_revocation_from(), &one, 1);
}


static void
ngx_aigc_revocation_store(void)
{
    ngx_aigc_fetch_t             *f;
    ngx_atomic_uint_t             version;
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;
    version = ngx_aigc_revocation_version(s->zone);

    if ((s->fetch && !s->pruning) || version == s->done
        || (s->backoff.wait
            && (ngx_msec_int_t) (ngx_current_msec - s->next) < 0))
    {
        return;
    }

    if (s->fetch) {

        /* what is past can wait, and its removal can be repeated */

        if (!ngx_aigc_revocation_pending()) {
            return;
        }

        ngx_aigc_fetch_cancel(s->fetch);
        s->fetch = NULL;
    }

    s->pruning = 0;
    s->begun = (uint32_t) ngx_aigc_revocations(s->zone)->begun;

    s->n = ngx_aigc_revocation_list(s->zone, NGX_AIGC_REVOCATIONS_PENDING,
                                    ngx_aigc_revocation_from(), s->list,
                                    NGX_AIGC_REVOCATION_BATCH);
    if (s->n == 0) {
        s->done = version;
        return;
    }

    f = s->create
        ? ngx_aigc_revocation_call("POST", "", "Content-Type: application/json")
        : ngx_aigc_revocation_call("PATCH", "/" NGX_AIGC_REVOCATION_NAME,
                           "Content-Type: application/merge-patch+json");

    if (f) {
        (void) ngx_aigc_revocation_send(f,
                   ngx_aigc_revocation_patch_add(f->pool, s->list, s->n,
                                                 &f->body),
                   ngx_aigc_revocation_written);
    }
}


void
ngx_aigc_revocation_again(void)
{
    ngx_aigc_revocation_writer.done = 0;
}


static ngx_aigc_fetch_t *
ngx_aigc_revocation_call(const char *method, const char *name,
    const char *content_type)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    s->path.data = s->buf;
    s->path.len = ngx_snprintf(s->buf, sizeof(s->buf),
                               "/api/v1/namespaces/%V/configmaps%s", &s->ns,
                               name)
                  - s->buf;

    return s->call(s->k8s, method, &s->path, content_type, s->log);
}


/* rc: whether its body could be made. */
static ngx_int_t
ngx_aigc_revocation_send(ngx_aigc_fetch_t *f, ngx_int_t rc,
    ngx_aigc_fetch_done_pt done)
{
    if (rc != NGX_OK) {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    f->timeout = NGX_AIGC_REVOCATION_TIMEOUT;
    /* the whole object comes back: its watch says the same */

    f->data = ngx_aigc_fetch_drop;
    f->done = done;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_revocation_writer.fetch = f;

    return NGX_OK;
}


static void
ngx_aigc_revocation_written(ngx_aigc_fetch_t *f)
{
    ngx_uint_t                    i;
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;
    s->fetch = NULL;

    if ((f->status == 200 || f->status == 201) && f->error == NULL) {
        s->create = 0;
        ngx_aigc_backoff_reset(&s->backoff);

        for (i = 0; i < s->n; /* void */) {
            i += ngx_aigc_revocation_seen(s->zone, &s->list[i], s->n - i,
                                          s->begun, f->log);
        }

        return;
    }

    /* none there: it is made; made by another gateway meanwhile: it is there */

    if (f->status == (s->create ? 409 : 404)) {
        s->create = !s->create;
        return;
    }

    s->next = ngx_current_msec
              + ngx_aigc_backoff_next(&s->backoff, NGX_AIGC_REVOCATION_BACKOFF,
                                      NGX_AIGC_REVOCATION_BACKOFF_MAX);

    ngx_aigc_revocation_complain(f->status, f->error, "written");
}


void
ngx_aigc_revocation_store_prune(struct ngx_aigc_kubernetes_s *k8s,
    ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    time_t                        floor;
    ngx_uint_t                    most, some;
    ngx_aigc_fetch_t             *f;
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (s->fetch || !ngx_aigc_seldom(&s->cleaned, NGX_AIGC_REVOCATION_PRUNE)) {
        return;
    }

    floor = 0;
    s->pruning = 1;

    s->n = ngx_aigc_revocation_list(zone, NGX_AIGC_REVOCATIONS_PAST,
                                    ngx_aigc_revocation_from(), s->list,
                                    NGX_AIGC_REVOCATION_BATCH);

    /* almost full: the oldest go, and with them the oldest sessions */

    some = ngx_aigc_revocations_n(zone) / 16;
    most = ngx_aigc_revocations_n(zone) - some;

    if (s->n == 0 && ngx_aigc_revocations(zone)->used > most) {
        floor = ngx_aigc_revocation_oldest(zone, some, log);
        s->n = ngx_aigc_revocation_list(zone, NGX_AIGC_REVOCATIONS_PAST,
                                        floor + 1, s->list,
                                        NGX_AIGC_REVOCATION_BATCH);
    }

    if (s->n == 0) {
        return;
    }

    f = ngx_aigc_revocation_call("PATCH", "/" NGX_AIGC_REVOCATION_NAME,
                                 "Content-Type: application/json-patch+json");
    if (f == NULL
        || ngx_aigc_revocation_send(f,
               ngx_aigc_revocation_patch_remove(f->pool, s->list, s->n, floor,
                                                &f->body),
               ngx_aigc_revocation_removed)
           != NGX_OK)
    {
        return;
    }

    if (floor) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: the ConfigMap " NGX_AIGC_REVOCATION_NAME " is "
                      "almost full: sessions that began until %T are refused "
                      "from now on", floor);
    }
}


static void
ngx_aigc_revocation_removed(ngx_aigc_fetch_t *f)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;
    s->fetch = NULL;

    /* 422: another gateway has changed one meanwhile; with the next look */

    if (f->status == 200) {
        ngx_aigc_revocation_forget(s->zone, s->list, s->n);

    } else if (f->status != 422) {
        ngx_aigc_revocation_complain(f->status, f->error, "pruned");
    }
}


void
ngx_aigc_revocation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error)
{
    if (status == 403) {
        ngx_aigc_revocations(zone)->known = 1;
    }

    ngx_aigc_revocation_complain(status, error, "read");
}


static void
ngx_aigc_revocation_complain(ngx_uint_t status, const char *error,
    const char *what)
{
    ngx_aigc_revocation_store_t  *s;

    s = &ngx_aigc_revocation_writer;

    if (!ngx_aigc_seldom_about(&s->complained, &s->complaint, status,
                               NGX_AIGC_REVOCATION_LOG))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, s->log, 0,
                  "aigc: the ConfigMap %V/" NGX_AIGC_REVOCATION_NAME " could "
                  "not be %s: status %ui%s%s%s; what was revoked here holds "
                  "here, trying again", &s->ns, what, status,
                  error ? ", " : "", error ? error : "",
                  status == 403 ? ": see docker/kubernetes/rbac.yaml" : "");
}
