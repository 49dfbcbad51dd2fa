/*
 * oidc/ngx_aigc_session.h — what is sealed for the browser on the gateway's
 * host: the session, and three parts of a sign-in under way.  These are its
 * secrets, in a cookie; its "state", which travels through the provider and
 * back; and the page to return to, if that is too long for "state".
 */

#ifndef _NGX_AIGC_SESSION_H_INCLUDED_
#define _NGX_AIGC_SESSION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_seal.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_NONCE_LEN           43     /* of a nonce's SHA-256, in
                                               base64url */
#define NGX_AIGC_SESSION_SPARE       256    /* bytes a refresh token must have
                                               to be left out */


typedef struct {
    ngx_str_t        id_token;          /* the gateway's session only */
    ngx_str_t        refresh_token;     /* len 0: the provider gave none */
    ngx_str_t        sid;
    time_t           start;             /* seconds: when the user signed in */

    /* an instance's session only: what the ID token said, once verified */
    ngx_str_t        sub;
    ngx_str_t        kid;               /* of the key; len 0: it named none */
    time_t           exp;               /* seconds */
} ngx_aigc_session_t;

typedef struct {
    ngx_str_t        id;                /* id of the sign-in, also in its
                                           state */
    ngx_str_t        nonce;
    ngx_str_t        verifier;          /* PKCE */
    time_t           start;
    ngx_uint_t       parts;             /* cookies that hold a long rd */
} ngx_aigc_login_t;

typedef struct {
    ngx_str_t        id;                /* names the login's cookie */
    ngx_str_t        rd;                /* URL to return to, checked; for one
                                           that is too long, the front page of
                                           its site */
    ngx_str_t        nonce;             /* as of a ticket, which rd will get */
    time_t           start;
    ngx_uint_t       again;             /* 1: the gateway began it by itself,
                                           because the cookie of the sign-in
                                           before did not come back */
} ngx_aigc_state_t;


/*
 * The _seal() functions make base64url text, and the _open() functions read it.
 * Strings are allocated from pool.
 * _seal(): NGX_OK; NGX_DECLINED: too large (the text of a session or login may
 * have NGX_AIGC_SESSION_COOKIE_MAX bytes, the rd of a state
 * NGX_AIGC_STATE_RD_MAX, and any other rd NGX_AIGC_RD_MAX); NGX_ERROR.
 * _open(): NGX_OK; NGX_DECLINED: this gateway has not sealed it; NGX_ERROR.
 */
ngx_int_t ngx_aigc_session_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_session_t *session, ngx_str_t *value);

/*
 * As ngx_aigc_session_seal().  If the session is too large and its refresh
 * token has at least NGX_AIGC_SESSION_SPARE bytes, as a JWT has, it is sealed
 * without the refresh token: then it ends with its ID token, and a new sign-in
 * follows without a question.
 */
ngx_int_t ngx_aigc_session_seal_some(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, ngx_aigc_session_t *session,
    ngx_str_t *value);

ngx_int_t ngx_aigc_session_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_session_t *session);

/* Opens what version 1.0 sealed, for a cookie of all hosts. */
ngx_int_t ngx_aigc_session_open_old(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, ngx_str_t *value, ngx_aigc_session_t *session);

ngx_int_t ngx_aigc_login_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_login_t *login, ngx_str_t *value);
ngx_int_t ngx_aigc_login_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_login_t *login);

ngx_int_t ngx_aigc_state_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_state_t *state, ngx_str_t *value);
ngx_int_t ngx_aigc_state_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_state_t *state);

/* Seal and open a page to return to, bound to the sign-in with that id. */
ngx_int_t ngx_aigc_rd_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *id, ngx_str_t *rd, ngx_str_t *value);
ngx_int_t ngx_aigc_rd_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *id, ngx_str_t *value, ngx_str_t *rd);


#endif /* _NGX_AIGC_SESSION_H_INCLUDED_ */
