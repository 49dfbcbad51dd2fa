/*
 * gateway/ngx_http_aigc_decide.h — may this request reach that host?  The one
 * decision, for the access phase and for /auth.  Shared memory only.
 */

#ifndef _NGX_HTTP_AIGC_DECIDE_H_INCLUDED_
#define _NGX_HTTP_AIGC_DECIDE_H_INCLUDED_

#include "oidc/ngx_http_aigc_identity.h"

#include "instances/ngx_aigc_table.h"


/*
 * Decides r for host (normalized).  origin: the host's own origin, when where
 * the request comes from counts; NULL: it does not.  record and user are filled
 * as far as the decision got, record as by ngx_aigc_table_by_host().  RENEWING:
 * suspend r, by ngx_http_aigc_renew_wait(), and decide again.
 */
ngx_http_aigc_decision_e ngx_http_aigc_decide(ngx_http_request_t *r,
    ngx_str_t *host, ngx_str_t *origin, ngx_aigc_record_t *record,
    ngx_http_aigc_user_t *user);

/*
 * The same for a preflight request, which carries nothing that says whose it
 * is: whether host has a pod that may be asked.
 */
ngx_http_aigc_decision_e ngx_http_aigc_decide_preflight(ngx_http_request_t *r,
    ngx_str_t *host, ngx_aigc_record_t *record);

/* "allow", "not-owner", …: for $aigc_decision and as a problem's code. */
const ngx_str_t *ngx_http_aigc_decision_name(ngx_http_aigc_decision_e decision);

/* Answers a decision other than ALLOW, with its status, as a problem. */
ngx_int_t ngx_http_aigc_refuse(ngx_http_request_t *r,
    ngx_http_aigc_decision_e decision);

/* The same for the visitor of an instance: a person gets a page. */
ngx_int_t ngx_http_aigc_refuse_visitor(ngx_http_request_t *r,
    ngx_http_aigc_decision_e decision);

/* The same decision's status alone. */
ngx_uint_t ngx_http_aigc_decision_status(ngx_http_aigc_decision_e decision);


#endif /* _NGX_HTTP_AIGC_DECIDE_H_INCLUDED_ */
