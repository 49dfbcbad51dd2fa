/*
 * instances/ngx_aigc_table.c — reading the table, without a lock.  Writers are
 * ngx_aigc_table_gss.c, ngx_aigc_table_objects.c, ngx_aigc_table_workload.c.
 */

#include "ngx_aigc_table.h"
#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"
#include "kube/ngx_aigc_date.h"


static ngx_int_t ngx_aigc_claims_copy(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    uint32_t first, ngx_array_t *claims);
static ngx_int_t ngx_aigc_claim_copy(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_record_slot_t *r, ngx_array_t *claims);
static ngx_int_t ngx_aigc_claim_cmp(const void *one, const void *two);


typedef ngx_int_t (*ngx_aigc_record_copy_pt)(ngx_aigc_zone_t *zone,
    uint32_t slot, ngx_aigc_record_t *record);

static ngx_int_t ngx_aigc_table_find(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id, ngx_aigc_record_t *record,
    ngx_aigc_record_copy_pt copy, uint32_t *slot);


ngx_int_t
ngx_aigc_table_by_host(ngx_aigc_zone_t *zone, ngx_str_t *host,
    ngx_aigc_record_t *record)
{
    uint32_t                 i, n, *head;
    ngx_uint_t               tries;
    ngx_aigc_table_t        *table;
    ngx_atomic_uint_t        seq;
    ngx_aigc_record_slot_t  *r;

    table = ngx_aigc_table(zone);
    r = ngx_aigc_records(zone);
    head = ngx_aigc_bucket(zone, NGX_AIGC_BY_HOST, ngx_aigc_hash_host(host));

    for (tries = 0; tries < NGX_AIGC_SEQ_TRIES; tries++) {

        seq = table->index_seq;
        ngx_memory_barrier();

        n = 0;

        for (i = *head;
             i < table->ninstances && n++ < table->ninstances;
             i = r[i].next_host)
        {
            if (!ngx_aigc_slot_eq(zone, r[i].host, host)) {
                continue;
            }

            if (ngx_aigc_record_copy_access(zone, i, record) != NGX_OK) {
                return NGX_BUSY;
            }

            if (record->used && record->in_host
                && ngx_aigc_fixed_eq(&record->host, host))
            {
                return NGX_OK;
            }
        }

        ngx_memory_barrier();

        /* a miss counts only if no chain was changed meanwhile */

        if (!(seq & 1) && table->index_seq == seq) {
            return NGX_DECLINED;
        }

        ngx_aigc_seq_wait(tries);
    }

    return NGX_BUSY;
}


ngx_int_t
ngx_aigc_table_by_id(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id, ngx_aigc_record_t *record)
{
    return ngx_aigc_table_find(zone, ns, name, id, record,
                               ngx_aigc_record_copy, NULL);
}


ngx_int_t
ngx_aigc_table_slot(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id, ngx_aigc_record_t *record, uint32_t *slot)
{
    return ngx_aigc_table_find(zone, ns, name, id, record,
                               ngx_aigc_record_copy_access, slot);
}


static ngx_int_t
ngx_aigc_table_find(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id, ngx_aigc_record_t *record, ngx_aigc_record_copy_pt copy,
    uint32_t *slot)
{
    uint32_t                 i, n, *head;
    ngx_uint_t               tries;
    ngx_aigc_table_t        *table;
    ngx_atomic_uint_t        seq;
    ngx_aigc_record_slot_t  *r;

    if (ns->len > NGX_AIGC_NS_MAX || name->len > NGX_AIGC_NAME_MAX) {
        return NGX_DECLINED;
    }

    table = ngx_aigc_table(zone);
    r = ngx_aigc_records(zone);
    head = ngx_aigc_bucket(zone, NGX_AIGC_BY_KEY,
                           ngx_aigc_hash_key(ns, name, id));

    for (tries = 0; tries < NGX_AIGC_SEQ_TRIES; tries++) {

        seq = table->index_seq;
        ngx_memory_barrier();

        n = 0;

        for (i = *head;
             i < table->ninstances && n++ < table->ninstances;
             i = r[i].next_key)
        {
            if (r[i].id != id || !ngx_aigc_slot_eq(zone, r[i].name, name)) {
                continue;
            }

            if (copy(zone, i, record) != NGX_OK) {
                return NGX_BUSY;
            }

            if (record->used && record->id == id
                && ngx_aigc_fixed_eq(&record->name, name)
                && ngx_aigc_fixed_eq(&record->ns, ns))
            {
                if (slot) {
                    *slot = i;
                }

                return NGX_OK;
            }
        }

        ngx_memory_barrier();

        if (!(seq & 1) && table->index_seq == seq) {
            return NGX_DECLINED;
        }

        ngx_aigc_seq_wait(tries);
    }

    return NGX_BUSY;
}


ngx_int_t
ngx_aigc_table_template(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_aigc_template_t *tmpl, uint32_t *slot)
{
    uint32_t              i;
    ngx_aigc_template_t  *t;

    t = ngx_aigc_templates(zone);

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates; i++) {

        if (!ngx_aigc_fixed_eq(&t[i].name, name)
            || !ngx_aigc_fixed_eq(&t[i].ns, ns))
        {
            continue;
        }

        if (ngx_aigc_seq_copy(tmpl, &t[i], sizeof(ngx_aigc_template_t))
            != NGX_OK)
        {
            return NGX_BUSY;
        }

        if (tmpl->used && ngx_aigc_fixed_eq(&tmpl->name, name)
            && ngx_aigc_fixed_eq(&tmpl->ns, ns))
        {
            if (slot) {
                *slot = i;
            }

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


#define ngx_aigc_slot_at(zone, slot, count, slots, copy, dst)                 \
    if (slot >= ngx_aigc_table(zone)->count) {                                \
        return NGX_DONE;                                                      \
    }                                                                         \
                                                                              \
    if (!slots(zone)[slot].used) {                                            \
        return NGX_DECLINED;                                                  \
    }                                                                         \
                                                                              \
    if (copy != NGX_OK) {                                                     \
        return NGX_BUSY;                                                      \
    }                                                                         \
                                                                              \
    return (dst)->used ? NGX_OK : NGX_DECLINED


ngx_int_t
ngx_aigc_table_template_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_template_t *tmpl)
{
    ngx_aigc_slot_at(zone, slot, ntemplates, ngx_aigc_templates,
                     ngx_aigc_seq_copy(tmpl, &ngx_aigc_templates(zone)[slot],
                                       sizeof(ngx_aigc_template_t)),
                     tmpl);
}


ngx_int_t
ngx_aigc_table_record_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record)
{
    ngx_aigc_slot_at(zone, slot, end_instances, ngx_aigc_records,
                     ngx_aigc_record_copy(zone, slot, record), record);
}


ngx_int_t
ngx_aigc_table_disk_at(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_disk_t *disk)
{
    ngx_aigc_slot_at(zone, slot, end_disks, ngx_aigc_disks,
                     ngx_aigc_disk_copy(zone, slot, disk), disk);
}


#define ngx_aigc_slot_next(zone, slot, at, dst)                               \
    ngx_int_t  rc;                                                            \
                                                                              \
    for ( /* void */ ; (rc = at(zone, *slot, dst)) != NGX_DONE; (*slot)++) {  \
        if (rc == NGX_OK) {                                                   \
            return NGX_OK;                                                    \
        }                                                                     \
    }                                                                         \
                                                                              \
    return NGX_DONE


ngx_int_t
ngx_aigc_table_next_template(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_template_t *tmpl)
{
    ngx_aigc_slot_next(zone, slot, ngx_aigc_table_template_at, tmpl);
}


ngx_int_t
ngx_aigc_table_next_record(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_record_t *record)
{
    ngx_aigc_slot_next(zone, slot, ngx_aigc_table_record_at, record);
}


ngx_int_t
ngx_aigc_table_next_disk(ngx_aigc_zone_t *zone, uint32_t *slot,
    ngx_aigc_disk_t *disk)
{
    ngx_aigc_slot_next(zone, slot, ngx_aigc_table_disk_at, disk);
}


/* The counter is read before the slot: a later write is seen the next time. */
#define ngx_aigc_slot_changed(zone, slot, slots, at, seen, dst)               \
    ngx_int_t          rc;                                                    \
    ngx_atomic_uint_t  now;                                                   \
                                                                              \
    now = slots(zone)[slot].seq;                                              \
                                                                              \
    if (now == *seen) {                                                       \
        return NGX_AGAIN;                                                     \
    }                                                                         \
                                                                              \
    ngx_memory_barrier();                                                     \
                                                                              \
    rc = at(zone, slot, dst);                                                 \
                                                                              \
    if (rc != NGX_BUSY) {                                                     \
        *seen = (rc == NGX_OK) ? (dst)->seq : now;                            \
    }                                                                         \
                                                                              \
    return (rc == NGX_DONE) ? NGX_DECLINED : rc


ngx_int_t
ngx_aigc_table_template_changed(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t *seq, ngx_aigc_template_t *tmpl)
{
    ngx_aigc_slot_changed(zone, slot, ngx_aigc_templates,
                          ngx_aigc_table_template_at, seq, tmpl);
}


ngx_int_t
ngx_aigc_table_record_changed(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t *seq, ngx_aigc_record_t *record)
{
    ngx_aigc_slot_changed(zone, slot, ngx_aigc_records,
                          ngx_aigc_table_record_at, seq, record);
}


ngx_atomic_uint_t
ngx_aigc_table_record_seq(ngx_aigc_zone_t *zone, uint32_t slot)
{
    return ngx_aigc_records(zone)[slot].seq;
}


ngx_int_t
ngx_aigc_table_next(ngx_aigc_zone_t *zone, ngx_aigc_state_e state,
    uint32_t *slot, ngx_aigc_record_t *record)
{
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    for ( /* void */ ; *slot < ngx_aigc_table(zone)->end_instances; (*slot)++) {

        if (r[*slot].used && r[*slot].state == state
            && ngx_aigc_table_record_at(zone, *slot, record) == NGX_OK
            && record->state == state)
        {
            return NGX_OK;
        }
    }

    return NGX_DONE;
}


ngx_aigc_ending_e
ngx_aigc_table_ending(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    return (record->pod && record->pod_deleting)
           ? ngx_aigc_reason_ending(record->pod_deadline, ngx_aigc_date(zone))
           : NGX_AIGC_ENDING_IN_TIME;
}


ngx_uint_t
ngx_aigc_table_left(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    return (record->state == NGX_AIGC_RELEASED
            || record->state == NGX_AIGC_UNINSTALLING)
           && ngx_aigc_table_ending(zone, record) == NGX_AIGC_ENDING_IS_STUCK;
}


ngx_uint_t
ngx_aigc_table_owned(ngx_aigc_zone_t *zone, ngx_str_t *owner)
{
    uint32_t                 i, k;
    ngx_uint_t               n;
    ngx_aigc_record_t        record;
    ngx_aigc_record_slot_t  *r;

    n = 0;
    r = ngx_aigc_records(zone);

    i = *ngx_aigc_bucket(zone, NGX_AIGC_BY_OWNER, ngx_aigc_hash_owner(owner));

    /* the chain of a writer that died may be anything: never for ever */

    for (k = 0;
         i < ngx_aigc_table(zone)->ninstances
         && k < ngx_aigc_table(zone)->ninstances;
         i = r[i].next_owner, k++)
    {
        if (!ngx_aigc_slot_eq(zone, r[i].owner, owner)) {
            continue;
        }

        /* one that cannot be read counts */

        n += (ngx_aigc_record_copy_access(zone, i, &record) != NGX_OK
              || !ngx_aigc_table_left(zone, &record));
    }

    return n;
}


ngx_int_t
ngx_aigc_table_claims(ngx_aigc_zone_t *zone, ngx_pool_t *pool, uint32_t slot,
    ngx_aigc_template_t *tmpl, ngx_array_t *claims)
{
    ngx_int_t             rc;
    ngx_aigc_table_t     *table;
    ngx_aigc_template_t  *t;

    table = ngx_aigc_table(zone);
    t = &ngx_aigc_templates(zone)[slot];

    ngx_aigc_lock(zone);

    /*
     * Whoever holds the lock is alone.  "writing", or an odd counter, is a
     * writer that died: its successor, which mends that, needs this lock, so
     * there is nothing to wait for.
     */

    if (table->writing || table->holes || (t->seq & 1)) {
        rc = NGX_BUSY;

    } else if (!t->used) {
        rc = NGX_DECLINED;

    } else {
        *tmpl = *t;

        rc = ngx_array_init(claims, pool, tmpl->nclaims + 1,
                            sizeof(ngx_aigc_claim_t));
        if (rc == NGX_OK) {
            rc = ngx_aigc_claims_copy(zone, pool, tmpl->first, claims);
        }
    }

    ngx_aigc_unlock(zone);

    if (rc == NGX_OK) {
        ngx_sort(claims->elts, claims->nelts, sizeof(ngx_aigc_claim_t),
                 ngx_aigc_claim_cmp);
    }

    return rc;
}


/* With the lock held. */
static ngx_int_t
ngx_aigc_claims_copy(ngx_aigc_zone_t *zone, ngx_pool_t *pool, uint32_t first,
    ngx_array_t *claims)
{
    uint32_t                 i, n;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    n = 0;

    for (i = first; i != NGX_AIGC_NONE; i = r[i].next_tmpl) {

        if (i >= ngx_aigc_table(zone)->ninstances
            || n++ == ngx_aigc_table(zone)->ninstances
            || (r[i].seq & 1) || !r[i].used)
        {
            return NGX_BUSY;
        }

        if (r[i].state == NGX_AIGC_NO_STATE) {
            continue;
        }

        if (ngx_aigc_claim_copy(zone, pool, &r[i], claims) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_claim_copy(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_record_slot_t *r, ngx_array_t *claims)
{
    u_char            *p;
    ngx_str_t          raw, owner;
    ngx_aigc_claim_t  *claim;

    ngx_aigc_slot_get(zone, r->raw, &raw);
    ngx_aigc_slot_get(zone, r->owner, &owner);

    claim = ngx_array_push(claims);
    if (claim == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(claim, sizeof(ngx_aigc_claim_t));

    p = ngx_pnalloc(pool, raw.len + owner.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    claim->id = r->id;
    claim->state = r->state;
    claim->since_sec = r->since;
    claim->aside = r->aside;

    claim->raw.len = raw.len;
    claim->raw.data = p;
    p = ngx_cpymem(p, raw.data, raw.len);

    claim->owner.len = owner.len;
    claim->owner.data = p;
    ngx_memcpy(p, owner.data, owner.len);

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_claim_cmp(const void *one, const void *two)
{
    const ngx_aigc_claim_t  *a = one;
    const ngx_aigc_claim_t  *b = two;

    return a->id - b->id;
}


ngx_int_t
ngx_aigc_table_kept(ngx_aigc_zone_t *zone, uint32_t slot, ngx_str_t *owner)
{
    uint32_t              i, n;
    ngx_int_t             id;
    ngx_aigc_record_t     copy;
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_templates(zone)[slot];

    id = NGX_ERROR;
    n = 0;

    for (i = t->first;
         i < ngx_aigc_table(zone)->ninstances
         && n++ < ngx_aigc_table(zone)->ninstances;
         i = copy.next_tmpl)
    {
        if (ngx_aigc_record_copy(zone, i, &copy) != NGX_OK) {
            break;
        }

        if (copy.used && copy.tmpl == slot
            && copy.state == NGX_AIGC_NO_STATE
            && copy.disk == NGX_AIGC_DISK_OWNED && !copy.disk_going
            && ngx_aigc_fixed_eq(&copy.disk_owner, owner)
            && ngx_aigc_table_ending(zone, &copy) != NGX_AIGC_ENDING_IS_STUCK
            && (id == NGX_ERROR || copy.id < id))
        {
            id = copy.id;
        }
    }

    return id;
}


ngx_uint_t
ngx_aigc_table_holes(ngx_aigc_zone_t *zone)
{
    return ngx_aigc_table(zone)->holes != 0;
}


ngx_int_t
ngx_aigc_table_whole(ngx_aigc_zone_t *zone)
{
    return (ngx_aigc_table(zone)->holes || ngx_aigc_table(zone)->lost)
           ? NGX_DECLINED : NGX_OK;
}
