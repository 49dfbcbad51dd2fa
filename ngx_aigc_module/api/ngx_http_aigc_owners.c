/*
 * api/ngx_http_aigc_owners.c — owners, counted out of the table.
 */

#include "ngx_http_aigc_owners.h"
#include "base/ngx_http_aigc_reply.h"

#include "base/ngx_aigc_text.h"


static ngx_http_aigc_owner_t *ngx_http_aigc_owners_get(
    ngx_http_aigc_owners_t *owners, ngx_str_t *user);
static ngx_http_aigc_owner_t *ngx_http_aigc_owners_find(
    ngx_http_aigc_owners_t *owners, ngx_str_t *user, uint32_t *hash);
static ngx_int_t ngx_http_aigc_owners_record(ngx_http_aigc_owners_t *owners);
static ngx_int_t ngx_http_aigc_owners_disk(ngx_http_aigc_owners_t *owners);


ngx_int_t
ngx_http_aigc_owners_init(ngx_http_aigc_owners_t *owners, ngx_pool_t *pool,
    ngx_aigc_zone_t *zone)
{
    ngx_memzero(owners, sizeof(ngx_http_aigc_owners_t));

    owners->pool = pool;
    owners->zone = zone;

    ngx_rbtree_init(&owners->tree, &owners->sentinel,
                    ngx_str_rbtree_insert_value);

    return ngx_array_init(&owners->list, pool, 64, sizeof(void *));
}


ngx_int_t
ngx_http_aigc_owners_scan(ngx_http_aigc_owners_t *owners)
{
    ngx_int_t   rc;
    ngx_uint_t  steps;

    for (steps = 0; steps < NGX_HTTP_AIGC_OWNERS_STEPS; steps++) {

        rc = ngx_http_aigc_owners_record(owners);

        if (rc == NGX_DONE) {
            rc = ngx_http_aigc_owners_disk(owners);
        }

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_AGAIN;
}


/*
 * One slot, also a free one: a step has a bound.  NGX_OK; NGX_DONE: there was
 * none left; NGX_ERROR.
 */
static ngx_int_t
ngx_http_aigc_owners_record(ngx_http_aigc_owners_t *owners)
{
    ngx_int_t               rc;
    ngx_str_t               user;
    ngx_aigc_record_t       record;
    ngx_http_aigc_owner_t  *owner;

    rc = ngx_aigc_table_record_at(owners->zone, owners->record, &record);

    if (rc == NGX_DONE) {
        return NGX_DONE;
    }

    owners->record++;

    if (rc != NGX_OK || record.owner.len == 0) {
        return NGX_OK;
    }

    ngx_aigc_fixed_get(&record.owner, &user);

    owner = ngx_http_aigc_owners_get(owners, &user);
    if (owner == NULL) {
        return NGX_ERROR;
    }

    owner->running += (record.state == NGX_AIGC_RUNNING);
    owner->released += (record.state == NGX_AIGC_RELEASED);

    return NGX_OK;
}


/* likewise */
static ngx_int_t
ngx_http_aigc_owners_disk(ngx_http_aigc_owners_t *owners)
{
    ngx_int_t               rc;
    ngx_str_t               user;
    ngx_aigc_disk_t         disk;
    ngx_http_aigc_owner_t  *owner;

    rc = ngx_aigc_table_disk_at(owners->zone, owners->disk, &disk);

    if (rc == NGX_DONE) {
        return NGX_DONE;
    }

    owners->disk++;

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    ngx_aigc_fixed_get(&disk.owner, &user);

    if (ngx_aigc_text_check(&user, NGX_AIGC_SUB_MAX) != NGX_OK) {
        return NGX_OK;
    }

    owner = ngx_http_aigc_owners_get(owners, &user);
    if (owner == NULL) {
        return NGX_ERROR;
    }

    owner->disks++;

    return NGX_OK;
}


static ngx_http_aigc_owner_t *
ngx_http_aigc_owners_get(ngx_http_aigc_owners_t *owners, ngx_str_t *user)
{
    uint32_t                 hash;
    ngx_http_aigc_owner_t   *owner, **item;

    owner = ngx_http_aigc_owners_find(owners, user, &hash);
    if (owner) {
        return owner;
    }

    owner = ngx_pcalloc(owners->pool, sizeof(ngx_http_aigc_owner_t));
    item = ngx_array_push(&owners->list);

    if (owner == NULL || item == NULL) {
        return NULL;
    }

    owner->sn.str.len = user->len;
    owner->sn.str.data = ngx_pstrdup(owners->pool, user);

    if (owner->sn.str.data == NULL) {
        return NULL;
    }

    *item = owner;

    owner->sn.node.key = hash;
    ngx_rbtree_insert(&owners->tree, &owner->sn.node);

    owners->unknown++;

    return owner;
}


static ngx_http_aigc_owner_t *
ngx_http_aigc_owners_find(ngx_http_aigc_owners_t *owners, ngx_str_t *user,
    uint32_t *hash)
{
    *hash = ngx_crc32_short(user->data, user->len);

    return (ngx_http_aigc_owner_t *) ngx_str_rbtree_lookup(&owners->tree, user,
                                                           *hash);
}


ngx_int_t
ngx_http_aigc_owners_user(ngx_http_aigc_owners_t *owners, json_t *user)
{
    uint32_t                hash;
    ngx_str_t               id, name;
    ngx_http_aigc_owner_t  *owner;

    id = ngx_aigc_json_text(user, "id");

    owner = id.len ? ngx_http_aigc_owners_find(owners, &id, &hash) : NULL;

    if (owner == NULL) {
        return NGX_OK;
    }

    name = ngx_aigc_json_text(user, "name");

    if (name.len == 0) {
        name = ngx_aigc_json_text(user, "username");
    }

    ngx_http_aigc_owners_status(owners, owner,
                                json_is_true(json_object_get(user,
                                                             "isSuspended"))
                                ? NGX_HTTP_AIGC_OWNER_SUSPENDED
                                : NGX_HTTP_AIGC_OWNER_ACTIVE);

    return ngx_aigc_text_copy(owners->pool, &name, NGX_HTTP_AIGC_OWNERS_NAME,
                              &owner->name);
}


void
ngx_http_aigc_owners_status(ngx_http_aigc_owners_t *owners,
    ngx_http_aigc_owner_t *owner, ngx_http_aigc_owner_e status)
{
    /* a page that has moved meanwhile may name a user twice */

    if (owner->status == NGX_HTTP_AIGC_OWNER_UNKNOWN) {
        owners->unknown--;
    }

    owner->status = status;
}


json_t *
ngx_http_aigc_owner_json(ngx_http_aigc_owner_t *owner)
{
    static const char  *status[] = { "unknown", "active", "suspended",
                                     "deleted" };

    return json_pack("{s:o, s:o, s:s, s:{s:I, s:I}, s:I}",
                     "user", ngx_http_aigc_json_str(&owner->sn.str),
                     "name", owner->name.len
                             ? ngx_http_aigc_json_str(&owner->name)
                             : json_null(),
                     "status", status[owner->status],
                     "instances",
                     "running", (json_int_t) owner->running,
                     "released", (json_int_t) owner->released,
                     "disks", (json_int_t) owner->disks);
}
