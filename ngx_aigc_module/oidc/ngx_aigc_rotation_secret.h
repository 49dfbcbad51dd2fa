/*
 * oidc/ngx_aigc_rotation_secret.h — calls about the Secret aigc-sessions, in
 * the gateway's own namespace.  One that failed is followed by none for a
 * while, so that no renewal waits for a cluster that is away.
 */

#ifndef _NGX_AIGC_ROTATION_SECRET_H_INCLUDED_
#define _NGX_AIGC_ROTATION_SECRET_H_INCLUDED_

#include "base/ngx_aigc_fetch.h"

#include "ngx_aigc_rotation_entry.h"


#define NGX_AIGC_ROTATION_TIMEOUT  3000 /* ms for a call */


struct ngx_aigc_kubernetes_s;

/* How the API server is called: ngx_aigc_kubernetes_call(). */
typedef ngx_aigc_fetch_t *(*ngx_aigc_rotation_call_pt)(
    struct ngx_aigc_kubernetes_s *k8s, const char *method, ngx_str_t *path,
    const char *content_type, ngx_log_t *log);


/* For each worker, at its start and end.  ns is the Secret's namespace. */
void ngx_aigc_rotation_calls(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_rotation_call_pt call,
    ngx_str_t *ns);
void ngx_aigc_rotation_calls_end(void);

/* 1: the API server may be called; 0: it has just failed. */
ngx_uint_t ngx_aigc_rotation_may_call(void);

/*
 * Creates a call about the Secret: GET or PATCH.  Of a write the response's
 * body is dropped.  NULL: no memory.
 */
ngx_aigc_fetch_t *ngx_aigc_rotation_call(const char *method,
    const char *content_type);

/*
 * A call of this worker has failed, or (_say) its watch: that is counted, and
 * logged now and then.
 */
void ngx_aigc_rotation_complain(ngx_uint_t status, const char *error,
    const char *what);
void ngx_aigc_rotation_say(ngx_uint_t status, const char *error,
    const char *what);


#endif /* _NGX_AIGC_ROTATION_SECRET_H_INCLUDED_ */
