/*
 * api/ngx_http_aigc_api_release.c —
 * POST /api/v1/instances/{ns}/{name}/{id}/release: the pod and its GPU go, host
 * and disk stay.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"


void
ngx_http_aigc_api_release(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_call_instance(r, call, &record) == NGX_OK) {
        ngx_http_aigc_write_state(r, call, NGX_AIGC_RELEASE, NGX_AIGC_RELEASED,
                                  &record);
    }
}
