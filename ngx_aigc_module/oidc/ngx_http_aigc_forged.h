/*
 * oidc/ngx_http_aigc_forged.h — how much of a worker those get who forge
 * tokens.  A signature costs half a millisecond in which nobody else is served;
 * what has been good before costs none, so only what is new has to wait.
 *
 * A wrong signature uses up a share of its address's and of the worker's, each
 * given back evenly, so that neither a burst nor a second's beginning holds up
 * others, and one address leaves the rest to all others.  Per process.
 */

#ifndef _NGX_HTTP_AIGC_FORGED_H_INCLUDED_
#define _NGX_HTTP_AIGC_FORGED_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


#define NGX_HTTP_AIGC_FORGED_BURST    20    /* that may be due, of either: 10 ms,
                                               once */
#define NGX_HTTP_AIGC_FORGED_SOURCE   50    /* ms for one more of an address: 20
                                               a second, 1 % of a CPU */
#define NGX_HTTP_AIGC_FORGED_SOURCES  256   /* that addresses fall into */


typedef struct {
    ngx_msec_t  pause;                  /* ms for one more of the worker */
    ngx_msec_t  due;                    /* all that was taken is back then */
    ngx_msec_t  sources[NGX_HTTP_AIGC_FORGED_SOURCES];  /* likewise */
} ngx_http_aigc_forged_t;


/* NGX_OK: a signature of r's may be looked at; NGX_BUSY: not now. */
ngx_int_t ngx_http_aigc_forged_check(ngx_http_aigc_forged_t *forged,
    ngx_http_request_t *r);

/* It was looked at, and is wrong. */
void ngx_http_aigc_forged_count(ngx_http_aigc_forged_t *forged,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_FORGED_H_INCLUDED_ */
