/*
 * api/ngx_http_aigc_api.h — /api/v1: which call it is, who makes it, and that
 * it comes from the gateway's own pages.  The calls are in ngx_http_aigc_api_*.
 */

#ifndef _NGX_HTTP_AIGC_API_H_INCLUDED_
#define _NGX_HTTP_AIGC_API_H_INCLUDED_

#include "oidc/ngx_http_aigc_identity.h"

#include "instances/ngx_aigc_table.h"

#include <jansson.h>


#define NGX_HTTP_AIGC_BODY_MAX  8192    /* bytes of a call's JSON body */


typedef struct {
    ngx_http_aigc_who_t   who;
    ngx_str_t             ns;           /* of the path, decoded, checked */
    ngx_str_t             name;         /* of the template */
    ngx_int_t             id;           /* NGX_ERROR: not in the path */
    json_t               *body;         /* an object, or NULL: none; lives as
                                           long as the request */
} ngx_http_aigc_call_t;

/* Answers the call and finalizes r, at once or later. */
typedef void (*ngx_http_aigc_verb_pt)(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);


ngx_int_t ngx_http_aigc_api_handler(ngx_http_request_t *r);

/*
 * Which verb the method and path of r are; call gets what the path names.
 * NULL: none, and *allowed is the methods of the path, or 0: no such path.
 */
ngx_http_aigc_verb_pt ngx_http_aigc_api_route(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_uint_t *allowed);

/* The calls, [{"method","path"}], as in docs/openapi.yaml. */
json_t *ngx_http_aigc_api_routes(void);

/*
 * The shared first steps of a call.  synced: the table has been listed whole,
 * else it is nothing to judge by.  template: the path's template, its slot.
 * instance: the path's instance, the caller's own; anyones: whosever it is, an
 * unreadable annotation's included.  NGX_OK; else r has been finalized with 403,
 * 404 or 503.
 */
ngx_int_t ngx_http_aigc_call_synced(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_call_template(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, uint32_t *slot);
ngx_int_t ngx_http_aigc_call_instance(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_aigc_record_t *record);
ngx_int_t ngx_http_aigc_call_anyones(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_aigc_record_t *record);

/*
 * Of the caller's own instance: NGX_OK when it is to run; else r has been
 * finalized with 409.
 */
ngx_int_t ngx_http_aigc_call_running(ngx_http_request_t *r,
    ngx_aigc_record_t *record);

/*
 * Whoever this verified token is about has the administrators' role at Logto
 * (admin_role=): 1 or 0.  The same of the caller: NGX_OK; else r has been
 * finalized with 403.
 */
ngx_uint_t ngx_http_aigc_is_admin(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt);
ngx_int_t ngx_http_aigc_call_admin(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);

/* The verbs. */
void ngx_http_aigc_api_me(ngx_http_request_t *r, ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_events(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_templates(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_instances(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_instance(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_install(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_start(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_release(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_restart(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_uninstall(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_update(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_instances(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_release(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_status(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_users(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_adopt(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);


#endif /* _NGX_HTTP_AIGC_API_H_INCLUDED_ */
