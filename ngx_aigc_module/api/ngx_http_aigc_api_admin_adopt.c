/*
 * api/ngx_http_aigc_api_admin_adopt.c — POST /api/v1/admin/adopt: the list of
 * what can be adopted, and with the list's own digest as "confirm", adopting
 * it.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_aigc_text.h"
#include "base/ngx_http_aigc_reply.h"
#include "logto/ngx_http_aigc_adopt_run.h"


void
ngx_http_aigc_api_admin_adopt(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_str_t                   confirm;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    if (mcf->logto == NULL || !mcf->logto->custom_data) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NO_CUSTOM_DATA, NULL));
        return;
    }

    confirm = ngx_aigc_json_text(call->body, "confirm");

    if (confirm.len == 0 && json_object_get(call->body, "confirm")) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_CONFIRM, NULL));
        return;
    }

    if (ngx_http_aigc_adopt_begin(r, &confirm) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}
