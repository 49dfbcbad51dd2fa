/*
 * kube/ngx_aigc_task.h — the Kubernetes calls of the worker that keeps the
 * cluster in order: few at one time, none twice for the same thing, all of
 * them ended together.
 */

#ifndef _NGX_AIGC_TASK_H_INCLUDED_
#define _NGX_AIGC_TASK_H_INCLUDED_

#include "ngx_aigc_kubernetes.h"

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_TASKS_MAX  8           /* at one time */
#define NGX_AIGC_TASKS_KIND 6           /* of one kind: calls that always fail
                                           keep out no other kind */
#define NGX_AIGC_TASK_TIME  5000        /* ms for a call */


typedef enum {
    NGX_AIGC_TASK_REPAIR = 0,           /* slot: a template's */
    NGX_AIGC_TASK_ASIDE,                /* slot: a template's */
    NGX_AIGC_TASK_STAMP,                /* slot: a disk's */
    NGX_AIGC_TASK_BIND_ASK,             /* slot: a template's */
    NGX_AIGC_TASK_BIND,                 /* slot: a disk's */
    NGX_AIGC_TASK_DISK,                 /* a disk is deleted; slot: its own */
    NGX_AIGC_TASK_STRAY,                /* slot: a disk's */
    NGX_AIGC_TASK_POD,                  /* does a pod exist?  slot: its
                                           record's */
    NGX_AIGC_TASK_FORGET,               /* slot: a template's */
    NGX_AIGC_TASK_RELEASE               /* slot: a template's */
} ngx_aigc_task_e;

typedef struct ngx_aigc_task_s  ngx_aigc_task_t;

/* f NULL: the call was cancelled, and nobody knows what it has done. */
typedef void (*ngx_aigc_task_pt)(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);

struct ngx_aigc_task_s {
    ngx_aigc_task_e     what;           /* what and slot: which one it is */
    uint32_t            slot;
    ngx_aigc_task_pt    done;
    void               *data;           /* the caller's, outlives the call */

    ngx_atomic_uint_t   seq;            /* for the caller: the slot's counter */
};


/*
 * Called at the start of the worker.  again asks for another pass of the
 * reconciler.
 */
void ngx_aigc_task_init(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    void (*again)(void), ngx_log_t *log);

/* Asks for another pass soon, because a step has done something. */
void ngx_aigc_task_again(void);

/*
 * Read the object at path; send it a JSON Patch; delete it as
 * ngx_aigc_delete_options() says.  task is copied.  NGX_OK: done() will be
 * called once; NGX_BUSY: a task with the same what and slot is under way;
 * NGX_ERROR: too many are under way, no memory, or this gateway leads no more.
 */
ngx_int_t ngx_aigc_task_get(ngx_aigc_task_t *task, ngx_str_t *path);
ngx_int_t ngx_aigc_task_patch(ngx_aigc_task_t *task, ngx_str_t *path,
    ngx_str_t *patch);
ngx_int_t ngx_aigc_task_delete(ngx_aigc_task_t *task, ngx_str_t *path,
    ngx_str_t *uid, ngx_str_t *version);

/*
 * NGX_OK: a task with that what and slot is under way; NGX_DECLINED: none is.
 */
ngx_int_t ngx_aigc_task_running(ngx_aigc_task_e what, uint32_t slot);

/* Ends all tasks, with done(task, NULL) for each. */
void ngx_aigc_task_cancel(void);


#endif /* _NGX_AIGC_TASK_H_INCLUDED_ */
