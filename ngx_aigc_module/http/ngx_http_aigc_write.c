/*
 * http/ngx_http_aigc_write.c — waiting in the queue, and writing for all that
 * wait.  A patch that the API server did not take because something had moved
 * is planned anew from the table; one whose answer was lost, too: its tests
 * make it harmless when it has been carried out already.
 */

#include "ngx_http_aigc_write.h"
#include "ngx_http_aigc_instance.h"
#include "ngx_http_aigc_poll.h"
#include "ngx_http_aigc_reply.h"

#include "zone/ngx_aigc_plan.h"


typedef struct {
    uint32_t                    op;     /* slot in the queue */
    ngx_atomic_uint_t           ticket;
    uint32_t                    tmpl;
    ngx_uint_t                  attempts;
    ngx_msec_t                  written;    /* when: ngx_current_msec */

    /* while this request writes for all */
    ngx_atomic_uint_t           lock;
    int64_t                     generation;
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
static ngx_int_t ngx_http_aigc_write_shown(ngx_http_request_t *r,
    ngx_aigc_op_t *op, ngx_aigc_record_t *record);
static ngx_int_t ngx_http_aigc_write_reply(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w, ngx_aigc_op_t *op);
static ngx_int_t ngx_http_aigc_write_timeout(ngx_http_request_t *r,
    ngx_aigc_op_t *op);


void
ngx_http_aigc_write(ngx_http_request_t *r, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_int_t id, ngx_str_t *owner)
{
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

    if (ngx_aigc_table_template_at(mcf->zone, tmpl, &template) == NGX_OK) {
        ngx_aigc_fixed_get(&template.uid, &uid);
        w->op = ngx_aigc_queue_add(mcf->zone, kind, tmpl, &uid, id, owner,
                                   &w->ticket);
    }

    if (w->op == NGX_AIGC_NONE) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_TOO_MANY_REQUESTS, "queue-full",
                                  "Too many operations wait at this moment.",
                                  NGX_HTTP_AIGC_RETRY));
        return;
    }

    cln->handler = ngx_http_aigc_write_cleanup;
    cln->data = r;
    ctx->handler = w;

    ngx_http_aigc_write_step(r);
}


void
ngx_http_aigc_write_state(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_aigc_op_kind_e kind, ngx_aigc_state_e state)
{
    uint32_t                    slot;
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_instance(r, call, &record) != NGX_OK
        || ngx_http_aigc_call_template(r, call, &slot) != NGX_OK)
    {
        return;
    }

    /* what was asked for before is not done yet: this comes after it */

    if (record.state == state
        && !ngx_aigc_queue_busy(mcf->zone, slot, call->id))
    {
        ngx_http_finalize_request(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, &record));
        return;
    }

    ngx_http_aigc_write(r, kind, slot, call->id, &call->who.sub);
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
        ngx_http_aigc_finish(r, ngx_http_aigc_write_reply(r, w, &op));
        return;

    case NGX_AIGC_OP_WRITTEN:

        if (w->written == 0) {
            w->written = ngx_current_msec;
        }

        if (ngx_http_aigc_write_shown(r, &op, &record) == NGX_OK
            || (ngx_current_msec - w->written > NGX_AIGC_LOCK_SHOWN
                && ngx_current_msec - op.started > NGX_HTTP_AIGC_WRITE_TIME))
        {
            ngx_http_aigc_finish(r, ngx_http_aigc_write_reply(r, w, &op));
            return;
        }

        break;

    case NGX_AIGC_OP_WAITING:

        if (ngx_current_msec - op.started > NGX_HTTP_AIGC_WRITE_TIME) {
            ngx_http_aigc_finish(r, ngx_http_aigc_write_timeout(r, &op));
            return;
        }

        /* fall through */

    case NGX_AIGC_OP_SENT:

        if (ngx_current_msec - op.started
            > NGX_HTTP_AIGC_WRITE_TIME + NGX_HTTP_AIGC_SENT_TIME)
        {
            ngx_http_aigc_finish(r, ngx_http_aigc_write_timeout(r, &op));
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
        ngx_http_aigc_finish(r, ngx_http_aigc_write_timeout(r, &op));
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
    ngx_uint_t                  n;
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
                       NGX_AIGC_INSTANCES_DEFAULT, patch, &w->generation);

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

    path.data = ngx_pnalloc(w->pool, sizeof(NGX_AIGC_GSS_API) + ns.len
                                     + name.len + sizeof("/gameserversets/"));
    if (path.data == NULL) {
        return NGX_ERROR;
    }

    path.len = ngx_sprintf(path.data, NGX_AIGC_GSS_API "%V/gameserversets/%V",
                           &ns, &name)
               - path.data;

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
        ngx_aigc_queue_written(mcf->zone, w->lock);
        ngx_http_aigc_write_release(mcf, w, NGX_AIGC_LOCK_SHOWN,
                                    w->generation);
        return;
    }

    ngx_aigc_count(mcf->zone, patches_failed);

    if (ngx_aigc_status_read(w->pool, sub->status, &sub->body, &status)
        != NGX_OK)
    {
        ngx_memzero(&status, sizeof(ngx_aigc_status_t));
    }

    w->attempts++;

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

    ngx_aigc_queue_refused(mcf->zone, w->lock, sub->status, &status.message);
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


/*
 * NGX_OK when the table has what was written, or has gone on from there; record
 * is filled then.
 */
static ngx_int_t
ngx_http_aigc_write_shown(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *record)
{
    ngx_str_t                   ns, name;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (op->id < 0
        || ngx_aigc_table_template_at(mcf->zone, op->tmpl, &tmpl) != NGX_OK
        || op->uid.len != tmpl.uid.len
        || ngx_memcmp(op->uid.data, tmpl.uid.data, tmpl.uid.len) != 0)
    {
        return NGX_DECLINED;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    if (ngx_aigc_table_by_id(mcf->zone, &ns, &name, op->id, record) != NGX_OK
        || record->state == NGX_AIGC_NO_STATE)
    {
        return NGX_DECLINED;
    }

    if (op->after.len
        && tmpl.generation <= op->generation
        && (op->after.len != record->raw.len
            || ngx_memcmp(op->after.data, record->raw.data, op->after.len)
               != 0))
    {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_write_reply(ngx_http_request_t *r, ngx_http_aigc_write_t *w,
    ngx_aigc_op_t *op)
{
    u_char             *text;
    ngx_aigc_record_t   record;

    switch (op->result) {

    case NGX_AIGC_RESULT_WRITTEN:
    case NGX_AIGC_RESULT_UNCHANGED:

        if (ngx_http_aigc_write_shown(r, op, &record) != NGX_OK) {

            /* the API server has it, the watch does not bring it */

            return ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "not-shown-yet",
                                         "It is done, but the gateway has not "
                                         "heard of it from the cluster yet.",
                                         NGX_HTTP_AIGC_RETRY_COLD);
        }

        if (op->result == NGX_AIGC_RESULT_WRITTEN) {
            record.state = (op->kind == NGX_AIGC_RELEASE) ? NGX_AIGC_RELEASED
                                                          : NGX_AIGC_RUNNING;
        }

        return ngx_http_aigc_instance_reply(r,
                                   op->result == NGX_AIGC_RESULT_WRITTEN
                                   ? NGX_HTTP_ACCEPTED : NGX_HTTP_OK,
                                   &record);

    case NGX_AIGC_RESULT_GONE:
        return ngx_http_aigc_problem(r, NGX_HTTP_NOT_FOUND, "not-found",
                                     "There is no such template or instance.",
                                     0);

    case NGX_AIGC_RESULT_NOT_OWNER:
        return ngx_http_aigc_problem(r, NGX_HTTP_FORBIDDEN, "not-owner",
                                     "This instance belongs to somebody else.",
                                     0);

    case NGX_AIGC_RESULT_UNINSTALLING:
        return ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "uninstalling",
                                     "The instance is being uninstalled.", 0);

    case NGX_AIGC_RESULT_MISCONFIGURED:
        return ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT,
                                     "template-misconfigured",
                                     "The template cannot be installed as it "
                                     "is: tell your administrator.", 0);

    case NGX_AIGC_RESULT_FULL:
        return ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "template-full",
                                     "The template has as many instances as "
                                     "it may have.", 0);

    case NGX_AIGC_RESULT_FOREIGN_DISK:
        return ngx_http_aigc_problem(r, NGX_HTTP_FORBIDDEN, "foreign-disk",
                                     "The disk of this instance is not "
                                     "recorded as yours: tell your "
                                     "administrator.", 0);

    case NGX_AIGC_RESULT_PARTIAL:
        return ngx_http_aigc_problem(r, NGX_HTTP_INSUFFICIENT_STORAGE,
                                     "zone-full",
                                     "The gateway's zone is too small for all "
                                     "instances: tell your administrator.", 0);

    default: /* NGX_AIGC_RESULT_REFUSED */
        break;
    }

    if (op->http == NGX_HTTP_NOT_FOUND) {
        return ngx_http_aigc_problem(r, NGX_HTTP_NOT_FOUND, "not-found",
                                     "There is no such template.", 0);
    }

    text = ngx_pnalloc(r->pool, 64);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *ngx_sprintf(text, "The cluster refuses it (status %ui).", op->http) = 0;

    return ngx_http_aigc_problem(r, NGX_HTTP_BAD_GATEWAY, "cluster-refuses",
                                 (char *) text, 0);
}


/* 502 when the API server's answers made no sense, else 503 */
static ngx_int_t
ngx_http_aigc_write_timeout(ngx_http_request_t *r, ngx_aigc_op_t *op)
{
    switch (op->http) {

    case 0:
    case NGX_HTTP_CONFLICT:
    case 422:
    case 429:
        break;

    default:
        return ngx_http_aigc_problem(r, NGX_HTTP_BAD_GATEWAY,
                                     "cluster-unavailable",
                                     "The cluster does not answer as it "
                                     "should.", NGX_HTTP_AIGC_RETRY);
    }

    return ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "cluster-busy",
                                 "The cluster is busy with this template.",
                                 NGX_HTTP_AIGC_RETRY);
}
