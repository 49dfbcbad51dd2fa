/*
 * instances/ngx_aigc_reconcile.h — what the gateway does by itself, step by
 * step, in the one worker that writes the table, while this gateway leads.
 */

#ifndef _NGX_AIGC_RECONCILE_H_INCLUDED_
#define _NGX_AIGC_RECONCILE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_RECONCILE_SOON   50    /* ms after a change of the table */
#define NGX_AIGC_RECONCILE_EVERY  2000  /* ms, for what time alone brings */
#define NGX_AIGC_RECONCILE_SLICE  1000  /* us of a step in one pass of the event
                                           loop */
#define NGX_AIGC_RECONCILE_SHARE  20    /* a round is followed by a pause of at
                                           least so many times its own time: it
                                           looks at the whole table, and a large
                                           cluster changes all the time */


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


/*
 * For a step on its way through the table.  1: it has had its share of this
 * pass; it returns, and is called again in the next one.
 */
ngx_uint_t ngx_aigc_reconcile_enough(void);


/* Steps.  Each takes the lock by itself where it needs it. */

/*
 * Writes the whole truth where a template's spec differs from it: a re-applied
 * file, OKG's own stale write, an administrator's hand.
 */
void ngx_aigc_repair(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/*
 * Finishes uninstalls, which begin with an annotation: deletes the owner's
 * disks and, when pod, GameServer and disks are all gone, the annotation.
 */
void ngx_aigc_uninstall(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/*
 * Binds disks to the life of their template, as its annotation
 * aigc-gateway.io/disks says.
 */
void ngx_aigc_bind(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/*
 * Creates Kubernetes Events on problems that no repair can solve.  There is one
 * Event for all instances of a template with the same problem.  It is sent once
 * while the problem lasts, and again when more instances have it.
 */
void ngx_aigc_problem_events(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);


#endif /* _NGX_AIGC_RECONCILE_H_INCLUDED_ */
