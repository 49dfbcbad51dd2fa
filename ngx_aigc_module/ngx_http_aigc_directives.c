/*
 * ngx_http_aigc_directives.c — directives at http level, but for the two that
 * have files of their own, and what all of them must be together.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"


#define NGX_HTTP_AIGC_LIFETIME   (14 * 24 * 3600)   /* s: Logto's refresh token */


static char *ngx_http_aigc_session_param(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf, ngx_str_t *arg);
static ngx_int_t ngx_http_aigc_session_keys(ngx_conf_t *cf,
    ngx_http_aigc_main_conf_t *mcf, ngx_str_t *file);


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
ngx_http_aigc_set_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (mcf->keys) {
        return "is duplicate";
    }

    value = cf->args->elts;
    mcf->secure = 1;
    mcf->lifetime = NGX_HTTP_AIGC_LIFETIME;
    ngx_str_set(&mcf->cookie, "aigc_session");

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_aigc_session_param(cf, mcf, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
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
        ngx_str_set(&mcf->login_part, "__Secure-aigc-login-");

    } else {
        ngx_str_set(&mcf->bind, "aigc-bind");
        ngx_str_set(&mcf->login, "aigc-login-");
        ngx_str_set(&mcf->login_part, "aigc-login-");

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aigc_session secure=off\": cookies go over "
                           "plain HTTP, for development only");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_aigc_session_param(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf,
    ngx_str_t *arg)
{
    ngx_int_t  rc;
    ngx_str_t  v;

    if (ngx_http_aigc_param(arg, "key_file=", &v)) {
        if (ngx_http_aigc_session_keys(cf, mcf, &v) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "domain=", &v)) {

        rc = ngx_aigc_host_normalize(cf->pool, &v, &mcf->domain);

        if (rc != NGX_OK || mcf->domain.len != v.len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aigc_session\" has domain=%V: give the "
                               "root domain of dashboard and instances, "
                               "for example domain=example.com", &v);
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_aigc_param(arg, "cookie=", &v)) {
        if (ngx_http_aigc_cookie_name(cf, &v) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        mcf->cookie = v;

    } else if (ngx_http_aigc_param(arg, "lifetime=", &v)) {
        if (ngx_http_aigc_seconds(cf, arg, &v, &mcf->lifetime) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_strcmp(arg->data, "secure=off") == 0) {
        mcf->secure = 0;

    } else if (ngx_strcmp(arg->data, "secure=on") == 0) {
        mcf->secure = 1;

    } else {
        return ngx_http_aigc_unknown(cf, arg,
                                     "key_file=, domain=, cookie=, "
                                     "lifetime=, secure=on, secure=off");
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aigc_session_keys(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf,
    ngx_str_t *file)
{
    ngx_str_t  path, err;

    mcf->keys = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_seal_keys_t));

    if (mcf->keys == NULL || ngx_http_aigc_path(cf, file, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_aigc_seal_keys_load(cf->pool, &path, mcf->keys, &err) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"aigc_session\": %V",
                           &err);
        return NGX_ERROR;
    }

    return NGX_OK;
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
    mcf->zone->domain = mcf->domain;

    return NGX_CONF_OK;
}
