/*
 * instances/ngx_aigc_reconcile.h — what the gateway does by itself: records the owner
 * on new disks, finishes uninstalls, and writes the whole truth where spec
 * differs from it (a re-applied template, OKG's own stale write, an
 * administrator's hand).
 * Runs in the one worker that writes the table, while this gateway leads.
 */

#ifndef _NGX_AIGC_RECONCILE_H_INCLUDED_
#define _NGX_AIGC_RECONCILE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_RECONCILE_SOON   50    /* ms after a change of the table */
#define NGX_AIGC_RECONCILE_EVERY  2000  /* ms, for what time alone brings */


/* One step; stop (or NULL) ends what it has under way. */
typedef struct {
    void    (*run)(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
                   ngx_log_t *log);
    void    (*stop)(void);
} ngx_aigc_step_t;


/* steps: the root's table, in the order of a round; run NULL ends it. */
ngx_int_t ngx_aigc_reconcile_start(ngx_cycle_t *cycle,
    ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone, ngx_aigc_step_t *steps);
void ngx_aigc_reconcile_stop(void);

/* The table has changed. */
void ngx_aigc_reconcile_kick(void);


#endif /* _NGX_AIGC_RECONCILE_H_INCLUDED_ */
