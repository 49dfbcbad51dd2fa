/*
 * oidc/ngx_aigc_revoke_store.c — what is written into the ConfigMap, and removed
 * from it.  Level-triggered: it looks at what the zone has and the ConfigMap has
 * not, so what failed is tried again.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revoke.h"
#include "kube/ngx_aigc_task.h"


typedef struct {
    ngx_aigc_zone_t      *zone;
    ngx_uint_t            create;
    ngx_uint_t            n;
    ngx_aigc_revoked_t    list[NGX_AIGC_REVOKE_BATCH];
} ngx_aigc_revoke_write_t;


static ngx_int_t ngx_aigc_revoke_send(ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_revoke_write_t *write, ngx_log_t *log);
static ngx_int_t ngx_aigc_revoke_drop_body(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
static void ngx_aigc_revoke_written(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_revoke_remove(ngx_aigc_kubernetes_t *k8s,
    time_t floor, ngx_log_t *log);
static void ngx_aigc_revoke_removed(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);


time_t                     ngx_aigc_revoke_lifetime;
ngx_aigc_kubernetes_t     *ngx_aigc_revoke_k8s;

static ngx_aigc_fetch_t   *ngx_aigc_revoke_write;
static ngx_uint_t          ngx_aigc_revoke_create;  /* there is none to patch */
static ngx_atomic_uint_t   ngx_aigc_revoke_done;    /* version that is stored */
static ngx_aigc_backoff_t  ngx_aigc_revoke_backoff;
static ngx_msec_t          ngx_aigc_revoke_next;    /* ngx_current_msec */
static ngx_aigc_seldom_t   ngx_aigc_revoke_pruned;
static ngx_aigc_seldom_t   ngx_aigc_revoke_complained;  /* of … */
static ngx_uint_t          ngx_aigc_revoke_complaint;   /* … this status */

/* what the removal under way removes */
static ngx_aigc_zone_t    *ngx_aigc_revoke_zone;
static ngx_aigc_revoked_t  ngx_aigc_revoke_past[NGX_AIGC_REVOKE_BATCH];
static ngx_uint_t          ngx_aigc_revoke_npast;


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


void
ngx_aigc_revoke_store(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    ngx_atomic_uint_t        version;
    ngx_aigc_revoke_write_t  write;

    version = ngx_aigc_revocation_version(zone);

    if (ngx_aigc_revoke_write || version == ngx_aigc_revoke_done
        || (ngx_aigc_revoke_backoff.wait
            && (ngx_msec_int_t) (ngx_current_msec - ngx_aigc_revoke_next) < 0))
    {
        return;
    }

    write.zone = zone;
    write.create = ngx_aigc_revoke_create;
    write.n = ngx_aigc_revocation_list(zone, NGX_AIGC_REVOCATION_PENDING,
                                       ngx_time() - ngx_aigc_revoke_lifetime
                                       - NGX_AIGC_REVOKED_LATE,
                                       write.list, NGX_AIGC_REVOKE_BATCH);

    if (write.n == 0) {
        ngx_aigc_revoke_done = version;
        return;
    }

    (void) ngx_aigc_revoke_send(k8s, &write, log);
}


void
ngx_aigc_revoke_store_stop(void)
{
    if (ngx_aigc_revoke_write) {
        ngx_aigc_fetch_cancel(ngx_aigc_revoke_write);
        ngx_aigc_revoke_write = NULL;
    }
}


void
ngx_aigc_revoke_again(void)
{
    ngx_aigc_revoke_done = 0;
}


static ngx_int_t
ngx_aigc_revoke_send(ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_revoke_write_t *write, ngx_log_t *log)
{
    ngx_aigc_fetch_t  *f;

    f = write->create
        ? ngx_aigc_revoke_call(k8s, "POST", "",
                               "Content-Type: application/json", log)
        : ngx_aigc_revoke_call(k8s, "PATCH", "/" NGX_AIGC_REVOKED_NAME,
                               "Content-Type: application/merge-patch+json",
                               log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->ctx = ngx_palloc(f->pool, sizeof(ngx_aigc_revoke_write_t));

    if (f->ctx == NULL
        || ngx_aigc_revoked_add(f->pool, write->list, write->n, &f->body)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    ngx_memcpy(f->ctx, write, sizeof(ngx_aigc_revoke_write_t));

    f->timeout = NGX_AIGC_REVOKE_TIMEOUT;
    f->data = ngx_aigc_revoke_drop_body;
    f->done = ngx_aigc_revoke_written;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_revoke_write = f;

    return NGX_OK;
}


/* the whole object comes back: its watch says the same */
static ngx_int_t
ngx_aigc_revoke_drop_body(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    return NGX_OK;
}


static void
ngx_aigc_revoke_written(ngx_aigc_fetch_t *f)
{
    ngx_uint_t                i;
    ngx_aigc_revoke_write_t  *write;

    write = f->ctx;
    ngx_aigc_revoke_write = NULL;

    if ((f->status == 200 || f->status == 201) && f->error == NULL) {
        ngx_aigc_revoke_create = 0;
        ngx_aigc_backoff_reset(&ngx_aigc_revoke_backoff);

        for (i = 0; i < write->n; /* void */) {
            i += ngx_aigc_revocation_seen(write->zone, &write->list[i],
                                          write->n - i, 0, f->log);
        }

        return;
    }

    /* none there: it is made; made by another gateway meanwhile: it is there */

    if (f->status == (write->create ? 409 : 404)) {
        ngx_aigc_revoke_create = !write->create;
        return;
    }

    ngx_aigc_revoke_next = ngx_current_msec
                           + ngx_aigc_backoff_next(&ngx_aigc_revoke_backoff,
                                                   NGX_AIGC_REVOKE_BACKOFF,
                                                   NGX_AIGC_REVOKE_BACKOFF_MAX);

    ngx_aigc_revoke_complain(f->status, f->error, "written");
}


void
ngx_aigc_revoke_prune(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    time_t      before, floor;
    ngx_uint_t  most, some;

    if (ngx_aigc_task_running(NGX_AIGC_TASK_REVOCATIONS, 0) == NGX_OK
        || !ngx_aigc_seldom(&ngx_aigc_revoke_pruned, NGX_AIGC_REVOKE_PRUNE))
    {
        return;
    }

    ngx_aigc_revoke_zone = zone;

    before = ngx_time() - ngx_aigc_revoke_lifetime - NGX_AIGC_REVOKED_LATE;
    floor = 0;

    ngx_aigc_revoke_npast = ngx_aigc_revocation_list(zone,
                                NGX_AIGC_REVOCATION_PAST, before,
                                ngx_aigc_revoke_past, NGX_AIGC_REVOKE_BATCH);

    /* almost full: the oldest go, and with them the oldest sessions */

    some = ngx_aigc_revocations_n(zone) / 16;
    most = ngx_aigc_revocations_n(zone) - some;

    if (ngx_aigc_revoke_npast == 0 && ngx_aigc_revoked(zone)->used > most) {
        floor = ngx_aigc_revocation_oldest(zone, some, log);
        ngx_aigc_revoke_npast = ngx_aigc_revocation_list(zone,
                                    NGX_AIGC_REVOCATION_PAST, floor + 1,
                                    ngx_aigc_revoke_past,
                                    NGX_AIGC_REVOKE_BATCH);
    }

    if (ngx_aigc_revoke_npast) {
        (void) ngx_aigc_revoke_remove(k8s, floor, log);
    }
}


static ngx_int_t
ngx_aigc_revoke_remove(ngx_aigc_kubernetes_t *k8s, time_t floor,
    ngx_log_t *log)
{
    u_char            buf[256];
    ngx_int_t         rc;
    ngx_str_t         patch, path;
    ngx_pool_t       *pool;
    ngx_aigc_task_t   task;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf), "/api/v1/namespaces/%V/"
                            "configmaps/" NGX_AIGC_REVOKED_NAME,
                            &k8s->lease_ns)
               - buf;

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = NGX_AIGC_TASK_REVOCATIONS;
    task.done = ngx_aigc_revoke_removed;

    rc = ngx_aigc_revoked_remove(pool, ngx_aigc_revoke_past,
                                 ngx_aigc_revoke_npast, floor, &patch);

    if (rc == NGX_OK) {
        rc = ngx_aigc_task_patch(&task, &path, &patch);
    }

    ngx_destroy_pool(pool);

    if (rc == NGX_OK && floor) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: the ConfigMap " NGX_AIGC_REVOKED_NAME " is "
                      "almost full: sessions that began until %T are refused "
                      "from now on", floor);
    }

    return rc;
}


static void
ngx_aigc_revoke_removed(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    if (f == NULL) {
        return;
    }

    /* 422: another gateway has changed one meanwhile; with the next look */

    if (f->status == 200) {
        ngx_aigc_revocation_forget(ngx_aigc_revoke_zone, ngx_aigc_revoke_past,
                                   ngx_aigc_revoke_npast);

    } else if (f->status != 422) {
        ngx_aigc_revoke_complain(f->status, f->error, "pruned");
    }
}


void
ngx_aigc_revoke_complain(ngx_uint_t status, const char *error,
    const char *what)
{
    if (status != ngx_aigc_revoke_complaint) {
        ngx_aigc_revoke_complained.done = 0;
    }

    if (!ngx_aigc_seldom(&ngx_aigc_revoke_complained, NGX_AIGC_REVOKE_LOG)) {
        return;
    }

    ngx_aigc_revoke_complaint = status;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "aigc: the ConfigMap %V/" NGX_AIGC_REVOKED_NAME " could not "
                  "be %s: status %ui%s%s%s; what was revoked here holds here, "
                  "trying again", &ngx_aigc_revoke_k8s->lease_ns, what, status,
                  error ? ", " : "", error ? error : "",
                  status == 403 ? ": see docker/kubernetes/rbac.yaml" : "");
}
