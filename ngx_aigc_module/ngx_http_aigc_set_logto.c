/*
 * ngx_http_aigc_set_logto.c — the directive aigc_logto.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"

#include "logto/ngx_aigc_logto.h"


static ngx_int_t ngx_http_aigc_check_management(ngx_conf_t *cf,
    ngx_aigc_logto_t *logto);


static ngx_aigc_provider_words_t  ngx_http_aigc_logto_words = {
    "Logto",
    "Logto",
    "aigc_logto",
    "app_id= and app_secret_file=",
    "set TRUST_PROXY_HEADER=1 for Logto, and have the proxy before it send "
        "X-Forwarded-Proto",
    "have the proxy before Logto pass the Host header on, with the port",
    "switch roles in ID tokens on in Logto's Console",
    "with several gateways a user may be signed out by that: make lifetime= of "
        "aigc_session less than 70 % of what the application in Logto has as "
        "its refresh token's life",
    "a Logto role"
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

    { "grace", "time|off", "1h", 0, ngx_http_aigc_param_grace,
      offsetof(ngx_http_aigc_main_conf_t, grace) },

    { "ca_file", "path", NULL, 0, ngx_http_aigc_param_path,
      offsetof(ngx_aigc_logto_t, provider.ca_file) },

    { "admin_role", "name", "aigc-admin", 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_logto_t, provider.admin_role) },

    { "custom_data", "on|off", NULL, 0, ngx_http_aigc_param_flag,
      offsetof(ngx_aigc_logto_t, custom_data) },

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

    if (mcf->provider) {
        return ngx_http_aigc_two_providers(cf);
    }

    logto = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_logto_t));
    if (logto == NULL) {
        return NGX_CONF_ERROR;
    }

    logto->custom_data = NGX_CONF_UNSET;

    provider = &logto->provider;
    provider->words = &ngx_http_aigc_logto_words;
    ngx_str_set(&provider->roles_claim, "roles");
    ngx_str_set(&provider->ask, "openid profile email roles offline_access");
    ngx_str_set(&provider->prompt, "consent");     /* else no refresh token */

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
        || ngx_http_aigc_check_provider(cf, provider, "scope") != NGX_OK)
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

    ngx_conf_init_value(logto->custom_data, logto->m2m_app_id.len != 0);

    return NGX_OK;
}
