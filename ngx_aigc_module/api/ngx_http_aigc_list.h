/*
 * api/ngx_http_aigc_list.h — a JSON response of long lists, {"a":[…],"b":[…]},
 * made while it goes out: neither its length nor a slow client costs memory,
 * and no step takes a worker long.  Each item is true of the moment in which it
 * is made, the list is of no one moment.
 */

#ifndef _NGX_HTTP_AIGC_LIST_H_INCLUDED_
#define _NGX_HTTP_AIGC_LIST_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include <jansson.h>


#define NGX_HTTP_AIGC_LIST_PIECE  32768     /* bytes that go out at once, … */
#define NGX_HTTP_AIGC_LIST_STEPS  256       /* … or steps of next() */
#define NGX_HTTP_AIGC_LIST_PAUSE  1         /* ms: others have a turn */


typedef struct ngx_http_aigc_list_s  ngx_http_aigc_list_t;

/*
 * The next item.  NGX_OK: *item is one, which is taken over (NULL: no memory);
 * NGX_AGAIN: there was none at this place, ask again; NGX_DONE: no more.
 */
typedef ngx_int_t (*ngx_http_aigc_list_pt)(ngx_http_aigc_list_t *list,
    json_t **item);

/* One of the lists; the last one is followed by one without a name. */
typedef struct {
    const char                 *name;
    ngx_http_aigc_list_pt       next;
} ngx_http_aigc_list_part_t;

struct ngx_http_aigc_list_s {
    ngx_http_request_t         *request;
    ngx_pool_t                 *pool;   /* for next(); emptied now and then */
    void                       *data;   /* the caller's */
    uint32_t                    at;     /* next()'s own; 0 as a part begins */

    ngx_http_aigc_list_part_t  *part;
    ngx_uint_t                  n;      /* items of it so far */
    ngx_str_t                   rest;   /* an item that did not fit any more */
    unsigned                    first:1;    /* a part has begun, … */
    unsigned                    begun:1;    /* … and so has this one */
};


/*
 * Answers r with parts (static, or of r->pool) and finalizes it in the end.
 * The caller holds a count of r->main for it: returns nothing.
 */
void ngx_http_aigc_list(ngx_http_request_t *r,
    ngx_http_aigc_list_part_t *parts, void *data);


#endif /* _NGX_HTTP_AIGC_LIST_H_INCLUDED_ */
