/*
 * instances/ngx_aigc_bind.h — binds disks to the life of their template, as its
 * annotation aigc-gateway.io/disks says.  A part of a reconciler's pass.
 *
 * delete: each disk that has an owner gets a reference to the GameServerSet,
 * and Kubernetes' garbage collector deletes it with the set, also while no
 * gateway runs; "kubectl delete --cascade=orphan" keeps it.  retain, which is the
 * default, and anything else: our reference is taken away again.
 *
 * A reference that the collector has taken away, since the set is being deleted
 * as an orphan's parent, must not come back: the two watches may show one
 * without the other.  So the set is read again after a disk was seen without a
 * reference, and before it gets one.
 */

#ifndef _NGX_AIGC_BIND_H_INCLUDED_
#define _NGX_AIGC_BIND_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_BIND_MAX    512        /* disks for one look at their set */
#define NGX_AIGC_BIND_GOOD   5000       /* ms for which that look counts */
#define NGX_AIGC_BIND_PAUSE  1000       /* ms until the next: the table follows
                                           what was written */


void ngx_aigc_bind(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_BIND_H_INCLUDED_ */
