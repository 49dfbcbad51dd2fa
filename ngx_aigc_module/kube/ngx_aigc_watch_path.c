/*
 * kube/ngx_aigc_watch_path.c — paths of lists and watches.
 */

#include "ngx_aigc_watch_path.h"
#include "ngx_aigc_watch.h"


static ngx_int_t ngx_aigc_watch_selector(ngx_pool_t *pool,
    ngx_aigc_kubernetes_t *k8s, ngx_aigc_kind_e kind, ngx_str_t *out);


const char  *ngx_aigc_watch_names[] = {
    "GameServerSets", "GameServers", "PersistentVolumeClaims",
    "Pods", "StatefulSets", "Events"
};

static struct {
    const char  *api;
    const char  *plural;
} ngx_aigc_watch_resources[] = {
    { "/apis/game.kruise.io/v1alpha1", "gameserversets" },
    { "/apis/game.kruise.io/v1alpha1", "gameservers" },
    { "/api/v1", "persistentvolumeclaims" },
    { "/api/v1", "pods" },
    { "/apis/apps.kruise.io/v1beta1", "statefulsets" },
    { "/api/v1", "events" }
};


ngx_int_t
ngx_aigc_watch_path(ngx_pool_t *pool, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_kind_e kind, ngx_str_t *ns, ngx_aigc_watch_phase_e phase,
    ngx_str_t *version, ngx_str_t *next, ngx_str_t *path)
{
    u_char                *p, *last;
    size_t                 len;
    ngx_str_t              selector, token;

    if (ngx_aigc_watch_selector(pool, k8s, kind, &selector) != NGX_OK
        || ngx_aigc_url_encode(pool, next, &token) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 512 + ns->len + selector.len + token.len + version->len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    last = p + len;

    p = ngx_slprintf(p, last, "%s%s%V/%s?%V",
                     ngx_aigc_watch_resources[kind].api,
                     ns->len ? "/namespaces/" : "", ns,
                     ngx_aigc_watch_resources[kind].plural, &selector);

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


/*
 * Templates by the administrator's selector; what belongs to them by OKG's
 * label, which StatefulSets do not have; of events the warnings of others.
 */
static ngx_int_t
ngx_aigc_watch_selector(ngx_pool_t *pool, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_kind_e kind, ngx_str_t *out)
{
    u_char           *p;
    ngx_str_t         value, escaped;
    const char       *name;

    static ngx_str_t  owned = ngx_string(NGX_AIGC_LABEL_GSS);
    static ngx_str_t  warnings = ngx_string("type=Warning,"
                                            "source!=aigc-gateway");

    name = "labelSelector=";

    switch (kind) {

    case NGX_AIGC_KIND_GSS:
        value = k8s->selector;
        break;

    case NGX_AIGC_KIND_WORKLOAD:
        ngx_str_null(&value);
        break;

    case NGX_AIGC_KIND_WARNING:
        name = "fieldSelector=";
        value = warnings;
        break;

    default:
        value = owned;
    }

    if (ngx_aigc_url_encode(pool, &value, &escaped) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, ngx_strlen(name) + escaped.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;
    p = ngx_cpymem(p, name, ngx_strlen(name));
    p = ngx_cpymem(p, escaped.data, escaped.len);
    out->len = p - out->data;

    return NGX_OK;
}
