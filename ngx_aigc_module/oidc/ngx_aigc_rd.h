/*
 * oidc/ngx_aigc_rd.h — "rd" of a sign-in: the page to return to (pure).
 */

#ifndef _NGX_AIGC_RD_H_INCLUDED_
#define _NGX_AIGC_RD_H_INCLUDED_

#include "base/ngx_aigc_url.h"


/* Where a page may be. */
typedef struct {
    ngx_aigc_url_t   *gateway;
    ngx_str_t        *origin;           /* its scheme://host[:port] */
    ngx_str_t        *domain;           /* of instances, normalized */
    ngx_uint_t        secure;           /* 1: they all have TLS */
    size_t            max;              /* bytes of a URL that is kept */
} ngx_aigc_rd_site_t;


/*
 * Reads rd from args, a query: an http(s) URL of the instances' domain or of
 * the gateway, with the gateway's scheme and port, or a path on the gateway;
 * its front page without one.  Only the host decides; of the rest, what a
 * Location cannot hold is escaped.
 * NGX_OK, rd is an absolute URL from pool; NGX_DONE: too long to be kept, rd is
 * the front page of its site; NGX_DECLINED: it is elsewhere; NGX_ERROR.
 */
ngx_int_t ngx_aigc_rd_read(ngx_pool_t *pool, ngx_str_t *args,
    ngx_aigc_rd_site_t *site, ngx_str_t *rd);


#endif /* _NGX_AIGC_RD_H_INCLUDED_ */
