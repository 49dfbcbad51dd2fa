/*
 * instances/ngx_aigc_leader_patch.h — what the leader writes to GameServerSets
 * by itself: one patch a template, planned as those of the users are, under the
 * same right to write.  A step of the reconciler says what and why.
 */

#ifndef _NGX_AIGC_LEADER_PATCH_H_INCLUDED_
#define _NGX_AIGC_LEADER_PATCH_H_INCLUDED_

#include "kube/ngx_aigc_task.h"

#include "ngx_aigc_plan.h"


/* An instance that something is to become of. */
typedef struct {
    uint32_t                            tmpl;   /* slot */
    int32_t                             id;
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX)  owner;  /* len 0: whosever it is */
    uint32_t                            record; /* the step's own: its slot … */
    ngx_atomic_uint_t                   seq;    /* … as it was */
} ngx_aigc_leader_item_t;

/* One kind of writes. */
typedef struct {
    ngx_aigc_task_e       what;
    ngx_aigc_op_kind_e    kind;         /* of each item's operation */
    const char           *failed;       /* "a repair was not taken" */

    /* it is under way: n items, and the operations as they were planned */
    void                (*sent)(ngx_aigc_template_t *tmpl,
                                ngx_aigc_leader_item_t *items,
                                ngx_aigc_op_t *ops, ngx_uint_t n);

    /* NULL, or: the API server has taken it, with n items */
    void                (*written)(ngx_uint_t n);
} ngx_aigc_leader_patch_t;


/*
 * Writes items, whose order is changed, of any templates.  What cannot be now
 * (somebody else writes, OKG has not settled, no place for a call) is left to a
 * later pass.  patch is static.
 */
void ngx_aigc_leader_patch(ngx_aigc_zone_t *zone,
    ngx_aigc_leader_patch_t *patch, ngx_aigc_leader_item_t *items,
    ngx_uint_t n, ngx_log_t *log);

/*
 * The same of one template; with n 0: the patch that repairs it.  NGX_OK: it is
 * under way; NGX_DECLINED: not now, or there is nothing to write; NGX_ERROR: no
 * call can be made at all for now.
 */
ngx_int_t ngx_aigc_leader_patch_one(ngx_aigc_zone_t *zone,
    ngx_aigc_leader_patch_t *patch, uint32_t tmpl,
    ngx_aigc_leader_item_t *items, ngx_uint_t n, ngx_log_t *log);


#endif /* _NGX_AIGC_LEADER_PATCH_H_INCLUDED_ */
