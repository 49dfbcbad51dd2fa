/*
 * api/ngx_http_aigc_api_start.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/start: the pod and its GPU come back,
 * with the same host and the same disk.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"


void
ngx_http_aigc_api_start(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_call_instance(r, call, &record) == NGX_OK) {
        ngx_http_aigc_write_state(r, call, NGX_AIGC_START, NGX_AIGC_RUNNING,
                                  &record);
    }
}
