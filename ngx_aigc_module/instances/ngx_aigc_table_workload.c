/*
 * instances/ngx_aigc_table_workload.c — pods, workloads and warnings go into
 * the table.  Most of their events change nothing that is kept: these touch
 * neither lock nor version.  (Only the writer changes the table: it may look
 * without.)
 */

#include "ngx_aigc_address.h"
#include "ngx_aigc_aside.h"
#include "ngx_aigc_observe.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"
#include "kube/ngx_aigc_date.h"

#include "ngx_aigc_reason.h"


static void ngx_aigc_pod_clear(ngx_aigc_zone_t *zone, uint32_t slot);
static void ngx_aigc_workload_clear(ngx_aigc_zone_t *zone, uint32_t slot);
static ngx_uint_t ngx_aigc_pod_same(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_pod_t *pod);
static ngx_uint_t ngx_aigc_warning_wanted(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_warning_t *warning);


ngx_int_t
ngx_aigc_table_put_pod(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
    ngx_log_t *log)
{
    uint32_t                 slot;
    ngx_aigc_pod_t          *pod = value;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_record_find(zone, &pod->ns, &pod->gss, pod->id);

    if (slot != NGX_AIGC_NONE) {
        r = &ngx_aigc_records(zone)[slot];

        if (ngx_aigc_pod_same(zone, r, pod)
            && (mark == 0 || mark == r->pod_mark))
        {
            return NGX_OK;
        }
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_record_get(zone, &pod->ns, &pod->gss, pod->id);

    if (slot != NGX_AIGC_NONE
        && ngx_aigc_slot_room(zone, ngx_aigc_string_need(pod->uid.len)
                                  + ngx_aigc_string_need(pod->start.len)
                                  + ngx_aigc_string_need(NGX_AIGC_ADDRESS_MAX))
           != NGX_OK)
    {
        ngx_aigc_pod_clear(zone, slot);
        slot = NGX_AIGC_NONE;
    }

    if (slot == NGX_AIGC_NONE) {
        ngx_aigc_write_end(zone);
        ngx_aigc_table_full(zone, "Pod", &pod->ns, &pod->name, log);
        return NGX_DECLINED;
    }

    r = &ngx_aigc_records(zone)[slot];

    /* before anything else, and before another may have the address */

    ngx_aigc_address_before(zone, slot, pod);

    ngx_aigc_seq_begin(&r->seq);

    if (mark) {
        r->pod_mark = mark;
    }

    if (!r->pod) {
        ngx_aigc_aside_made(zone, r);
    }

    r->pod = 1;
    r->pod_gone = 0;
    r->pod_deleting = pod->deleting;
    r->pod_ready = pod->ready;
    r->pod_failed = pod->failed;
    r->pod_deadline = pod->deadline;
    r->progress = pod->progress;
    (void) ngx_aigc_record_set(zone, r, pod_uid, &pod->uid);
    (void) ngx_aigc_record_set(zone, r, pod_start, &pod->start);
    ngx_aigc_record_tell(zone, r, pod_revision, &pod->revision);
    ngx_aigc_record_tell(zone, r, reason_code, &pod->reason_code);
    ngx_aigc_record_tell(zone, r, reason, &pod->reason);
    ngx_aigc_address_note(r, pod);

    if (r->warning_pod && !ngx_aigc_slot_eq(zone, r->warning_pod, &pod->uid)) {
        ngx_aigc_warning_clear(zone, r);
    }

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_record_update(zone, slot);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


static ngx_uint_t
ngx_aigc_pod_same(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_pod_t *pod)
{
    return r->pod && r->pod_deleting == pod->deleting
           && r->pod_ready == pod->ready
           && r->pod_failed == pod->failed
           && r->pod_deadline == pod->deadline
           && r->progress == (unsigned) pod->progress
           && ngx_aigc_slot_eq(zone, r->pod_uid, &pod->uid)
           && ngx_aigc_slot_eq(zone, r->pod_start, &pod->start)
           && ngx_aigc_slot_eq(zone, r->pod_revision, &pod->revision)
           && ngx_aigc_slot_eq(zone, r->reason_code, &pod->reason_code)
           && ngx_aigc_slot_eq(zone, r->reason, &pod->reason)
           && ngx_aigc_address_same(r, pod);
}


/* Another pod of that name may be there already: it stays. */
ngx_int_t
ngx_aigc_table_drop_pod(ngx_aigc_zone_t *zone, void *value)
{
    uint32_t                 slot;
    ngx_aigc_pod_t          *pod = value;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_record_find(zone, &pod->ns, &pod->gss, pod->id);

    if (slot != NGX_AIGC_NONE) {
        r = &ngx_aigc_records(zone)[slot];

        if (!r->pod || !ngx_aigc_slot_eq(zone, r->pod_uid, &pod->uid)) {
            slot = NGX_AIGC_NONE;
        }
    }

    return ngx_aigc_write_drop(zone, slot, ngx_aigc_pod_clear);
}


void
ngx_aigc_table_sweep_pod(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    r = ngx_aigc_records(zone);

    for (i = 0; i < ngx_aigc_table(zone)->end_instances; i++) {
        if (r[i].used && r[i].pod
            && ngx_aigc_swept(zone, sweep, r[i].ns, r[i].pod_mark))
        {
            ngx_aigc_pod_clear(zone, i);
        }
    }

    ngx_aigc_write_end(zone);
}


static void
ngx_aigc_pod_clear(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_str_t                uid, none = ngx_null_string;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_address_before(zone, slot, NULL);
    ngx_aigc_count(zone, pods_gone);

    ngx_aigc_seq_begin(&r->seq);

    ngx_aigc_slot_get(zone, r->pod_uid, &uid);

    if (ngx_aigc_slot_eq(zone, r->warning_pod, &uid)) {
        ngx_aigc_warning_clear(zone, r);
    }

    r->pod = 0;
    r->pod_deleting = 0;
    r->pod_ready = 0;
    r->pod_failed = 0;
    r->pod_deadline = 0;
    r->pod_owner = 0;
    r->progress = NGX_AIGC_PROGRESS_NONE;
    r->socklen = 0;
    (void) ngx_aigc_record_set(zone, r, pod_uid, &none);
    (void) ngx_aigc_record_set(zone, r, pod_start, &none);
    (void) ngx_aigc_record_set(zone, r, pod_revision, &none);
    (void) ngx_aigc_record_set(zone, r, reason_code, &none);
    (void) ngx_aigc_record_set(zone, r, reason, &none);

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_record_update(zone, slot);
}


ngx_int_t
ngx_aigc_table_put_workload(ngx_aigc_zone_t *zone, void *value,
    uint32_t mark, ngx_log_t *log)
{
    uint32_t              slot, uid;
    ngx_aigc_workload_t  *workload = value;
    ngx_aigc_template_t  *t;

    if (ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_template_find(zone, &workload->ns, &workload->gss);

    if (slot == NGX_AIGC_NONE) {
        return NGX_OK;
    }

    t = &ngx_aigc_templates(zone)[slot];
    uid = ngx_aigc_uid_hash(&workload->uid);

    if (ngx_aigc_fixed_eq(&t->uid, &workload->owner)) {
        ngx_aigc_aside_workload(zone, slot, workload);
    }

    if (!ngx_aigc_fixed_eq(&t->uid, &workload->owner)
        || (t->workload == uid
            && ngx_aigc_fixed_eq(&t->revision, &workload->revision)
            && (mark == 0 || mark == t->workload_mark)))
    {
        return NGX_OK;
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_seq_begin(&t->seq);

    if (mark) {
        t->workload_mark = mark;
    }

    t->workload = uid;
    ngx_aigc_fixed_set(&t->revision, &workload->revision);

    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_template_records(zone, slot);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_table_drop_workload(ngx_aigc_zone_t *zone, void *value)
{
    uint32_t              slot;
    ngx_aigc_workload_t  *workload = value;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_template_find(zone, &workload->ns, &workload->gss);

    if (slot != NGX_AIGC_NONE
        && !ngx_aigc_fixed_eq(&ngx_aigc_templates(zone)[slot].uid,
                              &workload->owner))
    {
        slot = NGX_AIGC_NONE;
    }

    return ngx_aigc_write_drop(zone, slot, ngx_aigc_workload_clear);
}


void
ngx_aigc_table_sweep_workload(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t              i;
    ngx_aigc_template_t  *t;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    t = ngx_aigc_templates(zone);

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates; i++) {
        if (t[i].used && (t[i].revision.len || t[i].workload)
            && ngx_aigc_sweep_drops(sweep, t[i].ns.data, t[i].ns.len,
                                    t[i].workload_mark))
        {
            ngx_aigc_workload_clear(zone, i);
        }
    }

    ngx_aigc_write_end(zone);
}


static void
ngx_aigc_workload_clear(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_templates(zone)[slot];

    ngx_aigc_seq_begin(&t->seq);
    t->workload = 0;
    t->revision.len = 0;
    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_template_records(zone, slot);
}


ngx_int_t
ngx_aigc_table_put_warning(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
    ngx_log_t *log)
{
    uint32_t                 slot;
    ngx_aigc_warning_t      *warning = value;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (warning->id < 0) {
        return ngx_aigc_aside_warning(zone, warning);
    }

    slot = ngx_aigc_record_find(zone, &warning->ns, &warning->gss,
                                warning->id);

    if (slot == NGX_AIGC_NONE) {
        return NGX_OK;
    }

    r = &ngx_aigc_records(zone)[slot];

    if (warning->unmade) {
        return ngx_aigc_aside_refused(zone, slot, warning);
    }

    if (!ngx_aigc_warning_wanted(zone, r, warning)) {
        return NGX_OK;
    }

    if (ngx_aigc_slot_eq(zone, r->warning_code, &warning->code)
        && ngx_aigc_slot_eq(zone, r->warning, &warning->text)
        && ngx_aigc_slot_eq(zone, r->warning_pod, &warning->pod_uid))
    {
        r->warning_time = warning->time;        /* the writer's own */
        return NGX_OK;
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_seq_begin(&r->seq);

    r->warning_time = warning->time;
    ngx_aigc_record_tell(zone, r, warning_pod, &warning->pod_uid);
    ngx_aigc_record_tell(zone, r, warning_code, &warning->code);
    ngx_aigc_record_tell(zone, r, warning, &warning->text);

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


/*
 * The last one counts, and one about the pod that is there more than any other.
 * One about a pod that is not known yet is kept: pods come by another watch,
 * which may be late.
 */
static ngx_uint_t
ngx_aigc_warning_wanted(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_warning_t *warning)
{
    ngx_str_t   pod;
    ngx_uint_t  had, has;

    if (r->state != NGX_AIGC_RUNNING || r->routed
        || ngx_aigc_reason_over(&warning->code, NGX_AIGC_PROGRESS_NONE))
    {
        return 0;
    }

    if (r->warning_code == 0) {
        return 1;
    }

    if (ngx_aigc_reason_passing(&warning->code)) {
        return ngx_aigc_slot_eq(zone, r->warning_code, &warning->code);
    }

    ngx_aigc_slot_get(zone, r->pod_uid, &pod);

    had = ngx_aigc_slot_eq(zone, r->warning_pod, &pod);
    has = ngx_aigc_text_eq(&pod, &warning->pod_uid);

    if (r->pod && had != has) {
        return has;
    }

    return warning->time >= r->warning_time;
}
