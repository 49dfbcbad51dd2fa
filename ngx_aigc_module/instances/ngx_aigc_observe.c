/*
 * instances/ngx_aigc_observe.c — what a record's parts say together: is
 * its pod outdated, what does it lack, does its warning still count.
 */

#include "ngx_aigc_observe.h"
#include "ngx_aigc_record.h"
#include "kube/ngx_aigc_date.h"


void
ngx_aigc_warning_clear(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r)
{
    ngx_str_t  none = ngx_null_string;

    r->warning_time = 0;
    (void) ngx_aigc_record_set(zone, r, warning_pod, &none);
    (void) ngx_aigc_record_set(zone, r, warning_code, &none);
    (void) ngx_aigc_record_set(zone, r, warning, &none);
}


void
ngx_aigc_record_observe(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r)
{
    unsigned              lack;
    ngx_str_t             revision;
    ngx_aigc_template_t  *t;

    r->outdated = 0;

    if (r->tmpl != NGX_AIGC_NONE && r->state == NGX_AIGC_RUNNING && r->pod
        && !r->pod_deleting && r->pod_revision)
    {
        ngx_aigc_slot_get(zone, r->pod_revision, &revision);

        t = &ngx_aigc_templates(zone)[r->tmpl];

        r->outdated = (t->seamless && t->revision.len
                       && !ngx_aigc_fixed_eq(&t->revision, &revision));
    }

    if (r->state != NGX_AIGC_RUNNING || r->routed) {
        ngx_aigc_warning_clear(zone, r);
    }

    lack = (r->state != NGX_AIGC_RUNNING) ? NGX_AIGC_LACK_NONE
           : !r->pod ? NGX_AIGC_LACK_POD
           : (r->pod_deleting || !r->pod_ready) ? NGX_AIGC_LACK_NONE
           : !r->routed ? NGX_AIGC_LACK_ADDRESS
           : !r->network_ready ? NGX_AIGC_LACK_NETWORK : NGX_AIGC_LACK_NONE;

    if (r->lack != lack) {
        r->lack = lack;
        r->lack_since = ngx_aigc_date(zone);
    }
}
