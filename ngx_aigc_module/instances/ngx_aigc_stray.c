/*
 * instances/ngx_aigc_stray.c — a disk is marked while it is fresh, and deleted
 * later.
 */

#include "ngx_aigc_stray.h"
#include "ngx_aigc_event.h"
#include "kube/ngx_aigc_task.h"

#include "ngx_aigc_given.h"
#include "ngx_aigc_table_peek.h"
#include "ngx_aigc_plan.h"


typedef enum {
    NGX_AIGC_STRAY_FREE = 0,
    NGX_AIGC_STRAY_ASK,                 /* was its id given before it came? */
    NGX_AIGC_STRAY_PROVEN,              /* it was not */
    NGX_AIGC_STRAY_REFUSED,             /* it was, or may have been */
    NGX_AIGC_STRAY_MARKED               /* … to be deleted, or is */
} ngx_aigc_stray_state_e;


/* A disk that is looked after. */
typedef struct {
    ngx_aigc_stray_state_e             state;
    uint32_t                           slot;    /* the disk's */
    uint32_t                           tmpl;    /* slot */
    ngx_atomic_uint_t                  number;  /* another one for each disk */
    ngx_int_t                          id;
    time_t                             created;
    ngx_msec_t                         since;   /* first seen; of a marked one:
                                                   left alone since, 0: it is
                                                   not */
    ngx_msec_t                         seen;    /* in the last pass */
    ngx_aigc_fixed_t(NGX_AIGC_UID_MAX) uid;     /* the disk's */
    ngx_aigc_fixed_t(NGX_AIGC_UID_MAX) gss;     /* the template's */
} ngx_aigc_stray_t;


/* All that the table knows about one. */
typedef struct {
    ngx_aigc_disk_t       disk;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;
} ngx_aigc_stray_view_t;


static ngx_int_t ngx_aigc_stray_view(uint32_t slot, ngx_aigc_stray_view_t *v);
static ngx_aigc_stray_t *ngx_aigc_stray_entry(uint32_t slot,
    ngx_aigc_stray_view_t *v);
static void ngx_aigc_stray_fresh(ngx_aigc_stray_t *s,
    ngx_aigc_stray_view_t *v);
static void ngx_aigc_stray_marked(ngx_aigc_stray_t *s,
    ngx_aigc_stray_view_t *v);
static ngx_uint_t ngx_aigc_stray_alone(ngx_aigc_stray_view_t *v);
static void ngx_aigc_stray_mark(ngx_aigc_stray_t *s, ngx_aigc_stray_view_t *v);
static void ngx_aigc_stray_mark_done(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);
static void ngx_aigc_stray_ask_gss(ngx_aigc_stray_t *s,
    ngx_aigc_task_pt done);
static void ngx_aigc_stray_asked(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);
static void ngx_aigc_stray_pod(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);
static void ngx_aigc_stray_gss(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);
static void ngx_aigc_stray_delete(ngx_aigc_stray_t *s);
static void ngx_aigc_stray_deleted(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f);
static ngx_aigc_stray_t *ngx_aigc_stray_of(ngx_aigc_task_t *task,
    ngx_aigc_fetch_t *f);
static void ngx_aigc_stray_task(ngx_aigc_stray_t *s, ngx_aigc_task_t *task,
    ngx_aigc_task_pt done);


static ngx_aigc_kubernetes_t  *ngx_aigc_stray_k8s;
static ngx_aigc_zone_t        *ngx_aigc_stray_zone;
static ngx_log_t              *ngx_aigc_stray_log;
static ngx_aigc_stray_t        ngx_aigc_strays[NGX_AIGC_STRAYS_MAX];
static ngx_atomic_uint_t       ngx_aigc_stray_number;



void
ngx_aigc_stray(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    uint32_t                slot;
    ngx_uint_t              i;
    ngx_msec_t              now;
    ngx_aigc_stray_t       *s;
    ngx_aigc_stray_view_t   v;

    ngx_aigc_stray_k8s = k8s;
    ngx_aigc_stray_zone = zone;
    ngx_aigc_stray_log = log;

    now = ngx_aigc_now();

    for (slot = 0; ; slot++) {

        slot = ngx_aigc_peek_stray(zone, slot, ngx_time());

        if (slot >= ngx_aigc_table(zone)->end_disks) {
            break;
        }

        if (ngx_aigc_stray_view(slot, &v) != NGX_OK) {
            continue;
        }

        s = ngx_aigc_stray_entry(slot, &v);
        if (s == NULL) {
            continue;
        }

        s->seen = now;

        if (v.disk.stray.len) {
            ngx_aigc_stray_marked(s, &v);

        } else {
            ngx_aigc_stray_fresh(s, &v);
        }
    }

    for (i = 0; i < NGX_AIGC_STRAYS_MAX; i++) {
        if (ngx_aigc_strays[i].seen != now) {
            ngx_aigc_strays[i].state = NGX_AIGC_STRAY_FREE;
        }
    }
}


/* NGX_DECLINED: it may be somebody's, as far as the table knows */
static ngx_int_t
ngx_aigc_stray_view(uint32_t slot, ngx_aigc_stray_view_t *v)
{
    ngx_aigc_zone_t  *zone;

    zone = ngx_aigc_stray_zone;

    if (ngx_aigc_table_disk_at(zone, slot, &v->disk) != NGX_OK
        || v->disk.owner.len || v->disk.deleting || v->disk.ref_uid.len
        || ngx_aigc_table_record_at(zone, v->disk.record, &v->record) != NGX_OK
        || v->record.state != NGX_AIGC_NO_STATE || v->record.lost
        || v->record.tmpl == NGX_AIGC_NONE
        || ngx_aigc_table_template_at(zone, v->record.tmpl, &v->tmpl) != NGX_OK
        || v->tmpl.deleting || v->tmpl.partial || !v->tmpl.written)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* NULL: no room for it now */
static ngx_aigc_stray_t *
ngx_aigc_stray_entry(uint32_t slot, ngx_aigc_stray_view_t *v)
{
    ngx_str_t          uid;
    ngx_uint_t         i;
    ngx_aigc_stray_t  *s, *unused;

    unused = NULL;

    for (i = 0; i < NGX_AIGC_STRAYS_MAX; i++) {
        s = &ngx_aigc_strays[i];

        if (s->state == NGX_AIGC_STRAY_FREE) {
            unused = s;

        } else if (s->slot == slot
                   && ngx_aigc_fixed_eq(&s->uid, &v->disk.uid)
                   && ngx_aigc_fixed_eq(&s->gss, &v->tmpl.uid))
        {
            return s;
        }
    }

    if (unused == NULL) {
        return NULL;
    }

    s = unused;

    ngx_memzero(s, sizeof(ngx_aigc_stray_t));

    s->state = NGX_AIGC_STRAY_ASK;
    s->number = ++ngx_aigc_stray_number;
    s->slot = slot;
    s->tmpl = v->record.tmpl;
    s->id = v->record.id;
    s->created = v->disk.created;
    s->since = ngx_aigc_now();

    ngx_aigc_fixed_get(&v->disk.uid, &uid);
    ngx_aigc_fixed_set(&s->uid, &uid);
    ngx_aigc_fixed_get(&v->tmpl.uid, &uid);
    ngx_aigc_fixed_set(&s->gss, &uid);

    return s;
}


static void
ngx_aigc_stray_fresh(ngx_aigc_stray_t *s, ngx_aigc_stray_view_t *v)
{
    if (s->state == NGX_AIGC_STRAY_ASK) {
        ngx_aigc_stray_ask_gss(s, ngx_aigc_stray_asked);
        return;
    }

    /* one that was made, or restored, by hand has no such pod */

    if (s->state == NGX_AIGC_STRAY_PROVEN
        && v->record.pod && v->record.pod_owner
        && v->record.pod_owner == v->tmpl.workload)
    {
        ngx_aigc_stray_mark(s, v);
    }
}


static void
ngx_aigc_stray_marked(ngx_aigc_stray_t *s, ngx_aigc_stray_view_t *v)
{
    u_char           buf[NGX_AIGC_PATH_MAX];
    ngx_str_t        path, ns, name;
    ngx_aigc_task_t  task;

    if (s->state != NGX_AIGC_STRAY_MARKED) {
        s->state = NGX_AIGC_STRAY_MARKED;
        s->since = 0;
    }

    if (!ngx_aigc_stray_alone(v)) {
        s->since = 0;
        return;
    }

    if (s->since == 0) {
        s->since = ngx_aigc_now();
    }

    if (ngx_aigc_since(s->since) < NGX_AIGC_STRAY_HOLD) {
        return;
    }

    /* the table follows the cluster; the last word is the API server's */

    ngx_aigc_fixed_get(&v->record.ns, &ns);
    ngx_aigc_fixed_get(&v->record.name, &name);

    path.data = buf;
    ngx_aigc_kubernetes_pod(&path, &ns, &name, v->record.id);

    ngx_aigc_stray_task(s, &task, ngx_aigc_stray_pod);

    (void) ngx_aigc_task_get(&task, &path);
}


/* Of this template, and with nobody and nothing that it is for? */
static ngx_uint_t
ngx_aigc_stray_alone(ngx_aigc_stray_view_t *v)
{
    time_t  age;

    age = ngx_time() - v->disk.created;

    return ngx_aigc_fixed_eq(&v->disk.stray, &v->tmpl.uid)
           && v->disk.version.len
           && age >= -NGX_AIGC_STRAY_YOUNG && age <= NGX_AIGC_STRAY_OLD
           && !v->record.pod && !v->record.gs
           && v->tmpl.agrees
           && ngx_aigc_plan_settled(&v->tmpl) == NGX_OK;
}


static void
ngx_aigc_stray_mark(ngx_aigc_stray_t *s, ngx_aigc_stray_view_t *v)
{
    u_char            buf[NGX_AIGC_PATH_MAX];
    ngx_str_t         path, gss, patch;
    ngx_pool_t       *pool;
    ngx_aigc_pvc_t    pvc;
    ngx_aigc_task_t   task;

    ngx_memzero(&pvc, sizeof(ngx_aigc_pvc_t));

    ngx_aigc_fixed_get(&v->disk.ns, &pvc.ns);
    ngx_aigc_fixed_get(&v->disk.name, &pvc.name);
    ngx_aigc_fixed_get(&s->uid, &pvc.uid);
    ngx_aigc_fixed_get(&s->gss, &gss);
    pvc.has_annotations = v->disk.has_annotations;

    pool = ngx_create_pool(1024, ngx_aigc_stray_log);
    if (pool == NULL) {
        return;
    }

    if (ngx_aigc_pvc_stray(pool, &pvc, &gss, &patch) == NGX_OK) {
        path.data = buf;
        ngx_aigc_kubernetes_pvc(&path, &pvc.ns, &pvc.name);

        ngx_aigc_stray_task(s, &task, ngx_aigc_stray_mark_done);

        (void) ngx_aigc_task_patch(&task, &path, &patch);
    }

    ngx_destroy_pool(pool);
}


static void
ngx_aigc_stray_mark_done(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_stray_t  *s;

    s = ngx_aigc_stray_of(task, f);

    if (s == NULL) {
        return;
    }

    switch (ngx_aigc_kubernetes_written(f, "a disk of nobody's could not be "
                                           "marked"))
    {
    case NGX_AIGC_WRITE_DONE:
        s->state = NGX_AIGC_STRAY_MARKED;       /* the watch shows the mark */
        s->since = 0;
        return;

    case NGX_AIGC_WRITE_GONE:
    case NGX_AIGC_WRITE_MOVED:

        /* it is someone's, or another disk of that name by now */

        s->state = NGX_AIGC_STRAY_REFUSED;
        return;

    default:

        /* nor is it asked for again when a policy says no */

        if (f->status == 422) {
            s->state = NGX_AIGC_STRAY_REFUSED;
        }

        return;
    }
}


static void
ngx_aigc_stray_ask_gss(ngx_aigc_stray_t *s, ngx_aigc_task_pt done)
{
    u_char               buf[NGX_AIGC_PATH_MAX];
    ngx_str_t            path, ns, name;
    ngx_aigc_task_t      task;
    ngx_aigc_template_t  tmpl;

    if (ngx_aigc_table_template_at(ngx_aigc_stray_zone, s->tmpl, &tmpl)
        != NGX_OK)
    {
        return;
    }

    ngx_aigc_fixed_get(&tmpl.ns, &ns);
    ngx_aigc_fixed_get(&tmpl.name, &name);

    path.data = buf;
    ngx_aigc_kubernetes_gss(&path, &ns, &name);

    ngx_aigc_stray_task(s, &task, done);

    (void) ngx_aigc_task_get(&task, &path);
}


static void
ngx_aigc_stray_asked(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_int_t          top;
    ngx_str_t          gss;
    ngx_aigc_stray_t  *s;

    s = ngx_aigc_stray_of(task, f);

    if (s == NULL || f->error || f->status != 200) {
        return;                         /* asked again while it is fresh */
    }

    ngx_aigc_fixed_get(&s->gss, &gss);

    s->state = (ngx_aigc_given(&f->answer, &gss, s->id, s->created, &top)
                == NGX_DECLINED
                && top < s->id)
               ? NGX_AIGC_STRAY_PROVEN : NGX_AIGC_STRAY_REFUSED;

    ngx_aigc_task_again();
}


static void
ngx_aigc_stray_pod(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_stray_t  *s;

    s = ngx_aigc_stray_of(task, f);

    if (s == NULL
        || ngx_aigc_verdict(NULL, f->status, &f->answer, NULL)
           != NGX_AIGC_WRITE_GONE)
    {
        return;                         /* it is there, or nobody knows */
    }

    ngx_aigc_stray_ask_gss(s, ngx_aigc_stray_gss);
}


static void
ngx_aigc_stray_gss(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_int_t          top;
    ngx_str_t          gss;
    ngx_aigc_stray_t  *s;

    s = ngx_aigc_stray_of(task, f);

    if (s == NULL || f->error || f->status != 200) {
        return;
    }

    /* top has it: the id is nobody's for ever, OKG starts it no more */

    ngx_aigc_fixed_get(&s->gss, &gss);

    if (ngx_aigc_given(&f->answer, &gss, s->id, s->created, &top)
        == NGX_DECLINED
        && top >= s->id)
    {
        ngx_aigc_stray_delete(s);
    }
}


/* As the table has seen it, and not as it may have become since. */
static void
ngx_aigc_stray_delete(ngx_aigc_stray_t *s)
{
    u_char                  buf[NGX_AIGC_PATH_MAX];
    ngx_str_t               path, ns, name, uid, version;
    ngx_aigc_task_t         task;
    ngx_aigc_stray_view_t   v;

    if (ngx_aigc_stray_view(s->slot, &v) != NGX_OK
        || !ngx_aigc_fixed_eq(&v.disk.uid, &s->uid)
        || !ngx_aigc_fixed_eq(&v.tmpl.uid, &s->gss)
        || !ngx_aigc_stray_alone(&v))
    {
        return;
    }

    ngx_aigc_fixed_get(&v.disk.ns, &ns);
    ngx_aigc_fixed_get(&v.disk.name, &name);
    ngx_aigc_fixed_get(&v.disk.uid, &uid);
    ngx_aigc_fixed_get(&v.disk.version, &version);

    path.data = buf;
    ngx_aigc_kubernetes_pvc(&path, &ns, &name);

    ngx_aigc_stray_task(s, &task, ngx_aigc_stray_deleted);

    (void) ngx_aigc_task_delete(&task, &path, &uid, &version);
}


static void
ngx_aigc_stray_deleted(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_stray_t     *s;
    ngx_aigc_verdict_e    verdict;
    ngx_aigc_template_t   tmpl;

    s = ngx_aigc_stray_of(task, f);

    if (s == NULL) {
        return;
    }

    verdict = ngx_aigc_kubernetes_written(f, "a disk of nobody's was not "
                                             "deleted");

    if (verdict != NGX_AIGC_WRITE_GONE) {
        s->since = 0;                   /* the whole time anew */
    }

    if (verdict != NGX_AIGC_WRITE_DONE) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, f->log, 0,
                  "aigc: a disk that OpenKruiseGame made for nobody was "
                  "deleted, of id %i", s->id);

    if (ngx_aigc_table_template_at(ngx_aigc_stray_zone, s->tmpl, &tmpl)
        == NGX_OK && ngx_aigc_fixed_eq(&tmpl.uid, &s->gss))
    {
        (void) ngx_aigc_event(ngx_aigc_stray_k8s, &tmpl, s->id,
                              "StrayDiskDeleted",
                              "OpenKruiseGame made its disk unasked, nobody "
                              "ever had the id, and its pod is gone: the disk "
                              "is deleted", ngx_aigc_stray_log);
    }
}


/* NULL: no answer, or one about a disk that is looked after no more */
static ngx_aigc_stray_t *
ngx_aigc_stray_of(ngx_aigc_task_t *task, ngx_aigc_fetch_t *f)
{
    ngx_aigc_stray_t  *s;

    s = task->data;

    return (f && s->state != NGX_AIGC_STRAY_FREE && s->number == task->seq)
           ? s : NULL;
}


static void
ngx_aigc_stray_task(ngx_aigc_stray_t *s, ngx_aigc_task_t *task,
    ngx_aigc_task_pt done)
{
    ngx_memzero(task, sizeof(ngx_aigc_task_t));

    task->what = NGX_AIGC_TASK_STRAY;
    task->slot = s->slot;
    task->data = s;
    task->seq = s->number;
    task->done = done;
}


ngx_int_t
ngx_aigc_stray_asks(uint32_t slot)
{
    ngx_uint_t         i;
    ngx_aigc_stray_t  *s;

    for (i = 0; i < NGX_AIGC_STRAYS_MAX; i++) {
        s = &ngx_aigc_strays[i];

        if (s->state == NGX_AIGC_STRAY_ASK && s->tmpl == slot
            && ngx_aigc_since(s->since) < NGX_AIGC_STRAY_ASKING)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_aigc_stray_stop(void)
{
    ngx_memzero(ngx_aigc_strays, sizeof(ngx_aigc_strays));
}
