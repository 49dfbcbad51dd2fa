/*
 * http/ngx_http_aigc_api_restart.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/restart: the pod is deleted, and
 * comes back under the same id, with the same disk.  Whose it is does not
 * change, so nothing is written.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_instance.h"
#include "ngx_http_aigc_poll.h"
#include "ngx_http_aigc_reply.h"

#include "core/ngx_aigc_delete.h"


#define NGX_HTTP_AIGC_RESTART_POLL  20      /* ms between looks at the table */
#define NGX_HTTP_AIGC_RESTART_TIME  2000    /* ms for it to show the end of the
                                               pod; then it is said all the
                                               same */


typedef struct {
    ngx_aigc_record_t   record;         /* as it was */
    ngx_msec_t          deleted;        /* when: ngx_current_msec */
    ngx_uint_t          status;         /* the API server's answer */
} ngx_http_aigc_restart_t;


static ngx_int_t ngx_http_aigc_restart_send(ngx_http_request_t *r,
    ngx_http_aigc_restart_t *restart);
static void ngx_http_aigc_restart_sent(ngx_http_request_t *r,
    ngx_aigc_subrequest_t *sub);
static void ngx_http_aigc_restart_step(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_restart_refused(ngx_http_request_t *r,
    ngx_uint_t status);


void
ngx_http_aigc_api_restart(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_restart_t  *restart;

    ctx = ngx_http_aigc_get_ctx(r);
    restart = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_restart_t));

    if (ctx == NULL || restart == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ngx_http_aigc_call_instance(r, call, &restart->record) != NGX_OK) {
        return;
    }

    if (restart->record.state == NGX_AIGC_UNINSTALLING) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "uninstalling",
                                  "The instance is being uninstalled.", 0));
        return;
    }

    if (restart->record.state != NGX_AIGC_RUNNING) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "not-running",
                                  "The instance is released: start it.", 0));
        return;
    }

    ctx->handler = restart;

    if (ngx_http_aigc_restart_send(r, restart) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static ngx_int_t
ngx_http_aigc_restart_send(ngx_http_request_t *r,
    ngx_http_aigc_restart_t *restart)
{
    ngx_str_t           path, uid, options;
    ngx_aigc_record_t  *record;

    static ngx_str_t    method = ngx_string("DELETE");

    record = &restart->record;

    /* the table knows the GameServer's uid, not the pod's */

    ngx_str_null(&uid);

    path.data = ngx_pnalloc(r->pool, sizeof("/api/v1/namespaces//pods/-")
                                     + record->ns.len + record->name.len
                                     + NGX_INT_T_LEN);

    if (path.data == NULL
        || ngx_aigc_delete_options(r->pool, &uid, &options) != NGX_OK)
    {
        return NGX_ERROR;
    }

    path.len = ngx_sprintf(path.data, "/api/v1/namespaces/%*s/pods/%*s-%D",
                           (size_t) record->ns.len, record->ns.data,
                           (size_t) record->name.len, record->name.data,
                           record->id)
               - path.data;

    return ngx_aigc_subrequest(r, NGX_HTTP_DELETE, &method, &path,
                               "application/json", &options,
                               ngx_http_aigc_restart_sent, restart);
}


static void
ngx_http_aigc_restart_sent(ngx_http_request_t *r, ngx_aigc_subrequest_t *sub)
{
    ngx_http_aigc_restart_t  *restart;

    restart = sub->data;

    restart->deleted = ngx_current_msec;
    restart->status = sub->status;

    if ((sub->status == NGX_HTTP_OK || sub->status == NGX_HTTP_ACCEPTED
         || sub->status == NGX_HTTP_NOT_FOUND)
        && !sub->json)
    {
        restart->status = NGX_HTTP_BAD_GATEWAY;     /* not the API server's */
    }

    r->write_event_handler = ngx_http_aigc_restart_step;
}


/* Waits until the table shows that the pod ends: "ready" would be a lie. */
static void
ngx_http_aigc_restart_step(ngx_http_request_t *r)
{
    ngx_str_t                   ns, name, uid;
    ngx_aigc_record_t          *was, now;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_restart_t    *restart;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);

    restart = ctx->handler;
    was = &restart->record;

    if (restart->status == NGX_HTTP_NOT_FOUND) {

        /* no pod at this moment: one is on its way */

        ngx_http_aigc_finish(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, was));
        return;
    }

    if (restart->status != NGX_HTTP_OK
        && restart->status != NGX_HTTP_ACCEPTED)
    {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_restart_refused(r, restart->status));
        return;
    }

    ngx_aigc_fixed_get(&was->ns, &ns);
    ngx_aigc_fixed_get(&was->name, &name);
    ngx_aigc_fixed_get(&was->gs_uid, &uid);

    if (ngx_aigc_table_by_id(mcf->zone, &ns, &name, was->id, &now) == NGX_OK
        && now.gs && now.gs_state != NGX_AIGC_GS_DELETING
        && ngx_aigc_fixed_eq(&now.gs_uid, &uid)
        && ngx_current_msec - restart->deleted < NGX_HTTP_AIGC_RESTART_TIME)
    {
        if (ngx_http_aigc_poll(r, NGX_HTTP_AIGC_RESTART_POLL,
                               ngx_http_aigc_restart_step)
            != NGX_OK)
        {
            ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    was->gs_state = NGX_AIGC_GS_DELETING;
    was->routed = 0;

    ngx_http_aigc_finish(r,
        ngx_http_aigc_instance_reply(r, NGX_HTTP_ACCEPTED, was));
}


static ngx_int_t
ngx_http_aigc_restart_refused(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aigc: the API server did not delete a pod: status %ui",
                  status);

    if (status == NGX_HTTP_FORBIDDEN) {
        return ngx_http_aigc_problem(r, NGX_HTTP_BAD_GATEWAY,
                                     "cluster-refuses",
                                     "The cluster refuses it (status 403).",
                                     0);
    }

    if (status == NGX_HTTP_CONFLICT || status == NGX_HTTP_TOO_MANY_REQUESTS) {
        return ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "cluster-busy",
                                     "The cluster is busy with this instance.",
                                     NGX_HTTP_AIGC_RETRY);
    }

    return ngx_http_aigc_problem(r, NGX_HTTP_BAD_GATEWAY,
                                 "cluster-unavailable",
                                 "The cluster does not answer as it should.",
                                 NGX_HTTP_AIGC_RETRY);
}
