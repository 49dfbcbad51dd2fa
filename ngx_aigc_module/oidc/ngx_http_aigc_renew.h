/*
 * oidc/ngx_http_aigc_renew.h — a session whose ID token has expired: renewed in
 * place, once for all requests of the session, which wait for it in whatever
 * worker they are.  Nothing in here runs while the token is good.
 */

#ifndef _NGX_HTTP_AIGC_RENEW_H_INCLUDED_
#define _NGX_HTTP_AIGC_RENEW_H_INCLUDED_

#include "ngx_http_aigc_identity.h"


#define NGX_HTTP_AIGC_RENEW_POLL   50       /* ms between looks at the flight */
#define NGX_HTTP_AIGC_RENEW_WAIT   3000     /* ms that a request waits for it
                                               where grace lets it go on */
#define NGX_HTTP_AIGC_RENEW_SAY    10000    /* ms between lines that say that
                                               there is no room */
#define NGX_HTTP_AIGC_RENEW_WAIT_MAX  20000 /* … and where it does not: a call
                                               and the fetch of a key */


/*
 * For who->expired.  NGX_OK: signed in, as of ngx_http_aigc_identify(): by the
 * renewed session, which goes to the browser with the answer; by a newer one
 * that has been seen here; or within grace=, the provider being away.
 * NGX_AGAIN: see ngx_http_aigc_renew_wait().  NGX_BUSY: the provider is away
 * for too long.  NGX_DECLINED: nobody; the session is over, and its cookie is
 * cleared. NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_renew(ngx_http_request_t *r, ngx_http_aigc_who_t *who);

/*
 * Suspends r after NGX_AGAIN: its present phase handler, or content handler,
 * is called again later.  The body stays unread.  A phase handler returns
 * NGX_AGAIN then; a content handler counts the request and returns NGX_DONE.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_renew_wait(ngx_http_request_t *r);

/* For the header filter: the new session, or the end of it, in r's answer. */
ngx_int_t ngx_http_aigc_renew_header(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_RENEW_H_INCLUDED_ */
