/*
 * base/ngx_http_aigc_conf.h — the module's configuration, and its context of a
 * main request.  All rooms use them; the root parses the directives.
 */

#ifndef _NGX_HTTP_AIGC_CONF_H_INCLUDED_
#define _NGX_HTTP_AIGC_CONF_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_aigc_text.h"              /* NGX_AIGC_DIGEST_LEN */
#include "ngx_aigc_url.h"
#include "ngx_aigc_zone.h"
#include "ngx_aigc_bounds.h"


/* The module, by which nginx finds its configurations and contexts. */
extern ngx_module_t  ngx_http_aigc_module;


/* t/chart.t compares it with the chart and with CHANGELOG.md */
#define NGX_HTTP_AIGC_VERSION      "1.0.0"
#define NGX_HTTP_AIGC_SKEW         30       /* s of clock skew to a provider */
#define NGX_HTTP_AIGC_FLAG_INIT    0        /* default of on/off directives */


typedef struct {
    ngx_aigc_zone_t          *zone;

    /* owned by other rooms, which know what is in the structs */
    struct ngx_aigc_kubernetes_s  *k8s;
    struct ngx_aigc_provider_s    *provider;    /* NULL: no provider */
    struct ngx_aigc_logto_s       *logto;       /* NULL: not Logto */
    struct ngx_aigc_limits_s      *limits;      /* aigc_limits */
    struct ngx_aigc_seal_keys_s   *keys;        /* of aigc_session; NULL:
                                                   no such directive */
    struct ngx_http_aigc_memo_s   *memo;        /* of this worker, or NULL */

    u_char                    rules[NGX_AIGC_DIGEST_LEN];   /* see identity.h */
    ngx_str_t                 domain;   /* of instances, normalized */

    /* names of cookies; __Host- with TLS */
    ngx_str_t                 session_cookie;   /* the gateway's session */
    ngx_str_t                 instance_cookie;  /* an instance's session */
    ngx_str_t                 nonce_cookie;     /* of who goes to sign in */
    ngx_str_t                 login;    /* prefix of a sign-in's cookie */
    ngx_str_t                 login_part;   /* likewise, narrower path */
    ngx_str_t                 old_cookie;   /* version 1.0's, of all hosts … */
    ngx_str_t                 old_bind; /* … and what bound it */

    time_t                    lifetime; /* of a session, s */
    time_t                    grace;    /* s that a session outlives its token
                                           while the provider is away */
    ngx_uint_t                secure;

    ngx_aigc_url_t            gateway;
    ngx_str_t                 origin;   /* scheme://host[:port] of gateway */
    ngx_str_t                 port;     /* ":8080", or "" for the default */
    ngx_str_t                 redirect_uri;

    time_t                    max_stale;    /* s: an older table is stale */
    ngx_uint_t                limited;  /* aigc_limits is present */
    ngx_uint_t                used;     /* a directive needs all the others */
    ngx_flag_t                guard;    /* aigc_guard */
    ngx_uint_t                guards;   /* "aigc_access on" or "aigc_guard
                                           on" is present */
    ngx_array_t              *credentials;  /* ngx_uint_t: indexes of the
                                           variables that hold credentials */
    ngx_uint_t                upstreams;    /* that have aigc_instances */
    ngx_uint_t                balanced; /* … and no later balancer in them */
    ngx_array_t              *locations;    /* each one's loc_conf: void ** */
} ngx_http_aigc_main_conf_t;


typedef struct {
    ngx_uint_t                guards;   /* "aigc_access on" is in it */
} ngx_http_aigc_srv_conf_t;


typedef struct {
    ngx_flag_t                access;
    ngx_flag_t                cross_origin;
    ngx_flag_t                internal;
    ngx_uint_t                dialect;  /* ngx_http_aigc_auth_e */
} ngx_http_aigc_loc_conf_t;


typedef enum {
    NGX_HTTP_AIGC_UNDECIDED = 0,
    NGX_HTTP_AIGC_ALLOW,
    NGX_HTTP_AIGC_BAD_HOST,             /* 400 */
    NGX_HTTP_AIGC_COLD,                 /* 503: the first list is not done */
    NGX_HTTP_AIGC_BUSY,                 /* 503: half-written slot, no keys */
    NGX_HTTP_AIGC_UNKNOWN,              /* 404 */
    NGX_HTTP_AIGC_COLLISION,            /* 403: host claimed twice */
    NGX_HTTP_AIGC_ANONYMOUS,            /* 401, or redirect to sign-in */
    NGX_HTTP_AIGC_UNSCOPED,             /* 403: a token without the scope */
    NGX_HTTP_AIGC_MACHINE,              /* 403: a token without a user */
    NGX_HTTP_AIGC_RENEWING,             /* wait: session is being renewed */
    NGX_HTTP_AIGC_UNRENEWED,            /* 503: session was not renewed */
    NGX_HTTP_AIGC_NOT_OWNER,            /* 403 */
    NGX_HTTP_AIGC_FOREIGN_DISK,         /* 403 */
    NGX_HTTP_AIGC_CROSS_ORIGIN,         /* 403 */
    NGX_HTTP_AIGC_NOT_READY,            /* 503, with a page for its owner */
    NGX_HTTP_AIGC_STALE,                /* 503: the table is too old */
    NGX_HTTP_AIGC_FAILED                /* 500 */
} ngx_http_aigc_decision_e;


/* What a pod must not get of a request that was let in. */
typedef enum {
    NGX_HTTP_AIGC_STRIP_COOKIES = 0,    /* the gateway's cookies */
    NGX_HTTP_AIGC_STRIP_BEARER,         /* … and the bearer token, which was
                                           the gateway's */
    NGX_HTTP_AIGC_STRIP_USER            /* all cookies and Authorization: of a
                                           preflight, nobody looked at them */
} ngx_http_aigc_strip_e;


typedef struct {
    ngx_http_aigc_decision_e  decision;
    ngx_str_t                 user;     /* a verified "sub" */
    ngx_http_aigc_strip_e     strip;    /* with ALLOW */
    ngx_uint_t                stripped; /* the user's credentials are removed
                                           from the request */
    ngx_uint_t                held;     /* on the list of requests that a
                                           revocation ends: see
                                           ngx_http_aigc_held.h */
    ngx_str_t                 instance; /* "ns/name/id" */

    /* the pod's address for the balancer, set only with ALLOW */
    struct sockaddr          *sockaddr;
    socklen_t                 socklen;
    ngx_msec_t                decided;      /* ngx_current_msec at decision */
    ngx_str_t                 address;  /* sockaddr as text */
    ngx_uint_t                tried;    /* a connection to it was tried */
    void                    **passed_in;    /* loc_conf of the location that
                                               proxies the request */
    ngx_uint_t                no_response;  /* this response is the gateway's
                                           own, not the pod's */

    /* see gateway/ngx_http_aigc_informational.c */
    ngx_int_t               (*process_header)(ngx_http_request_t *r);
    ngx_int_t               (*reinit_request)(ngx_http_request_t *r);

    /* see ngx_http_aigc_challenge.h */
    ngx_uint_t                challenge;
    const char               *challenge_why;
    ngx_str_t                *challenge_scope;  /* NULL: no scope is missing */

    /* see ngx_http_aigc_renew.h */
    ngx_str_t                 renewed;  /* new session cookie to be set */
    unsigned                  on_instance:1;    /* … which is an instance's */
    unsigned                  old:1;    /* version 1.0's cookies came along:
                                           clear them */
    ngx_msec_t                renew_until;  /* the wait ends at this time */
    uint32_t                  flight;   /* slot of the renewal waited for */
    ngx_atomic_uint_t         ticket;
    unsigned                  renewing:1;   /* renew_until is valid */
    unsigned                  over:1;   /* session ended: clear its cookie */

    /* see ngx_http_aigc_ticket.h */
    ngx_str_t                 entry;    /* ticket, cut out of the query */
    ngx_str_t                 entered;  /* session that it has become, as
                                           if the browser had sent it */

    void                     *handler;  /* private to the content handler */
    const char               *handler_type;     /* of *handler, its C name */
} ngx_http_aigc_ctx_t;


/*
 * Returns the context of r's main request, and creates it if there is none.
 * It survives an internal redirect.  NULL: no memory.
 */
ngx_http_aigc_ctx_t *ngx_http_aigc_get_ctx(ngx_http_request_t *r);

/* Returns the context of r's main request.  NULL: there is none. */
ngx_http_aigc_ctx_t *ngx_http_aigc_find_ctx(ngx_http_request_t *r);

/*
 * What a content handler keeps between its steps, in r's context: p, a pointer
 * to type, which lives as long as r.  It replaces what was kept before.
 * NGX_OK; NGX_ERROR: no memory.
 */
#define ngx_http_aigc_set_handler_ctx(r, type, p)                             \
    ngx_http_aigc_keep_handler_ctx(r, #type, 1 ? (p) : (type *) NULL)

/*
 * Returns what was kept, as a pointer to type.  Another type is never returned:
 * it is logged with level alert, and the result is NULL.
 */
#define ngx_http_aigc_get_handler_ctx(r, type)                                \
    ((type *) ngx_http_aigc_kept_handler_ctx(r, #type))

ngx_int_t ngx_http_aigc_keep_handler_ctx(ngx_http_request_t *r,
    const char *type, void *p);
void *ngx_http_aigc_kept_handler_ctx(ngx_http_request_t *r, const char *type);


#endif /* _NGX_HTTP_AIGC_CONF_H_INCLUDED_ */
