/*
 * instances/ngx_aigc_repair.h — writes the whole truth where a template's spec
 * differs from it: a re-applied file, OKG's own stale write, an administrator's
 * hand.  A part of a reconciler's pass.
 */

#ifndef _NGX_AIGC_REPAIR_H_INCLUDED_
#define _NGX_AIGC_REPAIR_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_plan.h"


void ngx_aigc_repair(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_REPAIR_H_INCLUDED_ */
