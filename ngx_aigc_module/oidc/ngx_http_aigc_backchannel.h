/*
 * oidc/ngx_http_aigc_backchannel.h — POST /backchannel-logout (OpenID Connect
 * Back-Channel Logout 1.0): the provider tells that a session of its own has
 * ended, by a logout token.  "sid": that session; without it "sub": all of the
 * user's.
 *
 *   200  they are revoked on every gateway (or were before)
 *   400  not a logout token of the provider's for this gateway
 *   413  over NGX_HTTP_AIGC_LOGOUT_MAX bytes
 *   503  it cannot be checked now: no keys yet, or a flood of forged ones
 */

#ifndef _NGX_HTTP_AIGC_BACKCHANNEL_H_INCLUDED_
#define _NGX_HTTP_AIGC_BACKCHANNEL_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


#define NGX_HTTP_AIGC_LOGOUT_MAX      16384 /* bytes of the form */
#define NGX_HTTP_AIGC_LOGOUT_FORGED   20    /* ms for each forged one: 50 a second
                                               and worker are looked at */
#define NGX_HTTP_AIGC_LOGOUT_WAITING  32    /* of a worker, for a new key */


ngx_int_t ngx_http_aigc_backchannel_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_BACKCHANNEL_H_INCLUDED_ */
