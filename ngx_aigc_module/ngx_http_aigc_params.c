/*
 * ngx_http_aigc_params.c — reading name=value arguments, and saying what is
 * wrong with one.
 */

#include "ngx_http_aigc_params.h"

#include "base/ngx_aigc_file.h"
#include "oidc/ngx_aigc_provider.h"


#define NGX_HTTP_AIGC_KNOWN_MAX  512    /* bytes of a directive's parameters */


static ngx_int_t ngx_http_aigc_param_rest(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *params, ngx_uint_t given, void *conf);
static ngx_uint_t ngx_http_aigc_param_is(ngx_str_t *arg,
    const ngx_http_aigc_param_t *param, ngx_str_t *value);
static void ngx_http_aigc_unknown(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_aigc_param_t *params);
static ngx_int_t ngx_http_aigc_file(ngx_conf_t *cf, const char *name,
    ngx_str_t *path, ngx_uint_t secret, ngx_fd_t *fd);


ngx_int_t
ngx_http_aigc_params(ngx_conf_t *cf, const ngx_http_aigc_param_t *params,
    void *conf)
{
    ngx_int_t                     rc;
    ngx_str_t                    *arg, value;
    ngx_uint_t                    i, given;
    const ngx_http_aigc_param_t  *p;

    given = 0;
    i = 1;

    for (p = params; p->name && p->value == NULL; p++) {
        i++;
    }

    for (arg = cf->args->elts; i < cf->args->nelts; i++) {

        rc = NGX_DECLINED;

        for (p = params; p->name; p++) {
            if (ngx_http_aigc_param_is(&arg[i], p, &value)) {
                rc = p->set(cf, p, &arg[i], &value, conf);
                given |= (ngx_uint_t) 1 << (p - params);
                break;
            }
        }

        if (rc == NGX_DECLINED) {
            ngx_http_aigc_unknown(cf, &arg[i], params);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_aigc_param_rest(cf, params, given, conf);
}


ngx_int_t
ngx_http_aigc_param_defaults(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *params, void *conf)
{
    return ngx_http_aigc_param_rest(cf, params, 0, conf);
}


/* given: a bit for each line of the table */
static ngx_int_t
ngx_http_aigc_param_rest(ngx_conf_t *cf, const ngx_http_aigc_param_t *params,
    ngx_uint_t given, void *conf)
{
    ngx_str_t                     value;
    const ngx_http_aigc_param_t  *p;

    for (p = params; p->name; p++) {

        if (p->init == NULL || (given & ((ngx_uint_t) 1 << (p - params)))) {
            continue;
        }

        value.data = (u_char *) p->init;
        value.len = ngx_strlen(p->init);

        if (p->set(cf, p, &value, &value, conf) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Is arg "name=…"?  Then value is what follows. */
static ngx_uint_t
ngx_http_aigc_param_is(ngx_str_t *arg, const ngx_http_aigc_param_t *param,
    ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(param->name);

    if (param->value == NULL || arg->len <= len || arg->data[len] != '='
        || ngx_strncmp(arg->data, param->name, len) != 0)
    {
        return 0;
    }

    value->data = arg->data + len + 1;
    value->len = arg->len - len - 1;

    return 1;
}


/* An argument may hold a secret by mistake: only its name is printed. */
static void
ngx_http_aigc_unknown(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_aigc_param_t *params)
{
    u_char                       *p, known[NGX_HTTP_AIGC_KNOWN_MAX];
    ngx_str_t                     name, *directive;
    const char                   *between;
    const ngx_http_aigc_param_t  *param;

    directive = cf->args->elts;

    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    name.data = arg->data;
    name.len = p ? (size_t) (p - arg->data) : arg->len;

    p = known;
    between = "";

    for (param = params; param->name; param++) {

        if (param->value == NULL) {
            continue;
        }

        p = ngx_slprintf(p, known + sizeof(known), "%s%s=%s", between,
                         param->name,
                         ngx_strchr(param->value, '|')
                         ? param->value : "");
        between = ", ";
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" does not know \"%V\": it takes %*s",
                       directive, &name, (size_t) (p - known), known);
}


ngx_int_t
ngx_http_aigc_param_text(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    *(ngx_str_t *) ((u_char *) conf + param->offset) = *value;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_param_path(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    return ngx_http_aigc_path(cf, value, (ngx_str_t *) ((u_char *) conf
                                                        + param->offset));
}


ngx_int_t
ngx_http_aigc_param_secret(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    return ngx_http_aigc_secret(cf, param->name, value,
                                (ngx_str_t *) ((u_char *) conf
                                               + param->offset));
}


ngx_int_t
ngx_http_aigc_param_seconds(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    u_char  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);

    return ngx_http_aigc_seconds(cf, arg, value,
                                 (time_t *) (mcf + param->offset));
}


ngx_int_t
ngx_http_aigc_param_grace(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
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


ngx_int_t
ngx_http_aigc_param_flag(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_str_t  *directive;

    directive = cf->args->elts;

    if (ngx_strcmp(value->data, "on") != 0
        && ngx_strcmp(value->data, "off") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has \"%V\": it takes on or off",
                           directive, arg);
        return NGX_ERROR;
    }

    *(ngx_flag_t *) ((u_char *) conf + param->offset) = (value->len == 2);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_path(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *path)
{
    *path = *value;

    return ngx_conf_full_name(cf->cycle, path, 1);
}


/*
 * Opens a regular file that holds something.  An error of nginx -t is better
 * than a gateway that starts and cannot do its work.
 */
static ngx_int_t
ngx_http_aigc_file(ngx_conf_t *cf, const char *name, ngx_str_t *path,
    ngx_uint_t secret, ngx_fd_t *fd)
{
    off_t        size;
    ngx_err_t    err;
    ngx_str_t   *directive;
    const char  *why;

    directive = cf->args->elts;

    if (ngx_aigc_file_open(path->data, secret, fd, &size, &why, &err)
        == NGX_OK)
    {
        if (size > 0) {
            return NGX_OK;
        }

        why = "is empty";
        (void) ngx_close_file(*fd);     /* only read: nothing to lose */
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, err, "\"%V\" %s=: \"%V\" %s",
                       directive, name, path, why);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_aigc_readable(ngx_conf_t *cf, const char *name, ngx_str_t *path)
{
    ngx_fd_t  fd;

    if (ngx_http_aigc_file(cf, name, path, 0, &fd) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_secret(ngx_conf_t *cf, const char *name, ngx_str_t *file,
    ngx_str_t *secret)
{
    size_t      i;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t   path, *directive;

    secret->data = ngx_pnalloc(cf->pool, NGX_AIGC_SECRET_MAX + 1);

    if (secret->data == NULL
        || ngx_http_aigc_path(cf, file, &path) != NGX_OK
        || ngx_http_aigc_file(cf, name, &path, 1, &fd) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, secret->data, NGX_AIGC_SECRET_MAX + 1);

    (void) ngx_close_file(fd);

    while (n > 0
           && (secret->data[n - 1] == '\n' || secret->data[n - 1] == '\r'))
    {
        n--;
    }

    for (i = 0; n > 0 && i < (size_t) n; i++) {
        if (secret->data[i] <= ' ' || secret->data[i] >= 0x7f) {
            n = 0;
        }
    }

    if (n <= 0 || n > NGX_AIGC_SECRET_MAX) {
        directive = cf->args->elts;
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" %s=: \"%V\" does not hold a secret in one "
                           "line of at most %d bytes",
                           directive, name, &path, NGX_AIGC_SECRET_MAX);
        return NGX_ERROR;
    }

    secret->len = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_url(ngx_conf_t *cf, ngx_str_t *text, ngx_aigc_url_t *url,
    ngx_str_t *base)
{
    ngx_str_t  *directive;

    directive = cf->args->elts;

    if (ngx_aigc_url_parse(cf->pool, text, url) != NGX_OK
        || url->uri.len != 1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has \"%V\": it takes a URL without a path, "
                           "such as https://name.example.com",
                           directive, text);
        return NGX_ERROR;
    }

    base->len = url->scheme.len + 3 + url->authority.len;
    base->data = ngx_pnalloc(cf->pool, base->len + 1);
    if (base->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(base->data, "%V://%V", &url->scheme, &url->authority) = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_seconds(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value,
    time_t *seconds)
{
    ngx_str_t  *directive;

    directive = cf->args->elts;

    *seconds = ngx_parse_time(value, 1);

    if (*seconds == (time_t) NGX_ERROR || *seconds == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has \"%V\", which is not a time: write "
                           "for example 10m", directive, arg);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_number(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value,
    ngx_uint_t min, ngx_uint_t max, ngx_uint_t *number)
{
    ngx_int_t   n;
    ngx_str_t  *directive;

    directive = cf->args->elts;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || (ngx_uint_t) n < min || (ngx_uint_t) n > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has \"%V\": it takes a number from %ui "
                           "to %ui", directive, arg, min, max);
        return NGX_ERROR;
    }

    *number = n;

    return NGX_OK;
}
