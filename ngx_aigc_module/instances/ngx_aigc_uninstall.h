/*
 * instances/ngx_aigc_uninstall.h — the rest of an uninstall, once its annotation
 * says so: the owner's disks are deleted, and when pod, GameServer and disks
 * are all gone, the annotation is removed.  A part of a reconciler's pass;
 * whatever dies in between, a later pass goes on from what the cluster shows.
 *
 * What is not recorded as the owner's is not touched, and does not hold up the
 * end.  The id stays reserved (DESIGN 4).
 */

#ifndef _NGX_AIGC_UNINSTALL_H_INCLUDED_
#define _NGX_AIGC_UNINSTALL_H_INCLUDED_

#include "ngx_aigc_table.h"
#include "kube/ngx_aigc_kubernetes.h"


#define NGX_AIGC_UNINSTALL_MAX    64    /* annotations removed in a pass */
#define NGX_AIGC_UNINSTALL_ASK    5000  /* ms between questions for pods whose
                                           GameServer is still there */
#define NGX_AIGC_UNINSTALL_AGAIN  60000 /* ms until a disk is deleted once more
                                           of which the watch has not told that
                                           it goes */
#define NGX_AIGC_GAMESERVER_LEFT  10000 /* ms that a GameServer may outlive its
                                           pod: OKG 0.4 leaves some behind */


void ngx_aigc_uninstall(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_UNINSTALL_H_INCLUDED_ */
