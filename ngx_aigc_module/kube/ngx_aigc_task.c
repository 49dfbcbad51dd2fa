/*
 * kube/ngx_aigc_task.c — a table of the calls under way.
 */

#include "ngx_aigc_task.h"

#include "ngx_aigc_leader.h"
#include "ngx_aigc_write.h"


static ngx_int_t ngx_aigc_task_send(ngx_aigc_task_t *task, const char *method,
    ngx_str_t *path, const char *content_type, ngx_str_t *body);
static ngx_uint_t ngx_aigc_task_count(ngx_aigc_task_e what);
static void ngx_aigc_task_done(ngx_aigc_fetch_t *f);


static ngx_aigc_kubernetes_t  *ngx_aigc_task_k8s;
static ngx_aigc_zone_t        *ngx_aigc_task_zone;
static void                  (*ngx_aigc_task_wake)(void);
static ngx_log_t              *ngx_aigc_task_log;
static ngx_aigc_fetch_t       *ngx_aigc_tasks[NGX_AIGC_TASKS_MAX];


void
ngx_aigc_task_init(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    void (*again)(void), ngx_log_t *log)
{
    ngx_aigc_task_k8s = k8s;
    ngx_aigc_task_zone = zone;
    ngx_aigc_task_wake = again;
    ngx_aigc_task_log = log;
}


void
ngx_aigc_task_again(void)
{
    ngx_aigc_task_wake();
}


ngx_int_t
ngx_aigc_task_get(ngx_aigc_task_t *task, ngx_str_t *path)
{
    return ngx_aigc_task_send(task, "GET", path, NULL, NULL);
}


ngx_int_t
ngx_aigc_task_patch(ngx_aigc_task_t *task, ngx_str_t *path, ngx_str_t *patch)
{
    return ngx_aigc_task_send(task, "PATCH", path, NGX_AIGC_JSON_PATCH, patch);
}


ngx_int_t
ngx_aigc_task_delete(ngx_aigc_task_t *task, ngx_str_t *path, ngx_str_t *uid,
    ngx_str_t *version)
{
    ngx_int_t    rc;
    ngx_str_t    options;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, ngx_aigc_task_log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_delete_options(pool, uid, version, &options);

    if (rc == NGX_OK) {
        rc = ngx_aigc_task_send(task, "DELETE", path,
                                "Content-Type: application/json", &options);
    }

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_aigc_task_send(ngx_aigc_task_t *task, const char *method, ngx_str_t *path,
    const char *content_type, ngx_str_t *body)
{
    ngx_uint_t         i;
    ngx_aigc_task_t   *ctx;
    ngx_aigc_fetch_t  *f;

    if (ngx_aigc_task_running(task->what, task->slot) == NGX_OK) {
        return NGX_BUSY;
    }

    if (ngx_aigc_leader_leads(ngx_aigc_task_zone) != NGX_OK
        || ngx_aigc_task_count(task->what) == NGX_AIGC_TASKS_KIND)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_AIGC_TASKS_MAX; i++) {
        if (ngx_aigc_tasks[i] == NULL) {
            break;
        }
    }

    if (i == NGX_AIGC_TASKS_MAX) {
        return NGX_ERROR;
    }

    f = ngx_aigc_kubernetes_call(ngx_aigc_task_k8s, method, path, content_type,
                                 ngx_aigc_task_log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    ctx = ngx_palloc(f->pool, sizeof(ngx_aigc_task_t));

    if (ctx == NULL || ngx_aigc_fetch_text(f, &f->body, "", body) != NGX_OK) {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    *ctx = *task;

    f->ctx = ctx;
    f->max = NGX_AIGC_TASK_BODY;
    f->timeout = NGX_AIGC_TASK_TIME;
    f->done = ngx_aigc_task_done;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_tasks[i] = f;

    return NGX_OK;
}


/* How many of a kind are under way. */
static ngx_uint_t
ngx_aigc_task_count(ngx_aigc_task_e what)
{
    ngx_uint_t        i, n;
    ngx_aigc_task_t  *task;

    n = 0;

    for (i = 0; i < NGX_AIGC_TASKS_MAX; i++) {

        if (ngx_aigc_tasks[i]) {
            task = ngx_aigc_tasks[i]->ctx;
            n += (task->what == what);
        }
    }

    return n;
}


static void
ngx_aigc_task_done(ngx_aigc_fetch_t *f)
{
    ngx_uint_t        i;
    ngx_aigc_task_t  *task;

    for (i = 0; i < NGX_AIGC_TASKS_MAX; i++) {
        if (ngx_aigc_tasks[i] == f) {
            ngx_aigc_tasks[i] = NULL;
        }
    }

    task = f->ctx;
    task->done(task, f);
}


ngx_int_t
ngx_aigc_task_running(ngx_aigc_task_e what, uint32_t slot)
{
    ngx_uint_t        i;
    ngx_aigc_task_t  *task;

    for (i = 0; i < NGX_AIGC_TASKS_MAX; i++) {

        if (ngx_aigc_tasks[i] == NULL) {
            continue;
        }

        task = ngx_aigc_tasks[i]->ctx;

        if (task->what == what && task->slot == slot) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_aigc_task_cancel(void)
{
    ngx_uint_t         i;
    ngx_aigc_task_t   *task;
    ngx_aigc_fetch_t  *f;

    for (i = 0; i < NGX_AIGC_TASKS_MAX; i++) {

        f = ngx_aigc_tasks[i];

        if (f == NULL) {
            continue;
        }

        ngx_aigc_tasks[i] = NULL;

        task = f->ctx;
        task->done(task, NULL);

        ngx_aigc_fetch_cancel(f);
    }
}
