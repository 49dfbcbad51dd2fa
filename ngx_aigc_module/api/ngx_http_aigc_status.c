/*
 * api/ngx_http_aigc_status.c — is it alive, is it ready, what does it count,
 * what does it know?
 */

#include "ngx_http_aigc_status.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_revocation.h"
#include "instances/ngx_http_aigc_instance.h"

#include "base/ngx_aigc_control.h"
#include "base/ngx_aigc_loop_time.h"
#include "oidc/ngx_aigc_issuer.h"
#include "kube/ngx_aigc_leader.h"
#include "instances/ngx_aigc_problem.h"
#include "instances/ngx_aigc_queue.h"


#define NGX_HTTP_AIGC_METRICS_SIZE  32768   /* bytes: 100 metrics and more */

#define NGX_HTTP_AIGC_PROBLEMS_HELP  "What only an administrator can mend."
#define NGX_HTTP_AIGC_BUILD_HELP     "1: the versions of module and nginx."


/* what a line of /metrics becomes: text, or the name alone */
typedef struct {
    u_char   *p;
    u_char   *last;
    json_t   *names;        /* NULL: text is wanted */
} ngx_http_aigc_metrics_t;


static void ngx_http_aigc_metrics_values(ngx_http_aigc_metrics_t *m,
    ngx_http_aigc_main_conf_t *mcf);
static void ngx_http_aigc_metrics_value(ngx_http_aigc_metrics_t *m,
    const char *name, const char *type, const char *help,
    ngx_atomic_uint_t value);
static u_char *ngx_http_aigc_metrics_problems(u_char *p, u_char *last,
    ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_table_leader(ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_table_templates(ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_table_records(ngx_http_request_t *r,
    ngx_aigc_zone_t *zone);
static json_t *ngx_http_aigc_table_disks(ngx_aigc_zone_t *zone);


ngx_int_t
ngx_http_aigc_healthz_handler(ngx_http_request_t *r)
{
    return ngx_http_aigc_json(r, NGX_HTTP_OK,
                              json_pack("{s:s}", "status", "ok"));
}


/* Have ID tokens the claim that makes administrators?  By those seen so far. */
static const char *
ngx_http_aigc_roles(ngx_http_aigc_main_conf_t *mcf)
{
    ngx_aigc_counters_t  *counters;

    counters = &mcf->zone->shm->counters;

    return counters->roles ? "present"
           : counters->no_roles ? "missing" : "unknown";
}


/*
 * Ready: all lists complete, not older than max_stale, the provider's keys
 * known, and who has been revoked; and worker 0 is at work, so that all this
 * will stay so.
 * pid: in a binary upgrade, old and new workers answer at the same port.
 */
ngx_int_t
ngx_http_aigc_readyz_handler(ngx_http_request_t *r)
{
    time_t                      age;
    ngx_uint_t                  synced, fresh, keys, revoked, control;
    const char                 *reason;
    ngx_atomic_uint_t           version;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    age = ngx_aigc_sync_age(mcf->zone);
    synced = (ngx_aigc_sync_complete(mcf->zone) == NGX_OK);
    fresh = (age <= mcf->max_stale);
    keys = (ngx_aigc_issuer_keys(mcf->zone, &version, r->connection->log)
            != NULL);

    revoked = (ngx_aigc_revocation_known(mcf->zone) != 0);

    reason = ngx_aigc_control_trouble(mcf->zone);
    control = (reason == NULL);

    if (!synced) {
        reason = "the cluster is not listed yet";

    } else if (!fresh) {
        reason = "the cluster has not been heard of for max_stale";

    } else if (!keys) {
        reason = "the provider's keys are not known yet";

    } else if (!revoked) {
        reason = "the revocations have not been read yet";
    }

    return ngx_http_aigc_json(r, reason ? NGX_HTTP_SERVICE_UNAVAILABLE
                                        : NGX_HTTP_OK,
                              json_pack("{s:s?, s:b, s:b, s:b, s:b, s:b, s:s,"
                                        " s:b, s:I, s:I, s:I}",
                                        "reason", reason,
                                        "control", (int) control,
                                        "synced", (int) synced,
                                        "fresh", (int) fresh,
                                        "keys", (int) keys,
                                        "revocations", (int) revoked,
                                        "roles", ngx_http_aigc_roles(mcf),
                                        "leader", (int)
                                        (ngx_aigc_leader_leads(mcf->zone)
                                         == NGX_OK),
                                        "age", (json_int_t) age,
                                        "version", (json_int_t)
                                        ngx_aigc_table(mcf->zone)->version,
                                        "pid", (json_int_t) ngx_pid));
}


static void
ngx_http_aigc_metrics_values(ngx_http_aigc_metrics_t *m,
    ngx_http_aigc_main_conf_t *mcf)
{
    ngx_uint_t               i;
    const ngx_aigc_kind_t   *kind;
    ngx_aigc_shm_t          *shm = mcf->zone->shm;
    ngx_aigc_table_t        *table = ngx_aigc_table(mcf->zone);
    ngx_aigc_strings_t      *strings = ngx_aigc_strings(mcf->zone);
    ngx_aigc_revocations_t  *revocations = ngx_aigc_revocations(mcf->zone);

    struct {
        const char         *name;
        const char         *type;
        const char         *help;
        ngx_atomic_uint_t   value;
    } metrics[] = {
        { "table_age_seconds", "gauge",
          "Seconds since the cluster was last heard of.",
          ngx_aigc_sync_age(mcf->zone) },
        { "table_synced", "gauge",
          "1 when every list that decisions need is complete.",
          ngx_aigc_sync_complete(mcf->zone) == NGX_OK },
        { "leader", "gauge",
          "1 on the gateway that leads, 0 on all others.",
          ngx_aigc_leader_leads(mcf->zone) == NGX_OK },
        { "leader_changes_total", "counter",
          "Times that this gateway began or ceased to lead.",
          shm->counters.leader_changes },
        { "templates", "gauge",
          "Templates in the table.",
          table->used_templates },
        { "instances", "gauge",
          "Instances in the table.",
          table->used_instances },
        { "instances_max", "gauge",
          "Instances that the zone has room for.",
          table->ninstances },
        { "disks", "gauge",
          "Disks in the table.",
          table->used_disks },
        { "strings_bytes", "gauge",
          "Bytes of strings in the table.",
          (ngx_atomic_uint_t) strings->used * NGX_AIGC_STRING_UNIT },
        { "strings_max_bytes", "gauge",
          "Bytes of strings that the zone has room for.",
          (ngx_atomic_uint_t) strings->units * NGX_AIGC_STRING_UNIT },
        { "table_full_total", "counter",
          "Objects that found no room in the zone.",
          shm->counters.full },
        { "events_total", "counter",
          "Watch events that changed the table.",
          shm->counters.applied },
        { "relists_total", "counter",
          "Lists begun anew.",
          shm->counters.relists },
        { "watch_errors_total", "counter",
          "Watches that ended in an error.",
          shm->counters.watch_errors },
        { "allowed_total", "counter",
          "Requests let in to instances.",
          shm->counters.allowed },
        { "refused_total", "counter",
          "Requests refused on the way to instances.",
          shm->counters.refused },
        { "foreign_disk_total", "counter",
          "Requests refused because of the disk's recorded owner.",
          shm->counters.foreign_disk },
        { "collisions_total", "counter",
          "Host names found claimed by two instances.",
          shm->counters.collisions },
        { "token_hits_total", "counter",
          "Credentials found verified in the zone.",
          shm->counters.token_hits },
        { "token_memo_total", "counter",
          "Credentials found verified in the worker's own memory.",
          shm->counters.token_memo },
        { "token_misses_total", "counter",
          "Credentials whose signature had to be checked.",
          shm->counters.token_misses },
        { "tokens_forged_total", "counter",
          "Tokens whose signature was wrong.",
          shm->counters.forged },
        { "tokens_deferred_total", "counter",
          "Tokens not checked: too many forged ones came.",
          shm->counters.forged_deferred },
        { "sessions_renewed_total", "counter",
          "Sessions that the provider renewed.",
          shm->counters.renewed },
        { "sessions_refused_total", "counter",
          "Sessions that the provider refused to renew.",
          shm->counters.renew_refused },
        { "sessions_failed_total", "counter",
          "Renewals that the provider did not answer.",
          shm->counters.renew_failed },
        { "sessions_full_total", "counter",
          "Renewals that found no room in the zone.",
          shm->counters.renew_full },
        { "rotations_total", "counter",
          "Refresh tokens that the provider replaced.",
          shm->counters.rotations },
        { "rotations_full_total", "counter",
          "Refresh tokens lost: too long, or no room in the zone.",
          shm->counters.rotations_full },
        { "rotation_errors_total", "counter",
          "Failed calls for the Secret of refresh tokens.",
          shm->counters.rotation_errors },
        { "grace_total", "counter",
          "Requests let in within grace=, with the provider away.",
          shm->counters.grace },
        { "patches_total", "counter",
          "Patches of GameServerSets sent.",
          shm->counters.patches },
        { "patches_failed_total", "counter",
          "Patches of GameServerSets without a 2xx answer.",
          shm->counters.patches_failed },
        { "closed_total", "counter",
          "Connections cut by a revocation, a release or a session's end.",
          shm->counters.closed },
        { "user_releases_total", "counter",
          "Instances released because their user is gone.",
          shm->counters.user_releases },
        { "revocations", "gauge",
          "Revocations in the zone.",
          revocations->used },
        { "revocations_max", "gauge",
          "Revocations that the zone has room for.",
          ngx_aigc_revocations_n(mcf->zone) },
        { "revocations_full_total", "counter",
          "Revocations that found no room in the zone.",
          shm->counters.revocations_full },
        { "tickets_full_total", "counter",
          "Tickets refused since no more can be remembered.",
          shm->counters.tickets_full },
        { "writes_waiting", "gauge",
          "Writes that wait for their turn.",
          ngx_aigc_queue_length(mcf->zone) },
        { "repairs_total", "counter",
          "Templates repaired by the leader.",
          shm->counters.repairs },
        { "disk_stamps_total", "counter",
          "Disks whose owner was recorded.",
          shm->counters.stamps },
        { "uninstalls_total", "counter",
          "Uninstalls finished.",
          shm->counters.uninstalls },
        { "mirror_pending", "gauge",
          "Users whose custom data in Logto is behind.",
          shm->counters.mirror_pending },
        { "mirror_writes_total", "counter",
          "Writes of users' custom data to Logto.",
          shm->counters.mirror_writes },
        { "mirror_errors_total", "counter",
          "Failed calls for users' custom data.",
          shm->counters.mirror_errors },
        { "watch_pass_longest_microseconds", "gauge",
          "Longest time that reading the cluster held the event loop.",
          shm->longest[NGX_AIGC_LOOP_TIME_WATCH] },
        { "reconcile_pass_longest_microseconds", "gauge",
          "Longest time that the reconciler held the event loop.",
          shm->longest[NGX_AIGC_LOOP_TIME_RECONCILE] },
        { "passes_total", "counter",
          "Passes of the reconciler and the watches over the event loop.",
          shm->counters.passes },
        { "long_passes_total", "counter",
          "Passes that took longer than 5 ms.",
          shm->counters.long_passes },
        { "control_silent_milliseconds", "gauge",
          "Time since worker 0's last sign of life.",
          ngx_aigc_control_silent_for(mcf->zone) },
        { "control_stuck_milliseconds", "gauge",
          "Time for which worker 0 has not been able to make calls.",
          ngx_aigc_control_stuck_for(mcf->zone) },
        { "calls_starved_total", "counter",
          "Calls that ended for want of a connection or memory.",
          shm->counters.calls_starved },
        { "loops_rebuilt_total", "counter",
          "Times that libcurl gave all its calls up.",
          shm->counters.loops_rebuilt },
        { "disk_bindings_total", "counter",
          "Disks bound to their template, or freed from it.",
          shm->counters.bindings },
        { NULL, NULL, NULL, 0 }
    };

    for (i = 0; metrics[i].name; i++) {
        ngx_http_aigc_metrics_value(m, metrics[i].name, metrics[i].type,
                                    metrics[i].help, metrics[i].value);
    }

    for (i = 0; i < ngx_aigc_nkinds; i++) {
        kind = &ngx_aigc_kinds[i];

        if (kind->metric) {
            ngx_http_aigc_metrics_value(m, kind->metric, "gauge", kind->help,
                (kind->flags & NGX_AIGC_KIND_AGE)
                ? ngx_max(ngx_aigc_sync_kind_age(mcf->zone, kind), 0)
                : ngx_aigc_sync_kind(mcf->zone, kind) == NGX_OK);
        }
    }
}


static void
ngx_http_aigc_metrics_value(ngx_http_aigc_metrics_t *m, const char *name,
    const char *type, const char *help, ngx_atomic_uint_t value)
{
    if (m->names) {
        (void) json_array_append_new(m->names,
            json_pack("{s:o, s:s, s:s}",
                      "name", json_sprintf("aigc_%s", name),
                      "type", type, "help", help));
        return;
    }

    m->p = ngx_slprintf(m->p, m->last,
                        "# HELP aigc_%s %s\n# TYPE aigc_%s %s\naigc_%s %uA\n",
                        name, help, name, type, name, value);
}


json_t *
ngx_http_aigc_metrics_names(ngx_http_aigc_main_conf_t *mcf)
{
    json_t                   *kinds;
    ngx_uint_t                kind;
    ngx_http_aigc_metrics_t   m;

    ngx_memzero(&m, sizeof(ngx_http_aigc_metrics_t));

    m.names = json_array();

    (void) json_array_append_new(m.names,
        json_pack("{s:s, s:s, s:s, s:[s,s]}", "name", "aigc_build_info",
                  "type", "gauge", "help", NGX_HTTP_AIGC_BUILD_HELP,
                  "labels", "version", "nginx"));

    ngx_http_aigc_metrics_values(&m, mcf);

    kinds = json_array();

    for (kind = 0; kind < NGX_AIGC_PROBLEMS; kind++) {
        (void) json_array_append_new(kinds,
                                json_string(ngx_aigc_problems[kind].kind));
    }

    (void) json_array_append_new(m.names,
        json_pack("{s:s, s:s, s:s, s:[s], s:o}", "name", "aigc_problems",
                  "type", "gauge", "help", NGX_HTTP_AIGC_PROBLEMS_HELP,
                  "labels", "kind", "values", kinds));

    return m.names;
}


/* Prometheus text format. */
ngx_int_t
ngx_http_aigc_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_buf_t                  *b;
    ngx_chain_t                 out;
    ngx_http_aigc_metrics_t     m;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_AIGC_METRICS_SIZE);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    m.last = b->end;
    m.names = NULL;

    m.p = ngx_slprintf(b->pos, m.last,
                       "# HELP aigc_build_info " NGX_HTTP_AIGC_BUILD_HELP
                       "\n# TYPE aigc_build_info gauge\n"
                       "aigc_build_info{version=\"" NGX_HTTP_AIGC_VERSION
                       "\",nginx=\"" NGINX_VERSION "\"} 1\n");

    ngx_http_aigc_metrics_values(&m, mcf);

    b->last = ngx_http_aigc_metrics_problems(m.p, m.last, mcf->zone);

    if (b->last == b->end) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;  /* it would be cut short */
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;
    ngx_str_set(&r->headers_out.content_type, "text/plain; version=0.0.4");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


static u_char *
ngx_http_aigc_metrics_problems(u_char *p, u_char *last, ngx_aigc_zone_t *zone)
{
    ngx_uint_t  kind, count[NGX_AIGC_PROBLEMS];

    ngx_aigc_problem_count(zone, count);

    p = ngx_slprintf(p, last, "# HELP aigc_problems "
                     NGX_HTTP_AIGC_PROBLEMS_HELP
                     "\n# TYPE aigc_problems gauge\n");

    for (kind = 0; kind < NGX_AIGC_PROBLEMS; kind++) {
        p = ngx_slprintf(p, last, "aigc_problems{kind=\"%s\"} %ui\n",
                         ngx_aigc_problems[kind].kind, count[kind]);
    }

    return p;
}


ngx_int_t
ngx_http_aigc_table_handler(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return ngx_http_aigc_json(r, NGX_HTTP_OK,
               json_pack("{s:b, s:o, s:I, s:o, s:o, s:o}",
                         "synced",
                         (int) (ngx_aigc_sync_complete(mcf->zone) == NGX_OK),
                         "leader", ngx_http_aigc_table_leader(mcf->zone),
                         "version",
                         (json_int_t) ngx_aigc_table(mcf->zone)->version,
                         "templates", ngx_http_aigc_table_templates(mcf->zone),
                         "instances",
                         ngx_http_aigc_table_records(r, mcf->zone),
                         "disks", ngx_http_aigc_table_disks(mcf->zone)));
}


/* holder: as last read, which is not often */
static json_t *
ngx_http_aigc_table_leader(ngx_aigc_zone_t *zone)
{
    u_char     buf[NGX_AIGC_HOLDER_MAX];
    ngx_str_t  holder;

    holder.data = buf;
    ngx_aigc_leader_holder(zone, &holder);

    return json_pack("{s:b, s:o, s:o}",
                     "leads", (int) (ngx_aigc_leader_leads(zone) == NGX_OK),
                     "identity",
                     ngx_http_aigc_json_fixed(
                         &ngx_aigc_leadership(zone)->identity),
                     "holder", ngx_http_aigc_json_str(&holder));
}


static json_t *
ngx_http_aigc_table_templates(ngx_aigc_zone_t *zone)
{
    json_t               *list;
    uint32_t              i;
    ngx_aigc_template_t   t;

    list = json_array();

    for (i = 0; ngx_aigc_table_next_template(zone, &i, &t) == NGX_OK; i++) {
        (void) json_array_append_new(list,
            json_pack("{s:o, s:o, s:o, s:I, s:I, s:i, s:i, s:i, s:i, s:i,"
                      " s:i, s:b, s:b, s:b, s:b, s:o, s:o, s:i, s:o}",
                      "namespace", ngx_http_aigc_json_fixed(&t.ns),
                      "name", ngx_http_aigc_json_fixed(&t.name),
                      "uid", ngx_http_aigc_json_fixed(&t.uid),
                      "generation", (json_int_t) t.generation,
                      "observedGeneration", (json_int_t) t.observed,
                      "replicas", (int) t.replicas,
                      "currentReplicas", (int) t.current,
                      "running", (int) t.nrunning,
                      "released", (int) t.nreleased,
                      "top", (int) t.top,
                      "max", (int) t.max,
                      "agrees", (int) t.agrees,
                      "settled", (int) (t.unsettled == 0),
                      "written", (int) t.written,
                      "seamless", (int) t.seamless,
                      "revision", ngx_http_aigc_json_fixed(&t.revision),
                      "host", ngx_http_aigc_json_fixed(&t.host),
                      "port", (int) t.port,
                      "misconfigured",
                      ngx_http_aigc_json_fixed(&t.misconfigured)));
    }

    return list;
}


static json_t *
ngx_http_aigc_table_records(ngx_http_request_t *r, ngx_aigc_zone_t *zone)
{
    json_t                     *list, *item;
    uint32_t                    i;
    ngx_str_t                   addr;
    ngx_aigc_record_t           rec;
    ngx_http_aigc_main_conf_t  *mcf;
    u_char                      text[NGX_SOCKADDR_STRLEN];

    static const char  *disks[] = { "none", "owned", "new", "foreign",
                                  "lost" };

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    list = json_array();

    for (i = 0; ngx_aigc_table_next_record(zone, &i, &rec) == NGX_OK; i++) {
        item = ngx_http_aigc_instance_json(mcf, r->pool, &rec);

        addr.data = text;
        addr.len = rec.socklen ? ngx_sock_ntop(&rec.addr.sockaddr, rec.socklen,
                                               text, sizeof(text), 1)
                               : 0;

        (void) json_object_set_new(item, "address",
                                   ngx_http_aigc_json_str(&addr));
        (void) json_object_set_new(item, "present", json_boolean(rec.pod));
        (void) json_object_set_new(item, "routed", json_boolean(rec.routed));
        (void) json_object_set_new(item, "collision",
                                   json_boolean(rec.collision));
        (void) json_object_set_new(item, "disk", json_string(disks[rec.disk]));
        (void) json_object_set_new(item, "pod",
                   json_pack("{s:b, s:b, s:b, s:o, s:o}",
                             "there", (int) rec.pod,
                             "ready", (int) rec.pod_ready,
                             "deleting", (int) rec.pod_deleting,
                             "uid", ngx_http_aigc_json_fixed(&rec.pod_uid),
                             "revision",
                             ngx_http_aigc_json_fixed(&rec.pod_revision)));
        (void) json_object_set_new(item, "diskOwner",
                                   ngx_http_aigc_json_fixed(&rec.disk_owner));

        (void) json_array_append_new(list, item);
    }

    return list;
}


static json_t *
ngx_http_aigc_table_disks(ngx_aigc_zone_t *zone)
{
    json_t           *list;
    uint32_t          i;
    ngx_aigc_disk_t   d;

    list = json_array();

    for (i = 0; ngx_aigc_table_next_disk(zone, &i, &d) == NGX_OK; i++) {
        (void) json_array_append_new(list,
            json_pack("{s:o, s:o, s:o, s:o, s:b}",
                      "namespace", ngx_http_aigc_json_fixed(&d.ns),
                      "name", ngx_http_aigc_json_fixed(&d.name),
                      "owner", ngx_http_aigc_json_fixed(&d.owner),
                      "boundTo", ngx_http_aigc_json_fixed(&d.ref_uid),
                      "deleting", (int) d.deleting));
    }

    return list;
}
