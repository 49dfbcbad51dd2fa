/*
 * api/ngx_http_aigc_pod.c — one DELETE, and the wait until the table shows it.
 */

#include "ngx_http_aigc_pod.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"
#include "kube/ngx_aigc_subrequest.h"
#include "instances/ngx_http_aigc_instance.h"

#include "kube/ngx_aigc_kubernetes.h"


typedef struct {
    ngx_aigc_record_t  *record;         /* as it was */
    ngx_msec_t          sent;           /* when: ngx_current_msec */
    ngx_uint_t          status;         /* HTTP, of the response; 0: none */
    ngx_aigc_verdict_e  verdict;        /* on it */
} ngx_http_aigc_pod_t;


static ngx_int_t ngx_http_aigc_pod_send(ngx_http_request_t *r,
    ngx_http_aigc_pod_t *pod);
static void ngx_http_aigc_pod_sent(ngx_http_request_t *r,
    ngx_aigc_subrequest_t *sub);
static void ngx_http_aigc_pod_step(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_pod_ends(ngx_http_request_t *r,
    ngx_aigc_record_t *was);
static ngx_int_t ngx_http_aigc_pod_refused(ngx_http_request_t *r,
    ngx_uint_t status);


void
ngx_http_aigc_pod_delete(ngx_http_request_t *r, ngx_aigc_record_t *record)
{
    ngx_http_aigc_pod_t  *pod;

    pod = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_pod_t));

    if (pod == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_pod_t, pod)
           != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    pod->record = record;

    if (ngx_http_aigc_pod_send(r, pod) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static ngx_int_t
ngx_http_aigc_pod_send(ngx_http_request_t *r, ngx_http_aigc_pod_t *pod)
{
    ngx_str_t           path, ns, name, uid, options;
    ngx_aigc_record_t  *record;

    record = pod->record;

    ngx_aigc_fixed_get(&record->ns, &ns);
    ngx_aigc_fixed_get(&record->name, &name);

    /*
     * One that has taken its place meanwhile is left alone, also by a second
     * DELETE, which nginx sends where the first one's connection has ended.
     */

    ngx_str_null(&uid);

    if (record->pod) {
        ngx_aigc_fixed_get(&record->pod_uid, &uid);
    }

    path.data = ngx_pnalloc(r->pool, NGX_AIGC_PATH_MAX);

    if (path.data == NULL
        || ngx_aigc_delete_options(r->pool, &uid, NULL, &options) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_kubernetes_pod(&path, &ns, &name, record->id);

    return ngx_aigc_subrequest(r, NGX_HTTP_DELETE, &path, &options,
                               ngx_http_aigc_pod_sent, pod);
}


static void
ngx_http_aigc_pod_sent(ngx_http_request_t *r, ngx_aigc_subrequest_t *sub)
{
    ngx_http_aigc_pod_t  *pod;

    pod = sub->data;

    pod->sent = ngx_current_msec;
    pod->status = sub->status;
    pod->verdict = ngx_aigc_verdict(NULL, sub->status, &sub->body, NULL);

    r->write_event_handler = ngx_http_aigc_pod_step;
}


static void
ngx_http_aigc_pod_step(ngx_http_request_t *r)
{
    ngx_aigc_record_t    *was;
    ngx_http_aigc_pod_t  *pod;

    pod = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_pod_t);
    was = pod->record;

    switch (pod->verdict) {

    case NGX_AIGC_WRITE_GONE:
        /* no pod at this moment: one is on its way */

        ngx_http_aigc_finish(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, was));
        return;

    case NGX_AIGC_WRITE_DONE:
        break;

    case NGX_AIGC_WRITE_MOVED:
        if (was->pod) {
            break;                      /* it is another one already */
        }

        /* fall through */

    default:
        ngx_http_aigc_finish(r, ngx_http_aigc_pod_refused(r, pod->status));
        return;
    }

    if (ngx_http_aigc_pod_ends(r, was) != NGX_OK
        && ngx_current_msec - pod->sent < NGX_HTTP_AIGC_POD_TIME)
    {
        if (ngx_http_aigc_wait_soon(r, pod->sent, NGX_HTTP_AIGC_POD_WAKE,
                                    ngx_http_aigc_pod_step)
            != NGX_OK)
        {
            ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    was->pod_deleting = was->pod;
    was->routed = 0;
    was->outdated = 0;

    ngx_http_aigc_finish(r,
        ngx_http_aigc_instance_reply(r, NGX_HTTP_ACCEPTED, was));
}


/* NGX_OK once the table shows it: "ready" would be a lie; NGX_AGAIN */
static ngx_int_t
ngx_http_aigc_pod_ends(ngx_http_request_t *r, ngx_aigc_record_t *was)
{
    ngx_str_t                   ns, name, uid;
    ngx_aigc_record_t           now;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_fixed_get(&was->ns, &ns);
    ngx_aigc_fixed_get(&was->name, &name);
    ngx_aigc_fixed_get(&was->pod_uid, &uid);

    if (ngx_aigc_table_by_id(mcf->zone, &ns, &name, was->id, &now) != NGX_OK) {
        return NGX_OK;
    }

    return (was->pod && now.pod && !now.pod_deleting
            && ngx_aigc_fixed_eq(&now.pod_uid, &uid))
           ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_aigc_pod_refused(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aigc: the API server did not delete a pod: status %ui",
                  status);

    if (status == NGX_HTTP_FORBIDDEN) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_REFUSES,
                                     "The cluster refuses it (status 403).");
    }

    if (status == NGX_HTTP_CONFLICT || status == NGX_HTTP_TOO_MANY_REQUESTS) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_BUSY,
                                     "The cluster is busy with this instance.");
    }

    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_UNAVAILABLE,
                                 NULL);
}
