/*
 * instances/ngx_aigc_observe.c — what a record's parts say together: is
 * its pod outdated, what does it lack, does its warning still count.
 */

#include "ngx_aigc_observe.h"
#include "kube/ngx_aigc_date.h"


void
ngx_aigc_warning_clear(ngx_aigc_record_t *r)
{
    r->warning_time = 0;
    r->warning_pod.len = 0;
    r->warning_code.len = 0;
    r->warning.len = 0;
}


void
ngx_aigc_record_observe(ngx_aigc_zone_t *zone, ngx_aigc_record_t *r)
{
    unsigned              lack;
    ngx_aigc_template_t  *t;

    r->outdated = 0;

    if (r->tmpl != NGX_AIGC_NONE && r->state == NGX_AIGC_RUNNING && r->pod
        && !r->pod_deleting && r->pod_revision.len)
    {
        t = &ngx_aigc_templates(zone)[r->tmpl];

        r->outdated = (t->seamless && t->revision.len
                       && !ngx_aigc_fixed_eq(&t->revision, &r->pod_revision));
    }

    if (r->state != NGX_AIGC_RUNNING || r->routed) {
        ngx_aigc_warning_clear(r);
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
