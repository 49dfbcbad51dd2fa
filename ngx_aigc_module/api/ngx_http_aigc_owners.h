/*
 * api/ngx_http_aigc_owners.h — everybody who owns an instance or a disk, from
 * the table; what Logto says of them is added by who asks it.
 */

#ifndef _NGX_HTTP_AIGC_OWNERS_H_INCLUDED_
#define _NGX_HTTP_AIGC_OWNERS_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_table.h"

#include <jansson.h>


#define NGX_HTTP_AIGC_OWNERS_STEPS  512     /* slots of one call */


typedef enum {
    NGX_HTTP_AIGC_OWNER_UNKNOWN = 0,
    NGX_HTTP_AIGC_OWNER_ACTIVE,
    NGX_HTTP_AIGC_OWNER_SUSPENDED,
    NGX_HTTP_AIGC_OWNER_DELETED
} ngx_http_aigc_owner_e;

typedef struct {
    ngx_str_node_t          sn;         /* the user; first, for its tree */
    ngx_str_t               name;       /* len 0: unknown, or none */
    ngx_http_aigc_owner_e   status;
    ngx_uint_t              running;    /* instances */
    ngx_uint_t              released;
    ngx_uint_t              disks;
} ngx_http_aigc_owner_t;

typedef struct {
    ngx_pool_t             *pool;
    ngx_aigc_zone_t        *zone;
    ngx_rbtree_t            tree;
    ngx_rbtree_node_t       sentinel;
    ngx_array_t             list;       /* pointers to all of them */
    ngx_uint_t              unknown;    /* of them, by status */
    uint32_t                record;     /* slot: the next to look at */
    uint32_t                disk;       /* likewise */
} ngx_http_aigc_owners_t;


/* Nobody yet; all that comes is from pool.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_owners_init(ngx_http_aigc_owners_t *owners,
    ngx_pool_t *pool, ngx_aigc_zone_t *zone);

/*
 * Goes through some more of the table.  NGX_OK: all of it has been seen;
 * NGX_AGAIN: there is more; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_owners_scan(ngx_http_aigc_owners_t *owners);

/*
 * Takes in a user of the Management API, who may be none of them.  NGX_OK or
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_owners_user(ngx_http_aigc_owners_t *owners,
    json_t *user);

/* Sets the status of one who had none. */
void ngx_http_aigc_owners_status(ngx_http_aigc_owners_t *owners,
    ngx_http_aigc_owner_t *owner, ngx_http_aigc_owner_e status);

/* For people and programs.  NULL: no memory. */
json_t *ngx_http_aigc_owner_json(ngx_http_aigc_owner_t *owner);


#endif /* _NGX_HTTP_AIGC_OWNERS_H_INCLUDED_ */
