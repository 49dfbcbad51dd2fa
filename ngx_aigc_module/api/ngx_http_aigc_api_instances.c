/*
 * api/ngx_http_aigc_api_instances.c — GET /api/v1/instances: the caller's
 * own.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_aigc_owned.h"
#include "instances/ngx_http_aigc_instance.h"


void
ngx_http_aigc_api_instances(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    json_t                     *list;
    uint32_t                   *slot;
    ngx_uint_t                  i;
    ngx_array_t                 slots;
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    if (ngx_aigc_owned(mcf->zone, r->pool, &call->user.sub, &slots) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    list = json_array();
    slot = slots.elts;

    for (i = 0; i < slots.nelts; i++) {
        if (ngx_aigc_table_record_at(mcf->zone, slot[i], &record) == NGX_OK
            && record.owner.len
            && ngx_aigc_fixed_eq(&record.owner, &call->user.sub))
        {
            (void) json_array_append_new(list,
                     ngx_http_aigc_instance_json(mcf, r->pool, &record));
        }
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_json(r, NGX_HTTP_OK,
                           json_pack("{s:o}", "instances", list)));
}
