/*
 * ngx_http_aigc_set_kubernetes.c — the directive aigc_kubernetes.
 */

#include "ngx_http_aigc_directives.h"
#include "ngx_http_aigc_params.h"

#include "kube/ngx_aigc_kubernetes.h"
#include "kube/ngx_aigc_sync.h"
#include "instances/ngx_aigc_ids.h"


static ngx_int_t ngx_http_aigc_set_namespaces(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_set_lease(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf);
static ngx_int_t ngx_http_aigc_own_lease(ngx_conf_t *cf,
    ngx_aigc_kubernetes_t *k8s);
static ngx_int_t ngx_http_aigc_api_upstream(ngx_conf_t *cf,
    ngx_aigc_kubernetes_t *k8s);
static ngx_int_t ngx_http_aigc_read_block(ngx_conf_t *cf, ngx_str_t *text);


/* conf: ngx_aigc_kubernetes_t */
const ngx_http_aigc_param_t  ngx_http_aigc_kubernetes_params[] = {

    { "url", NULL, NULL, 1, NULL, 0 },

    { "namespaces", "a,b", NULL, 0, ngx_http_aigc_set_namespaces, 0 },

    { "selector", "labels", NULL, 0, ngx_http_aigc_param_text,
      offsetof(ngx_aigc_kubernetes_t, selector) },

    { "token_file", "path", NGX_AIGC_SERVICEACCOUNT "/token", 0,
      ngx_http_aigc_param_path, offsetof(ngx_aigc_kubernetes_t, token_file) },

    { "ca_file", "path", NGX_AIGC_SERVICEACCOUNT "/ca.crt", 0,
      ngx_http_aigc_param_path, offsetof(ngx_aigc_kubernetes_t, ca_file) },

    { "lease", "namespace/name", NULL, 0, ngx_http_aigc_set_lease, 0 },

    { "max_stale", "time", "10m", 0, ngx_http_aigc_param_seconds,
      offsetof(ngx_http_aigc_main_conf_t, max_stale) },

    { NULL, NULL, NULL, 0, NULL, 0 }
};


char *
ngx_http_aigc_set_kubernetes(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aigc_main_conf_t *mcf = conf;

    ngx_str_t              *value;
    ngx_aigc_kubernetes_t  *k8s;

    if (mcf->k8s) {
        return "is duplicate";
    }

    ngx_aigc_kinds_set(ngx_http_aigc_kinds);

    k8s = ngx_pcalloc(cf->pool, sizeof(ngx_aigc_kubernetes_t));
    if (k8s == NULL
        || ngx_array_init(&k8s->namespaces, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

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

    if (ngx_http_aigc_params(cf, ngx_http_aigc_kubernetes_params, k8s)
        != NGX_OK
        || ngx_http_aigc_readable(cf, "token_file", &k8s->token_file) != NGX_OK
        || ngx_http_aigc_readable(cf, "ca_file", &k8s->ca_file) != NGX_OK
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


/* "a,b": names of namespaces */
static ngx_int_t
ngx_http_aigc_set_namespaces(ngx_conf_t *cf,
    const ngx_http_aigc_param_t *param, ngx_str_t *arg, ngx_str_t *value,
    void *conf)
{
    ngx_aigc_kubernetes_t *k8s = conf;

    u_char       *p, *last, *end;
    ngx_str_t    *ns, *given;
    ngx_uint_t    i, twice;
    ngx_array_t  *list;

    list = &k8s->namespaces;
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


/* "namespace/name" of the leader's Lease */
static ngx_int_t
ngx_http_aigc_set_lease(ngx_conf_t *cf, const ngx_http_aigc_param_t *param,
    ngx_str_t *arg, ngx_str_t *value, void *conf)
{
    ngx_aigc_kubernetes_t *k8s = conf;

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


/*
 * The default Lease: in the namespace that the service account's files name,
 * beside token_file.
 */
static ngx_int_t
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


/*
 * "proxy_pass https://aigc_kubernetes" in endpoints.conf means the API server.
 * The upstream is read as if its block stood here: only nginx's own directives
 * keep connections.
 */
static ngx_int_t
ngx_http_aigc_api_upstream(ngx_conf_t *cf, ngx_aigc_kubernetes_t *k8s)
{
    u_char      *p, *last;
    size_t       len;
    ngx_str_t    text;
    ngx_url_t    u;
    ngx_uint_t   i;

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

    len = sizeof("upstream aigc_kubernetes { keepalive ; keepalive_timeout s; "
                 "}")
          + 2 * NGX_INT_T_LEN
          + u.naddrs * (sizeof("server  max_fails=0; ") + NGX_SOCKADDR_STRLEN);

    text.data = ngx_pnalloc(cf->pool, len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    last = text.data + len;
    p = ngx_slprintf(text.data, last, "upstream aigc_kubernetes { ");

    for (i = 0; i < u.naddrs; i++) {
        p = ngx_slprintf(p, last, "server %V max_fails=0; ", &u.addrs[i].name);
    }

    p = ngx_slprintf(p, last, "keepalive %d; keepalive_timeout %ds; }",
                     NGX_AIGC_API_KEPT, NGX_AIGC_API_IDLE);

    text.len = p - text.data;

    return ngx_http_aigc_read_block(cf, &text);
}


/* Reads text, directives of the http block, as if it stood in the file. */
static ngx_int_t
ngx_http_aigc_read_block(ngx_conf_t *cf, ngx_str_t *text)
{
    char             *rv;
    u_char           *p;
    ngx_buf_t         b;
    ngx_conf_file_t  *prev, file;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    /* nginx reads on to the "}" that closes the http block */

    p = ngx_pnalloc(cf->pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    b.start = p;
    b.pos = p;
    p = ngx_cpymem(p, text->data, text->len);
    *p++ = '}';
    b.last = p;
    b.end = p;
    b.temporary = 1;

    /* of the file itself there is nothing left to read meanwhile */

    prev = cf->conf_file;
    file = *prev;
    file.buffer = &b;
    file.dump = NULL;
    file.file.offset = ngx_file_size(&file.file.info);

    cf->conf_file = &file;
    rv = ngx_conf_parse(cf, NULL);
    cf->conf_file = prev;

    return (rv == NGX_CONF_OK) ? NGX_OK : NGX_ERROR;
}
