/*
 * ngx_http_aigc_variables.c — the module's variables.
 */

#include "ngx_http_aigc_module.h"
#include "kube/ngx_aigc_kubernetes.h"
#include "kube/ngx_aigc_subrequest.h"
#include "gateway/ngx_http_aigc_between.h"
#include "gateway/ngx_http_aigc_decide.h"


static ngx_int_t ngx_http_aigc_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_aigc_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* $aigc_user and $aigc_instance are offsets into the context; 0: a decision. */
ngx_http_variable_t  ngx_http_aigc_variables[] = {

    { ngx_string("aigc_user"), NULL, ngx_http_aigc_variable,
      offsetof(ngx_http_aigc_ctx_t, user), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aigc_instance"), NULL, ngx_http_aigc_variable,
      offsetof(ngx_http_aigc_ctx_t, instance), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aigc_decision"), NULL, ngx_http_aigc_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aigc_connection"), NULL, ngx_http_aigc_websocket_variable,
      NGX_HTTP_AIGC_CONNECTION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aigc_upgrade"), NULL, ngx_http_aigc_websocket_variable,
      NGX_HTTP_AIGC_UPGRADE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("aigc_scheme"), NULL, ngx_http_aigc_public_variable,
      NGX_HTTP_AIGC_SCHEME, 0, 0 },

    { ngx_string("aigc_host"), NULL, ngx_http_aigc_public_variable,
      NGX_HTTP_AIGC_HOST, 0, 0 },

    { ngx_string("aigc_port"), NULL, ngx_http_aigc_public_variable,
      NGX_HTTP_AIGC_PORT, 0, 0 },

    { ngx_string("aigc_kubernetes_token"), NULL, ngx_http_aigc_token_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_NOHASH, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_aigc_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_aigc_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    const ngx_str_t      *value;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = data ? (ngx_str_t *) ((u_char *) ctx + data)
                 : ngx_http_aigc_decision_name(ctx->decision);

    v->len = value->len;
    v->data = value->data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


/* The gateway's own token is for its own subrequests and for nobody else. */
static ngx_int_t
ngx_http_aigc_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  *token;
    ngx_http_aigc_main_conf_t  *mcf;

    if (ngx_aigc_subrequest_ctx(r) == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    token = ngx_aigc_kubernetes_token(mcf->k8s, r->connection->log);

    v->len = token->len;
    v->data = token->data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
