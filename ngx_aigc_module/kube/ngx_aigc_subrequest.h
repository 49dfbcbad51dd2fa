/*
 * kube/ngx_aigc_subrequest.h — the one way in which a request asks the
 * Kubernetes API: a subrequest to the gateway's internal location, built anew,
 * so that nothing of the client's goes with it.
 *
 * A 2xx body is dropped as it comes, an error body is kept up to
 * NGX_AIGC_SUBREQUEST_BODY bytes.
 */

#ifndef _NGX_AIGC_SUBREQUEST_H_INCLUDED_
#define _NGX_AIGC_SUBREQUEST_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_SUBREQUEST_LOCATION  "/_aigc/kubernetes"


typedef struct ngx_aigc_subrequest_s  ngx_aigc_subrequest_t;

typedef void (*ngx_aigc_subrequest_pt)(ngx_http_request_t *parent,
    ngx_aigc_subrequest_t *sub);


/* The context of our subrequests, and of nothing else. */
struct ngx_aigc_subrequest_s {
    ngx_aigc_subrequest_pt   done;
    void                    *data;      /* the caller's */

    ngx_uint_t               status;    /* 0: there was no answer; 502: also
                                           for a 2xx that is no JSON, and so
                                           not the API server's */
    ngx_str_t                body;      /* of an error */
};


/*
 * Sends method with body to path ("/apis/…", without a query): PATCH with a
 * JSON Patch, or DELETE with DeleteOptions.  done is called once, with the
 * answer, before parent's write_event_handler runs.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_subrequest(ngx_http_request_t *parent, ngx_uint_t method,
    ngx_str_t *path, ngx_str_t *body, ngx_aigc_subrequest_pt done, void *data);

/* Our context of r, or NULL: r is no subrequest of ours. */
ngx_aigc_subrequest_t *ngx_aigc_subrequest_ctx(ngx_http_request_t *r);

/*
 * For the module's header and body filters.  NGX_DECLINED: r is not ours, go
 * on with the next filter.
 */
ngx_int_t ngx_aigc_subrequest_header(ngx_http_request_t *r);
ngx_int_t ngx_aigc_subrequest_body(ngx_http_request_t *r, ngx_chain_t *in);


#endif /* _NGX_AIGC_SUBREQUEST_H_INCLUDED_ */
