/*
 * api/ngx_http_aigc_write.c — waiting in the queue, and writing for all that
 * wait.  A patch that the API server did not take because something had moved
 * is planned anew from the table; one whose response was lost, too: its tests
 * make it harmless when it has been carried out already.
 */

#include "ngx_http_aigc_write.h"
#include "ngx_http_aigc_written.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"
#include "kube/ngx_aigc_subrequest.h"
#include "instances/ngx_http_aigc_instance.h"

#include "instances/ngx_aigc_plan.h"


typedef struct {
    ngx_http_request_t         *request;
    uint32_t                    op;     /* slot in the queue */
    ngx_atomic_uint_t           ticket;
    uint32_t                    tmpl;   /* slot */
    ngx_aigc_record_t          *record;     /* as it was; NULL: an install */
    ngx_msec_t                  sent;       /* when it was first seen to be */
    ngx_msec_t                  written;    /* likewise: ngx_current_msec */
    ngx_aigc_gss_write_t        write;  /* while this request writes for all */
} ngx_http_aigc_write_t;


static void ngx_http_aigc_write_cleanup(void *data);
static void ngx_http_aigc_write_step(ngx_http_request_t *r);
static void ngx_http_aigc_write_wait(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w);
static void ngx_http_aigc_write_lead(ngx_http_request_t *r,
    ngx_http_aigc_write_t *w);
static void ngx_http_aigc_write_sent(ngx_http_request_t *r,
    ngx_aigc_subrequest_t *sub);


void
ngx_http_aigc_write(ngx_http_request_t *r, ngx_aigc_op_kind_e kind,
    uint32_t tmpl, ngx_aigc_record_t *record, ngx_str_t *owner)
{
    ngx_int_t                   id;
    ngx_str_t                   uid;
    ngx_http_cleanup_t         *cln;
    ngx_aigc_template_t         template;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    w = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_write_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (w == NULL || cln == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_write_t, w)
           != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    w->request = r;
    w->tmpl = tmpl;
    w->op = NGX_AIGC_NONE;
    w->write.failed = "a write was not taken";
    w->record = record;

    id = record ? record->id : -1;

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
    cln->data = w;

    ngx_http_aigc_write_step(r);
}


static void
ngx_http_aigc_write_cleanup(void *data)
{
    ngx_http_aigc_write_t *w = data;

    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(w->request, ngx_http_aigc_module);

    if (w->write.lock) {
        ngx_aigc_gss_write_end(mcf->zone, &w->write, NGX_AIGC_GSS_WRITE_LOST);
    }

    ngx_aigc_queue_leave(mcf->zone, w->op, w->ticket);
}


/* Looks at the operation and does what comes next; harmless at any time. */
static void
ngx_http_aigc_write_step(ngx_http_request_t *r)
{
    ngx_aigc_op_t               op;
    ngx_aigc_record_t           record;
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    w = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_write_t);

    if (w->write.lock) {
        /* it writes for all: as long as it lives the right to write does */

        ngx_aigc_queue_renew(mcf->zone, w->tmpl, w->write.lock,
                             NGX_HTTP_AIGC_LOCK_TIME);
        ngx_http_aigc_write_wait(r, w);
        return;
    }

    ngx_aigc_queue_get(mcf->zone, w->op, w->ticket, &op);

    if (op.state == NGX_AIGC_OP_WAITING) {
        w->sent = 0;

    } else if (w->sent == 0) {
        w->sent = ngx_current_msec;
    }

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

        ngx_http_aigc_write_lead(r, w);
        return;

    default: /* NGX_AIGC_OP_FREE: forgotten, it took too long */
        ngx_http_aigc_finish(r, ngx_http_aigc_written_timeout(r, &op));
        return;
    }

    ngx_http_aigc_write_wait(r, w);
}


/* What is sent is soon written, and then soon shown; else it may take long. */
static void
ngx_http_aigc_write_wait(ngx_http_request_t *r, ngx_http_aigc_write_t *w)
{
    ngx_int_t  rc;

    if (w->write.lock || w->sent == 0) {
        rc = ngx_http_aigc_wait(r, w->write.lock ? NGX_HTTP_AIGC_LOCK_TIME / 3
                                                 : NGX_HTTP_AIGC_WRITE_WAKE,
                                ngx_http_aigc_write_step);

    } else {
        rc = ngx_http_aigc_wait_soon(r, w->sent, NGX_HTTP_AIGC_WRITE_WAKE,
                                     ngx_http_aigc_write_step);
    }

    if (rc != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* If nobody else does: writes all that wait for this template. */
static void
ngx_http_aigc_write_lead(ngx_http_request_t *r, ngx_http_aigc_write_t *w)
{
    ngx_int_t                   rc;
    ngx_aigc_gss_write_t       *write;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    write = &w->write;

    rc = ngx_aigc_gss_write_begin(mcf->zone, write, w->tmpl,
                                  NGX_HTTP_AIGC_LOCK_TIME, r->connection->log);

    if (rc == NGX_OK) {
        rc = ngx_aigc_plan_queue(mcf->zone, write, mcf->limits);
    }

    if (rc == NGX_OK && write->patch.len) {

        rc = ngx_aigc_subrequest(r, NGX_HTTP_PATCH, &write->path,
                                 &write->patch, ngx_http_aigc_write_sent, w);

        if (rc == NGX_OK) {
            ngx_aigc_count(mcf->zone, patches);
            ngx_http_aigc_write_wait(r, w);     /* and …_sent() goes on */
            return;
        }
    }

    /* not settled: nobody needs to try again before the next wake-up */

    if (write->lock) {
        ngx_aigc_gss_write_end(mcf->zone, write, rc == NGX_AGAIN
                                                 ? NGX_HTTP_AIGC_WRITE_WAKE
                                                 : 0);
    }

    if (rc == NGX_ERROR) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_aigc_write_wait(r, w);
}


static void
ngx_http_aigc_write_sent(ngx_http_request_t *r, ngx_aigc_subrequest_t *sub)
{
    ngx_http_aigc_write_t      *w;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    w = sub->data;

    r->write_event_handler = ngx_http_aigc_write_step;

    if (w->write.lock) {                /* else it has given up meanwhile */
        (void) ngx_aigc_gss_write_answered(mcf->zone, &w->write, sub->status,
                                           &sub->body, NULL,
                                           r->connection->log);
    }
}
