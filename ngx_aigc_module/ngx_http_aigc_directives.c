/*
 * ngx_http_aigc_directives.c — directives at http level.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"


#define NGX_HTTP_AIGC_LIFETIME   (14 * 24 * 3600)   /* s: Logto's refresh token */



static ngx_int_t ngx_http_aigc_api_upstream(ngx_conf_t *cf,
    ngx_aigc_kubernetes_t *k8s);
static ngx_int_t ngx_http_aigc_check_management(ngx_conf_t *cf,
    ngx_aigc_logto_t *logto);


char *
ngx_http_aigc_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, name, text;

    value = cf->args->elts;

    if (mcf->zone) {
        return "is duplicate";
    }

    p = ngx_strlchr(value[1].data, value[1].data + value[1].len, ':');

    if (p == NULL || p == value[1].data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_zone\" has no size in \"%V\": write "
                           "name:size, for example gateway:16m", &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = p - value[1].data;

    text.data = p + 1;
    text.len = value[1].data + value[1].len - text.data;

    size = ngx_parse_size(&text);

    if (size == NGX_ERROR || size < NGX_AIGC_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_zone\" has a size of \"%V\": it takes at "
                           "least 2m, and 16m for 4,000 instances", &text);
        return NGX_CONF_ERROR;
    }

    mcf->zone = ngx_aigc_zone_add(cf, &name, size, &ngx_http_aigc_module);

    return mcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_aigc_set_kubernetes(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t              *value, v;
    ngx_uint_t              i;
    ngx_aigc_kubernetes_t  *k8s;

    if (mcf->k8s) {
        return "is duplicate";
    }

    k8s = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_kubernetes_t));
    if (k8s == NULL
        || ngx_array_init(&k8s->namespaces, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&k8s->token_file, NGX_AIGC_SERVICEACCOUNT "/token");
    ngx_str_set(&k8s->ca_file, NGX_AIGC_SERVICEACCOUNT "/ca.crt");

    value = cf->args->elts;

    if (ngx_http_aigc_url(cf, &value[1], &k8s->url, &k8s->base) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (k8s->url.scheme.len != sizeof("https") - 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_kubernetes\" has \"%V\": it takes https, "
                           "the gateway's token does not go over plain HTTP",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_aigc_param(&value[i], "namespaces=", &v)) {
            if (ngx_http_aigc_namespaces(cf, &v, &k8s->namespaces) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "selector=", &v)) {
            k8s->selector = v;

        } else if (ngx_http_aigc_param(&value[i], "token_file=", &v)) {
            if (ngx_http_aigc_path(cf, &v, &k8s->token_file) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "ca_file=", &v)) {
            if (ngx_http_aigc_path(cf, &v, &k8s->ca_file) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "lease=", &v)) {
            if (ngx_http_aigc_lease(cf, &v, k8s) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "max_stale=", &v)) {
            if (ngx_http_aigc_seconds(cf, &value[i], &v, &mcf->max_stale)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else {
            return ngx_http_aigc_unknown(cf, &value[i],
                                         "namespaces=, selector=, token_file=,"
                                         " ca_file=, lease=, max_stale=");
        }
    }

    if (ngx_http_aigc_readable(cf, "token_file=", &k8s->token_file) != NGX_OK
        || ngx_http_aigc_readable(cf, "ca_file=", &k8s->ca_file) != NGX_OK
        || (k8s->lease_name.len == 0
            && ngx_http_aigc_own_lease(cf, k8s) != NGX_OK))
    {
        return NGX_CONF_ERROR;
    }

    mcf->k8s = k8s;

    if (ngx_http_aigc_api_upstream(cf, k8s) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "proxy_pass https://aigc_kubernetes" in gateway.conf means the API server. */
static ngx_int_t
ngx_http_aigc_api_upstream(ngx_conf_t *cf, ngx_aigc_kubernetes_t *k8s)
{
    ngx_url_t                      u;
    ngx_http_upstream_server_t    *server;
    ngx_http_upstream_srv_conf_t  *uscf;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = k8s->url.host;
    u.default_port = k8s->url.port;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_kubernetes\" names a host that cannot be "
                           "used, \"%V\": %s", &k8s->url.host,
                           u.err ? u.err : "no address");
        return NGX_ERROR;
    }

    server = NULL;

    if (u.naddrs) {
        server = ngx_pcalloc(cf->pool, sizeof(ngx_http_upstream_server_t));
        if (server == NULL) {
            return NGX_ERROR;
        }

        server->name = u.url;
        server->addrs = u.addrs;
        server->naddrs = u.naddrs;
        server->weight = 1;
        server->max_fails = 0;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    ngx_str_set(&u.host, "aigc_kubernetes");
    u.url = u.host;
    u.no_port = 1;

    uscf = ngx_http_upstream_add(cf, &u, NGX_HTTP_UPSTREAM_CREATE
                                         |NGX_HTTP_UPSTREAM_WEIGHT
                                         |NGX_HTTP_UPSTREAM_MAX_FAILS);
    if (uscf == NULL || server == NULL) {
        return NGX_ERROR;
    }

    uscf->servers = ngx_array_create(cf->pool, 1,
                                     sizeof(ngx_http_upstream_server_t));
    if (uscf->servers == NULL) {
        return NGX_ERROR;
    }

    *(ngx_http_upstream_server_t *) ngx_array_push(uscf->servers) = *server;

    return NGX_OK;
}


char *
ngx_http_aigc_set_logto(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t         *value, v;
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

        if (ngx_http_aigc_param(&value[i], "app_id=", &v)) {
            logto->app_id = v;

        } else if (ngx_http_aigc_param(&value[i], "app_secret_file=", &v)) {
            if (ngx_http_aigc_secret(cf, "app_secret_file=", &v,
                                     &logto->app_secret) != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "m2m_app_id=", &v)) {
            logto->m2m_app_id = v;

        } else if (ngx_http_aigc_param(&value[i], "m2m_app_secret_file=", &v))
        {
            if (ngx_http_aigc_secret(cf, "m2m_app_secret_file=", &v,
                                     &logto->m2m_app_secret) != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "webhook_key_file=", &v)) {
            if (ngx_http_aigc_secret(cf, "webhook_key_file=", &v,
                                     &logto->webhook_key) != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "audience=", &v)) {
            logto->audience = v;

        } else if (ngx_strcmp(value[i].data, "grace=off") == 0) {
            mcf->grace = 0;

        } else if (ngx_http_aigc_param(&value[i], "grace=", &v)) {
            if (ngx_http_aigc_seconds(cf, &value[i], &v, &mcf->grace)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "ca_file=", &v)) {
            if (ngx_http_aigc_path(cf, &v, &logto->ca_file) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "admin_role=", &v)) {
            logto->admin_role = v;

        } else if (ngx_http_aigc_param(&value[i], "custom_data=", &v)) {
            if (ngx_http_aigc_on_off(cf, &value[i], &v, &logto->custom_data)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else {
            return ngx_http_aigc_unknown(cf, &value[i],
                                         "app_id=, app_secret_file=, "
                                         "m2m_app_id=, m2m_app_secret_file=, "
                                         "webhook_key_file=, audience=, "
                                         "grace=, ca_file=, admin_role=, "
                                         "custom_data=");
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


char *
ngx_http_aigc_set_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value, v, path, err;
    ngx_uint_t   i;

    if (mcf->keys) {
        return "is duplicate";
    }

    value = cf->args->elts;
    mcf->secure = 1;
    mcf->lifetime = NGX_HTTP_AIGC_LIFETIME;
    ngx_str_set(&mcf->cookie, "aigc_session");

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_aigc_param(&value[i], "key_file=", &v)) {

            mcf->keys = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_seal_keys_t));

            if (mcf->keys == NULL
                || ngx_http_aigc_path(cf, &v, &path) != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            if (ngx_aigc_seal_keys_load(cf->pool, &path, mcf->keys, &err)
                != NGX_OK)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"aigc_session\": %V", &err);
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "domain=", &v)) {

            rc = ngx_aigc_host_normalize(cf->pool, &v, &mcf->domain);

            if (rc != NGX_OK || mcf->domain.len != v.len) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"aigc_session\" has domain=%V: give the "
                                   "root domain of dashboard and instances, "
                                   "for example domain=example.com", &v);
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "cookie=", &v)) {
            if (ngx_http_aigc_cookie_name(cf, &v) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            mcf->cookie = v;

        } else if (ngx_http_aigc_param(&value[i], "lifetime=", &v)) {
            if (ngx_http_aigc_seconds(cf, &value[i], &v, &mcf->lifetime)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_strcmp(value[i].data, "secure=off") == 0) {
            mcf->secure = 0;

        } else if (ngx_strcmp(value[i].data, "secure=on") == 0) {
            mcf->secure = 1;

        } else {
            return ngx_http_aigc_unknown(cf, &value[i],
                                         "key_file=, domain=, cookie=, "
                                         "lifetime=, secure=on, secure=off");
        }
    }

    if (mcf->keys == NULL || mcf->domain.len == 0 || mcf->cookie.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" needs key_file= and domain=");
        return NGX_CONF_ERROR;
    }

    if (mcf->secure) {
        ngx_str_set(&mcf->bind, "__Host-aigc-bind");
        ngx_str_set(&mcf->login, "__Host-aigc-login-");

    } else {
        ngx_str_set(&mcf->bind, "aigc-bind");
        ngx_str_set(&mcf->login, "aigc-login-");

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aigc_session secure=off\": cookies go over "
                           "plain HTTP, for development only");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aigc_set_gateway(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    u_char     *colon;
    ngx_str_t  *value;

    static ngx_str_t  callback = ngx_string("/sign-in-callback");

    if (mcf->origin.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_aigc_url(cf, &value[1], &mcf->gateway, &mcf->origin)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    colon = ngx_strlchr(mcf->gateway.authority.data,
                        mcf->gateway.authority.data
                        + mcf->gateway.authority.len, ':');
    if (colon) {
        mcf->port.data = colon;
        mcf->port.len = mcf->gateway.authority.data
                        + mcf->gateway.authority.len - colon;
    }

    mcf->redirect_uri.len = mcf->origin.len + callback.len;
    mcf->redirect_uri.data = ngx_pnalloc(cf->pool, mcf->redirect_uri.len);
    if (mcf->redirect_uri.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(mcf->redirect_uri.data, "%V%V", &mcf->origin,
                       &callback);

    return NGX_CONF_OK;
}


char *
ngx_http_aigc_set_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t   *value, v;
    ngx_uint_t   i;

    if (mcf->limited) {
        return "is duplicate";
    }

    mcf->limited = 1;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_aigc_param(&value[i], "user_template=", &v)) {
            if (ngx_http_aigc_number(cf, &value[i], &v, 1,
                                     NGX_AIGC_INSTANCES_MAX,
                                     &mcf->limits.user_template)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_http_aigc_param(&value[i], "user_total=", &v)) {
            if (ngx_http_aigc_number(cf, &value[i], &v, 0,
                                     NGX_AIGC_LIMIT_MAX,
                                     &mcf->limits.user_total)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else {
            return ngx_http_aigc_unknown(cf, &value[i],
                                         "user_template=, user_total=");
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_aigc_check_conf(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf)
{
    ngx_uint_t  i, n;

    struct {
        ngx_uint_t   given;
        const char  *directive;
    } needed[] = {
        { mcf->zone != NULL, "aigc_zone" },
        { mcf->k8s != NULL, "aigc_kubernetes" },
        { mcf->logto != NULL, "aigc_logto" },
        { mcf->keys != NULL, "aigc_session" },
        { mcf->origin.len != 0, "aigc_gateway" },
    };

    n = 0;

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        n += needed[i].given;
    }

    if (mcf->balanced != mcf->upstreams) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_instances\" is followed by another balancer "
                           "in its upstream block, which would take its place: "
                           "remove that one");
        return NGX_CONF_ERROR;
    }

    if (n == 0 && !mcf->used) {
        return NGX_CONF_OK;             /* loaded, but not used */
    }

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!needed[i].given) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" is missing: add it to the http block",
                               needed[i].directive);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_aigc_host_within(&mcf->gateway.host, &mcf->domain) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_gateway\" is on \"%V\", outside of the "
                           "\"aigc_session\" domain=%V: the session cookie "
                           "would not reach it", &mcf->gateway.host,
                           &mcf->domain);
        return NGX_CONF_ERROR;
    }

    if (mcf->secure != (mcf->gateway.scheme.len == sizeof("https") - 1)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_gateway\" is %V, but \"aigc_session\" has "
                           "secure=%s: https goes with secure=on, http with "
                           "secure=off", &mcf->gateway.scheme,
                           mcf->secure ? "on" : "off");
        return NGX_CONF_ERROR;
    }

    mcf->zone->gateway = mcf->gateway.host;

    return NGX_CONF_OK;
}
