/*
 * ngx_http_aigc_describe.c — the module's names, table by table.
 */

#include "ngx_http_aigc_module.h"

#include "ngx_http_aigc_params.h"

#include "base/ngx_http_aigc_reply.h"
#include "kube/ngx_aigc_kind.h"
#include "instances/ngx_aigc_annotation.h"
#include "gateway/ngx_http_aigc_decide.h"
#include "api/ngx_http_aigc_api.h"
#include "api/ngx_http_aigc_status.h"


static json_t *ngx_http_aigc_describe_codes(void);
static json_t *ngx_http_aigc_describe_decisions(void);
static json_t *ngx_http_aigc_describe_variables(void);
static json_t *ngx_http_aigc_describe_directives(void);
static json_t *ngx_http_aigc_describe_parameters(ngx_command_t *cmd);
static json_t *ngx_http_aigc_describe_annotations(void);
static json_t *ngx_http_aigc_describe_kinds(void);
static json_t *ngx_http_aigc_describe_contexts(ngx_uint_t type);


ngx_int_t
ngx_http_aigc_describe_handler(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return ngx_http_aigc_json(r, NGX_HTTP_OK,
               json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "version", NGX_HTTP_AIGC_VERSION,
                         "routes", ngx_http_aigc_api_routes(),
                         "codes", ngx_http_aigc_describe_codes(),
                         "decisions", ngx_http_aigc_describe_decisions(),
                         "metrics", ngx_http_aigc_metrics_names(mcf),
                         "variables", ngx_http_aigc_describe_variables(),
                         "annotations", ngx_http_aigc_describe_annotations(),
                         "kinds", ngx_http_aigc_describe_kinds(),
                         "directives", ngx_http_aigc_describe_directives()));
}


/* [{"code","status","retryAfter","api","detail"}] */
static json_t *
ngx_http_aigc_describe_codes(void)
{
    json_t                      *list;
    ngx_uint_t                   i;
    const ngx_http_aigc_code_t  *code;

    list = json_array();

    for (i = 0; i < NGX_HTTP_AIGC_NCODES; i++) {
        code = ngx_http_aigc_code(i);

        (void) json_array_append_new(list,
            json_pack("{s:s, s:i, s:I, s:b, s:s}",
                      "code", code->text.data,
                      "status", (int) code->status,
                      "retryAfter", (json_int_t) code->retry,
                      "api", (int) (code->api == NGX_HTTP_AIGC_CODE_API),
                      "detail", code->detail));
    }

    return list;
}


/* [{"decision","status"}]: what $aigc_decision can be */
static json_t *
ngx_http_aigc_describe_decisions(void)
{
    json_t      *list;
    ngx_uint_t   i;

    list = json_array();

    for (i = 0; i <= NGX_HTTP_AIGC_FAILED; i++) {
        (void) json_array_append_new(list,
            json_pack("{s:s, s:i}",
                      "decision", ngx_http_aigc_decision_name(i)->data,
                      "status", (int) ngx_http_aigc_decision_status(i)));
    }

    return list;
}


/* ["aigc_user", …], without the "$" */
static json_t *
ngx_http_aigc_describe_variables(void)
{
    json_t               *list;
    ngx_http_variable_t  *v;

    list = json_array();

    for (v = ngx_http_aigc_variables; v->name.len; v++) {
        (void) json_array_append_new(list, ngx_http_aigc_json_str(&v->name));
    }

    return list;
}


/*
 * [{"name","contexts":["http", …],"arguments","default","parameters"}];
 * arguments: a word
 */
static json_t *
ngx_http_aigc_describe_directives(void)
{
    json_t         *list;
    ngx_command_t  *cmd;

    list = json_array();

    for (cmd = ngx_http_aigc_module.commands; cmd->name.len; cmd++) {
        (void) json_array_append_new(list,
            json_pack("{s:o, s:o, s:o, s:s?, s:s}",
                      "name", ngx_http_aigc_json_str(&cmd->name),
                      "contexts", ngx_http_aigc_describe_contexts(cmd->type),
                      "parameters", ngx_http_aigc_describe_parameters(cmd),
                      "default",
                      !(cmd->type & NGX_CONF_FLAG) ? NULL
                      : NGX_HTTP_AIGC_FLAG_INIT ? "on" : "off",
                      "arguments",
                      cmd->type & NGX_CONF_FLAG ? "on or off"
                      : cmd->type & NGX_CONF_NOARGS ? "none"
                      : cmd->type & NGX_CONF_TAKE1 ? "one"
                                                   : "several"));
    }

    return list;
}


/*
 * [{"name","value","default","required"}]; value null: it goes by its place;
 * default null: there is none, or it depends on other parameters
 */
static json_t *
ngx_http_aigc_describe_parameters(ngx_command_t *cmd)
{
    json_t                       *list;
    const ngx_http_aigc_param_t  *p;

    list = json_array();

    if ((cmd->type & (NGX_CONF_FLAG|NGX_CONF_NOARGS))
        && !(cmd->type & NGX_CONF_TAKE1))
    {
        return list;                    /* "post" is something else, or none */
    }

    for (p = cmd->post; p->name; p++) {
        (void) json_array_append_new(list,
            json_pack("{s:s, s:s?, s:s?, s:b}",
                      "name", p->name,
                      "value", p->value,
                      "default", p->init,
                      "required", (int) p->required));
    }

    return list;
}


/* [{"name","object","read","written"}]; after a "/" at the end comes an id */
static json_t *
ngx_http_aigc_describe_annotations(void)
{
    json_t                       *list;
    ngx_uint_t                    i;
    const ngx_aigc_annotation_t  *a;

    list = json_array();

    for (i = 0; i < NGX_AIGC_NANNOTATIONS; i++) {
        a = &ngx_aigc_annotations[i];

        (void) json_array_append_new(list,
            json_pack("{s:s, s:s, s:b, s:b}",
                      "name", a->name,
                      "object", a->object,
                      "read", (int) a->read,
                      "written", (int) a->written));
    }

    return list;
}


/* [{"kind","api","required","own"}]: what is watched */
static json_t *
ngx_http_aigc_describe_kinds(void)
{
    json_t                 *list;
    const ngx_aigc_kind_t  *kind;

    list = json_array();

    for (kind = ngx_aigc_kinds; kind->name; kind++) {
        (void) json_array_append_new(list,
            json_pack("{s:s, s:s, s:b, s:b}",
                      "kind", kind->plural,
                      "api", kind->api,
                      "required",
                      (kind->flags & NGX_AIGC_KIND_REQUIRED) != 0,
                      "own", (kind->flags & NGX_AIGC_KIND_OWN) != 0));
    }

    return list;
}


static json_t *
ngx_http_aigc_describe_contexts(ngx_uint_t type)
{
    json_t      *list;
    ngx_uint_t   i;

    static struct {
        ngx_uint_t   bit;
        const char  *name;
    } contexts[] = {
        { NGX_HTTP_MAIN_CONF, "http" },
        { NGX_HTTP_UPS_CONF, "upstream" },
        { NGX_HTTP_SRV_CONF, "server" },
        { NGX_HTTP_LOC_CONF, "location" }
    };

    list = json_array();

    for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        if (type & contexts[i].bit) {
            (void) json_array_append_new(list, json_string(contexts[i].name));
        }
    }

    return list;
}
