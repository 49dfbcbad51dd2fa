/*
 * instances/ngx_aigc_owned.h — a user's instances, by the table's index.
 */

#ifndef _NGX_AIGC_OWNED_H_INCLUDED_
#define _NGX_AIGC_OWNED_H_INCLUDED_

#include "ngx_aigc_table.h"


/*
 * The slots of the records that may be owner's, ascending, as an array of
 * uint32_t from pool.  It takes the lock for as long as that takes.  The caller
 * copies each record and looks at its owner: it may have changed since.
 * NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_owned(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_str_t *owner, ngx_array_t *slots);


#endif /* _NGX_AIGC_OWNED_H_INCLUDED_ */
