/*
 * logto/ngx_http_aigc_adopt.c — who claims what, and what comes of it.
 */

#include "ngx_http_aigc_adopt.h"
#include "base/ngx_http_aigc_reply.h"

#include "ngx_aigc_entry.h"
#include "base/ngx_aigc_text.h"

#include <openssl/sha.h>


/* "namespace/template/id" */
#define NGX_HTTP_AIGC_ADOPT_KEY                                               \
    (NGX_AIGC_NS_MAX + 1 + NGX_AIGC_NAME_MAX + 1 + NGX_INT_T_LEN)


static ngx_int_t ngx_http_aigc_adopt_entry(ngx_http_aigc_adopt_list_t *list,
    ngx_str_t *user, ngx_aigc_entry_t *entry);
static ngx_int_t ngx_http_aigc_adopt_claim(ngx_http_aigc_adopt_list_t *list,
    ngx_str_t *user, ngx_aigc_entry_t *entry, uint32_t tmpl);
static ngx_http_aigc_adopt_claim_t *ngx_http_aigc_adopt_find(
    ngx_http_aigc_adopt_list_t *list, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id, ngx_str_t *key, uint32_t *hash);
static ngx_int_t ngx_http_aigc_adopt_conflict(ngx_http_aigc_adopt_list_t *list,
    ngx_str_t *ns, ngx_str_t *name, ngx_int_t id, ngx_str_t *user,
    const char *reason);
static json_t *ngx_http_aigc_adopt_item(ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id, ngx_str_t *user);
static int ngx_libc_cdecl ngx_http_aigc_adopt_cmp(const void *one,
    const void *two);
static const char *ngx_http_aigc_adopt_judge(ngx_http_aigc_adopt_list_t *list,
    ngx_http_aigc_adopt_claim_t *claim, ngx_array_t *claims);
static ngx_int_t ngx_http_aigc_adopt_template(ngx_http_aigc_adopt_list_t *list,
    ngx_http_aigc_adopt_claim_t *claim, ngx_array_t *claims);
static ngx_int_t ngx_http_aigc_adopt_stops(ngx_http_aigc_adopt_list_t *list);
static void ngx_http_aigc_adopt_mix(ngx_http_aigc_adopt_list_t *list,
    u_char *data, size_t len);
static ngx_uint_t ngx_http_aigc_adopt_written(ngx_http_aigc_adopt_list_t *list,
    uint32_t tmpl);


ngx_int_t
ngx_http_aigc_adopt_init(ngx_http_aigc_adopt_list_t *list, ngx_pool_t *pool,
    ngx_aigc_zone_t *zone)
{
    ngx_memzero(list, sizeof(ngx_http_aigc_adopt_list_t));

    list->pool = pool;
    list->zone = zone;

    ngx_rbtree_init(&list->tree, &list->sentinel, ngx_str_rbtree_insert_value);

    list->conflicts = json_array();
    list->stops = json_array();

    return (list->conflicts && list->stops
            && ngx_array_init(&list->claims, pool, 64, sizeof(void *))
               == NGX_OK
            && ngx_array_init(&list->adopt, pool, 64, sizeof(void *))
               == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


void
ngx_http_aigc_adopt_free(ngx_http_aigc_adopt_list_t *list)
{
    json_decref(list->conflicts);
    json_decref(list->stops);

    list->conflicts = NULL;
    list->stops = NULL;
}


ngx_int_t
ngx_http_aigc_adopt_user(ngx_http_aigc_adopt_list_t *list, json_t *item)
{
    json_t            *value;
    ngx_str_t          user;
    const char        *key;
    ngx_uint_t         n;
    ngx_aigc_entry_t   entry;

    user = ngx_aigc_json_text(item, "id");

    if (ngx_aigc_text_check(&user, NGX_AIGC_SUB_MAX) != NGX_OK) {
        return NGX_OK;
    }

    n = 0;

    json_object_foreach(json_object_get(item, "customData"), key, value) {

        if (ngx_aigc_entry_read(key, value, &entry) != NGX_OK) {
            continue;
        }

        if (++n > NGX_AIGC_ENTRIES_MAX) {
            list->left_off++;           /* the answer says that there are */
            continue;
        }

        if (ngx_http_aigc_adopt_entry(list, &user, &entry) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_adopt_entry(ngx_http_aigc_adopt_list_t *list, ngx_str_t *user,
    ngx_aigc_entry_t *entry)
{
    uint32_t              slot;
    ngx_int_t             rc;
    const char           *reason;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    rc = ngx_aigc_table_template(list->zone, &entry->ns, &entry->name, &tmpl,
                                 &slot);

    if (rc == NGX_OK && tmpl.deleting) {
        rc = NGX_DECLINED;
    }

    if (rc == NGX_OK && entry->id >= 0) {
        rc = ngx_aigc_table_by_id(list->zone, &entry->ns, &entry->name,
                                  entry->id, &record);

        reason = "no-instance";

    } else {
        reason = (rc == NGX_OK) ? "bad-id" : "no-template";
        rc = (rc == NGX_OK) ? NGX_DECLINED : rc;
    }

    if (rc == NGX_BUSY) {
        list->busy = 1;
        return NGX_OK;
    }

    if (rc == NGX_OK) {

        if (record.state == NGX_AIGC_NO_STATE) {
            return ngx_http_aigc_adopt_claim(list, user, entry, slot);
        }

        if (record.owner.len && ngx_aigc_fixed_eq(&record.owner, user)) {
            return NGX_OK;              /* adopted, or mirrored: all is well */
        }

        reason = "taken";
    }

    return ngx_http_aigc_adopt_conflict(list, &entry->ns, &entry->name,
                                        entry->id, user, reason);
}


/* A claim on an id that may be adopted. */
static ngx_int_t
ngx_http_aigc_adopt_claim(ngx_http_aigc_adopt_list_t *list, ngx_str_t *user,
    ngx_aigc_entry_t *entry, uint32_t tmpl)
{
    u_char                        *p;
    u_char                         buf[NGX_HTTP_AIGC_ADOPT_KEY];
    uint32_t                       hash;
    ngx_str_t                      key;
    ngx_http_aigc_adopt_claim_t   *claim, **item;

    key.data = buf;

    claim = ngx_http_aigc_adopt_find(list, &entry->ns, &entry->name, entry->id,
                                     &key, &hash);

    if (claim) {

        /* the pages move when a user is made: the same one again is no other */

        if (ngx_aigc_text_eq(&claim->user, user)) {
            return NGX_OK;
        }

        if (!claim->twice
            && ngx_http_aigc_adopt_conflict(list, &entry->ns, &entry->name,
                                            entry->id, &claim->user,
                                            "claimed-twice")
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        claim->twice = 1;

        return ngx_http_aigc_adopt_conflict(list, &entry->ns, &entry->name,
                                            entry->id, user, "claimed-twice");
    }

    claim = ngx_pcalloc(list->pool, sizeof(ngx_http_aigc_adopt_claim_t));
    p = ngx_pnalloc(list->pool, key.len + user->len);
    item = ngx_array_push(&list->claims);

    if (claim == NULL || p == NULL || item == NULL) {
        return NGX_ERROR;
    }

    *item = claim;

    claim->sn.node.key = hash;
    claim->sn.str.len = key.len;
    claim->sn.str.data = p;
    claim->ns.len = entry->ns.len;
    claim->ns.data = p;
    claim->name.len = entry->name.len;
    claim->name.data = p + entry->ns.len + 1;
    p = ngx_cpymem(p, key.data, key.len);

    claim->user.len = user->len;
    claim->user.data = p;
    ngx_memcpy(p, user->data, user->len);

    claim->id = entry->id;
    claim->tmpl = tmpl;

    ngx_rbtree_insert(&list->tree, &claim->sn.node);

    return NGX_OK;
}


/* key->data: room for NGX_HTTP_AIGC_ADOPT_KEY bytes */
static ngx_http_aigc_adopt_claim_t *
ngx_http_aigc_adopt_find(ngx_http_aigc_adopt_list_t *list, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id, ngx_str_t *key, uint32_t *hash)
{
    key->len = ngx_sprintf(key->data, "%V/%V/%i", ns, name, id) - key->data;

    *hash = ngx_crc32_short(key->data, key->len);

    return (ngx_http_aigc_adopt_claim_t *)
               ngx_str_rbtree_lookup(&list->tree, key, *hash);
}


static ngx_int_t
ngx_http_aigc_adopt_conflict(ngx_http_aigc_adopt_list_t *list, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id, ngx_str_t *user, const char *reason)
{
    json_t  *item;

    if (json_array_size(list->conflicts) >= NGX_HTTP_AIGC_ADOPT_CONFLICTS) {
        list->left_off++;
        return NGX_OK;
    }

    item = ngx_http_aigc_adopt_item(ns, name, id, user);

    return (json_object_set_new(item, "reason", json_string(reason)) == 0
            && json_array_append_new(list->conflicts, item) == 0)
           ? NGX_OK : NGX_ERROR;
}


/* id negative: it is none; user NULL: nobody.  NULL: no memory. */
static json_t *
ngx_http_aigc_adopt_item(ngx_str_t *ns, ngx_str_t *name, ngx_int_t id,
    ngx_str_t *user)
{
    json_t  *item;

    item = json_pack("{s:o, s:o, s:o}",
                     "namespace", ngx_http_aigc_json_str(ns),
                     "template", ngx_http_aigc_json_str(name),
                     "id", id < 0 ? json_null() : json_integer(id));

    if (user) {
        (void) json_object_set_new(item, "user", ngx_http_aigc_json_str(user));
    }

    return item;
}


ngx_int_t
ngx_http_aigc_adopt_decide(ngx_http_aigc_adopt_list_t *list)
{
    uint32_t                        tmpl;
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    const char                     *reason;
    ngx_array_t                     claims;
    ngx_http_aigc_adopt_claim_t   **item, **adopt;

    if (list->busy) {
        return NGX_BUSY;
    }

    ngx_qsort(list->claims.elts, list->claims.nelts, sizeof(void *),
              ngx_http_aigc_adopt_cmp);

    item = list->claims.elts;
    tmpl = NGX_AIGC_NONE;

    for (i = 0; i < list->claims.nelts; i++) {

        if (item[i]->twice) {
            continue;
        }

        if (item[i]->tmpl != tmpl) {
            rc = ngx_http_aigc_adopt_template(list, item[i], &claims);

            if (rc != NGX_OK) {
                return rc;
            }

            tmpl = item[i]->tmpl;
        }

        reason = ngx_http_aigc_adopt_judge(list, item[i], &claims);

        if (reason) {
            if (ngx_http_aigc_adopt_conflict(list, &item[i]->ns,
                                             &item[i]->name, item[i]->id,
                                             &item[i]->user, reason)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            continue;
        }

        adopt = ngx_array_push(&list->adopt);
        if (adopt == NULL) {
            return NGX_ERROR;
        }

        *adopt = item[i];
        item[i]->adopted = 1;

        ngx_http_aigc_adopt_mix(list, item[i]->sn.str.data,
                                item[i]->sn.str.len);
        ngx_http_aigc_adopt_mix(list, item[i]->user.data, item[i]->user.len);
    }

    if (ngx_http_aigc_adopt_stops(list) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(list->confirm, list->digest, sizeof(list->digest));

    return list->busy ? NGX_BUSY : NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_aigc_adopt_cmp(const void *one, const void *two)
{
    ngx_int_t                            rc;
    const ngx_http_aigc_adopt_claim_t   *a, *b;

    a = *(ngx_http_aigc_adopt_claim_t *const *) one;
    b = *(ngx_http_aigc_adopt_claim_t *const *) two;

    rc = ngx_memn2cmp(a->ns.data, b->ns.data, a->ns.len, b->ns.len);

    if (rc == 0) {
        rc = ngx_memn2cmp(a->name.data, b->name.data, a->name.len,
                          b->name.len);
    }

    return rc ? rc : a->id - b->id;
}


/* A template's claims by annotation; its uid goes into the digest. */
static ngx_int_t
ngx_http_aigc_adopt_template(ngx_http_aigc_adopt_list_t *list,
    ngx_http_aigc_adopt_claim_t *claim, ngx_array_t *claims)
{
    ngx_int_t            rc;
    ngx_aigc_template_t  tmpl;

    rc = ngx_aigc_table_claims(list->zone, list->pool, claim->tmpl, &tmpl,
                               claims);

    if (rc == NGX_DECLINED) {
        return NGX_BUSY;                /* it went while users were read */
    }

    if (rc == NGX_OK) {
        ngx_http_aigc_adopt_mix(list, tmpl.uid.data, tmpl.uid.len);
    }

    return rc;
}


/* NULL: it can be adopted; else why not.  claims: the template's. */
static const char *
ngx_http_aigc_adopt_judge(ngx_http_aigc_adopt_list_t *list,
    ngx_http_aigc_adopt_claim_t *claim, ngx_array_t *claims)
{
    uint32_t            slot, n;
    ngx_int_t           rc;
    ngx_uint_t          i;
    ngx_aigc_disk_t     disk;
    ngx_aigc_claim_t   *held;
    ngx_aigc_record_t   record;

    rc = ngx_aigc_table_by_id(list->zone, &claim->ns, &claim->name, claim->id,
                              &record);

    if (rc == NGX_BUSY || (rc == NGX_OK && record.disk == NGX_AIGC_DISK_LOST))
    {
        list->busy = 1;
        return NULL;
    }

    if (rc != NGX_OK || (!record.gs && record.first_disk == NGX_AIGC_NONE)) {
        return "no-instance";
    }

    if (record.state != NGX_AIGC_NO_STATE) {
        return "taken";
    }

    n = 0;

    for (slot = record.first_disk;
         slot != NGX_AIGC_NONE && n++ < ngx_aigc_table(list->zone)->ndisks;
         slot = disk.next_disk)
    {
        if (ngx_aigc_table_disk_at(list->zone, slot, &disk) != NGX_OK) {
            list->busy = 1;
            return NULL;
        }

        if (disk.deleting) {
            return "disk-deleted";
        }

        if (disk.owner.len && !ngx_aigc_fixed_eq(&disk.owner, &claim->user)) {
            return "foreign-disk";
        }
    }

    held = claims->elts;

    for (i = 0; i < claims->nelts; i++) {
        if (ngx_aigc_text_eq(&held[i].owner, &claim->user)) {
            return "has-another";
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_aigc_adopt_stops(ngx_http_aigc_adopt_list_t *list)
{
    u_char                         buf[NGX_HTTP_AIGC_ADOPT_KEY];
    uint32_t                       slot, hash;
    ngx_int_t                      rc;
    ngx_str_t                      ns, name, key;
    ngx_aigc_record_t              record;
    ngx_http_aigc_adopt_claim_t   *claim;

    key.data = buf;

    for (slot = 0; ; slot++) {

        rc = ngx_aigc_table_record_at(list->zone, slot, &record);

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc == NGX_BUSY) {
            list->busy = 1;
        }

        if (rc != NGX_OK || !record.gs || record.state != NGX_AIGC_NO_STATE
            || record.reserved || record.gs_state == NGX_AIGC_GS_DELETING
            || !ngx_http_aigc_adopt_written(list, record.tmpl))
        {
            continue;
        }

        ngx_aigc_fixed_get(&record.ns, &ns);
        ngx_aigc_fixed_get(&record.name, &name);

        claim = ngx_http_aigc_adopt_find(list, &ns, &name, record.id, &key,
                                         &hash);

        if (claim && claim->adopted) {
            continue;
        }

        if (json_array_append_new(list->stops,
                                  ngx_http_aigc_adopt_item(&ns, &name,
                                                           record.id, NULL))
            != 0)
        {
            return NGX_ERROR;
        }

        ngx_http_aigc_adopt_mix(list, key.data, key.len);
    }
}


/* digest = SHA-256(digest, data): a chain, so that no two lists look alike */
static void
ngx_http_aigc_adopt_mix(ngx_http_aigc_adopt_list_t *list, u_char *data,
    size_t len)
{
    u_char  *p;
    u_char   buf[SHA256_DIGEST_LENGTH + NGX_HTTP_AIGC_ADOPT_KEY
                 + NGX_AIGC_SUB_MAX];

    p = ngx_cpymem(buf, list->digest, SHA256_DIGEST_LENGTH);
    p = ngx_cpymem(p, data, len);

    (void) SHA256(buf, p - buf, list->digest);
}


/* Will this template be written? */
static ngx_uint_t
ngx_http_aigc_adopt_written(ngx_http_aigc_adopt_list_t *list, uint32_t tmpl)
{
    ngx_uint_t                      i;
    ngx_http_aigc_adopt_claim_t   **item;

    item = list->adopt.elts;

    for (i = 0; i < list->adopt.nelts; i++) {
        if (item[i]->tmpl == tmpl) {
            return 1;
        }
    }

    return 0;
}


json_t *
ngx_http_aigc_adopt_json(ngx_http_aigc_adopt_list_t *list, const char *name,
    ngx_uint_t digest)
{
    json_t                         *root, *adopt;
    ngx_uint_t                      i;
    ngx_http_aigc_adopt_claim_t   **item;

    adopt = json_array();
    item = list->adopt.elts;

    for (i = 0; i < list->adopt.nelts; i++) {
        (void) json_array_append_new(adopt,
                   ngx_http_aigc_adopt_item(&item[i]->ns, &item[i]->name,
                                            item[i]->id, &item[i]->user));
    }

    root = json_pack("{s:o, s:O, s:O, s:I}",
                     name, adopt,
                     "conflicts", list->conflicts,
                     "stops", list->stops,
                     "conflictsLeftOff", (json_int_t) list->left_off);

    if (digest) {
        (void) json_object_set_new(root, "confirm",
                   ngx_http_aigc_json_text(list->confirm,
                                           sizeof(list->confirm)));
    }

    return root;
}
