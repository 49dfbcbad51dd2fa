/*
 * instances/ngx_aigc_owner_ref.h — does a disk go with its template?  The entry
 * of a PersistentVolumeClaim's metadata.ownerReferences that names its
 * GameServerSet: Kubernetes' garbage collector deletes the disk when the set is
 * gone.
 */

#ifndef _NGX_AIGC_OWNER_REF_H_INCLUDED_
#define _NGX_AIGC_OWNER_REF_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


typedef struct {
    ngx_str_t     uid;                  /* of the set; len 0: no reference */
    ngx_uint_t    index;                /* where in the list */
    unsigned      ours:1;               /* not a controller's */
    unsigned      list:1;               /* there is a list */
} ngx_aigc_owner_ref_t;


/*
 * The first reference in an object's metadata to a GameServerSet named gss.
 * uid is from pool.  NGX_OK or NGX_ERROR (no memory).
 */
ngx_int_t ngx_aigc_owner_ref_read(ngx_pool_t *pool, json_t *meta,
    ngx_str_t *gss, ngx_aigc_owner_ref_t *ref);

/*
 * JSON Patches of the object with uid: a reference to the set (gss, gss_uid) is
 * added to the list, others stay; the one that was read is removed, if it still
 * stands where it stood.  out from pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_owner_ref_add(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_aigc_owner_ref_t *ref, ngx_str_t *gss, ngx_str_t *gss_uid,
    ngx_str_t *out);
ngx_int_t ngx_aigc_owner_ref_remove(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_aigc_owner_ref_t *ref, ngx_str_t *out);


#endif /* _NGX_AIGC_OWNER_REF_H_INCLUDED_ */
