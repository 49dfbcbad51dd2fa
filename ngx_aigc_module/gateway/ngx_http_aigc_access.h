/*
 * gateway/ngx_http_aigc_access.h — where a request to an instance is decided:
 * in this nginx, or for an ingress controller that asks.
 */

#ifndef _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_
#define _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"
#include "oidc/ngx_http_aigc_identity.h"
#include "instances/ngx_aigc_table.h"


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
 * Decides on r for the instance of r->headers_in.server, at r->unparsed_uri,
 * and answers it, unless it may go on.  from: where r comes from counts, too.
 * NGX_DECLINED: it may, and record and user are filled; NGX_DONE: its session
 * is being renewed, r's phases run again then; else what r is to be finalized
 * with.
 */
ngx_int_t ngx_http_aigc_visit(ngx_http_request_t *r, ngx_uint_t from,
    ngx_aigc_record_t *record, ngx_http_aigc_user_t *user);

/*
 * GET /auth for ingress-nginx's `auth-url`: the decision for the host that the
 * ingress controller names in X-Original-URL.  200 without a body, or the
 * status of the refusal.
 */
ngx_int_t ngx_http_aigc_auth_handler(ngx_http_request_t *r);

/* The request of which a proxy has made the one that asks; each trusts one. */
typedef enum {
    NGX_HTTP_AIGC_AUTH_NGINX = 0,       /* X-Original-URL */
    NGX_HTTP_AIGC_AUTH_ENVOY,           /* the request: Host, URI, method */
    NGX_HTTP_AIGC_AUTH_TRAEFIK          /* X-Forwarded-Host, -Uri, -Method */
} ngx_http_aigc_auth_e;

/*
 * The external auth of proxies that pass what they do not let through on to the
 * browser as it is: 200, or the very answer that the access phase would give.
 */
ngx_int_t ngx_http_aigc_forward_auth_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_ACCESS_H_INCLUDED_ */
