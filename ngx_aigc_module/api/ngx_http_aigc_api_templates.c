/*
 * api/ngx_http_aigc_api_templates.c — GET /api/v1/templates: what can be
 * installed.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"


void
ngx_http_aigc_api_templates(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    json_t                     *list;
    uint32_t                    slot;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    list = json_array();

    for (slot = 0;
         ngx_aigc_table_next_template(mcf->zone, &slot, &tmpl) == NGX_OK;
         slot++)
    {
        if (!tmpl.deleting) {
            (void) json_array_append_new(list,
                                         ngx_http_aigc_template_json(&tmpl));
        }
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_json(r, NGX_HTTP_OK,
                           json_pack("{s:o}", "templates", list)));
}
