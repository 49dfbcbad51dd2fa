/*
 * instances/ngx_http_aigc_instance.c — a record of the table in words and in
 * JSON.
 */

#include "ngx_http_aigc_instance.h"
#include "base/ngx_http_aigc_reply.h"

#include "ngx_aigc_aside.h"
#include "ngx_aigc_reason.h"
#include "kube/ngx_aigc_date.h"


static ngx_uint_t ngx_http_aigc_failing(ngx_aigc_record_t *record);
static ngx_int_t ngx_http_aigc_warning(ngx_aigc_record_t *record,
    ngx_str_t *code, ngx_str_t *text);
static ngx_int_t ngx_http_aigc_ending(ngx_pool_t *pool,
    ngx_aigc_record_t *record, ngx_uint_t stuck, ngx_str_t *code,
    ngx_str_t *text);
static time_t ngx_http_aigc_lacking(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record);


const char *
ngx_http_aigc_instance_state(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record)
{
    switch (record->state) {

    case NGX_AIGC_UNINSTALLING:
        return "uninstalling";

    case NGX_AIGC_RELEASED:
        return record->pod ? "stopping" : "released";

    case NGX_AIGC_RUNNING:
        break;

    default:
        return "unknown";
    }

    if (record->routed && (mcf->upstreams || record->network_ready)) {
        return "ready";
    }

    if (!record->pod) {
        return "pending";
    }

    if (record->pod_deleting) {
        return "stopping";
    }

    return ngx_http_aigc_failing(record) ? "failing" : "starting";
}


const char *
ngx_http_aigc_instance_progress(ngx_aigc_record_t *record)
{
    if (!record->pod || record->progress == NGX_AIGC_PROGRESS_NONE) {
        return "waiting";
    }

    return (record->progress == NGX_AIGC_PROGRESS_SCHEDULED) ? "scheduled"
                                                             : "prepared";
}


/* It will not get better by waiting a little. */
static ngx_uint_t
ngx_http_aigc_failing(ngx_aigc_record_t *record)
{
    ngx_uint_t  i;
    ngx_str_t   code;

    static ngx_str_t  codes[] = {
        ngx_string("CrashLoopBackOff"),
        ngx_string("ImagePullBackOff"),
        ngx_string("ErrImagePull"),
        ngx_string("InvalidImageName"),
        ngx_string("CreateContainerConfigError"),
        ngx_string("CreateContainerError"),
        ngx_string("RunContainerError"),
        ngx_null_string
    };

    if (record->pod_failed) {
        return 1;
    }

    ngx_aigc_fixed_get(&record->reason_code, &code);

    for (i = 0; codes[i].len; i++) {
        if (ngx_aigc_text_eq(&code, &codes[i])) {
            return 1;
        }
    }

    return 0;
}


time_t
ngx_http_aigc_instance_late(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record)
{
    return record->pod_deleting
           ? ngx_aigc_reason_worse(record->pod_deadline,
                                   ngx_aigc_date(mcf->zone))
           : ngx_http_aigc_lacking(mcf, record);
}


/* OKG's network is awaited only where an Ingress leads to the instance. */
static time_t
ngx_http_aigc_lacking(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record)
{
    return (record->lack == NGX_AIGC_LACK_NONE
            || (record->lack == NGX_AIGC_LACK_NETWORK && mcf->upstreams))
           ? 0 : record->lack_since + NGX_HTTP_AIGC_LACKING;
}


ngx_int_t
ngx_http_aigc_instance_reason(ngx_http_aigc_main_conf_t *mcf, ngx_pool_t *pool,
    ngx_aigc_record_t *record, ngx_str_t *code, ngx_str_t *text)
{
    time_t             late;
    ngx_int_t          warned;
    ngx_aigc_ending_e  ending;

    ending = ngx_aigc_table_ending(mcf->zone, record);

    if (ending != NGX_AIGC_ENDING_IN_TIME) {
        return ngx_http_aigc_ending(pool, record,
                                    ending == NGX_AIGC_ENDING_IS_STUCK,
                                    code, text);
    }

    if (record->state == NGX_AIGC_UNINSTALLING && record->pod) {
        ngx_str_set(code, "Terminating");
        ngx_str_set(text, "its pod has not ended yet");
        return NGX_OK;
    }

    if (record->reason_code.len) {
        ngx_aigc_fixed_get(&record->reason_code, code);
        ngx_aigc_fixed_get(&record->reason, text);
        return NGX_OK;
    }

    warned = ngx_http_aigc_warning(record, code, text);

    if (warned == NGX_OK && !ngx_aigc_reason_passing(code)) {
        return NGX_OK;
    }

    late = ngx_http_aigc_lacking(mcf, record);

    if (late == 0 || ngx_aigc_date(mcf->zone) <= late) {
        return NGX_DECLINED;
    }

    if (warned == NGX_OK) {
        return NGX_OK;                  /* it has not passed */
    }

    switch (record->lack) {

    case NGX_AIGC_LACK_POD:
        ngx_str_set(code, "NoPod");
        ngx_str_set(text, "OpenKruiseGame has not made its pod yet");
        break;

    case NGX_AIGC_LACK_ADDRESS:
        ngx_str_set(code, "NoAddress");
        ngx_str_set(text, "a pod of its name is ready, but was not made for "
                          "this template, or has no address of its own");
        break;

    default: /* NGX_AIGC_LACK_NETWORK */
        ngx_str_set(code, "NetworkNotReady");
        ngx_str_set(text, "its pod is ready, but OpenKruiseGame has not made "
                          "its Service and Ingress");
        break;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_ending(ngx_pool_t *pool, ngx_aigc_record_t *record,
    ngx_uint_t stuck, ngx_str_t *code, ngx_str_t *text)
{
    ngx_str_t         deadline;

    static ngx_str_t  ended = ngx_string("its pod should have ended by ");
    static ngx_str_t  hangs = ngx_string(", and does not end: an administrator "
                                         "has to end it");

    if (ngx_aigc_time_write(pool, record->pod_deadline, &deadline) != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(pool, ended.len + deadline.len + hangs.len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sprintf(text->data, "%V%V", &ended, &deadline)
                - text->data;

    if (!stuck) {
        ngx_str_set(code, "Terminating");
        return NGX_OK;
    }

    ngx_memcpy(text->data + text->len, hangs.data, hangs.len);
    text->len += hangs.len;

    ngx_str_set(code, "StuckTerminating");

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_warning(ngx_aigc_record_t *record, ngx_str_t *code,
    ngx_str_t *text)
{
    ngx_aigc_fixed_get(&record->warning_code, code);
    ngx_aigc_fixed_get(&record->warning, text);

    if (record->aside && code->len == 0) {
        ngx_str_set(code, NGX_AIGC_FAILED_CREATE);
        ngx_str_set(text, "the cluster cannot make its pod for now");
        return NGX_OK;
    }

    /* of another pod of that name, or one that is going: not this one's */

    if (code->len == 0 || record->pod_deleting
        || ngx_aigc_reason_over(code, record->progress)
        || (record->pod && record->warning_pod.len
            && !ngx_aigc_fixed_eq(&record->warning_pod, &record->pod_uid)))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


json_t *
ngx_http_aigc_instance_json(ngx_http_aigc_main_conf_t *mcf, ngx_pool_t *pool,
    ngx_aigc_record_t *record)
{
    json_t     *reason;
    ngx_int_t   rc;
    ngx_str_t   host, url, since, code, text;

    ngx_aigc_fixed_get(&record->host, &host);

    url.data = ngx_pnalloc(pool, mcf->gateway.scheme.len + host.len
                                 + mcf->port.len + 5);

    if (url.data == NULL
        || ngx_aigc_time_write(pool, record->since, &since) != NGX_OK)
    {
        return NULL;
    }

    url.len = ngx_sprintf(url.data, "%V://%V%V/", &mcf->gateway.scheme, &host,
                          &mcf->port)
              - url.data;

    rc = ngx_http_aigc_instance_reason(mcf, pool, record, &code, &text);

    if (rc == NGX_ERROR) {
        return NULL;
    }

    reason = (rc != NGX_OK) ? json_null()
                            : json_pack("{s:o, s:o}",
                                  "code", ngx_http_aigc_json_str(&code),
                                  "message", ngx_http_aigc_json_str(&text));

    return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:s?, s:s, s:s, s:o, s:o,"
                     " s:b}",
                     "namespace", ngx_http_aigc_json_fixed(&record->ns),
                     "template", ngx_http_aigc_json_fixed(&record->name),
                     "id", (int) record->id,
                     "owner", ngx_http_aigc_json_fixed(&record->owner),
                     "host", ngx_http_aigc_json_str(&host),
                     "url", ngx_http_aigc_json_str(&url),
                     "desired",
                     (char *) ngx_aigc_state_name(record->state)->data,
                     "state", ngx_http_aigc_instance_state(mcf, record),
                     "progress", ngx_http_aigc_instance_progress(record),
                     "reason", reason,
                     "since", ngx_http_aigc_json_str(&since),
                     "updateAvailable", (int) record->outdated);
}


ngx_int_t
ngx_http_aigc_instance_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_aigc_record_t *record)
{
    ngx_str_t                   location;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (status == NGX_HTTP_ACCEPTED) {

        location.data = ngx_pnalloc(r->pool, sizeof("/api/v1/instances///")
                                             + record->ns.len
                                             + record->name.len
                                             + NGX_INT_T_LEN);
        if (location.data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        location.len = ngx_sprintf(location.data,
                                   "/api/v1/instances/%*s/%*s/%D",
                                   (size_t) record->ns.len, record->ns.data,
                                   (size_t) record->name.len,
                                   record->name.data, record->id)
                       - location.data;

        if (ngx_http_aigc_add_header(r, "Location", &location) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return ngx_http_aigc_json(r, status,
                              ngx_http_aigc_instance_json(mcf, r->pool,
                                                          record));
}


json_t *
ngx_http_aigc_template_json(ngx_aigc_template_t *tmpl)
{
    json_t  *resources, *update, *why;

    resources = json_pack("{s:o, s:o, s:o, s:o}",
                          "cpu", ngx_http_aigc_json_fixed(&tmpl->cpu),
                          "memory", ngx_http_aigc_json_fixed(&tmpl->memory),
                          "gpu", ngx_http_aigc_json_fixed(&tmpl->gpu),
                          "gpuKind", ngx_http_aigc_json_fixed(&tmpl->gpu_kind));

    update = json_pack("{s:b, s:o}",
                       "seamless", (int) tmpl->seamless,
                       "reason", tmpl->rolls.len
                                 ? ngx_http_aigc_json_fixed(&tmpl->rolls)
                                 : json_null());

    why = tmpl->misconfigured.len
          ? ngx_http_aigc_json_fixed(&tmpl->misconfigured) : json_null();

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:i, s:i},"
                     " s:o, s:o}",
                     "namespace", ngx_http_aigc_json_fixed(&tmpl->ns),
                     "name", ngx_http_aigc_json_fixed(&tmpl->name),
                     "title", tmpl->title.len
                              ? ngx_http_aigc_json_fixed(&tmpl->title)
                              : ngx_http_aigc_json_fixed(&tmpl->name),
                     "description",
                     ngx_http_aigc_json_fixed(&tmpl->description),
                     "icon", ngx_http_aigc_json_fixed(&tmpl->icon),
                     "image", ngx_http_aigc_json_fixed(&tmpl->image),
                     "resources", resources,
                     "disk", ngx_http_aigc_json_fixed(&tmpl->disk),
                     "instances",
                     "running", (int) tmpl->nrunning,
                     "released", (int) tmpl->nreleased,
                     "update", update,
                     "misconfigured", why);
}
