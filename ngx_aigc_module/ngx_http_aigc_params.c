/*
 * ngx_http_aigc_params.c — reading name=value arguments, and saying what is
 * wrong with one.
 */

#include "ngx_http_aigc_params.h"
#include "oidc/ngx_aigc_provider.h"
#include "kube/ngx_aigc_kubernetes.h"
#include "kube/ngx_aigc_sync.h"

#include "base/ngx_aigc_cookie.h"
#include "base/ngx_aigc_file.h"
#include "instances/ngx_aigc_ids.h"


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
                         ngx_strcmp(param->value, "on|off") == 0
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
    ngx_str_t   path;

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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_logto\" %s=: \"%V\" does not hold a secret "
                           "in one line of at most %d bytes",
                           name, &path, NGX_AIGC_SECRET_MAX);
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
ngx_http_aigc_namespaces(ngx_conf_t *cf, ngx_str_t *value, ngx_array_t *list)
{
    u_char      *p, *last, *end;
    ngx_str_t   *ns, *given;
    ngx_uint_t   i, twice;

    p = value->data;
    last = value->data + value->len;

    /* "a," names an empty one, too */

    while (p <= last) {

        end = ngx_strlchr(p, last, ',');
        end = end ? end : last;

        ns = ngx_array_push(list);
        if (ns == NULL) {
            return NGX_ERROR;
        }

        ns->data = p;
        ns->len = end - p;

        given = list->elts;
        twice = 0;

        for (i = 0; i < list->nelts - 1; i++) {
            twice |= (given[i].len == ns->len
                      && ngx_memcmp(given[i].data, p, ns->len) == 0);
        }

        if (ns->len == 0 || ns->len > 63
            || strspn((char *) p, "abcdefghijklmnopqrstuvwxyz0123456789-")
               < ns->len
            || list->nelts > NGX_AIGC_NAMESPACES_MAX || twice)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aigc_kubernetes\" has namespaces=%V: it "
                               "takes at most %d different names with commas "
                               "between; without namespaces= all are watched",
                               value, NGX_AIGC_NAMESPACES_MAX);
            return NGX_ERROR;
        }

        p = end + 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_cookie_name(ngx_conf_t *cf, ngx_str_t *name)
{
    size_t       i;
    u_char       c;
    ngx_str_t    none;
    ngx_uint_t   bad;

    /* the cookie has a Domain, which browsers refuse with these prefixes */

    bad = (name->len == 0 || name->len > 64
           || ngx_strncasecmp(name->data, (u_char *) "__Host-", 7) == 0);

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        bad |= !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || (c >= '0' && c <= '9') || c == '_' || c == '-'
                 || c == '.');
    }

    if (bad) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" has cookie=%V: it takes a name "
                           "of letters, digits, \"_\", \"-\" and \".\" that "
                           "does not begin with __Host-", name);
        return NGX_ERROR;
    }

    ngx_str_null(&none);

    if (ngx_aigc_cookie_ours(name, &none) == NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_session\" has cookie=%V, which is the name "
                           "of another cookie of the gateway's own: choose "
                           "one that begins otherwise", name);
        return NGX_ERROR;
    }

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
ngx_http_aigc_lease(ngx_conf_t *cf, ngx_str_t *value,
    ngx_aigc_kubernetes_t *k8s)
{
    u_char     *p;
    ngx_str_t   ns, name;

    p = ngx_strlchr(value->data, value->data + value->len, '/');

    ns = *value;
    ngx_str_null(&name);

    if (p) {
        ns.len = p - value->data;
        name.data = p + 1;
        name.len = value->len - ns.len - 1;
    }

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&name, NGX_AIGC_LEASE_NAME_MAX) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_kubernetes\" has lease=%V: it takes a "
                           "namespace and a name, such as lease="
                           "aigc-gateway/" NGX_AIGC_LEASE_NAME, value);
        return NGX_ERROR;
    }

    k8s->lease_ns = ns;
    k8s->lease_name = name;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_own_lease(ngx_conf_t *cf, ngx_aigc_kubernetes_t *k8s)
{
    u_char     *p;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t   path, ns;

    static ngx_str_t  file = ngx_string("namespace");

    p = k8s->token_file.data + k8s->token_file.len;

    while (p > k8s->token_file.data && p[-1] != '/') {
        p--;
    }

    path.len = (p - k8s->token_file.data) + file.len;
    path.data = ngx_pnalloc(cf->pool, path.len + 1);
    ns.data = ngx_pnalloc(cf->pool, NGX_AIGC_NS_MAX + 2);

    if (path.data == NULL || ns.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(path.data, k8s->token_file.data, path.len - file.len);
    p = ngx_cpymem(p, file.data, file.len);
    *p = '\0';

    n = -1;

    fd = ngx_open_file(path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd != NGX_INVALID_FILE) {
        n = ngx_read_fd(fd, ns.data, NGX_AIGC_NS_MAX + 2);
        (void) ngx_close_file(fd);      /* only read: nothing to lose */
    }

    while (n > 0 && (ns.data[n - 1] == '\n' || ns.data[n - 1] == '\r')) {
        n--;
    }

    ns.len = (n > 0) ? (size_t) n : 0;

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_kubernetes\" does not know the gateway's "
                           "namespace, \"%V\" does not name it: give the "
                           "leader's Lease, such as lease=aigc-gateway/"
                           NGX_AIGC_LEASE_NAME, &path);
        return NGX_ERROR;
    }

    k8s->lease_ns = ns;
    ngx_str_set(&k8s->lease_name, NGX_AIGC_LEASE_NAME);

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


ngx_int_t
ngx_http_aigc_on_off(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value,
    ngx_flag_t *flag)
{
    ngx_str_t  *directive;

    directive = cf->args->elts;

    if (ngx_strcmp(value->data, "on") == 0) {
        *flag = 1;

    } else if (ngx_strcmp(value->data, "off") == 0) {
        *flag = 0;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has \"%V\": it takes on or off",
                           directive, arg);
        return NGX_ERROR;
    }

    return NGX_OK;
}
