/*
 * core/ngx_aigc_session.h — what the two sealed cookies hold: the session, and
 * the state of a sign-in under way.
 */

#ifndef _NGX_AIGC_SESSION_H_INCLUDED_
#define _NGX_AIGC_SESSION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_seal.h"


#define NGX_AIGC_SESSION_COOKIE_MAX  3800   /* bytes: fits a 4 KB header buffer */


typedef struct {
    ngx_str_t        id_token;
    ngx_str_t        refresh_token;     /* len 0: Logto gave none */
    ngx_str_t        sid;
    time_t           start;             /* seconds: when the user signed in */
} ngx_aigc_session_t;

typedef struct {
    ngx_str_t        state;
    ngx_str_t        nonce;
    ngx_str_t        verifier;          /* PKCE */
    ngx_str_t        rd;                /* where to go afterwards, checked */
    time_t           start;
} ngx_aigc_login_t;


/*
 * Seal to and open from a cookie's value.  Strings are allocated from pool.
 * seal: NGX_OK; NGX_DECLINED: larger than NGX_AIGC_SESSION_COOKIE_MAX;
 * NGX_ERROR.  open: NGX_OK; NGX_DECLINED: not one of ours; NGX_ERROR.
 */
ngx_int_t ngx_aigc_session_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_session_t *session, ngx_str_t *value);
ngx_int_t ngx_aigc_session_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_session_t *session);

ngx_int_t ngx_aigc_login_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_login_t *login, ngx_str_t *value);
ngx_int_t ngx_aigc_login_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_login_t *login);


#endif /* _NGX_AIGC_SESSION_H_INCLUDED_ */
