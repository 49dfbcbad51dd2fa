/*
 * logto/ngx_http_aigc_adopt_write.c — what adoption writes: the owner of each
 * disk first, then the annotations, all of a template's in one patch.
 *
 * By libcurl, not by subrequest: these are many calls, and a subrequest's
 * memory is not free before the request's is.
 */

#include "ngx_http_aigc_adopt_run.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"
#include "kube/ngx_aigc_kubernetes.h"

#include "instances/ngx_aigc_plan.h"
#include "instances/ngx_aigc_stamp.h"


static ngx_int_t ngx_http_aigc_adopt_stamp_disk(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_disk_t *disk, ngx_str_t *owner);
static ngx_int_t ngx_http_aigc_adopt_plan(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static ngx_int_t ngx_http_aigc_adopt_planned(ngx_aigc_op_t *ops,
    ngx_uint_t n);
static ngx_int_t ngx_http_aigc_adopt_patch(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_str_t *path, ngx_str_t *patch);
static void ngx_http_aigc_adopt_patched(ngx_aigc_fetch_t *f);
static void ngx_http_aigc_adopt_answered(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_fetch_t *f);


/* The next disk without an owner. */
void
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

        ngx_http_aigc_adopt_wait(r, a, 1000);
        return;
    }

    ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_STAMPED);
}


static ngx_int_t
ngx_http_aigc_adopt_stamp_disk(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_disk_t *disk, ngx_str_t *owner)
{
    ngx_int_t    rc;
    ngx_str_t    patch, path;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_stamp_patch(pool, disk, owner, &path, &patch);

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_adopt_patch(r, a, &path, &patch);
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* The next template: all that is adopted of it in one patch. */
void
ngx_http_aigc_adopt_write(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    uint32_t                        tmpl;
    ngx_int_t                       rc;
    ngx_http_aigc_main_conf_t      *mcf;
    ngx_http_aigc_adopt_claim_t   **item;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    item = a->list.adopt.elts;

    if (a->item == a->list.adopt.nelts) {
        ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_WRITTEN);
        return;
    }

    tmpl = item[a->item]->tmpl;

    for (a->last = a->item; a->last < a->list.adopt.nelts; a->last++) {
        if (item[a->last]->tmpl != tmpl) {
            break;
        }
    }

    if (ngx_current_msec - a->since > NGX_HTTP_AIGC_ADOPT_SHOWN) {
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_CLUSTER_BUSY,
                                   "The cluster is busy with a template: "
                                   "what was adopted stays so, ask again "
                                   "for the rest.");
        return;
    }

    rc = ngx_aigc_gss_write_begin(mcf->zone, &a->write, tmpl,
                                  NGX_HTTP_AIGC_ADOPT_LOCK,
                                  r->connection->log);

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_adopt_plan(r, a);

        if (rc == NGX_OK) {
            ngx_http_aigc_adopt_wait(r, a, 1000);   /* …_answered() goes on */
            return;
        }

        ngx_aigc_gss_write_end(mcf->zone, &a->write, 0);
    }

    switch (rc) {

    case NGX_DONE:
        a->item = a->last;
        a->since = ngx_current_msec;

        /* fall through */

    case NGX_AGAIN:
        ngx_http_aigc_adopt_wait(r, a, NGX_HTTP_AIGC_ADOPT_POLL);
        return;

    case NGX_DECLINED:
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_CHANGED_MEANWHILE,
                                   NULL);
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
ngx_http_aigc_adopt_plan(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_int_t                       rc;
    ngx_str_t                       uid;
    ngx_uint_t                      i, n;
    ngx_aigc_op_t                  *ops;
    ngx_aigc_template_t             tmpl;
    ngx_http_aigc_main_conf_t      *mcf;
    ngx_http_aigc_adopt_claim_t   **item;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_table_template_at(mcf->zone, a->write.tmpl, &tmpl);

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

    ops = ngx_palloc(a->write.pool, n * sizeof(ngx_aigc_op_t));
    if (ops == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_fixed_get(&tmpl.uid, &uid);

    for (i = 0; i < n; i++) {
        ngx_aigc_op_init(&ops[i], NGX_AIGC_ADOPT, a->write.tmpl, &uid,
                         item[i]->id, &item[i]->user);
    }

    rc = ngx_aigc_plan(mcf->zone, &a->write, ops, n, NULL);

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_adopt_planned(ops, n);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (a->write.patch.len == 0) {
        return NGX_DONE;
    }

    rc = ngx_http_aigc_adopt_patch(r, a, &a->write.path, &a->write.patch);

    if (rc == NGX_OK) {
        ngx_aigc_count(mcf->zone, patches);
    }

    return rc;
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

    return NGX_OK;
}


static void
ngx_http_aigc_adopt_patched(ngx_aigc_fetch_t *f)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_aigc_adopt_t  *a;

    r = f->ctx;
    c = r->connection;
    a = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_adopt_t);

    a->fetch = NULL;

    ngx_http_set_log_request(c->log, r);

    ngx_http_aigc_adopt_answered(r, a, f);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_adopt_answered(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_fetch_t *f)
{
    ngx_aigc_verdict_e          verdict;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (a->write.lock) {
        verdict = ngx_aigc_gss_write_answered(mcf->zone, &a->write, f->status,
                                              &f->answer, f->error,
                                              r->connection->log);

        if (verdict == NGX_AIGC_WRITE_DONE) {
            a->item = a->last;
            a->since = ngx_current_msec;
        }

    } else {
        verdict = ngx_aigc_kubernetes_written(f, "a disk was not adopted");

        if (verdict == NGX_AIGC_WRITE_DONE) {
            ngx_aigc_count(mcf->zone, stamps);
        }
    }

    switch (verdict) {

    case NGX_AIGC_WRITE_DONE:
        ngx_http_aigc_adopt_wait(r, a, 1);
        return;

    case NGX_AIGC_WRITE_GONE:
    case NGX_AIGC_WRITE_MOVED:

        /* the table will show whether that matters */

        ngx_http_aigc_adopt_wait(r, a, NGX_HTTP_AIGC_ADOPT_POLL);
        return;

    default:
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_CLUSTER_UNAVAILABLE,
                                   "The cluster does not answer as it "
                                   "should: what was adopted stays so, ask "
                                   "again for the rest.");
        return;
    }
}


/* NGX_OK: the table shows what this phase waits for; NGX_AGAIN */
ngx_int_t
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


void
ngx_http_aigc_adopt_wait(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_msec_t ms)
{
    if (ngx_http_aigc_wait(r, ms, a->step) != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* The next phase, from the first item on. */
void
ngx_http_aigc_adopt_go(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_http_aigc_adopt_phase_e phase)
{
    a->phase = phase;
    a->since = ngx_current_msec;
    a->item = 0;
    a->disk = NGX_AIGC_NONE;

    ngx_http_aigc_adopt_wait(r, a, 1);
}


void
ngx_http_aigc_adopt_failed(ngx_http_request_t *r, ngx_http_aigc_code_e code,
    const char *detail)
{
    ngx_http_aigc_finish(r, ngx_http_aigc_problem(r, code, detail));
}
