/*
 * api/ngx_http_aigc_api_admin_release.c —
 * POST /api/v1/admin/instances/{ns}/{name}/{id}/release: as its owner's own
 * release, by an administrator.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"
#include "base/ngx_http_aigc_reply.h"


void
ngx_http_aigc_api_admin_release(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_call_admin(r, call) != NGX_OK
        || ngx_http_aigc_call_anyones(r, call, &record) != NGX_OK)
    {
        return;
    }

    if (record.owner.len == 0) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_UNREADABLE_ANNOTATION,
                                  NULL));
        return;
    }

    ngx_http_aigc_write_state(r, call, NGX_AIGC_RELEASE, NGX_AIGC_RELEASED,
                              &record);
}
