/*
 * oidc/ngx_aigc_revoke.h — the ConfigMap aigc-revocations, in the namespace of
 * the Lease, and the zone brought to say the same.  Runs in the one worker that
 * writes the table.  What an entry means is in oidc/ngx_aigc_revoked.h.
 *
 *   list that one object → watch it → connection ends: list again
 *   what the zone has and it has not → merge patch; there is none → create it
 *
 * Every event brings all of it: it is read in slices, one a pass of the event
 * loop (ngx_aigc_revoke_read.h), and the watch is not read further meanwhile.
 *
 * A cluster that refuses is told of in the log; what this gateway was told
 * holds here all the same.
 */

#ifndef _NGX_AIGC_REVOKE_H_INCLUDED_
#define _NGX_AIGC_REVOKE_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_revocation.h"


#define NGX_AIGC_REVOKE_POLL      100   /* ms: has another worker revoked? */
#define NGX_AIGC_REVOKE_BATCH     256   /* entries of a patch */
#define NGX_AIGC_REVOKE_TIMEOUT   5000  /* ms for a list or a write */
#define NGX_AIGC_REVOKE_BACKOFF   200   /* ms, doubled up to … */
#define NGX_AIGC_REVOKE_BACKOFF_MAX  8000
#define NGX_AIGC_REVOKE_SILENCE   150   /* s: bookmarks come every 60 to 120 s */
#define NGX_AIGC_REVOKE_LOG       30000 /* ms between lines that say the same */
#define NGX_AIGC_REVOKE_BODY      (4 * 1024 * 1024)   /* bytes of a list */
#define NGX_AIGC_REVOKE_PRUNE     10000 /* ms between looks for what is past */
#define NGX_AIGC_REVOKE_FORGET    3600  /* s that the zone keeps it longer than
                                           the ConfigMap does */
#define NGX_AIGC_REVOKE_QUIT       2000 /* ms that a quit may take longer */
#define NGX_AIGC_REVOKE_QUIT_OTHER 300  /* ms in which worker 0, or the one of
                                           a reload, has written */
#define NGX_AIGC_REVOKE_QUIT_LOOK  20   /* ms between two looks */


/*
 * lifetime: s of a session.  NGX_OK or NGX_ERROR.  It also ends by itself once
 * another process has become the writer.
 */
ngx_int_t ngx_aigc_revoke_start(ngx_cycle_t *cycle,
    ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone, time_t lifetime);
void ngx_aigc_revoke_stop(void);

/*
 * For each worker: at its start; when it is told to quit, upon which it stays
 * until what was revoked is in the ConfigMap, or for REVOKE_QUIT; at its end.
 */
void ngx_aigc_revoke_quit_init(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, time_t lifetime);
void ngx_aigc_revoke_quit(void);
void ngx_aigc_revoke_quit_stop(void);

/*
 * A step of the leader's pass: removes from the ConfigMap what no session can be
 * older than, and, when it is almost full, the oldest ones behind a floor.
 */
void ngx_aigc_revoke_prune(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/* For its own files: a line at most every NGX_AIGC_REVOKE_LOG ms. */
void ngx_aigc_revoke_complain(ngx_uint_t status, const char *error,
    const char *what);

/* Its path with query (or ""), and method; as ngx_aigc_kubernetes_call(). */
ngx_aigc_fetch_t *ngx_aigc_revoke_call(ngx_aigc_kubernetes_t *k8s,
    const char *method, const char *query, const char *content_type,
    ngx_log_t *log);

/* The writes, in ngx_aigc_revoke_store.c: a look every POLL ms; the end. */
void ngx_aigc_revoke_store(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);
void ngx_aigc_revoke_store_stop(void);
void ngx_aigc_revoke_again(void);      /* the ConfigMap has changed: look */

/* In every worker, set by ngx_aigc_revoke_quit_init(). */
extern time_t                  ngx_aigc_revoke_lifetime;
extern ngx_aigc_kubernetes_t  *ngx_aigc_revoke_k8s;


#endif /* _NGX_AIGC_REVOKE_H_INCLUDED_ */
