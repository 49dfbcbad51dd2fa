/*
 * kube/ngx_aigc_watch_path.c — paths of lists and watches.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch_loop.h"


static ngx_int_t ngx_aigc_watch_selector(ngx_aigc_watch_t *w,
    ngx_pool_t *pool, ngx_str_t *out);


ngx_int_t
ngx_aigc_watch_path(ngx_aigc_watch_t *w, ngx_pool_t *pool, ngx_str_t *path)
{
    u_char     *p, *last;
    size_t      len;
    ngx_str_t   selector, token;

    if (ngx_aigc_watch_selector(w, pool, &selector) != NGX_OK
        || ngx_aigc_url_encode(pool, &w->next, &token) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 512 + w->ns.len + selector.len + token.len + w->version.len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    last = p + len;

    p = ngx_slprintf(p, last, "%s%s%V/%s?%sSelector=%V", w->kind->api,
                     w->ns.len ? "/namespaces/" : "", &w->ns, w->kind->plural,
                     w->kind->fields ? "field" : "label", &selector);

    switch (w->phase) {

    case NGX_AIGC_WATCH_STREAMING_LIST:
        p = ngx_slprintf(p, last,
                         "&watch=true&allowWatchBookmarks=true"
                         "&sendInitialEvents=true"
                         "&resourceVersionMatch=NotOlderThan"
                         "&timeoutSeconds=%ui",
                         (ngx_uint_t) 300 + ngx_random() % 300);
        break;

    case NGX_AIGC_WATCH_PAGED_LIST:
        p = ngx_slprintf(p, last, "&limit=%ui", w->kind->page);

        if (token.len) {
            p = ngx_slprintf(p, last, "&continue=%V", &token);
        }

        break;

    default:
        p = ngx_slprintf(p, last,
                         "&watch=true&allowWatchBookmarks=true"
                         "&resourceVersion=%V&timeoutSeconds=%ui",
                         &w->version, (ngx_uint_t) 300 + ngx_random() % 300);
        break;
    }

    path->len = p - path->data;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_watch_selector(ngx_aigc_watch_t *w, ngx_pool_t *pool, ngx_str_t *out)
{
    ngx_str_t  value;

    value = w->all->k8s->selector;

    if (!ngx_aigc_kind_chosen(w->kind)) {
        value.data = (u_char *) (w->kind->fields ? w->kind->fields
                                                 : w->kind->labels);
        value.len = ngx_strlen(value.data);
    }

    return ngx_aigc_url_encode(pool, &value, out);
}
