/*
 * api/ngx_http_aigc_write.c — waiting in the queue, and writing for all that
 * wait.  A patch that the API server did not take because something had moved
 * is planned anew from the table; one whose answer was lost, too: its tests
 * make it harmless when it has been carried out already.
 */

#include "ngx_http_aigc_write.h"
#include "ngx_http_aigc_written.h"
#include "base/ngx_http_aigc_poll.h"
#include "base/ngx_http_aigc_reply.h"
#include "kube/ngx_aigc_kubernetes.h"
#include "kube/ngx_aigc_subrequest.h"
#include "instances/ngx_http_aigc_instance.h"

#include "instances/ngx_aigc_plan.h"


typedef struct {
    uint32_t                    op;     /* slot in the queue */
    ngx_atomic_uint_t           ticket;
    uint32_t                    tmpl;
    ngx_aigc_record_t          *record;     /* as it was; NULL: an install */
    ngx_uint_t                  attempts;
    ngx_msec_t                  written;    /* when: ngx_current_msec */

    /* while this request writes for all */
    ngx_atomic_uint_t           lock;
    int64_t                     generation;
    ngx_msec_t                  shown;  /* ms to wait for the table after it */
    ngx_pool_t                 *pool;
} ngx_http_aigc_write_t;


static void ngx_http_aigc_write_cleanup(void *data);
static void ngx_http_aigc_write_step(ngx_http_request_t *r);
static void ngx_http_aigc_write_wait(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w);
static void ngx_http_aigc_write_lead(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w);
static ngx_int_t ngx_http_aigc_write_plan(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w, ngx_str_t *patch);
static ngx_int_t ngx_http_aigc_write_send(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w, ngx_str_t *patch);
static void ngx_http_aigc_write_sent(ngx_http_request_t *r,
    ngx_aigc_subrequest_t *sub);
static void ngx_http_aigc_write_release(ngx_http_aigc_main_conf_t *mcf,
    ngx_http_aigc_write_t *w, ngx_msec_t wait, int64_t generation);


void
ngx_http_aigc_write(ngx_http_request_t *r, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_aigc_record_t *record, ngx_str_t *owner)
{
    ngx_int_t                   id;
    ngx_str_t                   uid;
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_aigc_template_t         template;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ctx = ngx_http_aigc_get_ctx(r);
    w = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_write_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (ctx == NULL || w == NULL || cln == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    w->tmpl = tmpl;
    w->op = NGX_AIGC_NONE;
    id = -1;

    if (record) {
        id = record->id;

        w->record = ngx_palloc(r->pool, sizeof(ngx_aigc_record_t));
        if (w->record == NULL) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        *w->record = *record;
    }

    if (ngx_aigc_table_template_at(mcf->zone, tmpl, &template) == NGX_OK) {
        ngx_aigc_fixed_get(&template.uid, &uid);
        w->op = ngx_aigc_queue_add(mcf->zone, kind, tmpl, &uid, id, owner,
                                   &w->ticket);
    }

    if (w->op == NGX_AIGC_NONE) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_QUEUE_FULL, NULL));
        return;
    }

    cln->handler = ngx_http_aigc_write_cleanup;
    cln->data = r;
    ctx->handler = w;

    ngx_http_aigc_write_step(r);
}


void
ngx_http_aigc_write_state(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_aigc_op_kind_e kind, ngx_aigc_state_e state,
    ngx_aigc_record_t *record)
{
    uint32_t                    slot;
    ngx_str_t                   owner;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_template(r, call, &slot) != NGX_OK) {
        return;
    }

    /* what was asked for before is not done yet: this comes after it */

    if (record->state == state
        && !ngx_aigc_queue_busy(mcf->zone, slot, call->id))
    {
        ngx_http_finalize_request(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, record));
        return;
    }

    ngx_aigc_fixed_get(&record->owner, &owner);

    if (!ngx_aigc_text_eq(&owner, &call->who.sub)) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "aigc: administrator \"%V\" asks for instance "
                      "%V/%V/%i of user \"%V\" to be %V", &call->who.sub,
                      &call->ns, &call->name, call->id, &owner,
                      ngx_aigc_state_name(state));
    }

    ngx_http_aigc_write(r, kind, slot, record, &owner);
}


static void
ngx_http_aigc_write_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);

    if (ctx == NULL || ctx->handler == NULL) {
        return;
    }

    w = ctx->handler;

    if (w->lock) {
        /* the request ends before its patch was answered: find out anew */

        ngx_aigc_queue_again(mcf->zone, w->lock, 0);
        ngx_http_aigc_write_release(mcf, w, 1000, 0);
    }

    ngx_aigc_queue_leave(mcf->zone, w->op, w->ticket);

    ctx->handler = NULL;
}


/* Looks at the operation and does what comes next; harmless at any time. */
static void
ngx_http_aigc_write_step(ngx_http_request_t *r)
{
    ngx_aigc_op_t               op;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_aigc_record_t           record;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    w = ctx->handler;

    if (w->lock) {
        /* it writes for all: as long as it lives the right to write does */

        ngx_aigc_queue_renew(mcf->zone, w->tmpl, w->lock,
                             NGX_HTTP_AIGC_LOCK_TIME);
        ngx_http_aigc_write_wait(r, w);
        return;
    }

    ngx_aigc_queue_get(mcf->zone, w->op, w->ticket, &op);

    switch (op.state) {

    case NGX_AIGC_OP_DONE:
        ngx_http_aigc_finish(r, ngx_http_aigc_written_reply(r, &op, w->record));
        return;

    case NGX_AIGC_OP_WRITTEN:

        if (w->written == 0) {
            w->written = ngx_current_msec;
        }

        if (ngx_http_aigc_written_shown(r, &op, w->record, &record) == NGX_OK
            || (ngx_current_msec - w->written > NGX_AIGC_LOCK_SHOWN
                && ngx_current_msec - op.started > NGX_HTTP_AIGC_WRITE_TIME))
        {
            ngx_http_aigc_finish(r,
                ngx_http_aigc_written_reply(r, &op, w->record));
            return;
        }

        break;

    case NGX_AIGC_OP_WAITING:

        if (ngx_current_msec - op.started > NGX_HTTP_AIGC_WRITE_TIME) {
            ngx_http_aigc_finish(r, ngx_http_aigc_written_timeout(r, &op));
            return;
        }

        /* fall through */

    case NGX_AIGC_OP_SENT:

        if (ngx_current_msec - op.started
            > NGX_HTTP_AIGC_WRITE_TIME + NGX_HTTP_AIGC_SENT_TIME)
        {
            ngx_http_aigc_finish(r, ngx_http_aigc_written_timeout(r, &op));
            return;
        }

        /* SENT, and the right to write is to be had: who sent it is dead */

        w->lock = ngx_aigc_queue_lock(mcf->zone, w->tmpl,
                                      NGX_HTTP_AIGC_LOCK_TIME);

        if (w->lock) {
            ngx_http_aigc_write_lead(r, w);
            return;
        }

        break;

    default: /* NGX_AIGC_OP_FREE: forgotten, it took too long */
        ngx_http_aigc_finish(r, ngx_http_aigc_written_timeout(r, &op));
        return;
    }

    ngx_http_aigc_write_wait(r, w);
}


static void
ngx_http_aigc_write_wait(ngx_http_request_t *r, ngx_http_aigc_write_t *w)
{
    if (ngx_http_aigc_poll(r, w->lock ? NGX_HTTP_AIGC_LOCK_TIME / 3
                                      : NGX_HTTP_AIGC_WRITE_POLL,
                           ngx_http_aigc_write_step)
        != NGX_OK)
    {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_http_aigc_write_lead(ngx_http_request_t *r, ngx_http_aigc_write_t *w)
{
    ngx_int_t                   rc;
    ngx_str_t                   patch;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    w->pool = ngx_create_pool(16384, r->connection->log);

    rc = w->pool ? ngx_http_aigc_write_plan(r, w, &patch) : NGX_ERROR;

    if (rc == NGX_OK && patch.len) {

        rc = ngx_http_aigc_write_send(r, w, &patch);

        if (rc == NGX_OK) {
            ngx_http_aigc_write_wait(r, w);     /* and …_sent() goes on */
            return;
        }

        ngx_aigc_queue_again(mcf->zone, w->lock, 0);
    }

    /* not settled: nobody needs to look again before the next poll */

    ngx_http_aigc_write_release(mcf, w, rc == NGX_AGAIN
                                        ? NGX_HTTP_AIGC_WRITE_POLL : 0, 0);

    if (rc == NGX_ERROR) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_aigc_write_wait(r, w);
}


static ngx_int_t
ngx_http_aigc_write_plan(ngx_http_request_t *r, ngx_http_aigc_write_t *w,
    ngx_str_t *patch)
{
    uint32_t                   *slots;
    ngx_int_t                   rc;
    ngx_uint_t                  i, n;
    ngx_aigc_op_t              *ops;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ops = ngx_palloc(w->pool, NGX_HTTP_AIGC_WRITE_MAX * sizeof(ngx_aigc_op_t));
    slots = ngx_palloc(w->pool, NGX_HTTP_AIGC_WRITE_MAX * sizeof(uint32_t));

    if (ops == NULL || slots == NULL) {
        return NGX_ERROR;
    }

    n = ngx_aigc_queue_waiting(mcf->zone, w->tmpl, ops, slots,
                               NGX_HTTP_AIGC_WRITE_MAX);

    if (n == 0) {
        ngx_str_null(patch);
        return NGX_OK;
    }

    rc = ngx_aigc_plan(mcf->zone, w->pool, w->tmpl, ops, n,
                       mcf->limits, patch, &w->generation);

    w->shown = NGX_AIGC_LOCK_SAME;

    for (i = 0; rc == NGX_OK && i < n; i++) {
        if (ops[i].state == NGX_AIGC_OP_SENT && ops[i].moves) {
            w->shown = NGX_AIGC_LOCK_SHOWN;
        }
    }

    if (rc == NGX_OK || rc == NGX_DECLINED) {
        ngx_aigc_queue_put(mcf->zone, ops, slots, n, w->lock);
    }

    return rc;
}


static ngx_int_t
ngx_http_aigc_write_send(ngx_http_request_t *r, ngx_http_aigc_write_t *w,
    ngx_str_t *patch)
{
    ngx_str_t                   path, ns, name;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            method = ngx_string("PATCH");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_table_template_at(mcf->zone, w->tmpl, &tmpl) != NGX_OK) {
        return NGX_AGAIN;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    path.data = ngx_pnalloc(w->pool, NGX_AIGC_PATH_MAX);
    if (path.data == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_kubernetes_gss(&path, &ns, &name);

    if (ngx_aigc_subrequest(r, NGX_HTTP_PATCH, &method, &path,
                            "application/json-patch+json", patch,
                            ngx_http_aigc_write_sent, w)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_count(mcf->zone, patches);

    return NGX_OK;
}


static void
ngx_http_aigc_write_sent(ngx_http_request_t *r, ngx_aigc_subrequest_t *sub)
{
    ngx_aigc_status_t           status;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    w = sub->data;

    r->write_event_handler = ngx_http_aigc_write_step;

    if (w->lock == 0) {
        return;                         /* the request has given up meanwhile */
    }

    if (sub->status == NGX_HTTP_OK && sub->json) {
        ngx_aigc_queue_answered(mcf->zone, w->tmpl, NGX_HTTP_OK, 0);
        ngx_aigc_queue_written(mcf->zone, w->lock);
        ngx_http_aigc_write_release(mcf, w, w->shown, w->generation);
        return;
    }

    ngx_aigc_count(mcf->zone, patches_failed);

    if (ngx_aigc_status_read(w->pool, sub->status, &sub->body, &status)
        != NGX_OK)
    {
        ngx_memzero(&status, sizeof(ngx_aigc_status_t));
    }

    w->attempts++;

    ngx_aigc_queue_answered(mcf->zone, w->tmpl, sub->status,
                            status.test_failed);

    switch (sub->status) {

    case NGX_HTTP_BAD_REQUEST:
    case NGX_HTTP_FORBIDDEN:
    case NGX_HTTP_NOT_FOUND:
    case NGX_HTTP_NOT_ALLOWED:
    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:
        break;

    case 422:
        if (!status.test_failed) {
            break;
        }

        /* fall through */

    default:
        /* moved, refused for now, or lost: from the table, anew */

        ngx_log_error((status.test_failed ? NGX_LOG_INFO : NGX_LOG_WARN),
                      r->connection->log, 0,
                      "aigc: a write was not taken, status %ui %V: trying "
                      "again", sub->status, &status.message);

        ngx_aigc_queue_again(mcf->zone, w->lock, sub->status);
        ngx_http_aigc_write_release(mcf, w,
                                    30 * ngx_min(w->attempts, 8)
                                    + ngx_random() % 60, 0);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aigc: the API server refuses a write: status %ui %V",
                  sub->status, &status.message);

    if (ngx_aigc_queue_apart(mcf->zone, w->lock) != NGX_OK) {
        ngx_aigc_queue_refused(mcf->zone, w->lock, sub->status,
                               &status.message);
    }

    ngx_http_aigc_write_release(mcf, w, 0, 0);
}


static void
ngx_http_aigc_write_release(ngx_http_aigc_main_conf_t *mcf,
    ngx_http_aigc_write_t *w, ngx_msec_t wait, int64_t generation)
{
    ngx_aigc_queue_unlock(mcf->zone, w->tmpl, w->lock, wait, generation);

    w->lock = 0;

    if (w->pool) {
        ngx_destroy_pool(w->pool);
        w->pool = NULL;
    }
}
