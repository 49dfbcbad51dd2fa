/*
 * api/ngx_http_aigc_tell.h — what there is to tell of a slot of the table:
 * messages for those whom it is about.
 */

#ifndef _NGX_HTTP_AIGC_TELL_H_INCLUDED_
#define _NGX_HTTP_AIGC_TELL_H_INCLUDED_

#include "ngx_http_aigc_audience.h"


typedef struct {
    ngx_aigc_zone_t           *zone;
    ngx_pool_t                *pool;        /* emptied after each slot */
    ngx_atomic_uint_t          version;     /* the table's: id of messages */
    ngx_http_aigc_audience_t   all;         /* for templates */
    ngx_queue_t                changed;     /* audiences with news */
} ngx_http_aigc_teller_t;


/*
 * What was told of a slot, at place, against what is in it now (audience NULL:
 * nothing for anybody here).  NGX_OK; NGX_AGAIN: it cannot be told now.
 */
ngx_int_t ngx_http_aigc_tell(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_item_t **place, ngx_http_aigc_item_t *now);


#endif /* _NGX_HTTP_AIGC_TELL_H_INCLUDED_ */
