/*
 * instances/ngx_aigc_tell.h — a reconciler's step: creates Kubernetes Events
 * on problems that no repair can solve.
 *
 * There is one Event for all instances of a template with the same problem.  It
 * is sent once while the problem lasts, and again when more instances have it.
 */

#ifndef _NGX_AIGC_TELL_H_INCLUDED_
#define _NGX_AIGC_TELL_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_problem.h"


void ngx_aigc_tell(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_TELL_H_INCLUDED_ */
