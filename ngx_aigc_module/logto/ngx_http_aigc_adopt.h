/*
 * logto/ngx_http_aigc_adopt.h — what of an installation of the original gateway
 * can be taken over: from the users' custom data, of which nothing is believed
 * alone, held against the table.  Reads only.
 *
 * An id is adopted when exactly one user claims it, no annotation holds it, it
 * has a GameServer or a disk, and its disks are nobody's or that user's.
 */

#ifndef _NGX_HTTP_AIGC_ADOPT_H_INCLUDED_
#define _NGX_HTTP_AIGC_ADOPT_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_conf.h"

#include "oidc/ngx_aigc_token.h"        /* NGX_AIGC_DIGEST_LEN */
#include "instances/ngx_aigc_table.h"

#include <jansson.h>


/* A claim on an id that is nobody's yet. */
typedef struct {
    ngx_str_node_t     sn;              /* "namespace/template/id" */
    ngx_str_t          ns;
    ngx_str_t          name;
    ngx_int_t          id;
    ngx_str_t          user;            /* the first who claims it */
    uint32_t           tmpl;            /* slot */
    unsigned           twice:1;         /* others do, too */
    unsigned           adopted:1;       /* it is in the list */
} ngx_http_aigc_adopt_claim_t;

typedef struct {
    ngx_pool_t        *pool;            /* of all that the list holds */
    ngx_aigc_zone_t   *zone;
    ngx_rbtree_t       tree;            /* claims */
    ngx_rbtree_node_t  sentinel;
    ngx_array_t        claims;          /* pointers to them */
    ngx_array_t        adopt;           /* pointers: namespace, template, id */
    json_t            *conflicts;       /* array of objects */
    json_t            *stops;           /* likewise */
    ngx_uint_t         left_off;        /* conflicts over the bound */
    ngx_uint_t         busy;            /* the table could not tell */
    u_char             digest[NGX_AIGC_DIGEST_LEN];
    u_char             confirm[2 * NGX_AIGC_DIGEST_LEN];    /* … in hex */
} ngx_http_aigc_adopt_list_t;


/* An empty list.  NGX_OK or NGX_ERROR; _free() releases what no pool does. */
ngx_int_t ngx_http_aigc_adopt_init(ngx_http_aigc_adopt_list_t *list,
    ngx_pool_t *pool, ngx_aigc_zone_t *zone);
void ngx_http_aigc_adopt_free(ngx_http_aigc_adopt_list_t *list);

/* Takes in what one user (an object of the Management API) claims. */
ngx_int_t ngx_http_aigc_adopt_user(ngx_http_aigc_adopt_list_t *list,
    json_t *item);

/*
 * After all users: fills adopt, stops (what runs in the same templates and is
 * nobody's: a write of the whole truth ends it) and a digest of both.
 * NGX_OK; NGX_BUSY: the table could not tell; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_adopt_decide(ngx_http_aigc_adopt_list_t *list);

/*
 * The list for people and programs: members adopt (called name), conflicts,
 * stops, and confirm, the digest, when digest is set.  NULL: no memory.
 */
json_t *ngx_http_aigc_adopt_json(ngx_http_aigc_adopt_list_t *list,
    const char *name, ngx_uint_t digest);


#endif /* _NGX_HTTP_AIGC_ADOPT_H_INCLUDED_ */
