/*
 * api/ngx_http_aigc_api_update.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/update: the instance moves to its
 * template's present revision, now that its user wants it: its pod is deleted,
 * and comes back with the same host and the same disk.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_pod.h"
#include "instances/ngx_http_aigc_instance.h"


void
ngx_http_aigc_api_update(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_call_instance(r, call, &record) != NGX_OK
        || ngx_http_aigc_call_running(r, &record) != NGX_OK)
    {
        return;
    }

    if (!record.outdated) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, &record));
        return;
    }

    ngx_http_aigc_pod_delete(r, &record);
}
