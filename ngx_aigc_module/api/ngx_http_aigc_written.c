/*
 * api/ngx_http_aigc_written.c — from the result of an operation to a response.
 */

#include "ngx_http_aigc_written.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_aigc_plan.h"
#include "instances/ngx_http_aigc_instance.h"


static ngx_int_t ngx_http_aigc_written_instance(ngx_http_request_t *r,
    ngx_aigc_op_t *op, ngx_aigc_record_t *was);
static ngx_int_t ngx_http_aigc_written_limit(ngx_http_request_t *r,
    ngx_aigc_op_t *op);
static ngx_int_t ngx_http_aigc_written_refused(ngx_http_request_t *r,
    ngx_aigc_op_t *op);


typedef struct {
    ngx_aigc_result_e      result;
    ngx_http_aigc_code_e   code;
} ngx_http_aigc_written_t;


static ngx_http_aigc_written_t  ngx_http_aigc_written_problems[] = {
    { NGX_AIGC_RESULT_GONE, NGX_HTTP_AIGC_CODE_NOT_FOUND },
    { NGX_AIGC_RESULT_NOT_OWNER, NGX_HTTP_AIGC_CODE_NOT_OWNER },
    { NGX_AIGC_RESULT_UNINSTALLING, NGX_HTTP_AIGC_CODE_UNINSTALLING },
    { NGX_AIGC_RESULT_MISCONFIGURED,
      NGX_HTTP_AIGC_CODE_TEMPLATE_MISCONFIGURED },
    { NGX_AIGC_RESULT_USED_UP, NGX_HTTP_AIGC_CODE_TEMPLATE_USED_UP },
    { NGX_AIGC_RESULT_FOREIGN_DISK, NGX_HTTP_AIGC_CODE_FOREIGN_DISK },
    { NGX_AIGC_RESULT_UNWRITABLE, NGX_HTTP_AIGC_CODE_ANNOTATION_TOO_LONG },
    { NGX_AIGC_RESULT_PARTIAL, NGX_HTTP_AIGC_CODE_ZONE_FULL },
    { NGX_AIGC_RESULT_NONE, NGX_HTTP_AIGC_CODE_FAILED }
};


ngx_int_t
ngx_http_aigc_written_shown(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was, ngx_aigc_record_t *record)
{
    ngx_str_t                   ns, name;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (op->id < 0
        || ngx_aigc_table_template_at(mcf->zone, op->tmpl, &tmpl) != NGX_OK
        || !ngx_aigc_fixed_eq(&op->uid, &tmpl.uid))
    {
        goto gone;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    if (ngx_aigc_table_by_id(mcf->zone, &ns, &name, op->id, record) != NGX_OK
        || record->state == NGX_AIGC_NO_STATE)
    {
        goto gone;
    }

    if (op->after.len
        && tmpl.generation <= op->generation
        && !ngx_aigc_fixed_eq(&op->after, &record->raw))
    {
        return NGX_AGAIN;
    }

    return NGX_OK;

gone:

    if (was == NULL || !ngx_aigc_is_uninstall(op->kind)) {
        return NGX_DECLINED;
    }

    *record = *was;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_written_reply(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was)
{
    ngx_http_aigc_written_t  *problem;

    switch (op->result) {

    case NGX_AIGC_RESULT_WRITTEN:
    case NGX_AIGC_RESULT_UNCHANGED:
        return ngx_http_aigc_written_instance(r, op, was);

    case NGX_AIGC_RESULT_LIMIT_TEMPLATE:
    case NGX_AIGC_RESULT_LIMIT_USER_TEMPLATE:
    case NGX_AIGC_RESULT_LIMIT_USER_TOTAL:
        return ngx_http_aigc_written_limit(r, op);

    case NGX_AIGC_RESULT_REFUSED:
        return ngx_http_aigc_written_refused(r, op);

    default:
        break;
    }

    for (problem = ngx_http_aigc_written_problems;
         problem->result != NGX_AIGC_RESULT_NONE;
         problem++)
    {
        if (problem->result == op->result) {
            return ngx_http_aigc_problem(r, problem->code, NULL);
        }
    }

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_aigc_written_instance(ngx_http_request_t *r, ngx_aigc_op_t *op,
    ngx_aigc_record_t *was)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_written_shown(r, op, was, &record) != NGX_OK) {

        /* the API server has it, the watch does not bring it */

        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_SHOWN_YET,
                                     NULL);
    }

    if (op->result == NGX_AIGC_RESULT_UNCHANGED) {
        return ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, &record);
    }

    switch (op->kind) {

    case NGX_AIGC_RELEASE:
        record.state = NGX_AIGC_RELEASED;
        break;

    case NGX_AIGC_UNINSTALL:
    case NGX_AIGC_UNINSTALL_KEEP:
        record.state = NGX_AIGC_UNINSTALLING;
        break;

    default:
        record.state = NGX_AIGC_RUNNING;
        break;
    }

    return ngx_http_aigc_instance_reply(r, NGX_HTTP_ACCEPTED, &record);
}


static ngx_int_t
ngx_http_aigc_written_limit(ngx_http_request_t *r, ngx_aigc_op_t *op)
{
    ngx_uint_t                  limit;
    const char                 *format;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_code_e        code;
    ngx_http_aigc_main_conf_t  *mcf;
    u_char                      detail[128];

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    switch (op->result) {

    case NGX_AIGC_RESULT_LIMIT_USER_TEMPLATE:
        code = NGX_HTTP_AIGC_CODE_LIMIT_USER_TEMPLATE;
        format = "You have as many instances of this template as you may have "
                 "(%ui).%Z";
        limit = mcf->limits->user_template;
        break;

    case NGX_AIGC_RESULT_LIMIT_USER_TOTAL:
        code = NGX_HTTP_AIGC_CODE_LIMIT_USER_TOTAL;
        format = "You have as many instances of all templates together as you "
                 "may have (%ui).%Z";
        limit = mcf->limits->user_total;
        break;

    default: /* NGX_AIGC_RESULT_LIMIT_TEMPLATE */

        if (ngx_aigc_table_template_at(mcf->zone, op->tmpl, &tmpl) != NGX_OK) {
            tmpl.max = 0;               /* it has just gone */
        }

        code = NGX_HTTP_AIGC_CODE_LIMIT_TEMPLATE;
        format = "The template has as many instances as it may have (%ui).%Z";
        limit = tmpl.max;
        break;
    }

    (void) ngx_snprintf(detail, sizeof(detail), format, limit);

    return ngx_http_aigc_problem(r, code, (char *) detail);
}


static ngx_int_t
ngx_http_aigc_written_refused(ngx_http_request_t *r, ngx_aigc_op_t *op)
{
    u_char  detail[64];

    if (op->http == NGX_HTTP_NOT_FOUND) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_FOUND,
                                     "There is no such template.");
    }

    (void) ngx_snprintf(detail, sizeof(detail),
                        "The cluster refuses it (status %ui).%Z", op->http);

    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_REFUSES,
                                 (char *) detail);
}


ngx_int_t
ngx_http_aigc_written_timeout(ngx_http_request_t *r, ngx_aigc_op_t *op)
{
    switch (op->http) {

    case 0:
    case NGX_HTTP_CONFLICT:
    case 422:
    case 429:
        break;

    default:
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_UNAVAILABLE,
                                     NULL);
    }

    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_CLUSTER_BUSY, NULL);
}
