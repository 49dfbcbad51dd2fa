/*
 * kube/ngx_aigc_kubernetes.c — the service account's token and calls with it.
 */

#include "ngx_aigc_kubernetes.h"


static ngx_uint_t ngx_aigc_kubernetes_manages(const char *method);


static u_char     ngx_aigc_token_data[NGX_AIGC_TOKEN_FILE_MAX + 1];
static ngx_str_t  ngx_aigc_token = { 0, ngx_aigc_token_data };
static ngx_aigc_seldom_t  ngx_aigc_token_read;


ngx_str_t *
ngx_aigc_kubernetes_token(ngx_aigc_kubernetes_t *k8s, ngx_log_t *log)
{
    u_char     buf[NGX_AIGC_TOKEN_FILE_MAX + 1];
    size_t     i, len;
    ssize_t    n;
    ngx_fd_t   fd;

    if (!ngx_aigc_seldom(&ngx_aigc_token_read, NGX_AIGC_TOKEN_REREAD)
        && ngx_aigc_token.len)
    {
        return &ngx_aigc_token;
    }

    fd = ngx_open_file(k8s->token_file.data, NGX_FILE_RDONLY, NGX_FILE_OPEN,
                       0);
    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "aigc: " ngx_open_file_n " \"%V\" failed: the last "
                      "token is used", &k8s->token_file);
        return &ngx_aigc_token;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &k8s->token_file);
    }

    len = (n > 0) ? (size_t) n : 0;

    while (len && (buf[len - 1] == '\n' || buf[len - 1] == '\r')) {
        len--;
    }

    for (i = 0; i < len; i++) {
        if (buf[i] <= ' ' || buf[i] >= 0x7f) {
            break;
        }
    }

    if (len == 0 || len > NGX_AIGC_TOKEN_FILE_MAX || i < len) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "aigc: \"%V\" holds no token: the last one is used",
                      &k8s->token_file);
        return &ngx_aigc_token;
    }

    ngx_memcpy(ngx_aigc_token_data, buf, len);
    ngx_aigc_token.len = len;

    return &ngx_aigc_token;
}


void
ngx_aigc_kubernetes_gss(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *name)
{
    path->len = ngx_snprintf(path->data, NGX_AIGC_PATH_MAX,
                             NGX_AIGC_GSS_API "%V/gameserversets/%V", ns, name)
                - path->data;
}


void
ngx_aigc_kubernetes_pvc(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *name)
{
    path->len = ngx_snprintf(path->data, NGX_AIGC_PATH_MAX,
                             "/api/v1/namespaces/%V/persistentvolumeclaims/%V",
                             ns, name)
                - path->data;
}


void
ngx_aigc_kubernetes_pod(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *gss,
    ngx_int_t id)
{
    path->len = ngx_snprintf(path->data, NGX_AIGC_PATH_MAX,
                             "/api/v1/namespaces/%V/pods/%V-%i", ns, gss, id)
                - path->data;
}


ngx_aigc_fetch_t *
ngx_aigc_kubernetes_call(ngx_aigc_kubernetes_t *k8s, const char *method,
    ngx_str_t *path, const char *content_type, ngx_log_t *log)
{
    u_char            *p;
    ngx_str_t         *token, manager;
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_fetch_create(log);
    if (f == NULL) {
        return NULL;
    }

    token = ngx_aigc_kubernetes_token(k8s, log);

    f->method = method;

    ngx_str_null(&manager);

    if (ngx_aigc_kubernetes_manages(method)) {

        if (ngx_strlchr(path->data, path->data + path->len, '?')) {
            ngx_str_set(&manager, "&" NGX_AIGC_FIELD_MANAGER);

        } else {
            ngx_str_set(&manager, "?" NGX_AIGC_FIELD_MANAGER);
        }
    }

    f->url.len = k8s->base.len + path->len + manager.len;
    f->url.data = ngx_pnalloc(f->pool, f->url.len + 1);

    if (f->url.data == NULL
        || ngx_aigc_fetch_text(f, &f->headers[0], "Authorization: Bearer ",
                               token) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[1], "Accept: application/json",
                               NULL) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->ca_file, "", &k8s->ca_file) != NGX_OK
        || (content_type
            && ngx_aigc_fetch_text(f, &f->headers[2], content_type, NULL)
               != NGX_OK))
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    p = ngx_cpymem(f->url.data, k8s->base.data, k8s->base.len);
    p = ngx_cpymem(p, path->data, path->len);

    if (manager.len) {
        p = ngx_cpymem(p, manager.data, manager.len);
    }

    *p = '\0';

    f->nheaders = content_type ? 3 : 2;
    f->reserve = NGX_AIGC_RESERVE_DUTY;

    return f;
}


/* a deletion, which has no fields, does not take the parameter */

static ngx_uint_t
ngx_aigc_kubernetes_manages(const char *method)
{
    return method
           && (ngx_strcmp(method, "PATCH") == 0
               || ngx_strcmp(method, "POST") == 0
               || ngx_strcmp(method, "PUT") == 0);
}


ngx_int_t
ngx_aigc_kubernetes_body(ngx_aigc_fetch_t *f, json_t *json)
{
    char       *text;
    ngx_int_t   rc;
    ngx_str_t   body;

    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (text == NULL) {
        return NGX_ERROR;
    }

    body.data = (u_char *) text;
    body.len = ngx_strlen(text);

    rc = ngx_aigc_fetch_text(f, &f->body, "", &body);

    free(text);

    return rc;
}


ngx_aigc_verdict_e
ngx_aigc_kubernetes_written(ngx_aigc_fetch_t *f, const char *failed)
{
    ngx_uint_t           level;
    ngx_aigc_verdict_e   verdict;

    verdict = ngx_aigc_verdict(NULL, f->status, &f->answer, NULL);

    if (verdict != NGX_AIGC_WRITE_DONE) {
        level = ngx_aigc_verdict_level(verdict);

        ngx_log_error(level, f->log, 0, "aigc: %s: status %ui%s%s", failed,
                      f->status, f->error ? ", " : "",
                      f->error ? f->error : "");
    }

    return verdict;
}
