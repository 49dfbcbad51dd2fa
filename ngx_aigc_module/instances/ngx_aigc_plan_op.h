/*
 * instances/ngx_aigc_plan_op.h — one operation of a plan.  For the plan's own
 * files.
 */

#ifndef _NGX_AIGC_PLAN_OP_H_INCLUDED_
#define _NGX_AIGC_PLAN_OP_H_INCLUDED_

#include "ngx_aigc_plan.h"

#include "ngx_aigc_patch.h"


typedef struct {
    ngx_aigc_zone_t      *zone;
    ngx_pool_t           *pool;
    uint32_t              slot;
    ngx_aigc_limits_t    *limits;
    ngx_aigc_template_t   tmpl;
    ngx_array_t           claims;       /* ngx_aigc_claim_t */
    ngx_array_t           changes;      /* ngx_aigc_change_t */
    ngx_int_t             top;
    ngx_uint_t            moves;        /* who runs afterwards is not who ran */
} ngx_aigc_plan_t;


/*
 * Decides op, and brings claims, changes and top up to it.  NGX_OK; NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_aigc_plan_op(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op);

/*
 * An install that was sent upon this very generation: it may have been carried
 * out without our having seen it yet.
 */
ngx_uint_t ngx_aigc_plan_same(ngx_aigc_plan_t *plan, ngx_aigc_op_t *op);

void ngx_aigc_plan_done(ngx_aigc_op_t *op, ngx_aigc_result_e result);


#endif /* _NGX_AIGC_PLAN_OP_H_INCLUDED_ */
