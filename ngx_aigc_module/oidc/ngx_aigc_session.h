/*
 * oidc/ngx_aigc_session.h — what is sealed for the browser: the session; and of
 * a sign-in under way its secrets (a cookie), its "state" (which travels
 * through the provider and back), and a page to return to that is too long for
 * it.
 */

#ifndef _NGX_AIGC_SESSION_H_INCLUDED_
#define _NGX_AIGC_SESSION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_seal.h"


#define NGX_AIGC_SESSION_COOKIE_MAX  3800   /* bytes: fits a 4 KB header buffer */
#define NGX_AIGC_RD_MAX              8448   /* bytes of a page to return to: 8 KB
                                               and the site */
#define NGX_AIGC_STATE_RD_MAX        1024   /* … that fits in "state": all of
                                               the authorization request's
                                               URL has to pass proxies that
                                               take 4 KB */
#define NGX_AIGC_SESSION_SPARE       256    /* bytes: a refresh token as large
                                               can be left out */


typedef struct {
    ngx_str_t        id_token;
    ngx_str_t        refresh_token;     /* len 0: the provider gave none */
    ngx_str_t        sid;
    time_t           start;             /* seconds: when the user signed in */
} ngx_aigc_session_t;

typedef struct {
    ngx_str_t        id;                /* of the sign-in: as in its state */
    ngx_str_t        nonce;
    ngx_str_t        verifier;          /* PKCE */
    time_t           start;
    ngx_uint_t       parts;             /* cookies that hold a long rd */
} ngx_aigc_login_t;

typedef struct {
    ngx_str_t        id;                /* names the login's cookie */
    ngx_str_t        rd;                /* where to go afterwards, checked; of
                                           a long one its site's front page */
    time_t           start;
    ngx_uint_t       again;             /* begun by the gateway itself, after one
                                           whose cookie did not come back */
} ngx_aigc_state_t;


/*
 * Seal to and open from base64url text.  Strings are allocated from pool.
 * seal: NGX_OK; NGX_DECLINED: too large (a session's or login's text is
 * NGX_AIGC_SESSION_COOKIE_MAX at the most, a state's rd NGX_AIGC_STATE_RD_MAX,
 * another one NGX_AIGC_RD_MAX); NGX_ERROR.  open: NGX_OK; NGX_DECLINED: not one
 * of ours; NGX_ERROR.
 */
ngx_int_t ngx_aigc_session_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_session_t *session, ngx_str_t *value);

/*
 * The same, and where it is too large with a refresh token that is itself large
 * (a JWT), then without that one: the session ends with its ID token, and a new
 * sign-in follows by itself.
 */
ngx_int_t ngx_aigc_session_seal_some(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, ngx_aigc_session_t *session,
    ngx_str_t *value);

ngx_int_t ngx_aigc_session_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_session_t *session);

ngx_int_t ngx_aigc_login_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_login_t *login, ngx_str_t *value);
ngx_int_t ngx_aigc_login_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_login_t *login);

ngx_int_t ngx_aigc_state_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_state_t *state, ngx_str_t *value);
ngx_int_t ngx_aigc_state_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_state_t *state);

/* A page to return to, bound to the sign-in called id. */
ngx_int_t ngx_aigc_rd_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *id, ngx_str_t *rd, ngx_str_t *value);
ngx_int_t ngx_aigc_rd_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *id, ngx_str_t *value, ngx_str_t *rd);


#endif /* _NGX_AIGC_SESSION_H_INCLUDED_ */
