/*
 * logto/ngx_aigc_mirror_users.c — from the table's records to users.
 */

#include "ngx_aigc_mirror_users.h"

#include "instances/ngx_aigc_table_peek.h"


static void ngx_aigc_mirror_slot_set(ngx_aigc_mirror_users_t *users,
    uint32_t slot, ngx_aigc_record_t *record);
static uint64_t ngx_aigc_mirror_hash(ngx_aigc_record_t *record);
static uint64_t ngx_aigc_mirror_hash_add(uint64_t hash, u_char *data,
    size_t len);
static void ngx_aigc_mirror_user_update(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user);


ngx_int_t
ngx_aigc_mirror_users_init(ngx_aigc_mirror_users_t *users,
    ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_memzero(users, sizeof(ngx_aigc_mirror_users_t));

    users->k8s = k8s;
    users->zone = zone;
    users->log = log;
    users->initial = 1;
    users->again = 1;

    ngx_rbtree_init(&users->tree, &users->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&users->queue);

    users->slots = ngx_calloc(ngx_aigc_table(zone)->ninstances
                              * sizeof(ngx_aigc_mirror_slot_t), log);

    return users->slots ? NGX_OK : NGX_ERROR;
}


void
ngx_aigc_mirror_users_free(ngx_aigc_mirror_users_t *users)
{
    ngx_rbtree_node_t  *node;

    while (users->tree.root != users->tree.sentinel) {
        node = users->tree.root;
        ngx_rbtree_delete(&users->tree, node);
        ngx_free(node);
    }

    if (users->slots) {
        ngx_free(users->slots);
        users->slots = NULL;
    }

    ngx_queue_init(&users->queue);

    users->pending = 0;
    users->current = NULL;
    users->zone->shm->counters.mirror_pending = 0;
}


ngx_int_t
ngx_aigc_mirror_users_refresh(ngx_aigc_mirror_users_t *users, ngx_uint_t most)
{
    uint32_t            slot, end;
    ngx_int_t           rc;
    ngx_uint_t          n, looked;
    ngx_atomic_uint_t   version;
    ngx_aigc_record_t   record;

    version = ngx_aigc_table(users->zone)->version;

    if (most == NGX_AIGC_MIRROR_ALL) {
        users->at = 0;
    }

    if (users->at == 0) {

        if (version == users->version && !users->again) {
            return NGX_OK;
        }

        users->version = version;
        users->again = 0;

        ngx_memory_barrier();
    }

    n = 0;
    looked = 0;
    end = ngx_aigc_table(users->zone)->end_instances;

    for (slot = users->at; slot < end; slot++) {

        if (n == NGX_AIGC_MIRROR_SLICE || looked == most) {
            users->at = slot;
            return NGX_AGAIN;
        }

        looked++;

        rc = ngx_aigc_table_record_changed(users->zone, slot,
                                           &users->slots[slot].seq, &record);

        if (rc == NGX_AGAIN) {
            continue;
        }

        if (rc == NGX_BUSY) {
            users->again = 1;
            continue;
        }

        ngx_aigc_mirror_slot_set(users, slot, rc == NGX_OK ? &record : NULL);
        n++;
    }

    users->at = 0;
    users->initial = 0;
    users->zone->shm->counters.mirror_pending = users->pending;

    return NGX_OK;
}


/* record NULL: there is none in slot */
static void
ngx_aigc_mirror_slot_set(ngx_aigc_mirror_users_t *users, uint32_t slot,
    ngx_aigc_record_t *record)
{
    uint64_t                 hash;
    ngx_str_t                sub;
    ngx_aigc_mirror_user_t  *user, *old;
    ngx_aigc_mirror_slot_t  *s;

    user = NULL;
    hash = 0;

    if (record && record->owner.len && record->tmpl != NGX_AIGC_NONE
        && (record->state == NGX_AIGC_RUNNING
            || record->state == NGX_AIGC_RELEASED))
    {
        ngx_aigc_fixed_get(&record->owner, &sub);
        user = ngx_aigc_mirror_user(users, &sub, 1);
        hash = ngx_aigc_mirror_hash(record);

        if (user == NULL) {
            users->slots[slot].seq = NGX_AIGC_SEQ_NONE; /* no memory */
            users->again = 1;
            return;
        }
    }

    s = &users->slots[slot];
    old = s->user;

    if (old == user && s->hash == hash) {
        return;
    }

    if (old) {
        if (s->prev == NGX_AIGC_NONE) {
            old->first = s->next;

        } else {
            users->slots[s->prev].next = s->next;
        }

        if (s->next != NGX_AIGC_NONE) {
            users->slots[s->next].prev = s->prev;
        }

        old->wanted -= s->hash;
    }

    s->user = user;
    s->hash = hash;

    if (user) {
        s->prev = NGX_AIGC_NONE;
        s->next = user->first;

        if (s->next != NGX_AIGC_NONE) {
            users->slots[s->next].prev = slot;
        }

        user->first = slot;
        user->wanted += hash;

        ngx_aigc_mirror_user_update(users, user);
    }

    if (old && old != user) {
        ngx_aigc_mirror_user_update(users, old);
    }
}


/* FNV-1a, 64 bits; never 0, which is the sum of nothing */
static uint64_t
ngx_aigc_mirror_hash(ngx_aigc_record_t *record)
{
    uint64_t  hash;

    hash = ngx_aigc_mirror_hash_add(14695981039346656037u, record->ns.data,
                                    record->ns.len);
    hash = ngx_aigc_mirror_hash_add(hash, (u_char *) "/", 1);
    hash = ngx_aigc_mirror_hash_add(hash, record->name.data,
                                    record->name.len);
    hash = ngx_aigc_mirror_hash_add(hash, (u_char *) &record->id,
                                    sizeof(record->id));

    return hash ? hash : 1;
}


static uint64_t
ngx_aigc_mirror_hash_add(uint64_t hash, u_char *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        hash = (hash ^ data[i]) * 1099511628211u;
    }

    return hash;
}


ngx_aigc_mirror_user_t *
ngx_aigc_mirror_user(ngx_aigc_mirror_users_t *users, ngx_str_t *sub,
    ngx_uint_t create)
{
    uint32_t                 hash;
    ngx_aigc_mirror_user_t  *user;

    hash = ngx_crc32_short(sub->data, sub->len);

    user = (ngx_aigc_mirror_user_t *) ngx_str_rbtree_lookup(&users->tree, sub,
                                                            hash);
    if (user || !create) {
        return user;
    }

    user = ngx_calloc(offsetof(ngx_aigc_mirror_user_t, data) + sub->len,
                      users->log);
    if (user == NULL) {
        return NULL;
    }

    ngx_memcpy(user->data, sub->data, sub->len);

    user->sn.str.len = sub->len;
    user->sn.str.data = user->data;
    user->sn.node.key = hash;
    user->first = NGX_AIGC_NONE;
    user->unseen = users->initial;

    ngx_rbtree_insert(&users->tree, &user->sn.node);

    return user;
}


void
ngx_aigc_mirror_user_settled(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, uint64_t sum)
{
    user->written = sum;
    user->stale = 0;
    user->unseen = 0;
    ngx_aigc_backoff_reset(&user->backoff);
    user->next = ngx_current_msec;

    ngx_aigc_mirror_user_update(users, user);
}


void
ngx_aigc_mirror_user_stale(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user)
{
    user->stale = 1;
    user->unseen = 0;

    ngx_aigc_mirror_user_update(users, user);
}


void
ngx_aigc_mirror_user_later(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, ngx_msec_t wait)
{
    user->next = ngx_current_msec + wait;

    if (user->queued) {
        ngx_queue_remove(&user->queue);
        ngx_queue_insert_tail(&users->queue, &user->queue);
    }
}


void
ngx_aigc_mirror_users_seen(ngx_aigc_mirror_users_t *users)
{
    ngx_queue_t             *q;
    ngx_aigc_mirror_user_t  *user;

    for (q = ngx_queue_head(&users->queue);
         q != ngx_queue_sentinel(&users->queue);
         q = ngx_queue_next(q))
    {
        user = ngx_queue_data(q, ngx_aigc_mirror_user_t, queue);
        user->unseen = 0;
    }
}


ngx_uint_t
ngx_aigc_mirror_user_runs(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user)
{
    uint32_t           slot;
    ngx_aigc_record_t  record;

    for (slot = user->first;
         slot != NGX_AIGC_NONE;
         slot = users->slots[slot].next)
    {
        if (ngx_aigc_peek_record(users->zone, slot, &record) == NGX_OK
            && record.state == NGX_AIGC_RUNNING)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_aigc_mirror_users_unlisted(ngx_aigc_mirror_users_t *users, uint32_t scan)
{
    ngx_rbtree_node_t       *node;
    ngx_aigc_mirror_user_t  *user;

    if (users->tree.root == users->tree.sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(users->tree.root, users->tree.sentinel);
         node;
         node = ngx_rbtree_next(&users->tree, node))
    {
        user = (ngx_aigc_mirror_user_t *) node;

        if (user->scan != scan && user->first != NGX_AIGC_NONE
            && (!user->gone || ngx_aigc_mirror_user_runs(users, user)))
        {
            ngx_aigc_mirror_user_stale(users, user);
        }
    }
}


ngx_aigc_mirror_user_t *
ngx_aigc_mirror_users_next(ngx_aigc_mirror_users_t *users, ngx_msec_t *wait)
{
    ngx_queue_t             *q;
    ngx_msec_int_t           left;
    ngx_aigc_mirror_user_t  *user, *failing;

    *wait = 0;
    failing = NULL;

    for (q = ngx_queue_head(&users->queue);
         q != ngx_queue_sentinel(&users->queue);
         q = ngx_queue_next(q))
    {
        user = ngx_queue_data(q, ngx_aigc_mirror_user_t, queue);

        if (user->unseen) {
            continue;
        }

        left = (ngx_msec_int_t) (user->next - ngx_current_msec);

        if (left <= 0 && user->backoff.wait == 0) {
            return user;
        }

        if (left <= 0) {
            failing = failing ? failing : user;
            continue;
        }

        if (*wait == 0 || (ngx_msec_t) left < *wait) {
            *wait = (ngx_msec_t) left;
        }
    }

    return failing;
}


/* In the queue while there is something to do; freed when there is nothing. */
static void
ngx_aigc_mirror_user_update(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user)
{
    ngx_uint_t  behind;

    behind = (user->stale || user->wanted != user->written);

    if (behind && !user->queued) {
        ngx_queue_insert_tail(&users->queue, &user->queue);
        users->pending++;
        user->queued = 1;
        user->next = ngx_current_msec;

    } else if (!behind && user->queued) {
        ngx_queue_remove(&user->queue);
        users->pending--;
        user->queued = 0;
    }

    users->zone->shm->counters.mirror_pending = users->pending;

    if (!behind && user->first == NGX_AIGC_NONE && user != users->current) {
        ngx_rbtree_delete(&users->tree, &user->sn.node);
        ngx_free(user);
    }
}


json_t *
ngx_aigc_mirror_user_entries(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user)
{
    json_t             *entries;
    uint32_t            slot;
    ngx_aigc_entry_t    entry;
    ngx_aigc_record_t   record;

    entries = json_object();

    for (slot = user ? user->first : NGX_AIGC_NONE;
         slot != NGX_AIGC_NONE;
         slot = users->slots[slot].next)
    {
        /* one that has changed since the last look: look first */

        if (ngx_aigc_table_record_at(users->zone, slot, &record) != NGX_OK
            || record.seq != users->slots[slot].seq)
        {
            json_decref(entries);
            return NULL;
        }

        ngx_aigc_fixed_get(&record.ns, &entry.ns);
        ngx_aigc_fixed_get(&record.name, &entry.name);
        entry.id = record.id;

        if (ngx_aigc_entry_add(entries, &entry) != NGX_OK) {
            json_decref(entries);
            return NULL;
        }
    }

    return entries;
}


ngx_int_t
ngx_aigc_mirror_stale(void *data, ngx_aigc_entry_t *entry)
{
    ngx_aigc_mirror_users_t *users = data;

    ngx_int_t            rc;
    ngx_str_t           *ns;
    ngx_uint_t           i, watched;
    ngx_array_t         *namespaces;
    ngx_aigc_record_t    record;
    ngx_aigc_template_t  tmpl;

    namespaces = &users->k8s->namespaces;
    ns = namespaces->elts;
    watched = (namespaces->nelts == 0);

    for (i = 0; i < namespaces->nelts; i++) {
        watched |= ngx_aigc_text_eq(&ns[i], &entry->ns);
    }

    if (!watched || ngx_aigc_table_whole(users->zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_table_template(users->zone, &entry->ns, &entry->name, &tmpl,
                                 NULL);

    if (rc == NGX_DECLINED) {
        /* deleted, or one that the selector leaves out: who can tell */

        return users->k8s->selector.len ? NGX_DECLINED : NGX_OK;
    }

    if (rc != NGX_OK || !tmpl.written || tmpl.partial) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_table_by_id(users->zone, &entry->ns, &entry->name, entry->id,
                              &record);

    if (rc == NGX_BUSY) {
        return NGX_DECLINED;
    }

    /* a disk that is nobody's: not adopted yet, this may say whose it is */

    return (rc == NGX_OK && record.state == NGX_AIGC_NO_STATE
            && record.disk != NGX_AIGC_DISK_NONE && record.disk_owner.len == 0)
           ? NGX_DECLINED : NGX_OK;
}
