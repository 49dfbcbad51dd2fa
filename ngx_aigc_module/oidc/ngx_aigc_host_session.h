/*
 * oidc/ngx_aigc_host_session.h — what is sealed for the browser on an
 * instance's host, and opens on that host alone: the session there, and the
 * ticket that brings it from the gateway's.
 */

#ifndef _NGX_AIGC_HOST_SESSION_H_INCLUDED_
#define _NGX_AIGC_HOST_SESSION_H_INCLUDED_

#include "ngx_aigc_claims.h"
#include "ngx_aigc_session.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_url.h"


typedef struct {
    ngx_aigc_session_t  session;        /* an instance's */
    ngx_str_t           nonce;          /* SHA-256, base64url, of the nonce in
                                           the browser; len 0: bound to none */
    time_t              issued;         /* seconds */
} ngx_aigc_ticket_t;


/*
 * Fills sub, kid and exp of session from its ID token, whose signature is not
 * looked at; claims as for ngx_aigc_jwt_read().  NGX_OK, strings from pool;
 * NGX_DECLINED: it is no token; NGX_ERROR.
 */
ngx_int_t ngx_aigc_session_narrow(ngx_pool_t *pool, ngx_aigc_claims_t *claims,
    ngx_aigc_session_t *session);

/*
 * An instance's session and a ticket, for that host (normalized) and no other.
 * The text may have NGX_AIGC_INSTANCE_COOKIE_MAX bytes; a refresh token that is
 * too large for it is left out, and out of session, too.  Return values and
 * memory are those of the functions in ngx_aigc_session.h.
 */
ngx_int_t ngx_aigc_instance_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_aigc_session_t *session, ngx_str_t *value);
ngx_int_t ngx_aigc_instance_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_str_t *value, ngx_aigc_session_t *session);

ngx_int_t ngx_aigc_ticket_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_aigc_ticket_t *ticket, ngx_str_t *value);
ngx_int_t ngx_aigc_ticket_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_str_t *value, ngx_aigc_ticket_t *ticket);


#endif /* _NGX_AIGC_HOST_SESSION_H_INCLUDED_ */
