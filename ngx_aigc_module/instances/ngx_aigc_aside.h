/*
 * instances/ngx_aigc_aside.h — pods that cannot be made: a quota is used up, an
 * admission webhook refuses them, their disk is on its way out.  kruise makes
 * what is missing first and stops at the first such pod, before it deletes
 * anything: one of them holds up every release of its template.  So it is set
 * aside (left out of spec while its annotation says running), and comes back
 * in its turn.  What decides on that is instances/ngx_aigc_set_aside.h.
 */

#ifndef _NGX_AIGC_ASIDE_H_INCLUDED_
#define _NGX_AIGC_ASIDE_H_INCLUDED_

#include "ngx_aigc_table.h"


#define NGX_AIGC_FAILED_CREATE  "FailedCreate"  /* the code of such a reason */


/* Does spec ask for a pod that is not there? */
ngx_uint_t ngx_aigc_aside_missing(ngx_aigc_record_t *r);

/* Has somebody said, or found, that the pod of this one cannot be made? */
ngx_uint_t ngx_aigc_aside_unmade(ngx_aigc_record_t *r);


/* Writing: the table's writer alone, under the lock. */

/* A pod was made: what was said before is over.  r's counter is odd. */
void ngx_aigc_aside_made(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r);


/* Likewise, each taking the lock by itself. */

/* What the workload of the template in slot says of itself. */
void ngx_aigc_aside_workload(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_workload_t *workload);

/* A warning about the pod of the record in slot, about a template. */
ngx_int_t ngx_aigc_aside_refused(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_warning_t *warning);
ngx_int_t ngx_aigc_aside_warning(ngx_aigc_zone_t *zone,
    ngx_aigc_warning_t *warning);

/*
 * The record in slot waits for its pod for a while: it gets the words of its
 * template as its reason, if it has none.  With tried, it has had its turn in
 * vain.
 */
void ngx_aigc_aside_blame(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_uint_t tried);


#endif /* _NGX_AIGC_ASIDE_H_INCLUDED_ */
