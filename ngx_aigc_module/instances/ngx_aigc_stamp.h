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


#endif /* _NGX_AIGC_STAMP_H_INCLUDED_ */
