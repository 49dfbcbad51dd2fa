/*
 * kube/ngx_aigc_delete.h — the body of a DELETE to the Kubernetes API.
 */

#ifndef _NGX_AIGC_DELETE_H_INCLUDED_
#define _NGX_AIGC_DELETE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * DeleteOptions: only the object with this uid is deleted, not another one of
 * the same name (409 then); uid->len 0: whichever there is.  version not NULL:
 * and only as it was at that resourceVersion (409 when anything in it has
 * changed since).  out from pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_delete_options(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_str_t *version, ngx_str_t *out);


#endif /* _NGX_AIGC_DELETE_H_INCLUDED_ */
