/*
 * http/ngx_http_aigc_api_update.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/update: the instance moves to its
 * template's present revision, now that its user wants it: its pod goes, and
 * comes back with the same host and the same disk.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_instance.h"
#include "ngx_http_aigc_poll.h"
#include "ngx_http_aigc_reply.h"


#define NGX_HTTP_AIGC_UPDATE_POLL  20   /* ms between looks at the table */
#define NGX_HTTP_AIGC_UPDATE_TIME  2000 /* ms: then answered all the same */


typedef struct {
    ngx_aigc_record_t   record;         /* as it was when the pod was deleted */
    ngx_msec_t          sent;           /* when: ngx_current_msec */
    ngx_uint_t          status;         /* of the API server; 0: none yet */
} ngx_http_aigc_update_t;


static ngx_int_t ngx_http_aigc_update_send(ngx_http_request_t *r,
    ngx_http_aigc_update_t *u);
static void ngx_http_aigc_update_sent(ngx_http_request_t *r,
    ngx_aigc_subrequest_t *sub);
static void ngx_http_aigc_update_step(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_update_shown(ngx_http_request_t *r,
    ngx_http_aigc_update_t *u, ngx_aigc_record_t *record);
static ngx_int_t ngx_http_aigc_update_failed(ngx_http_request_t *r,
    ngx_uint_t status);


void
ngx_http_aigc_api_update(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_aigc_ctx_t     *ctx;
    ngx_http_aigc_update_t  *u;

    ctx = ngx_http_aigc_get_ctx(r);
    u = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_update_t));

    if (ctx == NULL || u == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ngx_http_aigc_call_instance(r, call, &u->record) != NGX_OK) {
        return;
    }

    if (u->record.state != NGX_AIGC_RUNNING) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "not-running",
                                  "The instance is not running: it gets the "
                                  "update when it starts.", 0));
        return;
    }

    if (!u->record.outdated) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, &u->record));
        return;
    }

    ctx->handler = u;

    if (ngx_http_aigc_update_send(r, u) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* This very pod: one that has taken its place meanwhile is left alone. */
static ngx_int_t
ngx_http_aigc_update_send(ngx_http_request_t *r, ngx_http_aigc_update_t *u)
{
    ngx_str_t          ns, name, uid, path, body;

    static ngx_str_t   method = ngx_string("DELETE");

    ngx_aigc_fixed_get(&u->record.ns, &ns);
    ngx_aigc_fixed_get(&u->record.name, &name);
    ngx_aigc_fixed_get(&u->record.pod_uid, &uid);

    path.data = ngx_pnalloc(r->pool, sizeof("/api/v1/namespaces//pods/-")
                                     + ns.len + name.len + NGX_INT_T_LEN);
    body.data = ngx_pnalloc(r->pool,
                            sizeof("{\"apiVersion\":\"v1\","
                                   "\"kind\":\"DeleteOptions\","
                                   "\"preconditions\":{\"uid\":\"\"}}")
                            + uid.len + ngx_escape_json(NULL, uid.data,
                                                        uid.len));
    if (path.data == NULL || body.data == NULL) {
        return NGX_ERROR;
    }

    path.len = ngx_sprintf(path.data, "/api/v1/namespaces/%V/pods/%V-%D",
                           &ns, &name, u->record.id)
               - path.data;

    body.len = ngx_sprintf(body.data, "{\"apiVersion\":\"v1\","
                                      "\"kind\":\"DeleteOptions\","
                                      "\"preconditions\":{\"uid\":\"")
               - body.data;
    body.len = (u_char *) ngx_escape_json(body.data + body.len, uid.data,
                                          uid.len)
               - body.data;
    body.len = ngx_sprintf(body.data + body.len, "\"}}") - body.data;

    return ngx_aigc_subrequest(r, NGX_HTTP_DELETE, &method, &path,
                               "application/json", &body,
                               ngx_http_aigc_update_sent, u);
}


static void
ngx_http_aigc_update_sent(ngx_http_request_t *r, ngx_aigc_subrequest_t *sub)
{
    ngx_http_aigc_update_t  *u;

    u = sub->data;
    u->status = sub->status;
    u->sent = ngx_current_msec;

    if (sub->status < 200 || sub->status >= 300) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "aigc: pod %*s/%*s-%D was not deleted for its update, "
                      "status %ui",
                      (size_t) u->record.ns.len, u->record.ns.data,
                      (size_t) u->record.name.len, u->record.name.data,
                      u->record.id, sub->status);
    }

    r->write_event_handler = ngx_http_aigc_update_step;
}


/* The answer waits until the table shows that the pod goes. */
static void
ngx_http_aigc_update_step(ngx_http_request_t *r)
{
    ngx_aigc_record_t        record;
    ngx_http_aigc_ctx_t     *ctx;
    ngx_http_aigc_update_t  *u;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    u = ctx->handler;

    switch (u->status) {

    case NGX_HTTP_OK:
    case NGX_HTTP_ACCEPTED:
    case NGX_HTTP_NOT_FOUND:            /* it has gone by itself … */
    case NGX_HTTP_CONFLICT:             /* … or is another one already */
        break;

    default:
        ngx_http_aigc_finish(r, ngx_http_aigc_update_failed(r, u->status));
        return;
    }

    if (ngx_http_aigc_update_shown(r, u, &record) == NGX_OK
        || ngx_current_msec - u->sent > NGX_HTTP_AIGC_UPDATE_TIME)
    {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_ACCEPTED, &record));
        return;
    }

    if (ngx_http_aigc_poll(r, NGX_HTTP_AIGC_UPDATE_POLL,
                           ngx_http_aigc_update_step)
        != NGX_OK)
    {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* record is filled in any case */
static ngx_int_t
ngx_http_aigc_update_shown(ngx_http_request_t *r, ngx_http_aigc_update_t *u,
    ngx_aigc_record_t *record)
{
    ngx_int_t                   rc;
    ngx_str_t                   ns, name, uid;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_fixed_get(&u->record.ns, &ns);
    ngx_aigc_fixed_get(&u->record.name, &name);
    ngx_aigc_fixed_get(&u->record.pod_uid, &uid);

    rc = ngx_aigc_table_by_id(mcf->zone, &ns, &name, u->record.id, record);

    if (rc != NGX_OK) {
        *record = u->record;
        return NGX_AGAIN;
    }

    return (record->pod && !record->pod_deleting
            && ngx_aigc_fixed_eq(&record->pod_uid, &uid))
           ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_aigc_update_failed(ngx_http_request_t *r, ngx_uint_t status)
{
    u_char  *text;

    if (status == 0 || status == 429 || status >= 500) {
        return ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "cluster-unavailable",
                                     "The cluster does not answer as it "
                                     "should.", NGX_HTTP_AIGC_RETRY);
    }

    text = ngx_pnalloc(r->pool, 64);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *ngx_sprintf(text, "The cluster refuses it (status %ui).", status) = 0;

    return ngx_http_aigc_problem(r, NGX_HTTP_BAD_GATEWAY, "cluster-refuses",
                                 (char *) text, 0);
}
