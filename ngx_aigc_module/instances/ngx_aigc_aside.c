/*
 * instances/ngx_aigc_aside.c — what the table knows of pods that cannot be
 * made.
 */

#include "ngx_aigc_aside.h"
#include "ngx_aigc_observe.h"
#include "ngx_aigc_record.h"

#include "ngx_aigc_reason.h"


#define NGX_AIGC_TRIES_MAX  255         /* bits of ngx_aigc_record_t */


static ngx_uint_t ngx_aigc_aside_reason(ngx_str_t *code);


ngx_uint_t
ngx_aigc_aside_missing(ngx_aigc_record_t *r)
{
    return r->state == NGX_AIGC_RUNNING && !r->aside && !r->reserved
           && !r->pod;
}


ngx_uint_t
ngx_aigc_aside_unmade(ngx_aigc_record_t *r)
{
    ngx_str_t  code;

    ngx_aigc_fixed_get(&r->warning_code, &code);

    return r->state == NGX_AIGC_RUNNING && !r->pod
           && (r->aside || ngx_aigc_aside_reason(&code));
}


static ngx_uint_t
ngx_aigc_aside_reason(ngx_str_t *code)
{
    return code->len == sizeof(NGX_AIGC_FAILED_CREATE) - 1
           && ngx_memcmp(code->data, NGX_AIGC_FAILED_CREATE, code->len) == 0;
}


void
ngx_aigc_aside_made(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r)
{
    ngx_str_t             code;
    ngx_aigc_template_t  *t;

    r->refused = 0;
    r->tries = 0;

    ngx_aigc_slot_get(zone, r->warning_code, &code);

    if (ngx_aigc_aside_reason(&code)) {
        ngx_aigc_warning_clear(zone, r);
    }

    if (r->tmpl == NGX_AIGC_NONE) {
        return;
    }

    t = &ngx_aigc_templates(zone)[r->tmpl];

    if (t->unmade.code.len) {
        ngx_aigc_seq_begin(&t->seq);
        t->unmade.code.len = 0;
        t->unmade.text.len = 0;
        ngx_aigc_seq_end(&t->seq);
    }
}


void
ngx_aigc_aside_workload(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_workload_t *workload)
{
    ngx_str_t             code;
    ngx_aigc_template_t  *t;

    ngx_str_set(&code, NGX_AIGC_FAILED_CREATE);

    t = &ngx_aigc_templates(zone)[slot];

    if (t->unmade.refused == workload->refused
        && (!workload->refused
            || ngx_aigc_fixed_eq(&t->unmade.text, &workload->why)))
    {
        return;
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    ngx_aigc_seq_begin(&t->seq);

    t->unmade.refused = workload->refused;

    if (!workload->refused) {
        ngx_str_null(&code);
    }

    ngx_aigc_fixed_set(&t->unmade.code, &code);
    ngx_aigc_fixed_set(&t->unmade.text, &workload->why);

    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_write_end(zone);
}


ngx_int_t
ngx_aigc_aside_warning(ngx_aigc_zone_t *zone, ngx_aigc_warning_t *warning)
{
    uint32_t              slot;
    ngx_aigc_template_t  *t;

    slot = ngx_aigc_template_find(zone, &warning->ns, &warning->gss);

    if (slot == NGX_AIGC_NONE) {
        return NGX_OK;
    }

    t = &ngx_aigc_templates(zone)[slot];

    /* what the workload says itself lasts exactly as long as it is so */

    if (t->unmade.refused || !ngx_aigc_fixed_eq(&t->uid, &warning->pod_uid)) {
        return NGX_OK;
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_seq_begin(&t->seq);

    ngx_aigc_fixed_set(&t->unmade.code, &warning->code);
    ngx_aigc_fixed_set(&t->unmade.text, &warning->text);

    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


/*
 * It is about a pod that is not there, so nothing tells whether it is about
 * this turn of it: one that comes while there is a pod is late.
 */
ngx_int_t
ngx_aigc_aside_refused(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_warning_t *warning)
{
    ngx_str_t                code, none;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_str_null(&none);
    ngx_aigc_slot_get(zone, r->warning_code, &code);

    /* what usually passes by itself is no newer word than a refusal */

    if (r->state != NGX_AIGC_RUNNING || r->pod || r->routed
        || (warning->time < r->warning_time
            && !ngx_aigc_reason_passing(&code))
        || (r->refused && ngx_aigc_slot_eq(zone, r->warning, &warning->text)))
    {
        return NGX_OK;
    }

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_seq_begin(&r->seq);

    r->refused = !r->aside;
    r->warning_time = warning->time;
    ngx_aigc_record_tell(zone, r, warning_pod, &none);
    ngx_aigc_record_tell(zone, r, warning_code, &warning->code);
    ngx_aigc_record_tell(zone, r, warning, &warning->text);

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


void
ngx_aigc_aside_blame(ngx_aigc_zone_t *zone, uint32_t slot, ngx_uint_t tried)
{
    ngx_str_t                code, text;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    r = &ngx_aigc_records(zone)[slot];

    if (r->used && r->tmpl != NGX_AIGC_NONE) {

        t = &ngx_aigc_templates(zone)[r->tmpl];

        ngx_aigc_seq_begin(&r->seq);

        if (tried) {
            r->tries = ngx_min(r->tries + 1, NGX_AIGC_TRIES_MAX);
        }

        ngx_aigc_slot_get(zone, r->warning_code, &code);

        if ((code.len == 0 || ngx_aigc_reason_passing(&code))
            && t->unmade.code.len)
        {
            ngx_aigc_fixed_get(&t->unmade.code, &code);
            ngx_aigc_fixed_get(&t->unmade.text, &text);
            ngx_aigc_record_tell(zone, r, warning_code, &code);
            ngx_aigc_record_tell(zone, r, warning, &text);
        }

        ngx_aigc_seq_end(&r->seq);
    }

    ngx_aigc_write_end(zone);
}
