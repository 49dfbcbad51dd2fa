/*
 * kube/ngx_aigc_watch_path.h — what a watch asks the API server for.
 */

#ifndef _NGX_AIGC_WATCH_PATH_H_INCLUDED_
#define _NGX_AIGC_WATCH_PATH_H_INCLUDED_

#include "ngx_aigc_kinds.h"
#include "ngx_aigc_kubernetes.h"


typedef enum {
    NGX_AIGC_WATCH_WAITING = 0,         /* for its timer */
    NGX_AIGC_WATCH_STREAMING_LIST,
    NGX_AIGC_WATCH_PAGED_LIST,
    NGX_AIGC_WATCH_WATCHING
} ngx_aigc_watch_phase_e;


/* "GameServerSets", … */
extern const char  *ngx_aigc_watch_names[];

/*
 * The request line's path and query, from pool.  version: where a watch goes
 * on; next: the continue token of a page (len 0: the first).  NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_aigc_watch_path(ngx_pool_t *pool, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_kind_e kind, ngx_str_t *ns, ngx_aigc_watch_phase_e phase,
    ngx_str_t *version, ngx_str_t *next, ngx_str_t *path);


#endif /* _NGX_AIGC_WATCH_PATH_H_INCLUDED_ */
