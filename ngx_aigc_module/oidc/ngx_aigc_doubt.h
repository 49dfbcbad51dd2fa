/*
 * oidc/ngx_aigc_doubt.h — users of whom a worker has reason to doubt that the
 * provider still lets them in: it would not renew a session.  Worker 0 asks
 * (logto/ngx_aigc_gone.h).  A short list: whoever finds no room is found by the
 * leader's walk over all users.
 */

#ifndef _NGX_AIGC_DOUBT_H_INCLUDED_
#define _NGX_AIGC_DOUBT_H_INCLUDED_

#include "base/ngx_aigc_zone.h"


extern ngx_aigc_part_t  ngx_aigc_doubt_part;


/* Any worker; the same user once. */
void ngx_aigc_doubt_put(ngx_aigc_zone_t *zone, ngx_str_t *sub);

/*
 * Takes one off the list; sub->data: NGX_AIGC_SUB_MAX bytes of the caller's.
 * NGX_OK; NGX_DECLINED: there is none.
 */
ngx_int_t ngx_aigc_doubt_take(ngx_aigc_zone_t *zone, ngx_str_t *sub);


#endif /* _NGX_AIGC_DOUBT_H_INCLUDED_ */
