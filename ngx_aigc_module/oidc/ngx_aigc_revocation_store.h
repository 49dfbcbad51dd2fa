/*
 * oidc/ngx_aigc_revocation_store.h — the ConfigMap aigc-revocations, in the
 * gateway's own namespace, and the zone brought to say the same.  What an entry
 * means is in oidc/ngx_aigc_revocation_entry.h.
 *
 *   it is watched as any kind is (ngx_http_aigc_kinds.c) → read into the zone
 *   what the zone has and it has not → merge patch; there is none → create it
 *
 * A cluster that refuses is told of in the log; what this gateway was told
 * holds here all the same.
 */

#ifndef _NGX_AIGC_REVOCATION_STORE_H_INCLUDED_
#define _NGX_AIGC_REVOCATION_STORE_H_INCLUDED_

#include "base/ngx_aigc_fetch.h"

#include "ngx_aigc_revocation.h"


struct ngx_aigc_kubernetes_s;

/* How the API server is called: ngx_aigc_kubernetes_call(). */
typedef ngx_aigc_fetch_t *(*ngx_aigc_revocation_call_pt)(
    struct ngx_aigc_kubernetes_s *k8s, const char *method, ngx_str_t *path,
    const char *content_type, ngx_log_t *log);


/*
 * For each worker.  _init() at its start: ns is the ConfigMap's namespace,
 * lifetime the seconds of a session.  _shutdown() when it is to shut down: it
 * stays until the ConfigMap has what was revoked, for two seconds at most.
 * _stop() at its end.
 */
void ngx_aigc_revocation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_revocation_call_pt call,
    ngx_str_t *ns, time_t lifetime);
void ngx_aigc_revocation_shutdown(void);
void ngx_aigc_revocation_stop(void);

/*
 * For the worker that writes the zone: writes to the ConfigMap what any worker
 * has revoked, until another process has become the writer.
 */
void ngx_aigc_revocation_start(void);

/*
 * A step of the leader's round: removes from the ConfigMap what no session can
 * be older than, and, when it is almost full, the oldest entries, which a floor
 * then stands for.
 */
void ngx_aigc_revocation_store_prune(struct ngx_aigc_kubernetes_s *k8s,
    ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * What ngx_aigc_kind_t says of take.  The ConfigMap has up to a megabyte, and
 * comes whole with each change of one entry: its text is walked through, a
 * bounded number of entries in each pass of the event loop.
 */
ngx_int_t ngx_aigc_revocation_take(ngx_aigc_zone_t *zone, ngx_str_t *text,
    ngx_uint_t more, uint32_t mark, ngx_log_t *log);

/* The list with this mark is complete: what it lacks is not there. */
void ngx_aigc_revocation_listed(ngx_aigc_zone_t *zone, uint32_t mark);

/*
 * What ngx_aigc_kind_t says of failed.  With status 403 the ConfigMap may not
 * be read, and this gateway goes on by what it is told itself.
 */
void ngx_aigc_revocation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error);

/*
 * The ConfigMap has changed: looks again for what it lacks, since an older
 * revocation may have been written over one of ours.
 */
void ngx_aigc_revocation_again(void);


#endif /* _NGX_AIGC_REVOCATION_STORE_H_INCLUDED_ */
