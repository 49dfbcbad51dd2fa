/*
 * oidc/ngx_aigc_claims.h — where a provider's tokens say who somebody is and
 * what he may do (pure).  A claim is named by a path: "realm_access.roles" is
 * the member "roles" of the claim "realm_access"; a backslash before a dot or a
 * backslash makes it a part of the name ("https://example\.com/roles").
 */

#ifndef _NGX_AIGC_CLAIMS_H_INCLUDED_
#define _NGX_AIGC_CLAIMS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


typedef struct {
    ngx_uint_t   n;
    char        *names[NGX_AIGC_CLAIM_DEPTH];
} ngx_aigc_claim_path_t;

typedef struct {
    ngx_aigc_claim_path_t  roles;
    ngx_aigc_claim_path_t  name;
    ngx_aigc_claim_path_t  name_else;   /* used where a token lacks name; n 0:
                                           there is none */
} ngx_aigc_claims_t;


/*
 * Takes text apart.  NGX_OK; NGX_DECLINED: empty, too long, too deep, an empty
 * name, or a backslash before another character; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_claim_path(ngx_pool_t *pool, ngx_str_t *text,
    ngx_aigc_claim_path_t *path);

/*
 * Returns the value at path, borrowed from first, which is the value of the
 * claim that the path begins with.  NULL: there is none.
 */
json_t *ngx_aigc_claim_find(json_t *first, ngx_aigc_claim_path_t *path);

/*
 * What a value says of roles: the strings of an array, or one string.  Whatever
 * else is in it is no role.  roles is an empty array of ngx_str_t.
 * NGX_OK; NGX_DECLINED: a value of another kind; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_claim_roles(ngx_pool_t *pool, json_t *value,
    ngx_array_t *roles);


#endif /* _NGX_AIGC_CLAIMS_H_INCLUDED_ */
