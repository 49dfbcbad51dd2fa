/*
 * base/ngx_http_aigc_conf.h — the configuration and the context of a main
 * request, as all rooms see them.  The directives are read in the root.
 */

#ifndef _NGX_HTTP_AIGC_CONF_H_INCLUDED_
#define _NGX_HTTP_AIGC_CONF_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_aigc_text.h"              /* NGX_AIGC_DIGEST_LEN */
#include "ngx_aigc_url.h"
#include "ngx_aigc_zone.h"


/* nginx's handle of the module: of configurations and contexts. */
extern ngx_module_t  ngx_http_aigc_module;


#define NGX_HTTP_AIGC_VERSION      "1.0.0"
#define NGX_HTTP_AIGC_SKEW         30       /* s between our clock and Logto's */
#define NGX_HTTP_AIGC_ORIGINAL_MAX 16384    /* bytes of X-Original-URL */
#define NGX_HTTP_AIGC_FLAG_INIT    0        /* of directives with on and off */


typedef struct {
    ngx_aigc_zone_t          *zone;

    /* what other rooms keep here, by its name alone */
    struct ngx_aigc_kubernetes_s  *k8s;
    struct ngx_aigc_provider_s    *provider;    /* NULL: none is named */
    struct ngx_aigc_logto_s       *logto;       /* NULL: another provider */
    struct ngx_aigc_limits_s      *limits;      /* aigc_limits */
    struct ngx_aigc_seal_keys_s   *keys;        /* aigc_session; NULL: not
                                                   given */
    struct ngx_http_aigc_memo_s   *memo;        /* this worker's; NULL: none */

    u_char                    rules[NGX_AIGC_DIGEST_LEN];   /* see identity.h */
    ngx_str_t                 domain;   /* root domain, normalized */
    ngx_str_t                 cookie;   /* name of the session cookie */
    ngx_str_t                 bind;     /* names that carry __Host- with TLS */
    ngx_str_t                 login;    /* a prefix: a sign-in's id follows */
    ngx_str_t                 login_part;   /* likewise, with a narrower path */
    time_t                    lifetime; /* s of a session */
    time_t                    grace;    /* s after its token's end, with Logto
                                           away; 0: none */
    ngx_uint_t                secure;

    ngx_aigc_url_t            gateway;
    ngx_str_t                 origin;   /* scheme://host[:port] of the gateway */
    ngx_str_t                 port;     /* ":8080", or "" for the default */
    ngx_str_t                 redirect_uri;

    time_t                    max_stale;    /* s */
    ngx_uint_t                limited;  /* aigc_limits is given */
    ngx_uint_t                used;     /* some directive needs all of these */
    ngx_uint_t                guards;   /* "aigc_access on" somewhere */
    ngx_uint_t                upstreams;    /* with aigc_instances */
    ngx_uint_t                balanced; /* of them, by us */
    ngx_array_t              *locations;    /* loc_conf of each: void ** */
} ngx_http_aigc_main_conf_t;


typedef struct {
    ngx_flag_t                access;
    ngx_flag_t                cross_origin;
    ngx_flag_t                internal;
} ngx_http_aigc_loc_conf_t;


typedef enum {
    NGX_HTTP_AIGC_UNDECIDED = 0,
    NGX_HTTP_AIGC_ALLOW,
    NGX_HTTP_AIGC_BAD_HOST,             /* 400 */
    NGX_HTTP_AIGC_COLD,                 /* 503: no whole table yet */
    NGX_HTTP_AIGC_BUSY,                 /* 503: half-written slot, no keys */
    NGX_HTTP_AIGC_UNKNOWN,              /* 404 */
    NGX_HTTP_AIGC_COLLISION,            /* 403: host claimed twice */
    NGX_HTTP_AIGC_ANONYMOUS,            /* 401, or off to sign in */
    NGX_HTTP_AIGC_AMBIGUOUS,            /* 401: two session cookies */
    NGX_HTTP_AIGC_UNSCOPED,             /* 403: a token without the scope */
    NGX_HTTP_AIGC_MACHINE,              /* 403: a token of no user's */
    NGX_HTTP_AIGC_RENEWING,             /* not yet: the session is renewed */
    NGX_HTTP_AIGC_UNRENEWED,            /* 503: Logto is away for too long */
    NGX_HTTP_AIGC_NOT_OWNER,            /* 403 */
    NGX_HTTP_AIGC_FOREIGN_DISK,         /* 403 */
    NGX_HTTP_AIGC_CROSS_ORIGIN,         /* 403 */
    NGX_HTTP_AIGC_NOT_READY,            /* 503, with a page for its owner */
    NGX_HTTP_AIGC_STALE,                /* 503: the table is too old */
    NGX_HTTP_AIGC_FAILED                /* 500 */
} ngx_http_aigc_decision_e;


typedef struct {
    ngx_http_aigc_decision_e  decision;
    ngx_str_t                 user;     /* a verified "sub" */
    ngx_uint_t                stripped; /* … whose keys have been taken out of
                                           the request already */
    ngx_uint_t                held;     /* … and it is on the list of those who
                                           can be put out again */
    ngx_str_t                 instance; /* "ns/name/id" */

    /* the pod's address, set with ALLOW alone: what the balancer may use */
    struct sockaddr          *sockaddr;
    socklen_t                 socklen;
    ngx_msec_t                decided;      /* when, ngx_current_msec */
    ngx_str_t                 address;  /* the same in words */
    ngx_uint_t                tried;    /* … and it was connected to */
    void                    **passed_in;    /* loc_conf of the location that
                                               passes the request on */
    ngx_uint_t                unanswered;   /* the gateway answers for the pod */

    /* see ngx_http_aigc_informational.h */
    ngx_int_t               (*process_header)(ngx_http_request_t *r);
    ngx_int_t               (*reinit_request)(ngx_http_request_t *r);

    /* see ngx_http_aigc_challenge.h */
    ngx_uint_t                challenge;
    const char               *challenge_why;
    ngx_str_t                *challenge_scope;  /* NULL: not about one */

    /* see ngx_http_aigc_renew.h */
    ngx_str_t                 renewed;  /* the new session, for the browser */
    ngx_msec_t                renew_until;  /* it waits no longer */
    uint32_t                  flight;   /* that it waits for */
    ngx_atomic_uint_t         ticket;
    unsigned                  renewing:1;   /* renew_until is set */
    unsigned                  over:1;   /* the browser's session has ended */

    void                     *handler;  /* the content handler's own */
} ngx_http_aigc_ctx_t;


/*
 * r's context (of its main request), made when there is none; the same one
 * after an internal redirect.  NULL: no memory.
 */
ngx_http_aigc_ctx_t *ngx_http_aigc_get_ctx(ngx_http_request_t *r);

/* The same without making one.  NULL: there is none. */
ngx_http_aigc_ctx_t *ngx_http_aigc_find_ctx(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_CONF_H_INCLUDED_ */
