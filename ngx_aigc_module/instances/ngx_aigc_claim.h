/*
 * instances/ngx_aigc_claim.h — whose an instance is: one annotation of a
 * GameServerSet, {"owner","state","since","gss"}, and "disk":"keep" on one
 * that is uninstalled without its disk.
 */

#ifndef _NGX_AIGC_CLAIM_H_INCLUDED_
#define _NGX_AIGC_CLAIM_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_annotation.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


typedef enum {
    NGX_AIGC_NO_STATE = 0,              /* no annotation */
    NGX_AIGC_RUNNING,
    NGX_AIGC_RELEASED,
    NGX_AIGC_UNINSTALLING,
    NGX_AIGC_UNREADABLE                 /* an annotation that cannot be read:
                                           reserved, nobody's */
} ngx_aigc_state_e;


typedef struct {
    ngx_int_t         id;
    ngx_aigc_state_e  state;
    ngx_str_t         owner;            /* a Logto "sub" */
    ngx_str_t         since;            /* RFC 3339, as written */
    time_t            since_sec;
    ngx_str_t         gss;              /* uid of the set it was written for */
    ngx_uint_t        aside;            /* running, but left out of spec: its
                                           pod cannot be made for now.  Not in
                                           raw: the template's annotation */
    ngx_uint_t        keep;             /* "disk":"keep": an uninstall leaves
                                           the disk to its owner */
    ngx_str_t         raw;              /* the annotation's bytes; only the
                                           first ones of one over the bound */
} ngx_aigc_claim_t;


/*
 * Reads one annotation value into claim (raw, and the rest from it).  Never
 * fails for its content: what cannot be read is NGX_AIGC_UNREADABLE, and
 * nothing but id and raw is set; so is one whose "disk" is anything but "keep",
 * for a disk may hang on it.  NGX_OK or NGX_ERROR (no memory).
 */
ngx_int_t ngx_aigc_claim_read(ngx_pool_t *pool, ngx_int_t id, ngx_str_t *raw,
    ngx_aigc_claim_t *claim);

/*
 * The annotation's value from owner, state, since, gss, keep; sets claim->raw.
 * NGX_OK; NGX_DECLINED: it could not be read back (a bad owner, time, …);
 * NGX_ERROR.
 */
ngx_int_t ngx_aigc_claim_write(ngx_pool_t *pool, ngx_aigc_claim_t *claim);

/* "running", "released", "uninstalling", else "". */
ngx_str_t *ngx_aigc_state_name(ngx_aigc_state_e state);

/* RFC 3339 in UTC, seconds, to 20 bytes from pool; and back, -1 for bad. */
ngx_int_t ngx_aigc_time_write(ngx_pool_t *pool, time_t t, ngx_str_t *out);
time_t ngx_aigc_time_read(ngx_str_t *text);


#endif /* _NGX_AIGC_CLAIM_H_INCLUDED_ */
