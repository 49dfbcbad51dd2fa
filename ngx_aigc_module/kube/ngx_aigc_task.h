/*
 * kube/ngx_aigc_task.h — the Kubernetes calls of the worker that keeps the
 * cluster in order: few at one time, none twice for the same thing, all of
 * them ended together.
 */

#ifndef _NGX_AIGC_TASK_H_INCLUDED_
#define _NGX_AIGC_TASK_H_INCLUDED_

#include "ngx_aigc_kubernetes.h"

#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_TASKS_MAX  8           /* at one time */
#define NGX_AIGC_TASKS_KIND 6           /* of one kind: calls that always fail
                                           keep out no other kind */
#define NGX_AIGC_TASK_TIME  5000        /* ms for a call */
#define NGX_AIGC_TASK_BODY  (2 * 1024 * 1024)   /* the object written */


typedef enum {
    NGX_AIGC_TASK_REPAIR = 0,           /* slot: a template's */
    NGX_AIGC_TASK_ASIDE,                /* likewise */
    NGX_AIGC_TASK_STAMP,                /* slot: a disk's */
    NGX_AIGC_TASK_BIND_ASK,             /* slot: a template's */
    NGX_AIGC_TASK_BIND,                 /* slot: a disk's */
    NGX_AIGC_TASK_DISK,                 /* likewise: it is deleted */
    NGX_AIGC_TASK_STRAY,                /* slot: a disk's */
    NGX_AIGC_TASK_POD,                  /* slot: a record's; is its pod there? */
    NGX_AIGC_TASK_FORGET,               /* slot: a template's */
    NGX_AIGC_TASK_RELEASE,              /* slot: a template's */
    NGX_AIGC_TASK_REVOCATIONS           /* slot: 0 */
} ngx_aigc_task_e;

typedef struct ngx_aigc_task_s  ngx_aigc_task_t;

/* f NULL: the call was cancelled, how it ended nobody knows. */
typedef void (*ngx_aigc_task_pt)(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);

struct ngx_aigc_task_s {
    ngx_aigc_task_e     what;           /* what and slot: which one it is */
    uint32_t            slot;
    ngx_aigc_task_pt    done;
    void               *data;           /* the caller's, outlives the call */

    ngx_atomic_uint_t   seq;            /* the caller's: what the slot was */
};


/*
 * What all tasks need; from the start of the worker to its end.  again asks for
 * another pass of the reconciler.
 */
void ngx_aigc_task_init(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    void (*again)(void), ngx_log_t *log);

/* A step has done something: the pass should look again soon. */
void ngx_aigc_task_again(void);

/*
 * Reads the object of path; sends it a JSON Patch; deletes it as
 * ngx_aigc_delete_options() says.  task is copied.  NGX_OK: done() will be
 * called once; NGX_BUSY: that one is under way already; NGX_ERROR: no free
 * place, no memory, or this gateway leads no more.
 */
ngx_int_t ngx_aigc_task_get(ngx_aigc_task_t *task, ngx_str_t *path);
ngx_int_t ngx_aigc_task_patch(ngx_aigc_task_t *task, ngx_str_t *path,
    ngx_str_t *patch);
ngx_int_t ngx_aigc_task_delete(ngx_aigc_task_t *task, ngx_str_t *path,
    ngx_str_t *uid, ngx_str_t *version);

/* NGX_OK: such a call is under way; NGX_DECLINED. */
ngx_int_t ngx_aigc_task_running(ngx_aigc_task_e what, uint32_t slot);

/* Ends all calls: done(task, NULL) for each. */
void ngx_aigc_task_cancel(void);


#endif /* _NGX_AIGC_TASK_H_INCLUDED_ */
