/*
 * instances/ngx_aigc_objects.h — GameServers and PersistentVolumeClaims as the
 * gateway reads them.  Pods are in ngx_aigc_pod.h, what stands behind them in
 * ngx_aigc_workload.h.
 */

#ifndef _NGX_AIGC_OBJECTS_H_INCLUDED_
#define _NGX_AIGC_OBJECTS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "ngx_aigc_annotation.h"
#include "ngx_aigc_owner_ref.h"
#include "base/ngx_aigc_bounds.h"


/* whose each object of a template is */
#define NGX_AIGC_LABEL_GSS          "game.kruise.io/owner-gss"

#define NGX_AIGC_OWNER_UNREADABLE   "\x7f"      /* no user's "sub" */


typedef enum {
    NGX_AIGC_GS_UNKNOWN = 0,            /* Unknown or empty */
    NGX_AIGC_GS_CREATING,
    NGX_AIGC_GS_READY,
    NGX_AIGC_GS_NOT_READY,
    NGX_AIGC_GS_CRASH,
    NGX_AIGC_GS_UPDATING,               /* Updating, PreUpdate */
    NGX_AIGC_GS_DELETING                /* Deleting, PreDelete, or a
                                           deletionTimestamp */
} ngx_aigc_gs_state_e;


/*
 * What OKG says of an instance.  It comes late, and its copy of the pod's
 * status may be another pod's by then: nothing of that copy is read.
 */
typedef struct {
    ngx_str_t            ns;
    ngx_str_t            name;
    ngx_str_t            gss;           /* label, equal to the name's prefix */
    ngx_int_t            id;
    ngx_str_t            uid;
    ngx_aigc_gs_state_e  state;
    unsigned             network_ready:1;   /* currentNetworkState Ready */
} ngx_aigc_gs_t;

typedef struct {
    ngx_str_t            ns;
    ngx_str_t            name;
    ngx_str_t            gss;           /* label */
    ngx_int_t            id;
    ngx_str_t            uid;
    ngx_str_t            owner;         /* annotation; len 0: not stamped; one
                                           that cannot be read (empty, too
                                           long, controls) is nobody's:
                                           NGX_AIGC_OWNER_UNREADABLE */
    ngx_str_t            stray;         /* annotation: uid of the GameServerSet
                                           that made it for nobody; len 0: none,
                                           or it cannot be read */
    ngx_str_t            version;       /* resourceVersion; len 0: unknown */
    ngx_aigc_owner_ref_t ref;           /* to its GameServerSet */
    time_t               created;       /* seconds; 0: unknown */
    unsigned             has_annotations:1;
    unsigned             deleting:1;
} ngx_aigc_pvc_t;


/*
 * Strings are allocated from pool.
 * NGX_OK; NGX_DECLINED: not one of ours (no label, a name that does not fit
 * it); NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_gs_read(ngx_pool_t *pool, json_t *object, void *value);
ngx_int_t ngx_aigc_pvc_read(ngx_pool_t *pool, json_t *object, void *value);

/*
 * What all objects of a GameServerSet have in common; a name up to max bytes.
 * Returns likewise.
 */
ngx_int_t ngx_aigc_object_read(ngx_pool_t *pool, json_t *object, size_t max,
    ngx_str_t *ns, ngx_str_t *name, ngx_str_t *gss, ngx_str_t *uid);

/*
 * The JSON Patch that records owner on a PVC, only if uid is still the same
 * and no owner is there.  out from pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_pvc_stamp(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc,
    ngx_str_t *owner, ngx_str_t *out);

/*
 * Likewise the one that records, under the same conditions, that the
 * GameServerSet with the uid gss made it for nobody.
 */
ngx_int_t ngx_aigc_pvc_stray(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc,
    ngx_str_t *gss, ngx_str_t *out);


#endif /* _NGX_AIGC_OBJECTS_H_INCLUDED_ */
