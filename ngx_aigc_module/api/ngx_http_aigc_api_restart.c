/*
 * api/ngx_http_aigc_api_restart.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/restart: the pod is deleted, and
 * comes back under the same id, with the same disk.  Whose it is does not
 * change, so nothing is written.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_pod.h"


void
ngx_http_aigc_api_restart(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_call_instance(r, call, &record) != NGX_OK
        || ngx_http_aigc_call_running(r, &record) != NGX_OK)
    {
        return;
    }

    ngx_http_aigc_pod_delete(r, &record);
}
