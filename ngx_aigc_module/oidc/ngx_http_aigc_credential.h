/*
 * oidc/ngx_http_aigc_credential.h — what session cookies and bearer tokens have
 * in common: once verified, the zone knows them by a digest.  For
 * the files that know one kind of them, and what those are for.
 */

#ifndef _NGX_HTTP_AIGC_CREDENTIAL_H_INCLUDED_
#define _NGX_HTTP_AIGC_CREDENTIAL_H_INCLUDED_

#include "ngx_http_aigc_identity.h"


/*
 * What the zone knows a text by; purpose keeps cookies and tokens apart.
 * NGX_OK or NGX_ERROR (openssl).
 */
ngx_int_t ngx_http_aigc_digest(ngx_http_request_t *r, u_char purpose,
    ngx_str_t *text, u_char *digest);

/*
 * Looks a credential up.  SIGNED_IN: it is good, user->sub and user->subject
 * are filled.  NONE: it is not known, or has expired, which sets user->genuine;
 * digest and user->keys are filled.  REVOKED, GONE, BUSY or FAILED.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_known(ngx_http_request_t *r,
    u_char purpose, ngx_str_t *text, u_char *digest,
    ngx_http_aigc_user_t *user);

/*
 * Fills user->subject, by what a credential can be revoked: our own sid, the
 * provider's, its user.  SIGNED_IN: nobody has revoked it; REVOKED, GONE or
 * FAILED.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_unrevoked(ngx_http_request_t *r,
    ngx_str_t *sid, time_t start, ngx_str_t *login, ngx_str_t *sub,
    ngx_http_aigc_user_t *user);

/*
 * The digest by which user->session is known, whatever tokens it has by now and
 * on whatever host: of its sid and start.  NGX_OK; NGX_DECLINED: no session has
 * such a sid; NGX_ERROR (openssl).
 */
ngx_int_t ngx_http_aigc_session_key(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);

/*
 * A credential was found good for sub until exp, by the keys that _known() saw:
 * the zone knows it now.
 */
void ngx_http_aigc_remember(ngx_http_request_t *r, u_char *digest, time_t exp,
    ngx_str_t *sub, ngx_http_aigc_user_t *user);

/*
 * By this session cookie alone; EXPIRED: user is filled for
 * ngx_http_aigc_renew().  NONE: it is no session, or not a good one.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_identify_cookie(ngx_http_request_t *r,
    ngx_str_t *value, ngx_http_aigc_user_t *user);

/* The same by an instance's session cookie, on user->host. */
ngx_http_aigc_outcome_e ngx_http_aigc_identify_host_cookie(
    ngx_http_request_t *r, ngx_str_t *value, ngx_http_aigc_user_t *user);

/*
 * Has the response set the cookie of an instance's session, for that host.
 * NGX_OK; NGX_DECLINED: it does not fit a cookie; NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_host_session_set(ngx_http_request_t *r,
    ngx_str_t *host, ngx_aigc_session_t *session);

/*
 * The session of version 1.0's cookie, sealed as the gateway's own, from
 * r->pool.  It counts only with the cookie that bound it to its browser: any
 * host could set the other.  NGX_OK or NGX_DECLINED.
 */
ngx_int_t ngx_http_aigc_old_session(ngx_http_request_t *r, ngx_str_t *old,
    ngx_str_t *value);

/* Has the response clear version 1.0's cookies.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_aigc_old_session_clear(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);

/* By the bearer token alone.  NONE: there is none. */
ngx_http_aigc_outcome_e ngx_http_aigc_identify_bearer(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);

/*
 * Of an EXPIRED session: NGX_OK when a newer one of the same sign-in and user
 * has been here and is good, until *exp; else NGX_DECLINED.  user stays as it
 * is.
 */
ngx_int_t ngx_http_aigc_identify_newer(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, time_t *exp);


#endif /* _NGX_HTTP_AIGC_CREDENTIAL_H_INCLUDED_ */
