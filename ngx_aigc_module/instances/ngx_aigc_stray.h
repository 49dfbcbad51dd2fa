/*
 * instances/ngx_aigc_stray.h — disks that OpenKruiseGame has made for nobody.  A part
 * of a reconciler's pass.
 *
 * OKG 1.0 may start a pod under an id that nobody was given (a scale that it
 * repeats too early).  The repair ends the pod; its disk would stay for ever.
 * It is deleted once it is proven to be nobody's, in two parts:
 *
 * While it is fresh, it is marked, by the annotation aigc-gateway.io/stray with
 * its GameServerSet's uid: the table saw it come, seconds ago; the API server,
 * asked when the disk was there already, says that this GameServerSet is
 * written by a gateway, is older than the disk, and has given no id as high as
 * the disk's; and the set's own StatefulSet has made the id's pod.  Each
 * install writes the highest id (aigc-gateway.io/top) before there can be a
 * disk of it, and with a gateway's first write top is above all disks there
 * are: so neither an install of a gateway's, nor an installation of the
 * original one's, nor a former template of that name has such a disk.
 *
 * When it has been left alone, with its mark, no owner, no annotation of its
 * id, no pod and no GameServer, for NGX_AIGC_STRAY_HOLD, and the API server
 * says so, too, it is deleted as it was seen: a change in between, an owner
 * say, lets it live.
 *
 * Whatever is in doubt is kept, and told of (instances/ngx_aigc_problem.h).
 */

#ifndef _NGX_AIGC_STRAY_H_INCLUDED_
#define _NGX_AIGC_STRAY_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_STRAYS_MAX    16       /* looked after at one time */
#define NGX_AIGC_STRAY_HOLD    60000    /* ms: see above */
#define NGX_AIGC_STRAY_ASKING  5000     /* ms for which a repair waits for the
                                           answer: it writes a higher top */
#define NGX_AIGC_STRAY_OLD     3600     /* s: by then a pod that nobody could
                                           end may have been used */


void ngx_aigc_stray(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/* NGX_OK: a disk of the template in slot is being asked about; NGX_DECLINED. */
ngx_int_t ngx_aigc_stray_asks(uint32_t slot);

/* Forgets what was seen: somebody else may lead from here on. */
void ngx_aigc_stray_stop(void);


#endif /* _NGX_AIGC_STRAY_H_INCLUDED_ */
