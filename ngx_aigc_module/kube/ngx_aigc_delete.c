/*
 * kube/ngx_aigc_delete.c — the body of a DELETE to the Kubernetes API.
 */

#include "ngx_aigc_delete.h"
#include "base/ngx_aigc_text.h"


ngx_int_t
ngx_aigc_delete_options(ngx_pool_t *pool, ngx_str_t *uid, ngx_str_t *version,
    ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);

    ngx_aigc_put_literal(&w, "{\"apiVersion\":\"v1\","
                             "\"kind\":\"DeleteOptions\"");

    if (uid->len) {
        ngx_aigc_put_literal(&w, ",\"preconditions\":{\"uid\":");
        ngx_aigc_put_string(&w, uid);

        if (version) {
            ngx_aigc_put_literal(&w, ",\"resourceVersion\":");
            ngx_aigc_put_string(&w, version);
        }

        ngx_aigc_put_literal(&w, "}");
    }

    ngx_aigc_put_literal(&w, "}");

    return ngx_aigc_writer_text(&w, out);
}
