/*
 * net/ngx_aigc_compat.h — every difference between nginx versions, and nowhere
 * else.
 */

#ifndef _NGX_AIGC_COMPAT_H_INCLUDED_
#define _NGX_AIGC_COMPAT_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <nginx.h>


/* 1.23.0: header lines of one name are linked, ngx_table_elt_t has a next */

#if (nginx_version >= 1023000)
#define ngx_aigc_header_end(h)  (h)->next = NULL
#else
#define ngx_aigc_header_end(h)
#endif


#endif /* _NGX_AIGC_COMPAT_H_INCLUDED_ */
