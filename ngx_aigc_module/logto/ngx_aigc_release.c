/*
 * logto/ngx_aigc_release.c — one patch a template, by the rules of the plan.
 */

#include "ngx_aigc_release.h"
#include "instances/ngx_aigc_event.h"
#include "instances/ngx_aigc_leader_patch.h"
#include "instances/ngx_aigc_reconcile.h"


/* A walk over the running instances, some of them a pass. */
typedef struct {
    ngx_atomic_uint_t    version;       /* of the revocations, … */
    ngx_uint_t           none;          /* … which then named nobody */
    uint32_t             slot;          /* goes on here */
    ngx_uint_t           nusers;        /* 0: no walk is under way */
    ngx_aigc_revocation_t  users[NGX_AIGC_RELEASE_USERS];
    u_char                 found[NGX_AIGC_RELEASE_USERS];
} ngx_aigc_release_sweep_t;


static ngx_int_t ngx_aigc_release_begin(ngx_aigc_release_sweep_t *sweep);
static ngx_uint_t ngx_aigc_release_find(ngx_aigc_release_sweep_t *sweep,
    ngx_aigc_leader_item_t *list);
static void ngx_aigc_release_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n);


static ngx_aigc_leader_patch_t  ngx_aigc_release_patch = {
    NGX_AIGC_TASK_RELEASE, NGX_AIGC_RELEASE,
    "the instances of a user who is gone could not be released",
    ngx_aigc_release_sent, NULL
};

static ngx_aigc_kubernetes_t  *ngx_aigc_release_k8s;
static ngx_aigc_zone_t        *ngx_aigc_release_zone;
static ngx_log_t              *ngx_aigc_release_log;

static ngx_aigc_release_sweep_t  ngx_aigc_release_sweep;


void
ngx_aigc_release(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    time_t                     age;
    ngx_uint_t                 i, n;
    ngx_aigc_leader_item_t     list[NGX_AIGC_RELEASE_MAX];
    ngx_aigc_release_sweep_t  *sweep;

    ngx_aigc_release_k8s = k8s;
    ngx_aigc_release_zone = zone;
    ngx_aigc_release_log = log;

    sweep = &ngx_aigc_release_sweep;

    if (sweep->nusers == 0 && ngx_aigc_release_begin(sweep) != NGX_OK) {
        return;
    }

    while ((n = ngx_aigc_release_find(sweep, list)) == 0
           && sweep->slot < ngx_aigc_table(zone)->end_instances)
    {
        if (ngx_aigc_reconcile_enough()) {
            return;
        }
    }

    ngx_aigc_leader_patch(zone, &ngx_aigc_release_patch, list, n, log);

    if (sweep->slot < ngx_aigc_table(zone)->end_instances) {
        ngx_aigc_task_again();
        return;
    }

    /* a table that is not whole may lack some of theirs */

    for (i = 0; i < sweep->nusers; i++) {

        /* a time to come is another clock's, or of before a step of ours */

        age = ngx_time() - ngx_aigc_when_time(sweep->users[i].when);

        if (ngx_aigc_table_whole(zone) == NGX_OK && !sweep->found[i]
            && (age > NGX_AIGC_RELEASE_HOLD || age < -NGX_AIGC_RELEASE_HOLD))
        {
            ngx_aigc_revocation_released(zone, &sweep->users[i]);
        }
    }

    sweep->nusers = 0;
}


void
ngx_aigc_release_stop(void)
{
    ngx_memzero(&ngx_aigc_release_sweep, sizeof(ngx_aigc_release_sweep_t));
}


/* NGX_OK: there are users whose instances are to be found */
static ngx_int_t
ngx_aigc_release_begin(ngx_aigc_release_sweep_t *sweep)
{
    ngx_atomic_uint_t  version;

    version = ngx_aigc_revocation_version(ngx_aigc_release_zone);

    if (sweep->none && sweep->version == version) {
        return NGX_DECLINED;
    }

    sweep->version = version;
    sweep->slot = 0;
    sweep->nusers = ngx_aigc_revocation_list(ngx_aigc_release_zone,
                                             NGX_AIGC_REVOCATIONS_USER, 0,
                                             sweep->users,
                                             NGX_AIGC_RELEASE_USERS);
    sweep->none = (sweep->nusers == 0);

    ngx_memzero(sweep->found, sizeof(sweep->found));

    return sweep->none ? NGX_DECLINED : NGX_OK;
}


/* What runs of these users', among the next ones; found says whose. */
static ngx_uint_t
ngx_aigc_release_find(ngx_aigc_release_sweep_t *sweep,
    ngx_aigc_leader_item_t *list)
{
    u_char              key[NGX_AIGC_REVOCATION_KEY_LEN];
    ngx_str_t           owner;
    ngx_uint_t          i, n, looked;
    ngx_aigc_record_t   record;

    n = 0;

    for (looked = 0; looked < NGX_AIGC_RELEASE_SLICE; looked++) {

        if (ngx_aigc_table_next(ngx_aigc_release_zone, NGX_AIGC_RUNNING,
                                &sweep->slot, &record)
            != NGX_OK)
        {
            break;
        }

        sweep->slot++;

        if (record.owner.len == 0 || record.tmpl == NGX_AIGC_NONE) {
            continue;
        }

        ngx_aigc_fixed_get(&record.owner, &owner);

        if (ngx_aigc_revocation_key(&owner, key) != NGX_OK) {
            continue;
        }

        for (i = 0; i < sweep->nusers; i++) {
            if (ngx_memcmp(sweep->users[i].key, key,
                           NGX_AIGC_REVOCATION_KEY_LEN)
                == 0)
            {
                break;
            }
        }

        if (i == sweep->nusers) {
            continue;
        }

        sweep->found[i] = 1;

        if (n < NGX_AIGC_RELEASE_MAX) {
            list[n].tmpl = record.tmpl;
            list[n].id = record.id;
            ngx_aigc_fixed_set(&list[n].owner, &owner);
            n++;
        }
    }

    return n;
}


/* The list for the administrator. */
static void
ngx_aigc_release_sent(ngx_aigc_template_t *tmpl, ngx_aigc_leader_item_t *items,
    ngx_aigc_op_t *ops, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (ops[i].state != NGX_AIGC_OP_SENT) {
            continue;
        }

        ngx_aigc_count(ngx_aigc_release_zone, user_releases);

        ngx_log_error(NGX_LOG_NOTICE, ngx_aigc_release_log, 0,
                      "aigc: instance %*s/%*s/%D is released, its disks stay: "
                      "its user \"%*s\" is deleted or suspended in Logto",
                      (size_t) tmpl->ns.len, tmpl->ns.data,
                      (size_t) tmpl->name.len, tmpl->name.data, ops[i].id,
                      (size_t) ops[i].owner.len, ops[i].owner.data);

        (void) ngx_aigc_event(ngx_aigc_release_k8s, tmpl, ops[i].id,
                              "UserGone", "its user is deleted or suspended "
                              "in Logto: it is released, its disks stay",
                              ngx_aigc_release_log);
    }
}
