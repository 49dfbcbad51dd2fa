/*
 * http/ngx_http_aigc_api_install.c —
 * POST /api/v1/templates/{ns}/{name}/install: an instance of one's own.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"


void
ngx_http_aigc_api_install(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    uint32_t  slot;

    if (ngx_http_aigc_call_template(r, call, &slot) != NGX_OK) {
        return;
    }

    ngx_http_aigc_write(r, NGX_AIGC_INSTALL, slot, -1, &call->who.sub);
}
