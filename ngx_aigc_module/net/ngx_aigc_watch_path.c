/*
 * net/ngx_aigc_watch_path.c — paths of lists and watches.
 */

#include "ngx_aigc_watch_path.h"
#include "ngx_aigc_watch.h"


ngx_int_t
ngx_aigc_watch_path(ngx_pool_t *pool, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_kind_e kind, ngx_str_t *ns, ngx_aigc_watch_phase_e phase,
    ngx_str_t *version, ngx_str_t *next, ngx_str_t *path)
{
    u_char                *p, *last;
    size_t                 len;
    ngx_str_t              selector, escaped, token;
    const char            *api;

    static ngx_str_t       owned = ngx_string(NGX_AIGC_LABEL_GSS);
    static const char     *plurals[] = {
        "gameserversets", "gameservers", "persistentvolumeclaims"
    };

    api = (kind == NGX_AIGC_KIND_PVC) ? "/api/v1"
                                      : "/apis/game.kruise.io/v1alpha1";

    selector = (kind == NGX_AIGC_KIND_GSS) ? k8s->selector : owned;

    if (ngx_aigc_url_encode(pool, &selector, &escaped) != NGX_OK
        || ngx_aigc_url_encode(pool, next, &token) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 512 + ns->len + escaped.len + token.len + version->len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    last = p + len;

    p = ngx_slprintf(p, last, "%s%s%V/%s?labelSelector=%V",
                     api, ns->len ? "/namespaces/" : "", ns, plurals[kind],
                     &escaped);

    switch (phase) {

    case NGX_AIGC_WATCH_STREAMING_LIST:
        p = ngx_slprintf(p, last,
                         "&watch=true&allowWatchBookmarks=true"
                         "&sendInitialEvents=true"
                         "&resourceVersionMatch=NotOlderThan"
                         "&timeoutSeconds=%ui",
                         (ngx_uint_t) 300 + ngx_random() % 300);
        break;

    case NGX_AIGC_WATCH_PAGED_LIST:
        p = ngx_slprintf(p, last, "&limit=%d",
                         kind == NGX_AIGC_KIND_GSS ? NGX_AIGC_LIST_GSS
                                                   : NGX_AIGC_LIST_OTHERS);
        if (token.len) {
            p = ngx_slprintf(p, last, "&continue=%V", &token);
        }

        break;

    default:
        p = ngx_slprintf(p, last,
                         "&watch=true&allowWatchBookmarks=true"
                         "&resourceVersion=%V&timeoutSeconds=%ui",
                         version, (ngx_uint_t) 300 + ngx_random() % 300);
        break;
    }

    path->len = p - path->data;

    return NGX_OK;
}
