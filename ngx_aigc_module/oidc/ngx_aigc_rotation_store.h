/*
 * oidc/ngx_aigc_rotation_store.h — the Secret aigc-sessions, in the gateway's
 * own namespace, by which all gateways know the newest refresh tokens.  What an
 * entry means is in ngx_aigc_rotation_entry.h.
 *
 *   it is watched as any kind is (ngx_http_aigc_kinds.c) → read into the zone
 *   a renewal claims a session, and writes its new token → JSON patch
 *                                             (ngx_aigc_rotation_turn.h)
 *   a token that could not be written then → written later, by worker 0
 *
 * A provider that never replaces a refresh token never causes a write.  A
 * cluster that refuses is told of in the log, and this gateway goes on by what
 * it knows itself.
 */

#ifndef _NGX_AIGC_ROTATION_STORE_H_INCLUDED_
#define _NGX_AIGC_ROTATION_STORE_H_INCLUDED_

#include "ngx_aigc_rotation.h"
#include "ngx_aigc_rotation_secret.h"


/*
 * For each worker: _init() at its start, where ns is the Secret's namespace,
 * and _stop() at its end.  _start() for the worker that writes the zone.
 */
void ngx_aigc_rotation_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_rotation_call_pt call,
    ngx_str_t *ns);
void ngx_aigc_rotation_start(void);
void ngx_aigc_rotation_stop(void);

/*
 * A step of the leader's round: removes the entries of sessions that are over,
 * and of the oldest ones when there are too many.
 */
void ngx_aigc_rotation_prune(struct ngx_aigc_kubernetes_s *k8s,
    ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * What ngx_aigc_kind_t says of take: a bounded number of entries in each pass
 * of the event loop.
 */
ngx_int_t ngx_aigc_rotation_take(ngx_aigc_zone_t *zone, ngx_str_t *text,
    ngx_uint_t more, uint32_t mark, ngx_log_t *log);

/*
 * How many entries can be removed, as the last reading has found, and their
 * keys, one behind the other.
 */
ngx_uint_t ngx_aigc_rotation_past(u_char **keys);

/* What ngx_aigc_kind_t says of failed. */
void ngx_aigc_rotation_failed(ngx_aigc_zone_t *zone, ngx_uint_t status,
    const char *error);


#endif /* _NGX_AIGC_ROTATION_STORE_H_INCLUDED_ */
