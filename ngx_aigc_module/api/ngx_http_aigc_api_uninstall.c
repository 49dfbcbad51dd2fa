/*
 * api/ngx_http_aigc_api_uninstall.c —
 * DELETE /api/v1/instances/{ns}/{name}/{id}: the instance goes, and its disk
 * waits for its owner's next install; with ?delete_disk=true the disk goes with
 * it.  What follows is instances/ngx_aigc_uninstall.c's.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_write.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"


typedef struct {
    ngx_str_t    query;
    ngx_uint_t   keep;
} ngx_http_aigc_uninstall_query_t;


static ngx_int_t ngx_http_aigc_api_uninstall_query(ngx_http_request_t *r,
    ngx_uint_t *keep);


/* "keep_disk=false" is none: data go only where a request says so in full. */

static ngx_http_aigc_uninstall_query_t  ngx_http_aigc_uninstall_queries[] = {
    { ngx_string(""), 1 },
    { ngx_string("delete_disk=true"), 0 },
    { ngx_string("delete_disk=false"), 1 },
    { ngx_string("keep_disk=true"), 1 }
};


void
ngx_http_aigc_api_uninstall(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    uint32_t           slot;
    ngx_uint_t         keep;
    ngx_aigc_record_t  record;

    if (ngx_http_aigc_api_uninstall_query(r, &keep) != NGX_OK) {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_PARAMETER,
                                  "The query may be delete_disk=true, "
                                  "delete_disk=false or keep_disk=true, and "
                                  "nothing else."));
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
ngx_http_aigc_api_uninstall_query(ngx_http_request_t *r, ngx_uint_t *keep)
{
    ngx_uint_t                        i, n;
    ngx_http_aigc_uninstall_query_t  *known;

    known = ngx_http_aigc_uninstall_queries;
    n = sizeof(ngx_http_aigc_uninstall_queries)
        / sizeof(ngx_http_aigc_uninstall_query_t);

    for (i = 0; i < n; i++) {
        if (r->args.len == known[i].query.len
            && (r->args.len == 0                /* then data may be NULL */
                || ngx_memcmp(r->args.data, known[i].query.data, r->args.len)
                   == 0))
        {
            *keep = known[i].keep;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
