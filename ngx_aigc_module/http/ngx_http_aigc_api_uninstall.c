/*
 * http/ngx_http_aigc_api_uninstall.c —
 * DELETE /api/v1/instances/{ns}/{name}/{id}: the instance goes, and its disk
 * with it; with ?keep_disk=true the disk waits for its owner's next install.
 * What follows is net/ngx_aigc_uninstall.c's.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_instance.h"
#include "ngx_http_aigc_reply.h"
#include "ngx_http_aigc_write.h"


static ngx_int_t ngx_http_aigc_api_keep_disk(ngx_http_request_t *r,
    ngx_uint_t *keep);


void
ngx_http_aigc_api_uninstall(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    uint32_t           slot;
    ngx_uint_t         keep;
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_api_keep_disk(r, &keep) != NGX_OK) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_BAD_REQUEST, "bad-parameter",
                                  "The query may be keep_disk=true or "
                                  "keep_disk=false, and nothing else.", 0));
        return;
    }

    if (ngx_http_aigc_call_instance(r, call, &record) != NGX_OK
        || ngx_http_aigc_call_template(r, call, &slot) != NGX_OK)
    {
        return;
    }

    if (record.state == NGX_AIGC_UNINSTALLING && record.keep == keep) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_instance_reply(r, NGX_HTTP_OK, &record));
        return;
    }

    ngx_http_aigc_write(r, keep ? NGX_AIGC_UNINSTALL_KEEP : NGX_AIGC_UNINSTALL,
                        slot, &record, &call->who.sub);
}


/* A word that is misread here would cost a disk: nothing but these. */
static ngx_int_t
ngx_http_aigc_api_keep_disk(ngx_http_request_t *r, ngx_uint_t *keep)
{
    static ngx_str_t  yes = ngx_string("keep_disk=true");
    static ngx_str_t  no = ngx_string("keep_disk=false");

    *keep = (r->args.len == yes.len
             && ngx_memcmp(r->args.data, yes.data, yes.len) == 0);

    if (*keep || r->args.len == 0) {
        return NGX_OK;
    }

    return (r->args.len == no.len
            && ngx_memcmp(r->args.data, no.data, no.len) == 0)
           ? NGX_OK : NGX_DECLINED;
}
