/*
 * gateway/ngx_http_aigc_access.h — where a request to an instance is decided:
 * in this nginx, or for an ingress controller that asks.
 */

#ifndef _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_
#define _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


/*
 * The access phase of an instance's server (aigc_access on), and of an
 * instance's host anywhere (aigc_guard on): only its owner goes on to the pod.
 */
ngx_int_t ngx_http_aigc_access_handler(ngx_http_request_t *r);

/*
 * The precontent phase: takes the keys that opened the door out of the request,
 * for untrusted code gets none of them.  Not before: access handlers of other
 * modules, as auth_request, come after ours and may need them.
 */
ngx_int_t ngx_http_aigc_strip_handler(ngx_http_request_t *r);

/*
 * The preaccess phase, which subrequests run, too: a location with
 * aigc_internal is 404 for all but the module's own subrequests.
 */
ngx_int_t ngx_http_aigc_internal_handler(ngx_http_request_t *r);

/*
 * GET /auth for ingress-nginx's `auth-url`: the decision for the host that the
 * ingress controller names in X-Original-URL.  200, or the status of the
 * refusal; never a body that matters.
 */
ngx_int_t ngx_http_aigc_auth_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_ */
