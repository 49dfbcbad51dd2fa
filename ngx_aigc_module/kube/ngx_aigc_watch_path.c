/*
 * kube/ngx_aigc_watch_path.c — the paths of lists and watches, and the page
 * that a list is answered with.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_watch_loop.h"

#include "base/ngx_aigc_timer.h"


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
        p = ngx_slprintf(p, last, "&limit=%ui", w->limit);

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


ngx_int_t
ngx_aigc_watch_page(ngx_aigc_watch_t *w, ngx_aigc_fetch_t *f)
{
    ngx_str_t  version, next;

    ngx_aigc_scan_t  list[] = {
        { "metadata", ngx_null_string }, { "items", ngx_null_string }
    };

    ngx_aigc_scan_t  meta[] = {
        { "resourceVersion", ngx_null_string }, { "continue", ngx_null_string }
    };

    if (ngx_aigc_scan(&f->answer, list, 2) != NGX_OK
        || ngx_aigc_scan(&list[0].value, meta, 2) != NGX_OK
        || ngx_aigc_scan_string(f->pool, &meta[0].value,
                                sizeof(w->version_data), &version)
           != NGX_OK
        || ngx_aigc_scan_string(f->pool, &meta[1].value, sizeof(w->next_data),
                                &next)
           != NGX_OK
        || version.len == 0
        || (next.len == 0 && meta[1].value.len > 2)
        || list[1].value.len == 0)
    {
        return NGX_DECLINED;
    }

    w->page.data = ngx_alloc(list[1].value.len, w->all->log);
    if (w->page.data == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_timer_stop(&w->timer);     /* no connection can be silent */

    w->page.len = list[1].value.len;
    ngx_memcpy(w->page.data, list[1].value.data, w->page.len);
    ngx_aigc_scan_walk(&w->walk, &w->page);

    (void) ngx_aigc_watch_keep(&w->version, sizeof(w->version_data), &version);
    (void) ngx_aigc_watch_keep(&w->next, sizeof(w->next_data), &next);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_watch_keep(ngx_str_t *dst, size_t room, ngx_str_t *src)
{
    if (src->len > room) {
        return NGX_DECLINED;
    }

    if (src->len) {
        ngx_memcpy(dst->data, src->data, src->len);
    }

    dst->len = src->len;

    return NGX_OK;
}
