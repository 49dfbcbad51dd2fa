/*
 * oidc/ngx_aigc_verify.h — a token of the provider's, held against its claims
 * and against the keys that the zone has.
 */

#ifndef _NGX_AIGC_VERIFY_H_INCLUDED_
#define _NGX_AIGC_VERIFY_H_INCLUDED_

#include "ngx_aigc_issuer.h"

#include "ngx_aigc_jwt.h"


/* What a token has to be. */
typedef struct {
    ngx_str_t       *issuer;
    ngx_str_t       *audience;
    ngx_str_t       *party;             /* whom alone it may have been issued
                                           to; NULL: anybody */
    ngx_aigc_claims_t  *claims;         /* see ngx_aigc_jwt_read() */
    time_t           skew;              /* s between the provider's clock
                                       and ours */
} ngx_aigc_verify_t;


/*
 * Parses token into jwt, with strings from pool, and checks claims, then the
 * signature.  JWT_OK and the rest of the verdicts; EXPIRED says nothing of the
 * signature.  *busy: there are no keys at all.  An unknown key is asked for.
 */
ngx_aigc_jwt_verdict_e ngx_aigc_verify(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_verify_t *verify, ngx_str_t *token, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy);

/* The signature alone, of a parsed token. */
ngx_aigc_jwt_verdict_e ngx_aigc_verify_signature(ngx_aigc_zone_t *zone,
    ngx_aigc_jwt_t *jwt, ngx_uint_t *busy);


#endif /* _NGX_AIGC_VERIFY_H_INCLUDED_ */
