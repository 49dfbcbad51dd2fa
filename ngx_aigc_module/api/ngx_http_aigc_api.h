/*
 * api/ngx_http_aigc_api.h — /api/v1: which call it is, who makes it, and that
 * it comes from the gateway's own pages.  The calls are in ngx_http_aigc_api_*.
 */

#ifndef _NGX_HTTP_AIGC_API_H_INCLUDED_
#define _NGX_HTTP_AIGC_API_H_INCLUDED_

#include "oidc/ngx_http_aigc_identity.h"

#include "instances/ngx_aigc_queue.h"
#include "instances/ngx_aigc_table.h"
#include "base/ngx_aigc_bounds.h"

#include <jansson.h>


typedef struct ngx_http_aigc_call_s  ngx_http_aigc_call_t;

/* Answers the call and finalizes r, at once or later. */
typedef void (*ngx_http_aigc_verb_pt)(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);


typedef enum {
    NGX_HTTP_AIGC_USER = 0,             /* whoever is signed in */
    NGX_HTTP_AIGC_OWNER,                /* … and has the path's instance */
    NGX_HTTP_AIGC_ADMIN                 /* … and the administrators' role */
} ngx_http_aigc_may_e;


/* A line of the table in ngx_http_aigc_api_routes.c. */
typedef struct {
    ngx_uint_t              method;
    const char             *path;
    ngx_http_aigc_may_e     may;
    ngx_uint_t              from;       /* states of the path's instance in
                                           which it goes, bits; 0: it is about
                                           no instance */
    ngx_http_aigc_verb_pt   verb;
    ngx_aigc_op_kind_e      op;         /* what is written, 0: nothing … */
    ngx_aigc_state_e        to;         /* … and the state that comes of it */
} ngx_http_aigc_route_t;


struct ngx_http_aigc_call_s {
    ngx_http_aigc_user_t          user;
    const ngx_http_aigc_route_t  *route;
    ngx_str_t                     ns;       /* of the path, decoded, checked */
    ngx_str_t                     name;     /* of the template */
    ngx_int_t                     id;       /* NGX_ERROR: not in the path */
    ngx_aigc_record_t            *record;   /* of the path's instance, or NULL;
                                               lives as long as the request */
    json_t                       *body;     /* an object, or NULL: none; lives
                                               as long as the request */
};


ngx_int_t ngx_http_aigc_api_handler(ngx_http_request_t *r);

/*
 * Finds the route for the method and path of r; call gets it, and what the path
 * names.  NGX_OK; NGX_DECLINED: there is none, and *allowed is the methods of
 * the path, or 0: no such path.
 */
ngx_int_t ngx_http_aigc_api_route(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_uint_t *allowed);

/* The calls, [{"method","path"}], as in docs/openapi.yaml. */
json_t *ngx_http_aigc_api_routes(void);

/*
 * The call's route: checks who may and from which states, fills call->record,
 * and calls the verb; else finalizes r with 403, 404, 409 or 503.
 */
void ngx_http_aigc_call(ngx_http_request_t *r, ngx_http_aigc_call_t *call);

/*
 * First steps of a verb.  synced: the table has been listed whole, else it is
 * nothing to judge by.  template: the path's template, its slot.  NGX_OK; else
 * r has been finalized with 404 or 503.
 */
ngx_int_t ngx_http_aigc_call_synced(ngx_http_request_t *r);
ngx_int_t ngx_http_aigc_call_template(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, uint32_t *slot);

/*
 * Whoever this verified token is about has the administrators' role at Logto
 * (admin_role=): 1 or 0.
 */
ngx_uint_t ngx_http_aigc_is_admin(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt);

/* The verbs. */
void ngx_http_aigc_api_root(ngx_http_request_t *r, ngx_http_aigc_call_t *call);
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
void ngx_http_aigc_api_write(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_restart(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_uninstall(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_update(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_instances(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_status(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_users(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
void ngx_http_aigc_api_admin_adopt(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);


#endif /* _NGX_HTTP_AIGC_API_H_INCLUDED_ */
