/*
 * oidc/ngx_aigc_doubt.h — a list in the zone of users who may be deleted or
 * suspended: the provider refused to renew their session.  Worker 0 asks the
 * provider about them (logto/ngx_aigc_gone.h).  The list is short: a user who
 * finds no room in it is found by the leader's scan of all users.
 */

#ifndef _NGX_AIGC_DOUBT_H_INCLUDED_
#define _NGX_AIGC_DOUBT_H_INCLUDED_

#include "base/ngx_aigc_zone.h"


extern ngx_aigc_part_t  ngx_aigc_doubt_part;


/* Adds a user, unless listed.  Any worker may call it. */
void ngx_aigc_doubt_put(ngx_aigc_zone_t *zone, ngx_str_t *sub);

/*
 * Removes one user from the list and copies it to sub, whose data has room for
 * NGX_AIGC_SUB_MAX bytes.  NGX_OK; NGX_DECLINED: the list is empty.
 */
ngx_int_t ngx_aigc_doubt_take(ngx_aigc_zone_t *zone, ngx_str_t *sub);


#endif /* _NGX_AIGC_DOUBT_H_INCLUDED_ */
