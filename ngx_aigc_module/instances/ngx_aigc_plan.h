/*
 * instances/ngx_aigc_plan.h — from what is asked of a template to the one patch
 * that makes it so.  The same rules for install, start, release, uninstall and
 * repair.
 */

#ifndef _NGX_AIGC_PLAN_H_INCLUDED_
#define _NGX_AIGC_PLAN_H_INCLUDED_

#include "ngx_aigc_gss_write.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_SETTLE_TIME  2000      /* ms: then a pod that cannot start no
                                           longer holds up the others */


/* What one user may have, whatever the state (the directive aigc_limits). */
typedef struct ngx_aigc_limits_s {
    ngx_uint_t        user_template;    /* of one template, at least 1 */
    ngx_uint_t        user_total;       /* of all of them; 0: no limit */
} ngx_aigc_limits_t;


/*
 * NGX_OK when OKG has digested the last write, or hangs over a pod for so long
 * that the template may be written all the same; NGX_AGAIN: not yet.
 */
ngx_int_t ngx_aigc_plan_settled(ngx_aigc_template_t *tmpl);

/*
 * Decides n operations, oldest first, on the template of w, which has the right
 * to write it, as the table shows it.  Each becomes SENT (in the patch, with id
 * and annotation), DONE (with a result) or stays WAITING for the next patch.
 * limits: for installs, else NULL.  w gets the JSON Patch.  With n 0: the patch
 * that repairs, if spec is not the whole truth, or if the last write was
 * refused (it changes nothing, but is taken or not). NGX_OK; NGX_AGAIN: not
 * settled, or the table is busy (all stay WAITING); NGX_DECLINED: the template
 * is gone (all DONE); NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_plan(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_aigc_op_t *ops, ngx_uint_t n, ngx_aigc_limits_t *limits);

/* The same of what waits in the queue, which is told.  Returns likewise. */
ngx_int_t ngx_aigc_plan_queue(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_aigc_limits_t *limits);


#endif /* _NGX_AIGC_PLAN_H_INCLUDED_ */
