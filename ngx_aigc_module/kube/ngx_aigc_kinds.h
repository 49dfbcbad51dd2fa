/*
 * kube/ngx_aigc_kinds.h — the kinds of objects that are watched.
 */

#ifndef _NGX_AIGC_KINDS_H_INCLUDED_
#define _NGX_AIGC_KINDS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* whose each object of a template is */
#define NGX_AIGC_LABEL_GSS          "game.kruise.io/owner-gss"


/*
 * What is watched.  Without the core kinds nothing can be decided; of the
 * auxiliary ones each is missed only for what it tells: a cluster that refuses
 * them, or is slow with them, leaves the table as good as it was.
 */
typedef enum {
    NGX_AIGC_KIND_GSS = 0,
    NGX_AIGC_KIND_GS,
    NGX_AIGC_KIND_PVC,
    NGX_AIGC_KIND_POD,
    NGX_AIGC_KINDS_CORE,                /* these are, and from here on not */
    NGX_AIGC_KIND_WORKLOAD = NGX_AIGC_KINDS_CORE,
    NGX_AIGC_KIND_WARNING,
    NGX_AIGC_KINDS
} ngx_aigc_kind_e;


#endif /* _NGX_AIGC_KINDS_H_INCLUDED_ */
