/*
 * instances/ngx_aigc_stamp.h — a reconciler's step: writes the owner on each
 * new disk.
 */

#ifndef _NGX_AIGC_STAMP_H_INCLUDED_
#define _NGX_AIGC_STAMP_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


void ngx_aigc_stamp(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/*
 * The path of disk and the patch that records owner on it, both from pool.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_stamp_patch(ngx_pool_t *pool, ngx_aigc_disk_t *disk,
    ngx_str_t *owner, ngx_str_t *path, ngx_str_t *patch);


#endif /* _NGX_AIGC_STAMP_H_INCLUDED_ */
