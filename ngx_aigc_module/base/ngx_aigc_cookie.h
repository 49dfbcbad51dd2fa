/*
 * base/ngx_aigc_cookie.h — the text of Cookie and Set-Cookie headers
 * (RFC 6265).  Which header of which request it is, is the caller's business.
 */

#ifndef _NGX_AIGC_COOKIE_H_INCLUDED_
#define _NGX_AIGC_COOKIE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AIGC_LOGIN_ID_LEN  22       /* 16 random bytes, base64url: the end
                                           of the name of a sign-in's cookie */


/*
 * Walks the pairs of one Cookie header's value.  *pos is 0 at first.
 * NGX_OK: name and value point into header; NGX_DONE: no more pairs.
 * Names are case-sensitive; surrounding blanks are cut; a pair without "=" is
 * a name with an empty value; quotes stay.
 */
ngx_int_t ngx_aigc_cookie_next(ngx_str_t *header, size_t *pos,
    ngx_str_t *name, ngx_str_t *value);

/*
 * NGX_OK when name is one that the gateway owns: old, or, with "__Host-" or
 * "__Secure-" before it or neither, "aigc-session", "aigc-instance",
 * "aigc-nonce", "aigc-bind", or "aigc-login-" with a digit or an id of 22
 * letters (base64url), which "." and a number may follow.
 */
ngx_int_t ngx_aigc_cookie_ours(ngx_str_t *name, ngx_str_t *old);

/*
 * Cuts the pairs with names that the gateway owns out of value, in place.
 * Returns how many were cut; value->len may become 0.
 */
ngx_uint_t ngx_aigc_cookie_strip(ngx_str_t *value, ngx_str_t *old);

/*
 * Cuts Domain attributes out of a Set-Cookie value, in place, that name a
 * domain above host (lower case): a cookie of host alone.
 */
void ngx_aigc_cookie_narrow(ngx_str_t *value, ngx_str_t *host);

/*
 * Builds a Set-Cookie value: HttpOnly, Path=/, SameSite=Lax, Secure by choice,
 * Domain when domain->len, Max-Age in seconds (-1: a session cookie without
 * Max-Age; 0: delete it).  From pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_cookie_build(ngx_pool_t *pool, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *domain, ngx_uint_t secure, time_t max_age,
    ngx_str_t *out);


#endif /* _NGX_AIGC_COOKIE_H_INCLUDED_ */
