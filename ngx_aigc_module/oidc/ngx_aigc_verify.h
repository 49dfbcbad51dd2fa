/*
 * oidc/ngx_aigc_verify.h — checks the claims of a token of the provider's, and
 * its signature by the keys in the zone.
 */

#ifndef _NGX_AIGC_VERIFY_H_INCLUDED_
#define _NGX_AIGC_VERIFY_H_INCLUDED_

#include "ngx_aigc_issuer.h"

#include "ngx_aigc_jwt.h"


#define NGX_AIGC_KEY_WAIT   100         /* ms until an unknown key is looked for
                                           again */
#define NGX_AIGC_KEY_WAITS  70          /* … 7 s: longer than its fetch takes */


/* What a token must have. */
typedef struct {
    ngx_str_t       *issuer;
    ngx_str_t       *audience;
    ngx_str_t       *party;             /* the only client to which it may have
                                           been issued; NULL: any */
    ngx_aigc_claims_t  *claims;         /* see ngx_aigc_jwt_read() */
    time_t           skew;              /* s between the provider's clock and
                                           ours */
} ngx_aigc_verify_t;


/*
 * Parses token into jwt, with strings from pool, and checks claims, then the
 * signature.  Returns JWT_OK or another verdict; with EXPIRED the signature was
 * not checked.  *busy is set when there are no keys at all.  A token with an
 * unknown key has the keys fetched soon.
 */
ngx_aigc_jwt_verdict_e ngx_aigc_verify(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_verify_t *verify, ngx_str_t *token, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy);

/* Checks only the signature of a parsed token.  As above. */
ngx_aigc_jwt_verdict_e ngx_aigc_verify_signature(ngx_aigc_zone_t *zone,
    ngx_aigc_jwt_t *jwt, ngx_uint_t *busy);

/*
 * Whether a token with this verdict may be good a little later, because its key
 * is being fetched: 1, verify it again after NGX_AIGC_KEY_WAIT; or 0.  *waits,
 * 0 at first, counts how often.
 */
ngx_uint_t ngx_aigc_verify_wait(ngx_aigc_jwt_verdict_e verdict,
    ngx_uint_t *waits);


#endif /* _NGX_AIGC_VERIFY_H_INCLUDED_ */
