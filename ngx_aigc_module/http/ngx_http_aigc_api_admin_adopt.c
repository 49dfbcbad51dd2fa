/*
 * http/ngx_http_aigc_api_admin_adopt.c — POST /api/v1/admin/adopt: the list of
 * what can be adopted, and with the list's own digest as "confirm", adopting it.
 *
 *   users, page by page → the list → not confirmed: that is the answer
 *     → stamp the disks → the table shows it → one patch a template → the table
 *     shows it → the answer
 *
 * Each step tests what it builds on, so an end in the middle leaves nothing
 * wrong: the next run takes up the rest.  Kubernetes is called by libcurl here,
 * not by subrequest: these are many calls, and a subrequest's memory is not
 * free before the request's is.
 */

#include "ngx_http_aigc_adopt.h"
#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_poll.h"
#include "ngx_http_aigc_reply.h"

#include "core/ngx_aigc_text.h"
#include "net/ngx_aigc_management.h"
#include "zone/ngx_aigc_plan.h"


#define NGX_HTTP_AIGC_ADOPT_USERS   100000  /* of Logto, in one run */
#define NGX_HTTP_AIGC_ADOPT_TIME    300000  /* ms for all of it */
#define NGX_HTTP_AIGC_ADOPT_POLL    50      /* ms between looks at the table */
#define NGX_HTTP_AIGC_ADOPT_SHOWN   10000   /* ms for the table to show it */
#define NGX_HTTP_AIGC_ADOPT_CALL    6000    /* ms for a call to Kubernetes */
#define NGX_HTTP_AIGC_ADOPT_LOCK    (NGX_HTTP_AIGC_ADOPT_CALL + 1000)
#define NGX_HTTP_AIGC_ADOPT_ANSWER  (2 * 1024 * 1024)   /* the object written */


typedef enum {
    NGX_HTTP_AIGC_ADOPT_READ = 0,       /* users, from Logto */
    NGX_HTTP_AIGC_ADOPT_STAMP,          /* disk after disk */
    NGX_HTTP_AIGC_ADOPT_STAMPED,        /* until the table shows it */
    NGX_HTTP_AIGC_ADOPT_WRITE,          /* template after template */
    NGX_HTTP_AIGC_ADOPT_WRITTEN         /* until the table shows it */
} ngx_http_aigc_adopt_phase_e;

typedef struct {
    ngx_http_aigc_adopt_phase_e   phase;
    ngx_http_aigc_adopt_list_t    list;
    ngx_pool_t                   *pool; /* the list's */
    ngx_str_t                     confirm;
    ngx_msec_t                    started;
    ngx_msec_t                    since;    /* of this phase */

    ngx_aigc_management_t        *call;
    ngx_uint_t                    at;   /* users read: a page's first */
    ngx_uint_t                    size; /* of a page: 100, 10 or 1 */

    ngx_aigc_fetch_t             *fetch;
    ngx_uint_t                    item; /* of list.adopt: the next */
    ngx_uint_t                    last; /* … and the first after this patch */
    uint32_t                      disk; /* slot: the next of item's; NONE */
    uint32_t                      tmpl; /* slot: being written, under … */
    ngx_atomic_uint_t             lock;
    int64_t                       generation;
} ngx_http_aigc_adopt_t;


static ngx_int_t ngx_http_aigc_adopt_begin(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static ngx_int_t ngx_http_aigc_adopt_confirm(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static void ngx_http_aigc_adopt_cleanup(void *data);
static void ngx_http_aigc_adopt_step(ngx_http_request_t *r);
static void ngx_http_aigc_adopt_wait(ngx_http_request_t *r, ngx_msec_t ms);
static void ngx_http_aigc_adopt_go(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_http_aigc_adopt_phase_e phase);
static void ngx_http_aigc_adopt_read(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static void ngx_http_aigc_adopt_page(void *data, ngx_aigc_management_e result,
    json_t *json);
static void ngx_http_aigc_adopt_page_done(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_management_e result, json_t *json);
static void ngx_http_aigc_adopt_listed(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static void ngx_http_aigc_adopt_stamp(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static ngx_int_t ngx_http_aigc_adopt_stamp_disk(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_disk_t *disk, ngx_str_t *owner);
static void ngx_http_aigc_adopt_write(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static ngx_int_t ngx_http_aigc_adopt_plan(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_pool_t *pool);
static ngx_int_t ngx_http_aigc_adopt_planned(ngx_aigc_op_t *ops,
    ngx_uint_t n);
static ngx_int_t ngx_http_aigc_adopt_patch(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_str_t *path, ngx_str_t *patch);
static void ngx_http_aigc_adopt_patched(ngx_aigc_fetch_t *f);
static void ngx_http_aigc_adopt_answered(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_fetch_t *f);
static ngx_int_t ngx_http_aigc_adopt_shown(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static void ngx_http_aigc_adopt_unlock(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_msec_t wait, int64_t generation);
static void ngx_http_aigc_adopt_changed(ngx_http_request_t *r);
static void ngx_http_aigc_adopt_unavailable(ngx_http_request_t *r,
    const char *code, const char *detail);


void
ngx_http_aigc_api_admin_adopt(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_int_t                   rc;
    ngx_http_aigc_adopt_t      *a;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_admin(r, call) != NGX_OK
        || ngx_http_aigc_call_synced(r) != NGX_OK)
    {
        return;
    }

    if (!mcf->logto->custom_data) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_NOT_IMPLEMENTED,
                                  "no-custom-data",
                                  "The gateway does not read custom data: "
                                  "\"aigc_logto\" has no m2m_app_id=, or "
                                  "custom_data=off.", 0));
        return;
    }

    a = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_adopt_t));

    rc = a ? ngx_http_aigc_adopt_confirm(r, a) : NGX_ERROR;

    if (rc == NGX_DECLINED) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_BAD_REQUEST, "bad-confirm",
                                  "\"confirm\" is the text of that name in "
                                  "the list that is confirmed.", 0));
        return;
    }

    if (rc != NGX_OK || ngx_http_aigc_adopt_begin(r, a) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    /* who does not wait for the answer does not want it done */

    r->read_event_handler = ngx_http_test_reading;

    ngx_http_aigc_adopt_read(r, a);
}


static ngx_int_t
ngx_http_aigc_adopt_begin(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ctx = ngx_http_aigc_get_ctx(r);
    cln = ngx_http_cleanup_add(r, 0);

    if (ctx == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    a->pool = ngx_create_pool(16384, r->connection->log);
    if (a->pool == NULL) {
        return NGX_ERROR;
    }

    ctx->handler = a;
    cln->handler = ngx_http_aigc_adopt_cleanup;
    cln->data = r;

    a->size = NGX_AIGC_MANAGEMENT_PAGE;
    a->started = ngx_current_msec;

    return ngx_http_aigc_adopt_init(&a->list, a->pool, mcf->zone);
}


/* NGX_DECLINED: something that is no text */
static ngx_int_t
ngx_http_aigc_adopt_confirm(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    json_t     *json, *confirm;
    ngx_int_t   rc;
    ngx_str_t   text;

    if (ngx_http_aigc_call_body(r, &json) != NGX_OK) {
        return NGX_DECLINED;
    }

    confirm = json_object_get(json, "confirm");
    text = ngx_aigc_json_text(json, "confirm");

    rc = (confirm && text.len == 0) ? NGX_DECLINED : NGX_OK;

    if (text.len) {
        a->confirm.len = text.len;
        a->confirm.data = ngx_pstrdup(r->pool, &text);

        if (a->confirm.data == NULL) {
            rc = NGX_ERROR;
        }
    }

    json_decref(json);

    return rc;
}


static void
ngx_http_aigc_adopt_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_aigc_ctx_t    *ctx;
    ngx_http_aigc_adopt_t  *a;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);

    if (ctx == NULL || ctx->handler == NULL) {
        return;
    }

    a = ctx->handler;
    ctx->handler = NULL;

    if (a->call) {
        ngx_aigc_management_cancel(a->call);
    }

    if (a->fetch) {
        ngx_aigc_fetch_cancel(a->fetch);
    }

    if (a->lock) {
        /* whether the patch was taken the table will show */
        ngx_http_aigc_adopt_unlock(r, a, 1000, 0);
    }

    ngx_http_aigc_adopt_free(&a->list);
    ngx_destroy_pool(a->pool);
}


/* By the timer, which also keeps an exiting worker alive. */
static void
ngx_http_aigc_adopt_step(ngx_http_request_t *r)
{
    ngx_http_aigc_ctx_t    *ctx;
    ngx_http_aigc_adopt_t  *a;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    a = ctx->handler;

    if (ngx_current_msec - a->started > NGX_HTTP_AIGC_ADOPT_TIME) {
        ngx_http_aigc_adopt_unavailable(r, "too-slow", "It took too long: "
                                        "what was adopted stays so, ask "
                                        "again for the rest.");
        return;
    }

    if (a->call || a->fetch) {
        ngx_http_aigc_adopt_wait(r, 1000);
        return;
    }

    switch (a->phase) {

    case NGX_HTTP_AIGC_ADOPT_READ:
        ngx_http_aigc_adopt_read(r, a);
        return;

    case NGX_HTTP_AIGC_ADOPT_STAMP:
        ngx_http_aigc_adopt_stamp(r, a);
        return;

    case NGX_HTTP_AIGC_ADOPT_WRITE:
        ngx_http_aigc_adopt_write(r, a);
        return;

    default: /* STAMPED, WRITTEN */
        break;
    }

    if (ngx_http_aigc_adopt_shown(r, a) == NGX_OK) {

        if (a->phase == NGX_HTTP_AIGC_ADOPT_STAMPED) {
            ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_WRITE);
            return;
        }

        ngx_http_aigc_finish(r,
            ngx_http_aigc_json(r, NGX_HTTP_OK,
                               ngx_http_aigc_adopt_json(&a->list, "adopted",
                                                        0)));
        return;
    }

    if (ngx_current_msec - a->since > NGX_HTTP_AIGC_ADOPT_SHOWN) {

        if (a->phase == NGX_HTTP_AIGC_ADOPT_STAMPED) {
            ngx_http_aigc_adopt_changed(r);

        } else {
            ngx_http_aigc_adopt_unavailable(r, "not-shown-yet", "It is done, "
                                            "but the gateway has not heard of "
                                            "it from the cluster yet.");
        }

        return;
    }

    ngx_http_aigc_adopt_wait(r, NGX_HTTP_AIGC_ADOPT_POLL);
}


static void
ngx_http_aigc_adopt_wait(ngx_http_request_t *r, ngx_msec_t ms)
{
    if (ngx_http_aigc_poll(r, ms, ngx_http_aigc_adopt_step) != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* The next phase, from the first item on. */
static void
ngx_http_aigc_adopt_go(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_http_aigc_adopt_phase_e phase)
{
    a->phase = phase;
    a->since = ngx_current_msec;
    a->item = 0;
    a->disk = NGX_AIGC_NONE;

    ngx_http_aigc_adopt_wait(r, 1);
}


static void
ngx_http_aigc_adopt_read(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (a->at >= NGX_HTTP_AIGC_ADOPT_USERS) {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_problem(r, NGX_HTTP_INSUFFICIENT_STORAGE,
                                  "too-many-users", "Logto has more users "
                                  "than one run reads.", 0));
        return;
    }

    a->call = ngx_aigc_management_users(mcf->logto, mcf->zone,
                                        a->at / a->size + 1, a->size,
                                        ngx_http_aigc_adopt_page, r,
                                        ngx_cycle->log);

    if (a->call == NULL) {
        ngx_http_aigc_adopt_unavailable(r, "logto-unavailable",
                                        "Logto cannot be asked.");
        return;
    }

    ngx_http_aigc_adopt_wait(r, 1000);
}


static void
ngx_http_aigc_adopt_page(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    ngx_http_request_t *r = data;

    ngx_connection_t       *c;
    ngx_http_aigc_ctx_t    *ctx;
    ngx_http_aigc_adopt_t  *a;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    a = ctx->handler;

    a->call = NULL;

    ngx_http_set_log_request(c->log, r);

    ngx_http_aigc_adopt_page_done(r, a, result, json);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_adopt_page_done(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_management_e result, json_t *json)
{
    size_t   i, n;
    json_t  *item;

    n = a->size;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:

        json_array_foreach(json, i, item) {
            if (ngx_http_aigc_adopt_user(&a->list, item) != NGX_OK) {
                ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
                return;
            }
        }

        n = json_array_size(json);
        break;

    case NGX_AIGC_MANAGEMENT_TOO_LARGE:

        /* somebody's custom data is huge: smaller pages, and without him */

        if (a->size > 1) {
            a->size /= 10;
            ngx_http_aigc_adopt_read(r, a);
            return;
        }

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "aigc: a user at Logto has more custom data than %d "
                      "bytes: left out", NGX_AIGC_MANAGEMENT_ANSWER);
        break;

    default:
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "aigc: Logto's users could not be read: %s",
                      ngx_aigc_management_text(result));

        ngx_http_aigc_adopt_unavailable(r, "logto-unavailable",
                                        "Logto's users cannot be read: see "
                                        "the gateway's log.");
        return;
    }

    a->at += a->size;

    if (n < a->size) {
        ngx_http_aigc_adopt_listed(r, a);
        return;
    }

    if (a->at % NGX_AIGC_MANAGEMENT_PAGE == 0) {
        a->size = NGX_AIGC_MANAGEMENT_PAGE;
    }

    ngx_http_aigc_adopt_read(r, a);
}


static void
ngx_http_aigc_adopt_listed(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = (mcf->zone->shm->holes
          || ngx_aigc_zone_whole(mcf->zone) != NGX_OK)
         ? NGX_BUSY : ngx_http_aigc_adopt_decide(&a->list);

    if (rc == NGX_BUSY) {
        ngx_http_aigc_adopt_unavailable(r, "busy", "The gateway's view of the "
                                        "cluster is not whole at this "
                                        "moment.");
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (a->confirm.len == 0) {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_json(r, NGX_HTTP_OK,
                               ngx_http_aigc_adopt_json(&a->list, "adopt",
                                                        1)));
        return;
    }

    if (ngx_http_aigc_adopt_confirmed(&a->list, &a->confirm) != NGX_OK) {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_problem_with(r, NGX_HTTP_CONFLICT, "list-changed",
                                       "It is not the list that was "
                                       "confirmed: look at this one.",
                                       ngx_http_aigc_adopt_json(&a->list,
                                                                "adopt", 1)));
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "aigc: an administrator adopts %ui instances",
                  a->list.adopt.nelts);

    ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_STAMP);
}


/* The next disk without an owner. */
static void
ngx_http_aigc_adopt_stamp(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_int_t                      rc;
    ngx_aigc_disk_t                disk;
    ngx_aigc_record_t              record;
    ngx_http_aigc_main_conf_t     *mcf;
    ngx_http_aigc_adopt_claim_t   *claim;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    while (a->item < a->list.adopt.nelts) {

        claim = ((ngx_http_aigc_adopt_claim_t **)
                                             a->list.adopt.elts)[a->item];

        if (a->disk == NGX_AIGC_NONE) {
            rc = ngx_aigc_table_by_id(mcf->zone, &claim->ns, &claim->name,
                                      claim->id, &record);

            a->disk = (rc == NGX_OK) ? record.first_disk : NGX_AIGC_NONE;
        }

        /* the slot may be another disk's by now: whose, its name tells */

        if (a->disk == NGX_AIGC_NONE
            || ngx_aigc_table_disk_at(mcf->zone, a->disk, &disk) != NGX_OK
            || ngx_aigc_table_record_at(mcf->zone, disk.record, &record)
               != NGX_OK
            || record.id != claim->id
            || !ngx_aigc_fixed_eq(&record.name, &claim->name)
            || !ngx_aigc_fixed_eq(&record.ns, &claim->ns))
        {
            a->disk = NGX_AIGC_NONE;
            a->item++;
            continue;
        }

        a->disk = disk.next_disk;

        if (a->disk == NGX_AIGC_NONE) {
            a->item++;
        }

        if (disk.owner.len) {
            continue;
        }

        if (ngx_http_aigc_adopt_stamp_disk(r, a, &disk, &claim->user)
            != NGX_OK)
        {
            ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        ngx_http_aigc_adopt_wait(r, 1000);
        return;
    }

    ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_STAMPED);
}


static ngx_int_t
ngx_http_aigc_adopt_stamp_disk(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_disk_t *disk, ngx_str_t *owner)
{
    u_char           buf[512];
    ngx_int_t        rc;
    ngx_str_t        patch, path;
    ngx_pool_t      *pool;
    ngx_aigc_pvc_t   pvc;

    ngx_memzero(&pvc, sizeof(ngx_aigc_pvc_t));

    ngx_aigc_fixed_get(&disk->ns, &pvc.ns);
    ngx_aigc_fixed_get(&disk->name, &pvc.name);
    ngx_aigc_fixed_get(&disk->uid, &pvc.uid);
    pvc.has_annotations = disk->has_annotations;

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf), "/api/v1/namespaces/%V/"
                            "persistentvolumeclaims/%V", &pvc.ns, &pvc.name)
               - buf;

    pool = ngx_create_pool(4096, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_pvc_stamp(pool, &pvc, owner, &patch);

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_adopt_patch(r, a, &path, &patch);
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* The next template: all that is adopted of it in one patch. */
static void
ngx_http_aigc_adopt_write(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_int_t                       rc;
    ngx_pool_t                     *pool;
    ngx_http_aigc_main_conf_t      *mcf;
    ngx_http_aigc_adopt_claim_t   **item;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    item = a->list.adopt.elts;

    if (a->item == a->list.adopt.nelts) {
        ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_WRITTEN);
        return;
    }

    a->tmpl = item[a->item]->tmpl;

    for (a->last = a->item; a->last < a->list.adopt.nelts; a->last++) {
        if (item[a->last]->tmpl != a->tmpl) {
            break;
        }
    }

    if (ngx_current_msec - a->since > NGX_HTTP_AIGC_ADOPT_SHOWN) {
        ngx_http_aigc_adopt_unavailable(r, "cluster-busy", "The cluster is "
                                        "busy with a template: what was "
                                        "adopted stays so, ask again for the "
                                        "rest.");
        return;
    }

    a->lock = ngx_aigc_queue_lock(mcf->zone, a->tmpl,
                                  NGX_HTTP_AIGC_ADOPT_LOCK);
    if (a->lock == 0) {
        ngx_http_aigc_adopt_wait(r, NGX_HTTP_AIGC_ADOPT_POLL);
        return;
    }

    pool = ngx_create_pool(16384, r->connection->log);

    rc = pool ? ngx_http_aigc_adopt_plan(r, a, pool) : NGX_ERROR;

    if (pool) {
        ngx_destroy_pool(pool);
    }

    if (rc == NGX_OK) {
        ngx_http_aigc_adopt_wait(r, 1000);      /* and …_answered() goes on */
        return;
    }

    ngx_http_aigc_adopt_unlock(r, a, 0, 0);

    switch (rc) {

    case NGX_DONE:
        a->item = a->last;
        a->since = ngx_current_msec;

        /* fall through */

    case NGX_AGAIN:
        ngx_http_aigc_adopt_wait(r, NGX_HTTP_AIGC_ADOPT_POLL);
        return;

    case NGX_DECLINED:
        ngx_http_aigc_adopt_changed(r);
        return;

    default:
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
}


/*
 * NGX_OK: the patch is under way; NGX_DONE: there is nothing to write;
 * NGX_AGAIN: not now; NGX_DECLINED: not any more; NGX_ERROR.
 */
static ngx_int_t
ngx_http_aigc_adopt_plan(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_pool_t *pool)
{
    u_char                          buf[256];
    ngx_int_t                       rc;
    ngx_str_t                       patch, path;
    ngx_uint_t                      i, n;
    ngx_aigc_op_t                  *ops;
    ngx_aigc_template_t             tmpl;
    ngx_http_aigc_main_conf_t      *mcf;
    ngx_http_aigc_adopt_claim_t   **item;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_table_template_at(mcf->zone, a->tmpl, &tmpl);

    if (rc != NGX_OK) {
        return (rc == NGX_BUSY) ? NGX_AGAIN : NGX_DECLINED;
    }

    item = (ngx_http_aigc_adopt_claim_t **) a->list.adopt.elts + a->item;
    n = a->last - a->item;

    if (!ngx_aigc_fixed_eq(&tmpl.name, &item[0]->name)
        || !ngx_aigc_fixed_eq(&tmpl.ns, &item[0]->ns))
    {
        return NGX_DECLINED;            /* the slot is another template's */
    }

    ops = ngx_pcalloc(pool, n * sizeof(ngx_aigc_op_t));
    if (ops == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ops[i].state = NGX_AIGC_OP_WAITING;
        ops[i].kind = NGX_AIGC_ADOPT;
        ops[i].id = item[i]->id;
        ngx_aigc_fixed_set(&ops[i].owner, &item[i]->user);
        ngx_memcpy(&ops[i].uid, &tmpl.uid, sizeof(tmpl.uid));
    }

    rc = ngx_aigc_plan(mcf->zone, pool, a->tmpl, ops, n,
                       NGX_AIGC_INSTANCES_MAX, &patch, &a->generation);

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_adopt_planned(ops, n);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (patch.len == 0) {
        return NGX_DONE;
    }

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            NGX_AIGC_GSS_API "%V/gameserversets/%V",
                            &item[0]->ns, &item[0]->name)
               - buf;

    return ngx_http_aigc_adopt_patch(r, a, &path, &patch);
}


/*
 * All or none: a patch without one of them would end what the administrator
 * was told would go on.  NGX_OK; NGX_AGAIN; NGX_DECLINED.
 */
static ngx_int_t
ngx_http_aigc_adopt_planned(ngx_aigc_op_t *ops, ngx_uint_t n)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;

    for (i = 0; i < n; i++) {

        if (ops[i].state == NGX_AIGC_OP_WAITING) {
            rc = NGX_AGAIN;

        } else if (ops[i].state == NGX_AIGC_OP_DONE
                   && ops[i].result != NGX_AIGC_RESULT_UNCHANGED)
        {
            return NGX_DECLINED;
        }
    }

    return rc;
}


static ngx_int_t
ngx_http_aigc_adopt_patch(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_str_t *path, ngx_str_t *patch)
{
    ngx_aigc_fetch_t           *f;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    f = ngx_aigc_kubernetes_call(mcf->k8s, "PATCH", path, NGX_AIGC_JSON_PATCH,
                                 ngx_cycle->log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_fetch_text(f, &f->body, "", patch) != NGX_OK) {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    f->ctx = r;
    f->max = NGX_HTTP_AIGC_ADOPT_ANSWER;
    f->timeout = NGX_HTTP_AIGC_ADOPT_CALL;
    f->done = ngx_http_aigc_adopt_patched;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    a->fetch = f;

    ngx_aigc_count(mcf->zone, patches);

    return NGX_OK;
}


static void
ngx_http_aigc_adopt_patched(ngx_aigc_fetch_t *f)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_aigc_ctx_t    *ctx;
    ngx_http_aigc_adopt_t  *a;

    r = f->ctx;
    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    a = ctx->handler;

    a->fetch = NULL;

    ngx_http_set_log_request(c->log, r);

    ngx_http_aigc_adopt_answered(r, a, f);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_adopt_answered(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_fetch_t *f)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (f->status == NGX_HTTP_OK) {

        if (a->phase == NGX_HTTP_AIGC_ADOPT_WRITE) {
            ngx_http_aigc_adopt_unlock(r, a, NGX_AIGC_LOCK_SHOWN,
                                       a->generation);
            a->item = a->last;
            a->since = ngx_current_msec;

        } else {
            ngx_aigc_count(mcf->zone, stamps);
        }

        ngx_http_aigc_adopt_wait(r, 1);
        return;
    }

    ngx_aigc_count(mcf->zone, patches_failed);

    if (a->lock) {
        ngx_http_aigc_adopt_unlock(r, a, 30 + ngx_random() % 60, 0);
    }

    switch (f->status) {

    case NGX_HTTP_NOT_FOUND:
    case NGX_HTTP_CONFLICT:
    case 422:
        /* it has moved: the table will show whether that matters */

        ngx_http_aigc_adopt_wait(r, NGX_HTTP_AIGC_ADOPT_POLL);
        return;

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aigc: the API server did not take an adoption: status "
                      "%ui%s%s", f->status, f->error ? ", " : "",
                      f->error ? f->error : "");

        ngx_http_aigc_adopt_unavailable(r, "cluster-unavailable",
                                        "The cluster does not answer as it "
                                        "should: what was adopted stays so, "
                                        "ask again for the rest.");
        return;
    }
}


/* NGX_OK: the table shows what this phase waits for; NGX_AGAIN */
static ngx_int_t
ngx_http_aigc_adopt_shown(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_aigc_record_t               record;
    ngx_http_aigc_main_conf_t      *mcf;
    ngx_http_aigc_adopt_claim_t   **item;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    item = a->list.adopt.elts;

    for ( /* void */ ; a->item < a->list.adopt.nelts; a->item++) {

        if (ngx_aigc_table_by_id(mcf->zone, &item[a->item]->ns,
                                 &item[a->item]->name, item[a->item]->id,
                                 &record)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }

        if (a->phase == NGX_HTTP_AIGC_ADOPT_WRITTEN) {
            if (record.state == NGX_AIGC_NO_STATE) {
                return NGX_AGAIN;
            }

        } else if (record.disk != NGX_AIGC_DISK_NONE
                   && record.disk != NGX_AIGC_DISK_OWNED)
        {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


static void
ngx_http_aigc_adopt_unlock(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_msec_t wait, int64_t generation)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_queue_unlock(mcf->zone, a->tmpl, a->lock, wait, generation);

    a->lock = 0;
}


static void
ngx_http_aigc_adopt_changed(ngx_http_request_t *r)
{
    ngx_http_aigc_finish(r,
        ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "changed-meanwhile",
                              "The cluster has changed meanwhile: what was "
                              "adopted stays so, ask again for the rest.", 0));
}


static void
ngx_http_aigc_adopt_unavailable(ngx_http_request_t *r, const char *code,
    const char *detail)
{
    ngx_http_aigc_finish(r,
        ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, code, detail,
                              NGX_HTTP_AIGC_RETRY));
}
