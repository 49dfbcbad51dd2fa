/*
 * ngx_http_aigc_set_logto.c — the directive aigc_logto.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"


static char *ngx_http_aigc_logto_param(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf, ngx_aigc_logto_t *logto, ngx_str_t *arg);
static ngx_int_t ngx_http_aigc_check_management(ngx_conf_t *cf,
    ngx_aigc_logto_t *logto);


char *
ngx_http_aigc_set_logto(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t         *value;
    ngx_uint_t         i;
    ngx_aigc_url_t     url;
    ngx_aigc_logto_t  *logto;

    if (mcf->logto) {
        return "is duplicate";
    }

    logto = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_logto_t));
    if (logto == NULL) {
        return NGX_CONF_ERROR;
    }

    logto->custom_data = NGX_CONF_UNSET;
    ngx_str_set(&logto->admin_role, "aigc-admin");

    value = cf->args->elts;

    if (ngx_http_aigc_url(cf, &value[1], &url, &logto->endpoint) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_aigc_logto_param(cf, mcf, logto, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (logto->app_id.len == 0 || logto->app_secret.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" needs app_id= and "
                           "app_secret_file= of a Logto application of type "
                           "\"Traditional web\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_aigc_check_management(cf, logto) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    logto->issuer.len = logto->endpoint.len + sizeof("/oidc") - 1;
    logto->issuer.data = ngx_pnalloc(cf->pool, logto->issuer.len);
    if (logto->issuer.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(logto->issuer.data, "%V/oidc", &logto->endpoint);

    mcf->logto = logto;

    return NGX_CONF_OK;
}


static char *
ngx_http_aigc_logto_param(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_logto_t *logto, ngx_str_t *arg)
{
    ngx_str_t  v;

    if (ngx_http_aigc_param(arg, "app_id=", &v)) {
        logto->app_id = v;

    } else if (ngx_http_aigc_param(arg, "app_secret_file=", &v)) {
        if (ngx_http_aigc_secret(cf, "app_secret_file=", &v,
                                 &logto->app_secret) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "m2m_app_id=", &v)) {
        logto->m2m_app_id = v;

    } else if (ngx_http_aigc_param(arg, "m2m_app_secret_file=", &v))
    {
        if (ngx_http_aigc_secret(cf, "m2m_app_secret_file=", &v,
                                 &logto->m2m_app_secret) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "webhook_key_file=", &v)) {
        if (ngx_http_aigc_secret(cf, "webhook_key_file=", &v,
                                 &logto->webhook_key) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "audience=", &v)) {
        logto->audience = v;

    } else if (ngx_strcmp(arg->data, "grace=off") == 0) {
        mcf->grace = 0;

    } else if (ngx_http_aigc_param(arg, "grace=", &v)) {
        if (ngx_http_aigc_seconds(cf, arg, &v, &mcf->grace) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "ca_file=", &v)) {
        if (ngx_http_aigc_path(cf, &v, &logto->ca_file) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "admin_role=", &v)) {
        logto->admin_role = v;

    } else if (ngx_http_aigc_param(arg, "custom_data=", &v)) {
        if (ngx_http_aigc_on_off(cf, arg, &v, &logto->custom_data) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else {
        return ngx_http_aigc_unknown(cf, arg,
                                     "app_id=, app_secret_file=, "
                                     "m2m_app_id=, m2m_app_secret_file=, "
                                     "webhook_key_file=, audience=, "
                                     "grace=, ca_file=, admin_role=, "
                                     "custom_data=");
    }

    return NGX_CONF_OK;
}


/* What custom data is read and written with, and who may say so. */
static ngx_int_t
ngx_http_aigc_check_management(ngx_conf_t *cf, ngx_aigc_logto_t *logto)
{
    if ((logto->m2m_app_id.len == 0) != (logto->m2m_app_secret.len == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has one of m2m_app_id= and "
                           "m2m_app_secret_file= without the other: give both "
                           "of a Logto application of type "
                           "\"Machine-to-machine\", or none");
        return NGX_ERROR;
    }

    if (logto->custom_data == 1 && logto->m2m_app_id.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has custom_data=on: that needs "
                           "m2m_app_id= and m2m_app_secret_file=");
        return NGX_ERROR;
    }

    if (logto->admin_role.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has an empty admin_role=: give the "
                           "name of a Logto role, or leave it out: "
                           "aigc-admin");
        return NGX_ERROR;
    }

    ngx_conf_init_value(logto->custom_data, logto->m2m_app_id.len != 0);

    return NGX_OK;
}
