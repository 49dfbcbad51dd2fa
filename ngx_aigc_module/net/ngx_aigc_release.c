/*
 * net/ngx_aigc_release.c — one patch a template, by the rules of the plan.
 */

#include "ngx_aigc_release.h"
#include "ngx_aigc_event.h"
#include "ngx_aigc_task.h"

#include "zone/ngx_aigc_plan.h"


typedef struct {
    uint32_t                            tmpl;
    int32_t                             id;
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX)  owner;
} ngx_aigc_release_t;


static ngx_uint_t ngx_aigc_release_find(ngx_aigc_revoked_t *users,
    ngx_uint_t nusers, ngx_uint_t *found, ngx_aigc_release_t *list);
static void ngx_aigc_release_templates(ngx_aigc_release_t *list,
    ngx_uint_t n);
static ngx_int_t ngx_aigc_release_send(ngx_pool_t *pool,
    ngx_aigc_release_t *list, ngx_uint_t n, ngx_atomic_uint_t lock);
static void ngx_aigc_release_tell(ngx_aigc_template_t *tmpl,
    ngx_aigc_op_t *ops, ngx_uint_t n);
static void ngx_aigc_release_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);


static ngx_aigc_kubernetes_t  *ngx_aigc_release_k8s;
static ngx_aigc_zone_t        *ngx_aigc_release_zone;
static ngx_log_t              *ngx_aigc_release_log;


void
ngx_aigc_release(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    ngx_uint_t           i, n, nusers;
    ngx_uint_t           found[NGX_AIGC_RELEASE_USERS];
    ngx_aigc_revoked_t   users[NGX_AIGC_RELEASE_USERS];
    ngx_aigc_release_t   list[NGX_AIGC_RELEASE_MAX];

    ngx_aigc_release_k8s = k8s;
    ngx_aigc_release_zone = zone;
    ngx_aigc_release_log = log;

    nusers = ngx_aigc_revocation_list(zone, NGX_AIGC_REVOCATION_USER, 0, users,
                                      NGX_AIGC_RELEASE_USERS);
    if (nusers == 0) {
        return;
    }

    ngx_memzero(found, sizeof(found));

    n = ngx_aigc_release_find(users, nusers, found, list);

    ngx_aigc_release_templates(list, n);

    /* a table that is not whole may lack some of theirs */

    if (ngx_aigc_zone_whole(zone) != NGX_OK) {
        return;
    }

    for (i = 0; i < nusers; i++) {
        if (!found[i] && ngx_aigc_when_time(users[i].when)
                         < ngx_time() - NGX_AIGC_RELEASE_HOLD)
        {
            ngx_aigc_revocation_released(zone, &users[i]);
        }
    }
}


/* What runs of these users'; found says whose. */
static ngx_uint_t
ngx_aigc_release_find(ngx_aigc_revoked_t *users, ngx_uint_t nusers,
    ngx_uint_t *found, ngx_aigc_release_t *list)
{
    u_char              key[NGX_AIGC_REVOKED_KEY_LEN];
    uint32_t            slot;
    ngx_str_t           owner;
    ngx_uint_t          i, n;
    ngx_aigc_record_t   record;

    n = 0;

    for (slot = 0;
         ngx_aigc_table_next(ngx_aigc_release_zone, NGX_AIGC_RUNNING, &slot,
                             &record)
         == NGX_OK;
         slot++)
    {
        if (record.owner.len == 0 || record.tmpl == NGX_AIGC_NONE) {
            continue;
        }

        ngx_aigc_fixed_get(&record.owner, &owner);

        if (ngx_aigc_revoked_key(&owner, key) != NGX_OK) {
            continue;
        }

        for (i = 0; i < nusers; i++) {
            if (ngx_memcmp(users[i].key, key, NGX_AIGC_REVOKED_KEY_LEN) == 0) {
                break;
            }
        }

        if (i == nusers) {
            continue;
        }

        found[i] = 1;

        if (n < NGX_AIGC_RELEASE_MAX) {
            list[n].tmpl = record.tmpl;
            list[n].id = record.id;
            ngx_aigc_fixed_set(&list[n].owner, &owner);
            n++;
        }
    }

    return n;
}


/* One patch for each template among them. */
static void
ngx_aigc_release_templates(ngx_aigc_release_t *list, ngx_uint_t n)
{
    uint32_t             tmpl;
    ngx_uint_t           i, m;
    ngx_pool_t          *pool;
    ngx_atomic_uint_t    lock;
    ngx_aigc_release_t   swap;

    for ( /* void */ ; n; list += m, n -= m) {

        tmpl = list->tmpl;

        /* those of one template to the front */

        for (i = 1, m = 1; i < n; i++) {
            if (list[i].tmpl == tmpl) {
                swap = list[i];
                list[i] = list[m];
                list[m++] = swap;
            }
        }

        lock = ngx_aigc_queue_lock(ngx_aigc_release_zone, tmpl,
                                   NGX_AIGC_TASK_TIME + 1000);
        if (lock == 0) {
            continue;                   /* with a later pass */
        }

        pool = ngx_create_pool(16384, ngx_aigc_release_log);

        if (pool == NULL
            || ngx_aigc_release_send(pool, list, m, lock) != NGX_OK)
        {
            ngx_aigc_queue_unlock(ngx_aigc_release_zone, tmpl, lock, 0, 0);
        }

        if (pool) {
            ngx_destroy_pool(pool);
        }
    }
}


/* NGX_OK: it is under way; else not, OKG may not have settled */
static ngx_int_t
ngx_aigc_release_send(ngx_pool_t *pool, ngx_aigc_release_t *list,
    ngx_uint_t n, ngx_atomic_uint_t lock)
{
    u_char                buf[256];
    ngx_str_t             path, patch, ns, name, uid, owner;
    ngx_uint_t            i;
    ngx_aigc_op_t        *ops;
    ngx_aigc_task_t       task;
    ngx_aigc_template_t   tmpl;

    ops = ngx_pcalloc(pool, n * sizeof(ngx_aigc_op_t));

    if (ops == NULL
        || ngx_aigc_table_template_at(ngx_aigc_release_zone, list->tmpl,
                                      &tmpl)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);
    ngx_aigc_fixed_get(&tmpl.uid, &uid);

    for (i = 0; i < n; i++) {
        ops[i].kind = NGX_AIGC_RELEASE;
        ops[i].state = NGX_AIGC_OP_WAITING;
        ops[i].tmpl = list->tmpl;
        ops[i].id = list[i].id;
        ngx_aigc_fixed_set(&ops[i].uid, &uid);
        ngx_aigc_fixed_get(&list[i].owner, &owner);
        ngx_aigc_fixed_set(&ops[i].owner, &owner);
    }

    ngx_memzero(&task, sizeof(ngx_aigc_task_t));

    task.what = NGX_AIGC_TASK_RELEASE;
    task.slot = list->tmpl;
    task.done = ngx_aigc_release_done;
    task.lock = lock;

    if (ngx_aigc_plan(ngx_aigc_release_zone, pool, list->tmpl, ops, n, NULL,
                      &patch, &task.generation)
        != NGX_OK
        || patch.len == 0)
    {
        return NGX_DECLINED;
    }

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            NGX_AIGC_GSS_API "%V/gameserversets/%V",
                            &ns, &name)
               - buf;

    if (ngx_aigc_task_send(&task, "PATCH", &path, NGX_AIGC_JSON_PATCH, &patch)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_count(ngx_aigc_release_zone, patches);
    ngx_aigc_release_tell(&tmpl, ops, n);

    return NGX_OK;
}


/* The list for the administrator. */
static void
ngx_aigc_release_tell(ngx_aigc_template_t *tmpl, ngx_aigc_op_t *ops,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (ops[i].state != NGX_AIGC_OP_SENT) {
            continue;
        }

        ngx_aigc_count(ngx_aigc_release_zone, user_releases);

        ngx_log_error(NGX_LOG_NOTICE, ngx_aigc_release_log, 0,
                      "aigc: instance %*s/%*s/%D is released, its disks stay: "
                      "its user \"%*s\" is deleted or suspended in Logto",
                      (size_t) tmpl->ns.len, tmpl->ns.data,
                      (size_t) tmpl->name.len, tmpl->name.data, ops[i].id,
                      (size_t) ops[i].owner.len, ops[i].owner.data);

        (void) ngx_aigc_event(ngx_aigc_release_k8s, tmpl, ops[i].id,
                              "UserGone", "its user is deleted or suspended "
                              "in Logto: it is released, its disks stay",
                              ngx_aigc_release_log);
    }
}


static void
ngx_aigc_release_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    if (f == NULL) {
        /* how it ended will be seen in the table */

        ngx_aigc_queue_unlock(ngx_aigc_release_zone, task->slot, task->lock,
                              1000, 0);
        return;
    }

    if (f->status == 200) {
        ngx_aigc_queue_unlock(ngx_aigc_release_zone, task->slot, task->lock,
                              NGX_AIGC_LOCK_SHOWN, task->generation);
        return;
    }

    ngx_aigc_count(ngx_aigc_release_zone, patches_failed);

    ngx_log_error((f->status == 422 ? NGX_LOG_NOTICE : NGX_LOG_WARN), f->log,
                  0, "aigc: the instances of a user who is gone could not be "
                  "released: status %ui%s%s: trying again", f->status,
                  f->error ? ", " : "", f->error ? f->error : "");

    ngx_aigc_queue_unlock(ngx_aigc_release_zone, task->slot, task->lock, 0, 0);
}
