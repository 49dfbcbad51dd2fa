/*
 * oidc/ngx_aigc_revocation_store.h — the ConfigMap aigc-revocations, in the
 * gateway's own namespace, and the zone brought to say the same.  What an entry
 * means is in oidc/ngx_aigc_revoked.h.
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


#define NGX_AIGC_REVOCATION_POLL     100    /* ms: has another worker revoked? */
#define NGX_AIGC_REVOCATION_BATCH    256    /* entries of a patch */
#define NGX_AIGC_REVOCATION_TIMEOUT  5000   /* ms for a write */
#define NGX_AIGC_REVOCATION_BACKOFF  200    /* ms, doubled up to … */
#define NGX_AIGC_REVOCATION_BACKOFF_MAX  8000
#define NGX_AIGC_REVOCATION_LOG      30000  /* ms between lines that say the
                                               same */
#define NGX_AIGC_REVOCATION_PRUNE    10000  /* ms between looks for what is
                                               past */
#define NGX_AIGC_REVOCATION_FORGET   3600   /* s that the zone keeps it longer
                                               than the ConfigMap does */
#define NGX_AIGC_REVOCATION_QUIT     2000   /* ms that a quit may take longer */
#define NGX_AIGC_REVOCATION_QUIT_OTHER  300 /* ms in which worker 0, or the one
                                               of a reload, has written */
#define NGX_AIGC_REVOCATION_QUIT_LOOK   20  /* ms between two looks */


struct ngx_aigc_kubernetes_s;

/* How the API server is called: ngx_aigc_kubernetes_call(). */
typedef ngx_aigc_fetch_t *(*ngx_aigc_revocation_call_pt)(
    struct ngx_aigc_kubernetes_s *k8s, const char *method, ngx_str_t *path,
    const char *content_type, ngx_log_t *log);


/*
 * For each worker: at its start, ns being the ConfigMap's namespace, lifetime
 * the seconds of a session; when it is told to quit, upon which it stays until
 * what was revoked is in the ConfigMap, or for REVOCATION_QUIT; at its end.
 */
void ngx_aigc_revocation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_revocation_call_pt call,
    ngx_str_t *ns, time_t lifetime);
void ngx_aigc_revocation_quit(void);
void ngx_aigc_revocation_stop(void);

/*
 * In the one worker that writes the zone: it stores what any has revoked.  Ends
 * by itself once another process has become the writer.
 */
void ngx_aigc_revocation_start(void);

/*
 * A step of the leader's pass: removes from the ConfigMap what no session can be
 * older than, and, when it is almost full, the oldest ones behind a floor.
 */
void ngx_aigc_revocation_store_prune(struct ngx_aigc_kubernetes_s *k8s,
    ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * The watch's, as ngx_aigc_kind_t has it.  take: the object, up to a megabyte
 * and whole with every change of one entry, is walked through without being
 * built, a bounded number of entries a pass.  listed: a list is whole.  failed:
 * it could not be read; with 403 nobody will ever tell us who is revoked, and
 * what we are told ourselves has to do.
 */
ngx_int_t ngx_aigc_revocation_take(ngx_aigc_zone_t *zone, ngx_str_t *text,
    ngx_uint_t more, uint32_t mark, ngx_log_t *log);
void ngx_aigc_revocation_listed(ngx_aigc_zone_t *zone, uint32_t mark);
void ngx_aigc_revocation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error);

/* The ConfigMap has changed: one smaller than ours may have been written. */
void ngx_aigc_revocation_again(void);


#endif /* _NGX_AIGC_REVOCATION_STORE_H_INCLUDED_ */
