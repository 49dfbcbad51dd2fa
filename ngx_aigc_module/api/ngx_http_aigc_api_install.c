/*
 * api/ngx_http_aigc_api_install.c —
 * POST /api/v1/templates/{ns}/{name}/install: an instance of one's own; with
 * {"another":true} one more than there is.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"
#include "base/ngx_http_aigc_reply.h"


void
ngx_http_aigc_api_install(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    json_t    *another;
    uint32_t   slot;

    another = json_object_get(call->body, "another");

    if (another && !json_is_boolean(another)) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_PARAMETER,
                                  "\"another\" is true or false."));
        return;
    }

    if (ngx_http_aigc_call_template(r, call, &slot) != NGX_OK) {
        return;
    }

    ngx_http_aigc_write(r, json_is_true(another) ? NGX_AIGC_INSTALL_ANOTHER
                                                 : NGX_AIGC_INSTALL,
                        slot, NULL, &call->who.sub);
}
