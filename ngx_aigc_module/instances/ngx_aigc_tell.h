/*
 * instances/ngx_aigc_tell.h — Events on what no repair can decide.  A part of a
 * reconciler's pass.
 *
 * One for all instances of a template that have the same problem, once for as
 * long as it lasts, and again when more of them have it.
 */

#ifndef _NGX_AIGC_TELL_H_INCLUDED_
#define _NGX_AIGC_TELL_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_problem.h"


void ngx_aigc_tell(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_TELL_H_INCLUDED_ */
