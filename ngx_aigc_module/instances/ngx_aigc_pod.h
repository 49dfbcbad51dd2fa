/*
 * instances/ngx_aigc_pod.h — a pod as the gateway reads it: whose it is, its
 * address, whether it is ready, and why it is not (pure; no request, no I/O).
 */

#ifndef _NGX_AIGC_POD_H_INCLUDED_
#define _NGX_AIGC_POD_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_LABEL_REVISION   "controller-revision-hash"


/* How far a pod has come, as its status says. */
typedef enum {
    NGX_AIGC_PROGRESS_NONE = 0,
    NGX_AIGC_PROGRESS_SCHEDULED,        /* a node has it */
    NGX_AIGC_PROGRESS_PREPARED          /* volumes and network are there: its
                                           containers speak for themselves */
} ngx_aigc_progress_e;


typedef struct {
    ngx_str_t            ns;
    ngx_str_t            name;
    ngx_str_t            gss;           /* label, equal to the name's prefix */
    ngx_int_t            id;
    ngx_str_t            uid;
    ngx_str_t            owner;         /* uid of the Advanced StatefulSet named
                                           gss that controls it; len 0: none
                                           does */
    ngx_str_t            revision;      /* label; len 0: unknown */
    time_t               deadline;      /* metadata.deletionTimestamp: when its
                                           grace period ends; 0: unknown */
    ngx_str_t            ip;            /* IPv4 or IPv6 literal; len 0: none */
    ngx_str_t            start;         /* status.startTime: which of two pods
                                           is the newer; len 0: unknown */
    ngx_aigc_progress_e  progress;
    ngx_str_t            reason_code;   /* "Unschedulable", "ImagePullBackOff",
                                           "CrashLoopBackOff", …; len 0: none */
    ngx_str_t            reason;        /* a sentence, bounded */
    unsigned             deleting:1;
    unsigned             ready:1;       /* it runs, and its condition Ready is
                                           True: not Unknown, not left out */
    unsigned             failed:1;      /* it has ended, and badly */
} ngx_aigc_pod_t;


/*
 * Reads a Pod.  Strings are allocated from pool.  NGX_OK; NGX_DECLINED: not
 * one of ours (no label, a name that does not fit it); NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_pod_read(ngx_pool_t *pool, json_t *object, void *value);


#endif /* _NGX_AIGC_POD_H_INCLUDED_ */
