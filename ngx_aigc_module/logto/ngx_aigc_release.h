/*
 * logto/ngx_aigc_release.h — releases what a user left running who is deleted or
 * suspended in Logto; disks stay.  A part of a reconciler's pass: a revocation
 * says "user" until none of that user's instances runs, and "released" then, so
 * whatever dies in between, a later pass goes on.
 */

#ifndef _NGX_AIGC_RELEASE_H_INCLUDED_
#define _NGX_AIGC_RELEASE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "oidc/ngx_aigc_revocation.h"
#include "instances/ngx_aigc_table.h"


#define NGX_AIGC_RELEASE_SLICE  1000    /* running instances looked at in a
                                           pass */
#define NGX_AIGC_RELEASE_USERS  64      /* looked at in a pass */
#define NGX_AIGC_RELEASE_MAX    64      /* instances released in a pass */
#define NGX_AIGC_RELEASE_HOLD   15      /* s: a write that the user asked for
                                           before may still be under way */


void ngx_aigc_release(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/* This gateway leads no more: the walk begins anew when it does. */
void ngx_aigc_release_stop(void);


#endif /* _NGX_AIGC_RELEASE_H_INCLUDED_ */
