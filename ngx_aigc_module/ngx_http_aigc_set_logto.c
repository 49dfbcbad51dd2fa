/*
 * ngx_http_aigc_set_logto.c — the directive aigc_logto.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"

#include "logto/ngx_aigc_logto.h"


static ngx_int_t ngx_http_aigc_set_grace(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_custom_data(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_check_management(ngx_conf_t *cf,
    ngx_aigc_logto_t *logto);
static ngx_int_t ngx_http_aigc_check_scope(ngx_conf_t *cf,
    ngx_aigc_provider_t *provider);


static ngx_aigc_provider_words_t  ngx_http_aigc_logto_words = {
    "Logto",
    "aigc_logto",
    "app_id= and app_secret_file=",
    "set TRUST_PROXY_HEADER=1 for Logto, and have the proxy before it send "
        "X-Forwarded-Proto",
    "have the proxy before Logto pass the Host header on, with the port",
    "switch roles in ID tokens on in Logto's Console"
};


/* conf: ngx_aigc_logto_t */
const ngx_http_aigc_param_t  ngx_http_aigc_logto_params[] = {

    { "endpoint", NULL, NULL, 1, NULL, 0 },

    { "app_id", "id", NULL, 1, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, provider.client_id) },

    { "app_secret_file", "path", NULL, 1, ngx_http_aigc_param_secret,
      offsetof(ngx_aigc_logto_t, provider.client_secret) },

    { "m2m_app_id", "id", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, m2m_app_id) },

    { "m2m_app_secret_file", "path", NULL, 0, ngx_http_aigc_param_secret,
      offsetof(ngx_aigc_logto_t, m2m_app_secret) },

    { "m2m_resource", "uri", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, m2m_resource) },

    { "webhook_key_file", "path", NULL, 0, ngx_http_aigc_param_secret,
      offsetof(ngx_aigc_logto_t, webhook_key) },

    { "audience", "uri", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, provider.audience) },

    { "scope", "name|off", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, provider.scope) },

    { "grace", "time|off", "1h", 0, ngx_http_aigc_set_grace,
      offsetof(ngx_http_aigc_main_conf_t, grace) },

    { "ca_file", "path", NULL, 0, ngx_http_aigc_param_path,
      offsetof(ngx_aigc_logto_t, provider.ca_file) },

    { "admin_role", "name", "aigc-admin", 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, provider.admin_role) },

    { "custom_data", "on|off", NULL, 0, ngx_http_aigc_set_custom_data, 0 },

    { NULL, NULL, NULL, 0, NULL, 0 }
};


char *
ngx_http_aigc_set_logto(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t            *value;
    ngx_aigc_url_t        url;
    ngx_aigc_logto_t     *logto;
    ngx_aigc_provider_t  *provider;

    if (mcf->logto) {
        return "is duplicate";
    }

    logto = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_logto_t));
    if (logto == NULL) {
        return NGX_CONF_ERROR;
    }

    logto->custom_data = NGX_CONF_UNSET;

    provider = &logto->provider;
    provider->words = &ngx_http_aigc_logto_words;

    value = cf->args->elts;

    if (ngx_http_aigc_url(cf, &value[1], &url, &logto->endpoint) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_aigc_params(cf, ngx_http_aigc_logto_params, logto) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (provider->client_id.len == 0 || provider->client_secret.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" needs app_id= and "
                           "app_secret_file= of a Logto application of type "
                           "\"Traditional web\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_aigc_check_management(cf, logto) != NGX_OK
        || ngx_http_aigc_check_scope(cf, provider) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    provider->issuer.len = logto->endpoint.len + sizeof("/oidc") - 1;
    provider->issuer.data = ngx_pnalloc(cf->pool, provider->issuer.len);
    if (provider->issuer.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(provider->issuer.data, "%V/oidc", &logto->endpoint);

    mcf->logto = logto;
    mcf->provider = provider;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aigc_set_grace(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t  *mcf;

    if (ngx_strcmp(value->data, "off") == 0) {
        mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);
        mcf->grace = 0;

        return NGX_OK;
    }

    return ngx_http_aigc_param_seconds(cf, param, arg, value, conf);
}


static ngx_int_t
ngx_http_aigc_set_custom_data(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf)
{
    ngx_aigc_logto_t *logto = conf;

    return ngx_http_aigc_on_off(cf, arg, value, &logto->custom_data);
}


/* What custom data is read and written with, and who may say so. */
static ngx_int_t
ngx_http_aigc_check_management(ngx_conf_t *cf, ngx_aigc_logto_t *logto)
{
    ngx_aigc_url_t  url;

    if ((logto->m2m_app_id.len == 0) != (logto->m2m_app_secret.len == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has one of m2m_app_id= and "
                           "m2m_app_secret_file= without the other: give both "
                           "of a Logto application of type "
                           "\"Machine-to-machine\", or none");
        return NGX_ERROR;
    }

    if (logto->m2m_resource.data == NULL) {
        ngx_str_set(&logto->m2m_resource, NGX_AIGC_MANAGEMENT_RESOURCE);

    } else if (logto->m2m_app_id.len == 0
               || ngx_aigc_url_parse(cf->pool, &logto->m2m_resource, &url)
                  != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has m2m_resource=%V: beside "
                           "m2m_app_id= it takes the indicator of Logto's "
                           "Management API, https://<tenant>.logto.app/api",
                           &logto->m2m_resource);
        return NGX_ERROR;
    }

    if (logto->custom_data == 1 && logto->m2m_app_id.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has custom_data=on: that needs "
                           "m2m_app_id= and m2m_app_secret_file=");
        return NGX_ERROR;
    }

    if (logto->provider.admin_role.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has an empty admin_role=: give the "
                           "name of a Logto role, or leave it out: "
                           "aigc-admin");
        return NGX_ERROR;
    }

    ngx_conf_init_value(logto->custom_data, logto->m2m_app_id.len != 0);

    return NGX_OK;
}


/* What a program's token needs besides the audience. */
static ngx_int_t
ngx_http_aigc_check_scope(ngx_conf_t *cf, ngx_aigc_provider_t *provider)
{
    size_t      i;
    u_char      c;
    ngx_uint_t  bad;

    if (provider->audience.len == 0) {

        if (provider->scope.data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aigc_logto\" has scope= without audience=: "
                               "only tokens for an API resource have one, "
                               "whose indicator is audience=");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (provider->scope.data == NULL) {
        ngx_str_set(&provider->scope, NGX_AIGC_SCOPE);
        return NGX_OK;
    }

    if (ngx_strcmp(provider->scope.data, "off") == 0) {
        provider->scope.len = 0;

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aigc_logto\" has scope=off: every application of "
                           "this Logto that a user has signed in to acts for "
                           "that user here");
        return NGX_OK;
    }

    /* scope-token of RFC 6749, 3.3 */

    bad = (provider->scope.len == 0
           || provider->scope.len > NGX_AIGC_SCOPE_MAX);

    for (i = 0; i < provider->scope.len; i++) {
        c = provider->scope.data[i];
        bad |= (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\');
    }

    if (bad) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" has scope=%V: it takes one scope of "
                           "the API resource, such as scope=" NGX_AIGC_SCOPE
                           ", or scope=off", &provider->scope);
        return NGX_ERROR;
    }

    return NGX_OK;
}
