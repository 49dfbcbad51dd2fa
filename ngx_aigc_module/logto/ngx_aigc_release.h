/*
 * logto/ngx_aigc_release.h — a reconciler's step: releases the running
 * instances of users who are deleted or suspended in Logto.  Disks stay.  The
 * user's revocation has the reason "user" until none of the instances runs, and
 * then "released": after a crash a later pass goes on.
 */

#ifndef _NGX_AIGC_RELEASE_H_INCLUDED_
#define _NGX_AIGC_RELEASE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "oidc/ngx_aigc_revocation.h"
#include "instances/ngx_aigc_table.h"


#define NGX_AIGC_RELEASE_SLICE  1000    /* running instances checked in a
                                           pass */
#define NGX_AIGC_RELEASE_USERS  64      /* users checked in a pass */
#define NGX_AIGC_RELEASE_MAX    64      /* instances released in a pass */
#define NGX_AIGC_RELEASE_HOLD   15      /* s: a write that the user asked for
                                           before may still be under way */


void ngx_aigc_release(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/* To be called when this gateway leads no more: resets the scan. */
void ngx_aigc_release_stop(void);


#endif /* _NGX_AIGC_RELEASE_H_INCLUDED_ */
