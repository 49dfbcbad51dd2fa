/*
 * net/ngx_aigc_release.c — one patch a template, by the rules of the plan.
 */

#include "ngx_aigc_release.h"
#include "ngx_aigc_event.h"
#include "ngx_aigc_leader_patch.h"


static ngx_uint_t ngx_aigc_release_find(ngx_aigc_revoked_t *users,
    ngx_uint_t nusers, ngx_uint_t *found, ngx_aigc_leader_item_t *list);
static void ngx_aigc_release_sent(ngx_aigc_template_t *tmpl,
    ngx_aigc_leader_item_t *items, ngx_aigc_op_t *ops, ngx_uint_t n);


static ngx_aigc_leader_patch_t  ngx_aigc_release_patch = {
    NGX_AIGC_TASK_RELEASE, NGX_AIGC_RELEASE, NGX_AIGC_LOCK_SHOWN,
    "the instances of a user who is gone could not be released",
    ngx_aigc_release_sent, NULL
};

static ngx_aigc_kubernetes_t  *ngx_aigc_release_k8s;
static ngx_aigc_zone_t        *ngx_aigc_release_zone;
static ngx_log_t              *ngx_aigc_release_log;


void
ngx_aigc_release(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    time_t                   age;
    ngx_uint_t               i, n, nusers;
    ngx_uint_t               found[NGX_AIGC_RELEASE_USERS];
    ngx_aigc_revoked_t       users[NGX_AIGC_RELEASE_USERS];
    ngx_aigc_leader_item_t   list[NGX_AIGC_RELEASE_MAX];

    ngx_aigc_release_k8s = k8s;
    ngx_aigc_release_zone = zone;
    ngx_aigc_release_log = log;

    nusers = ngx_aigc_revocation_list(zone, NGX_AIGC_REVOCATION_USER, 0, users,
                                      NGX_AIGC_RELEASE_USERS);
    if (nusers == 0) {
        return;
    }

    ngx_memzero(found, sizeof(found));

    n = ngx_aigc_release_find(users, nusers, found, list);

    ngx_aigc_leader_patch(zone, &ngx_aigc_release_patch, list, n, log);

    /* a table that is not whole may lack some of theirs */

    if (ngx_aigc_zone_whole(zone) != NGX_OK) {
        return;
    }

    for (i = 0; i < nusers; i++) {
        /* a time to come is another clock's, or of before a step of ours */

        age = ngx_time() - ngx_aigc_when_time(users[i].when);

        if (!found[i]
            && (age > NGX_AIGC_RELEASE_HOLD || age < -NGX_AIGC_RELEASE_HOLD))
        {
            ngx_aigc_revocation_released(zone, &users[i]);
        }
    }
}


/* What runs of these users'; found says whose. */
static ngx_uint_t
ngx_aigc_release_find(ngx_aigc_revoked_t *users, ngx_uint_t nusers,
    ngx_uint_t *found, ngx_aigc_leader_item_t *list)
{
    u_char              key[NGX_AIGC_REVOKED_KEY_LEN];
    uint32_t            slot;
    ngx_str_t           owner;
    ngx_uint_t          i, n;
    ngx_aigc_record_t   record;

    n = 0;

    for (slot = 0;
         ngx_aigc_table_next(ngx_aigc_release_zone, NGX_AIGC_RUNNING, &slot,
                             &record)
         == NGX_OK;
         slot++)
    {
        if (record.owner.len == 0 || record.tmpl == NGX_AIGC_NONE) {
            continue;
        }

        ngx_aigc_fixed_get(&record.owner, &owner);

        if (ngx_aigc_revoked_key(&owner, key) != NGX_OK) {
            continue;
        }

        for (i = 0; i < nusers; i++) {
            if (ngx_memcmp(users[i].key, key, NGX_AIGC_REVOKED_KEY_LEN) == 0) {
                break;
            }
        }

        if (i == nusers) {
            continue;
        }

        found[i] = 1;

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
