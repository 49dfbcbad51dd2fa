/*
 * ngx_http_aigc_module.c — the wiring: directives, phases, filters.  Behaviour
 * lives in the folders below.
 */

#include "ngx_http_aigc_module.h"
#include "ngx_http_aigc_directives.h"
#include "kube/ngx_aigc_subrequest.h"
#include "instances/ngx_aigc_plan.h"

#include "base/ngx_aigc_compat.h"
#include "base/ngx_http_aigc_headers.h"
#include "oidc/ngx_http_aigc_identity.h"
#include "oidc/ngx_http_aigc_renew.h"
#include "oidc/ngx_http_aigc_sign_in.h"
#include "oidc/ngx_http_aigc_ticket.h"
#include "logto/ngx_http_aigc_webhook.h"
#include "gateway/ngx_http_aigc_access.h"
#include "gateway/ngx_http_aigc_upstream_response.h"
#include "gateway/ngx_http_aigc_between.h"
#include "gateway/ngx_http_aigc_cache.h"
#include "gateway/ngx_http_aigc_decide.h"
#include "gateway/ngx_http_aigc_guard.h"
#include "gateway/ngx_http_aigc_upstream.h"
#include "api/ngx_http_aigc_api.h"
#include "api/ngx_http_aigc_status.h"


static ngx_int_t ngx_http_aigc_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_aigc_init_module(ngx_cycle_t *cycle);
static void *ngx_http_aigc_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_aigc_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_aigc_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_aigc_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_aigc_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_aigc_init(ngx_conf_t *cf);
static char *ngx_http_aigc_handler(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_aigc_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_early_hints_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


#define ngx_http_aigc_content(name, handler)                                  \
    { ngx_string(name),                                                       \
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,                                      \
      ngx_http_aigc_handler,                                                  \
      NGX_HTTP_LOC_CONF_OFFSET,                                               \
      0,                                                                      \
      (void *) handler }


static ngx_command_t  ngx_http_aigc_commands[] = {

    { ngx_string("aigc_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_aigc_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_zone_params },

    { ngx_string("aigc_kubernetes"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_aigc_set_kubernetes,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_kubernetes_params },

    { ngx_string("aigc_logto"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_aigc_set_logto,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_logto_params },

    { ngx_string("aigc_oidc"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_aigc_set_oidc,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_oidc_params },

    { ngx_string("aigc_session"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_aigc_set_session,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_session_params },

    { ngx_string("aigc_gateway"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_aigc_set_gateway,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_gateway_params },

    { ngx_string("aigc_limits"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_aigc_set_limits,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_limits_params },

    { ngx_string("aigc_guard"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_aigc_main_conf_t, guard),
      NULL },

    { ngx_string("aigc_instances"),
      NGX_HTTP_UPS_CONF|NGX_CONF_NOARGS,
      ngx_http_aigc_instances,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("aigc_access"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aigc_loc_conf_t, access),
      NULL },

    { ngx_string("aigc_cross_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aigc_loc_conf_t, cross_origin),
      NULL },

    { ngx_string("aigc_internal"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_aigc_loc_conf_t, internal),
      NULL },

    { ngx_string("aigc_auth"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1|NGX_CONF_NOARGS,
      ngx_http_aigc_set_auth,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      (void *) ngx_http_aigc_auth_params },

    ngx_http_aigc_content("aigc_api", ngx_http_aigc_api_handler),
    ngx_http_aigc_content("aigc_sign_in", ngx_http_aigc_sign_in_handler),
    ngx_http_aigc_content("aigc_sign_in_callback",
                          ngx_http_aigc_sign_in_callback_handler),
    ngx_http_aigc_content("aigc_sign_out", ngx_http_aigc_sign_out_handler),
    ngx_http_aigc_content("aigc_backchannel_logout",
                          ngx_http_aigc_backchannel_handler),
    ngx_http_aigc_content("aigc_webhook", ngx_http_aigc_webhook_handler),
    ngx_http_aigc_content("aigc_healthz", ngx_http_aigc_healthz_handler),
    ngx_http_aigc_content("aigc_readyz", ngx_http_aigc_readyz_handler),
    ngx_http_aigc_content("aigc_metrics", ngx_http_aigc_metrics_handler),
    ngx_http_aigc_content("aigc_table", ngx_http_aigc_table_handler),
    ngx_http_aigc_content("aigc_describe", ngx_http_aigc_describe_handler),

    ngx_null_command
};


static ngx_http_module_t  ngx_http_aigc_module_ctx = {
    ngx_http_aigc_preconfiguration,        /* preconfiguration */
    ngx_http_aigc_init,                    /* postconfiguration */

    ngx_http_aigc_create_main_conf,        /* create main configuration */
    ngx_http_aigc_init_main_conf,          /* init main configuration */

    ngx_http_aigc_create_srv_conf,         /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_aigc_create_loc_conf,         /* create location configuration */
    ngx_http_aigc_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_aigc_module = {
    NGX_MODULE_V1,
    &ngx_http_aigc_module_ctx,             /* module context */
    ngx_http_aigc_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_aigc_init_module,             /* init module */
    ngx_http_aigc_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_aigc_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_header_filter_pt  ngx_http_next_early_hints_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_aigc_preconfiguration(ngx_conf_t *cf)
{
    return (ngx_http_aigc_check_tree(cf) == NGX_CONF_OK)
           ? ngx_http_aigc_add_variables(cf) : NGX_ERROR;
}


static ngx_int_t
ngx_http_aigc_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_aigc_strip_init(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aigc_check_connections(cycle);
}


static void *
ngx_http_aigc_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_aigc_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->locations = ngx_array_create(cf->pool, 16, sizeof(void **));
    mcf->limits = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_limits_t));

    if (mcf->locations == NULL || mcf->limits == NULL) {
        return NULL;
    }

    mcf->guard = NGX_CONF_UNSET;

    return mcf;
}


static char *
ngx_http_aigc_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_conf_init_value(mcf->guard, NGX_HTTP_AIGC_FLAG_INIT);

    if (mcf->guard) {
        mcf->used = 1;
        mcf->guards = 1;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_aigc_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_aigc_srv_conf_t));
}


static void *
ngx_http_aigc_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_aigc_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_aigc_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->access = NGX_CONF_UNSET;
    lcf->cross_origin = NGX_CONF_UNSET;
    lcf->internal = NGX_CONF_UNSET;
    lcf->dialect = NGX_CONF_UNSET_UINT;

    return lcf;
}


static char *
ngx_http_aigc_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_aigc_loc_conf_t *prev = parent;
    ngx_http_aigc_loc_conf_t *conf = child;

    void                     ***location;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_aigc_srv_conf_t   *scf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);

    ngx_conf_merge_value(conf->access, prev->access, NGX_HTTP_AIGC_FLAG_INIT);
    ngx_conf_merge_value(conf->cross_origin, prev->cross_origin,
                         NGX_HTTP_AIGC_FLAG_INIT);
    ngx_conf_merge_value(conf->internal, prev->internal,
                         NGX_HTTP_AIGC_FLAG_INIT);

    /* looked at once all modules have merged theirs */

    location = ngx_array_push(mcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    *location = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    if (!conf->access) {
        return NGX_CONF_OK;
    }

    mcf->used = 1;
    mcf->guards = 1;

    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_aigc_module);
    scf->guards = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_access\" stands beside \"satisfy any\" in "
                           "location \"%V\", which would let others in: "
                           "remove \"satisfy any\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_aigc_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);
    mcf->used = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = (ngx_http_handler_pt) cmd->post;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aigc_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);

    if (ngx_http_aigc_check_conf(cf, mcf) != NGX_CONF_OK
        || ngx_http_aigc_check_names(cf, mcf) != NGX_CONF_OK
        || ngx_http_aigc_check_caches(cf, mcf) != NGX_CONF_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->keys && ngx_http_aigc_identity_init(cf->pool, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aigc_ticket_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aigc_guard_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aigc_internal_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aigc_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_aigc_strip_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_aigc_header_filter;

    ngx_http_next_early_hints_filter =
        ngx_aigc_add_early_hints_filter(ngx_http_aigc_early_hints_filter);

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_aigc_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_header_filter(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_aigc_subrequest_header(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_aigc_no_response(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_aigc_check_upstream_response(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_aigc_remembers(r)
        && (ngx_http_aigc_is_proxied(r) || ngx_http_aigc_to_instances(r))
        && ngx_http_aigc_cache_check(r) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_translate_headers_out(r) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_aigc_guard_headers_out(r);

    if (r == r->main && ngx_http_aigc_renew_header(r) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_aigc_early_hints_filter(ngx_http_request_t *r)
{
    return (ngx_http_aigc_guard_early_hints(r) == NGX_OK)
           ? ngx_http_next_early_hints_filter(r) : NGX_OK;
}


static ngx_int_t
ngx_http_aigc_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t  rc;

    rc = ngx_aigc_subrequest_body(r, in);

    return (rc != NGX_DECLINED) ? rc : ngx_http_next_body_filter(r, in);
}
