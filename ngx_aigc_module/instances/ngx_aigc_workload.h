/*
 * instances/ngx_aigc_workload.h — what stands behind a pod: its template's
 * Advanced StatefulSet (kruise's, of the same name), and the cluster's warnings
 * about either (pure; no request, no I/O).
 */

#ifndef _NGX_AIGC_WORKLOAD_H_INCLUDED_
#define _NGX_AIGC_WORKLOAD_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_objects.h"
#include "ngx_aigc_pod.h"


typedef struct {
    ngx_str_t            ns;
    ngx_str_t            gss;           /* its name, and its owner's */
    ngx_str_t            uid;           /* its own: what its pods refer to */
    ngx_str_t            owner;         /* uid of the GameServerSet */
    ngx_str_t            revision;      /* status.updateRevision: what a new
                                           pod gets; len 0: unknown */
    ngx_str_t            why;           /* FailedCreatePod, a sentence */
    unsigned             refused:1;     /* … is true */
} ngx_aigc_workload_t;

typedef struct {
    ngx_str_t            ns;
    ngx_str_t            gss;           /* of the pod's name, "<gss>-<id>" */
    ngx_int_t            id;            /* -1: it is about the GameServerSet */
    ngx_str_t            pod_uid;       /* len 0: the event does not say; the
                                           GameServerSet's, with id -1 */
    ngx_str_t            code;          /* "FailedAttachVolume", … */
    ngx_str_t            text;          /* a sentence, bounded */
    time_t               time;          /* seconds, the last time it was seen;
                                           0: unknown */
    unsigned             unmade:1;      /* kruise could not make the pod */
} ngx_aigc_warning_t;


/*
 * Read a StatefulSet of apps.kruise.io, an Event of core/v1.  Strings are
 * allocated from pool.
 * NGX_OK; NGX_DECLINED: not one of ours (no label, no owner, a name that does
 * not fit, an event of something else or none that warns); NGX_ERROR: no
 * memory.  That a warning's pod exists is for the caller to know.
 *
 * A warning is one about a pod, or kruise's about a pod that it could not make,
 * or OKG's about a GameServerSet.
 */
ngx_int_t ngx_aigc_workload_read(ngx_pool_t *pool, json_t *object, void *value);
ngx_int_t ngx_aigc_warning_read(ngx_pool_t *pool, json_t *object, void *value);


#endif /* _NGX_AIGC_WORKLOAD_H_INCLUDED_ */
