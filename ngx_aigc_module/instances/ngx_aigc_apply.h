/*
 * instances/ngx_aigc_apply.h — one Kubernetes object, as JSON, into the table.
 */

#ifndef _NGX_AIGC_APPLY_H_INCLUDED_
#define _NGX_AIGC_APPLY_H_INCLUDED_

#include "ngx_aigc_table.h"


/*
 * Takes an object of the kind; deleted: it is gone.  mark as for the table.
 * NGX_OK, also for an object that is none of ours or has no room; NGX_ERROR:
 * no memory, or we are not the table's writer any more.
 */
ngx_int_t ngx_aigc_apply(ngx_aigc_zone_t *zone, ngx_aigc_kind_e kind,
    json_t *object, ngx_uint_t deleted, uint32_t mark, ngx_log_t *log);


#endif /* _NGX_AIGC_APPLY_H_INCLUDED_ */
