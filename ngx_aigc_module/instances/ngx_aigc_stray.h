/*
 * instances/ngx_aigc_stray.h — a reconciler's step: deletes disks that
 * OpenKruiseGame has made for nobody.
 *
 * OKG 1.0 sometimes scales too early and starts a pod under an id that was
 * given to nobody.  The repair ends that pod, but its disk would stay for
 * ever.  Such a disk is deleted in two parts.
 *
 * 1. A fresh disk is marked: it gets the annotation aigc-gateway.io/stray with
 *    the uid of its GameServerSet.  All of this must be true: the table saw the
 *    disk appear seconds ago; the API server, asked after that, says that the
 *    GameServerSet is written by a gateway, is older than the disk, and has
 *    given no id as high as the disk's; the set's own StatefulSet has made the
 *    pod of that id.
 *
 *    No disk of a user meets this.  An install writes the highest id
 *    (aigc-gateway.io/top) before its disk can exist, and the first write of a
 *    gateway sets top above all disks that exist: those of the original gateway
 *    and of an earlier template of the same name.
 *
 * 2. A marked disk is deleted when the table and the API server say that for
 *    NGX_AIGC_STRAY_HOLD ms it had its mark, no owner, no annotation of its id,
 *    no pod and no GameServer.  The delete names the resourceVersion that was
 *    read, so any change in between, such as an owner, keeps the disk.
 *
 * A disk in doubt is kept, and reported (instances/ngx_aigc_problem.h).
 */

#ifndef _NGX_AIGC_STRAY_H_INCLUDED_
#define _NGX_AIGC_STRAY_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_STRAYS_MAX    16       /* disks that are examined at one
                                           time */
#define NGX_AIGC_STRAY_HOLD    60000    /* ms that a marked disk must be
                                           unused */
#define NGX_AIGC_STRAY_ASKING  5000     /* ms that a repair waits for the API
                                           server's answer about a fresh disk:
                                           the repair writes a higher top */
#define NGX_AIGC_STRAY_OLD     3600     /* s: a pod that nobody could end for so
                                           long may have been used */


void ngx_aigc_stray(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/*
 * NGX_OK: the API server is being asked about a disk of the template in slot;
 * NGX_DECLINED: it is not.
 */
ngx_int_t ngx_aigc_stray_asks(uint32_t slot);

/*
 * Forgets all disks that were examined: another gateway may lead from now on.
 */
void ngx_aigc_stray_stop(void);


#endif /* _NGX_AIGC_STRAY_H_INCLUDED_ */
