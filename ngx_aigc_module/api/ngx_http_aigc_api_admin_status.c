/*
 * api/ngx_http_aigc_api_admin_status.c — GET /api/v1/admin/status: how this
 * gateway is, for people.  What is counted is in /metrics.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_reply.h"

#include "oidc/ngx_aigc_issuer.h"
#include "kube/ngx_aigc_leader.h"
#include "kube/ngx_aigc_sync.h"
#include "instances/ngx_aigc_problem.h"


static json_t *ngx_http_aigc_admin_leader(ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_admin_watches(ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_admin_problems(ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_admin_age(time_t age);


void
ngx_http_aigc_api_admin_status(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_aigc_zone_t            *zone;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    zone = mcf->zone;

    /* it is asked when something is wrong: no whole table is needed */

    ngx_http_finalize_request(r,
        ngx_http_aigc_json(r, NGX_HTTP_OK,
            json_pack("{s:o, s:o, s:o, s:o, s:{s:I, s:I}, s:s}",
                      "leader", ngx_http_aigc_admin_leader(zone),
                      "watches", ngx_http_aigc_admin_watches(zone),
                      "problems", ngx_http_aigc_admin_problems(zone),
                      "keysAge",
                      ngx_http_aigc_admin_age(ngx_aigc_issuer_age(zone)),
                      "zone",
                      "instances", (json_int_t)
                      ngx_aigc_table(zone)->used_instances,
                      "max", (json_int_t) ngx_aigc_table(zone)->ninstances,
                      "version", NGX_HTTP_AIGC_VERSION)));
}


/* Another one's name is the one last read, which is not often. */
static json_t *
ngx_http_aigc_admin_leader(ngx_aigc_zone_t *zone)
{
    u_char      buf[NGX_AIGC_HOLDER_MAX];
    ngx_str_t   identity;
    ngx_uint_t  self;

    self = (ngx_aigc_leader_leads(zone) == NGX_OK);

    identity.data = buf;
    ngx_aigc_leader_holder(zone, &identity);

    if (self) {
        ngx_aigc_fixed_get(&ngx_aigc_leadership(zone)->identity, &identity);
    }

    return json_pack("{s:o, s:b}",
                     "identity",
                     identity.len ? ngx_http_aigc_json_str(&identity)
                                  : json_null(),
                     "self", (int) self);
}


static json_t *
ngx_http_aigc_admin_watches(ngx_aigc_zone_t *zone)
{
    json_t                 *list;
    const ngx_aigc_kind_t  *kind;

    list = json_array();

    for (kind = ngx_aigc_kinds; kind->name; kind++) {
        (void) json_array_append_new(list,
                   json_pack("{s:s, s:b, s:o}",
                             "kind", kind->plural,
                             "synced",
                             ngx_aigc_sync_kind(zone, kind) == NGX_OK,
                             "age", ngx_http_aigc_admin_age(
                                 ngx_aigc_sync_kind_age(zone, kind))));
    }

    return list;
}


static json_t *
ngx_http_aigc_admin_problems(ngx_aigc_zone_t *zone)
{
    json_t      *list;
    ngx_uint_t   kind, count[NGX_AIGC_PROBLEMS];

    ngx_aigc_problem_count(zone, count);

    list = json_array();

    for (kind = 0; kind < NGX_AIGC_PROBLEMS; kind++) {
        (void) json_array_append_new(list,
                   json_pack("{s:s, s:I}",
                             "kind", ngx_aigc_problems[kind].kind,
                             "count", (json_int_t) count[kind]));
    }

    return list;
}


/* Seconds; null: never. */
static json_t *
ngx_http_aigc_admin_age(time_t age)
{
    return (age < 0) ? json_null() : json_integer(age);
}
