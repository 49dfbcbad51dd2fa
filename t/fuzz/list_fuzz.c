/*
 * t/fuzz/list_fuzz.c — a page of a list of the API server's: its items, version
 * and continue token, beside jansson's.
 */

#include "fuzz.h"

#include <ngx_event.h>

#include "base/ngx_aigc_text.h"
#include "kube/ngx_aigc_watch_loop.h"


FUZZ(list)
{
    size_t                  n;
    json_t                 *root;
    ngx_str_t               name, item, version;
    ngx_aigc_fetch_t        call;
    ngx_aigc_watch_t       *w;
    ngx_aigc_watch_all_t    all;
    ngx_aigc_kubernetes_t   k8s;

    ngx_memzero(&all, sizeof(ngx_aigc_watch_all_t));
    ngx_memzero(&k8s, sizeof(ngx_aigc_kubernetes_t));
    ngx_memzero(&call, sizeof(ngx_aigc_fetch_t));

    all.log = f->log;
    all.k8s = &k8s;

    w = fuzz_alloc(f, sizeof(ngx_aigc_watch_t));
    w->all = &all;
    w->version.data = w->version_data;
    w->next.data = w->next_data;

    call.pool = f->pool;
    call.answer = fuzz_rest(f);

    if (ngx_aigc_watch_page(w, &call) != NGX_OK) {
        must(w->page.data == NULL);
        return;
    }

    must(w->version.len > 0 && w->version.len <= sizeof(w->version_data));
    must(w->next.len <= sizeof(w->next_data));

    for (n = 0; ngx_aigc_scan_next(&w->walk, &name, &item) == NGX_OK; n++) {
        must(fuzz_inside(&item, &w->page));
    }

    /* names without an escape are the same in both */

    root = (memchr(call.answer.data, '\\', call.answer.len)
            || memchr(call.answer.data, '\0', call.answer.len))
           ? NULL : fuzz_json(f, &call.answer, JSON_REJECT_DUPLICATES);

    if (root) {
        version = ngx_aigc_json_text(json_object_get(root, "metadata"),
                                     "resourceVersion");
        must(fuzz_eq(&version, &w->version));

        root = json_object_get(root, "items");
        must(!json_is_array(root) || n == json_array_size(root));
    }

    ngx_free(w->page.data);
}
