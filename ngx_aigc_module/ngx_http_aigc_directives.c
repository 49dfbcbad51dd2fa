/*
 * ngx_http_aigc_directives.c — directives at http level, but for the two that
 * have files of their own, and what all of them must be together.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"
#include "base/ngx_aigc_cookie.h"
#include "oidc/ngx_aigc_doubt.h"
#include "oidc/ngx_aigc_flight.h"
#include "oidc/ngx_aigc_issuer.h"
#include "oidc/ngx_aigc_revocation.h"
#include "oidc/ngx_aigc_rotation.h"
#include "oidc/ngx_aigc_ticket.h"
#include "oidc/ngx_aigc_token.h"
#include "gateway/ngx_http_aigc_access.h"
#include "kube/ngx_aigc_date.h"
#include "kube/ngx_aigc_leader.h"
#include "kube/ngx_aigc_sync.h"
#include "instances/ngx_aigc_plan.h"
#include "instances/ngx_aigc_queue.h"
#include "instances/ngx_aigc_table.h"


/* What the zone is carved into; the table takes what is left. */
static ngx_aigc_part_t  *ngx_http_aigc_parts[] = {
    &ngx_aigc_sync_part,
    &ngx_aigc_leader_part,
    &ngx_aigc_date_part,
    &ngx_aigc_issuer_part,
    &ngx_aigc_doubt_part,
    &ngx_aigc_revocation_part,
    &ngx_aigc_flight_part,
    &ngx_aigc_rotation_part,
    &ngx_aigc_token_part,
    &ngx_aigc_ticket_part,
    &ngx_aigc_queue_part,
    &ngx_aigc_table_part,
    NULL
};


static ngx_int_t ngx_http_aigc_set_key_file(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_domain(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_cookie(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_secure(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_user_template(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_user_total(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_dialect(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);


const ngx_http_aigc_param_t  ngx_http_aigc_zone_params[] = {
    { "name:size", NULL, NULL, 1, NULL, 0 },
    { NULL, NULL, NULL, 0, NULL, 0 }
};


const ngx_http_aigc_param_t  ngx_http_aigc_gateway_params[] = {
    { "url", NULL, NULL, 1, NULL, 0 },
    { NULL, NULL, NULL, 0, NULL, 0 }
};


/*
 * conf: ngx_http_aigc_main_conf_t.  lifetime: Logto replaces a refresh token
 * once 70 % of its 14 days are over; a shorter session never sees that.
 */
const ngx_http_aigc_param_t  ngx_http_aigc_session_params[] = {
    { "key_file", "path", NULL, 1, ngx_http_aigc_set_key_file, 0 },
    { "domain", "name", NULL, 1, ngx_http_aigc_set_domain, 0 },
    { "cookie", "name", "aigc_session", 0, ngx_http_aigc_set_cookie, 0 },
    { "lifetime", "time", "9d", 0, ngx_http_aigc_param_seconds,
      offsetof(ngx_http_aigc_main_conf_t, lifetime) },
    { "secure", "on|off", "on", 0, ngx_http_aigc_set_secure, 0 },
    { NULL, NULL, NULL, 0, NULL, 0 }
};


/* conf: ngx_http_aigc_main_conf_t */
const ngx_http_aigc_param_t  ngx_http_aigc_limits_params[] = {
    { "user_template", "number", "1", 0, ngx_http_aigc_set_user_template, 0 },
    { "user_total", "number", "0", 0, ngx_http_aigc_set_user_total, 0 },
    { NULL, NULL, NULL, 0, NULL, 0 }
};


/* conf: ngx_http_aigc_loc_conf_t */
const ngx_http_aigc_param_t  ngx_http_aigc_auth_params[] = {
    { "dialect", "nginx|envoy|traefik", "nginx", 0, ngx_http_aigc_set_dialect,
      0 },
    { NULL, NULL, NULL, 0, NULL, 0 }
};


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
                           "least 2m, and 16m for 9,000 instances", &text);
        return NGX_CONF_ERROR;
    }

    mcf->zone = ngx_aigc_zone_add(cf, &name, size, &ngx_http_aigc_module,
                                  ngx_http_aigc_parts);

    return mcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_aigc_set_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    if (mcf->keys) {
        return "is duplicate";
    }

    if (ngx_http_aigc_params(cf, ngx_http_aigc_session_params, mcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (mcf->keys == NULL || mcf->domain.len == 0 || mcf->old_cookie.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" needs key_file= and domain=");
        return NGX_CONF_ERROR;
    }

    if (mcf->secure) {
        ngx_str_set(&mcf->session_cookie, "__Host-aigc-session");
        ngx_str_set(&mcf->instance_cookie, "__Host-aigc-instance");
        ngx_str_set(&mcf->nonce_cookie, "__Host-aigc-nonce");
        ngx_str_set(&mcf->old_bind, "__Host-aigc-bind");
        ngx_str_set(&mcf->login, "__Host-aigc-login-");
        ngx_str_set(&mcf->login_part, "__Secure-aigc-login-");

    } else {
        ngx_str_set(&mcf->session_cookie, "aigc-session");
        ngx_str_set(&mcf->instance_cookie, "aigc-instance");
        ngx_str_set(&mcf->nonce_cookie, "aigc-nonce");
        ngx_str_set(&mcf->old_bind, "aigc-bind");
        ngx_str_set(&mcf->login, "aigc-login-");
        ngx_str_set(&mcf->login_part, "aigc-login-");

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aigc_session secure=off\": cookies go over "
                           "plain HTTP, for development only");
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aigc_set_key_file(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t  path, err;

    mcf->keys = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_seal_keys_t));

    if (mcf->keys == NULL || ngx_http_aigc_path(cf, value, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_aigc_seal_keys_load(cf->pool, &path, mcf->keys, &err) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"aigc_session\": %V",
                           &err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_set_domain(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    if (ngx_aigc_host_normalize(cf->pool, value, &mcf->domain) != NGX_OK
        || mcf->domain.len != value->len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" has domain=%V: give the domain "
                           "below which the instances are, for example "
                           "domain=example.com", value);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The name of version 1.0's session cookie (RFC 6265: a token). */
static ngx_int_t
ngx_http_aigc_set_cookie(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    size_t      i;
    u_char      c;
    ngx_str_t   none;
    ngx_uint_t  bad;

    /* the cookie has a Domain, which browsers refuse with this prefix */

    bad = (value->len == 0 || value->len > 64
           || ngx_strncasecmp(value->data, (u_char *) "__Host-", 7) == 0);

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        bad |= !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || (c >= '0' && c <= '9') || c == '_' || c == '-'
                 || c == '.');
    }

    if (bad) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" has cookie=%V: it takes a name "
                           "of letters, digits, \"_\", \"-\" and \".\" that "
                           "does not begin with __Host-", value);
        return NGX_ERROR;
    }

    ngx_str_null(&none);

    if (ngx_aigc_cookie_ours(value, &none) == NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" has cookie=%V, which is the name "
                           "of another cookie of the gateway's own: choose "
                           "one that begins otherwise", value);
        return NGX_ERROR;
    }

    mcf->old_cookie = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_set_secure(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    mcf->secure = (ngx_strcmp(value->data, "on") == 0);

    return (mcf->secure || ngx_strcmp(value->data, "off") == 0)
           ? NGX_OK : NGX_DECLINED;
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

    if (mcf->limited) {
        return "is duplicate";
    }

    mcf->limited = 1;

    return (ngx_http_aigc_params(cf, ngx_http_aigc_limits_params, mcf)
            == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_aigc_set_user_template(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    return ngx_http_aigc_number(cf, arg, value, 1, NGX_AIGC_INSTANCES_MAX,
                                &mcf->limits->user_template);
}


static ngx_int_t
ngx_http_aigc_set_user_total(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    return ngx_http_aigc_number(cf, arg, value, 0, NGX_AIGC_LIMIT_MAX,
                                &mcf->limits->user_total);
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
        { mcf->provider != NULL, "aigc_logto" },
        { mcf->keys != NULL, "aigc_session" },
        { mcf->origin.len != 0, "aigc_gateway" },
    };

    n = 0;

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        n += needed[i].given;
    }

    if (!mcf->limited
        && ngx_http_aigc_param_defaults(cf, ngx_http_aigc_limits_params, mcf)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
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
                               "\"%s\" is missing: add it to the http block%s",
                               needed[i].directive,
                               &needed[i].given == &needed[2].given
                               ? "; for another provider, \"aigc_oidc\"" : "");
            return NGX_CONF_ERROR;
        }
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


char *
ngx_http_aigc_set_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_loc_conf_t *lcf = conf;

    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_aigc_srv_conf_t   *scf;
    ngx_http_aigc_main_conf_t  *mcf;

    if (lcf->dialect != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    if (ngx_http_aigc_params(cf, ngx_http_aigc_auth_params, lcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);
    mcf->used = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (lcf->dialect == NGX_HTTP_AIGC_AUTH_NGINX) {
        clcf->handler = ngx_http_aigc_auth_handler;
        return NGX_CONF_OK;
    }

    clcf->handler = ngx_http_aigc_forward_auth_handler;

    if (lcf->dialect == NGX_HTTP_AIGC_AUTH_ENVOY) {

        /* its requests are those of instances, and may hold tickets */

        scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_aigc_module);
        scf->guards = 1;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aigc_set_dialect(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_http_aigc_loc_conf_t *lcf = conf;

    if (ngx_aigc_text_is(value, "nginx")) {
        lcf->dialect = NGX_HTTP_AIGC_AUTH_NGINX;

    } else if (ngx_aigc_text_is(value, "envoy")) {
        lcf->dialect = NGX_HTTP_AIGC_AUTH_ENVOY;

    } else if (ngx_aigc_text_is(value, "traefik")) {
        lcf->dialect = NGX_HTTP_AIGC_AUTH_TRAEFIK;

    } else {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
