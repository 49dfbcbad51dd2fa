/*
 * instances/ngx_aigc_index.c — the table's part of the zone, hash chains of
 * slot numbers in it, and how they are made anew after a writer has died inside
 * one.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"


static void ngx_aigc_chain(ngx_aigc_zone_t *zone, uint32_t *head,
    uint32_t slot, ngx_aigc_next_pt next);
static void ngx_aigc_table_repair(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_templates(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_records(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_disks(ngx_aigc_zone_t *zone);
static void ngx_aigc_table_settle(ngx_aigc_zone_t *zone);


uint32_t
ngx_aigc_hash_key(ngx_str_t *ns, ngx_str_t *name, ngx_int_t id)
{
    u_char  *p;
    u_char   buf[NGX_AIGC_NS_MAX + NGX_AIGC_NAME_MAX + NGX_INT64_LEN + 2];

    p = ngx_snprintf(buf, sizeof(buf), "%V/%V/%i", ns, name, id);

    return ngx_murmur_hash2(buf, p - buf);
}


uint32_t
ngx_aigc_hash_host(ngx_str_t *host)
{
    return ngx_murmur_hash2(host->data, host->len);
}


uint32_t
ngx_aigc_hash_disk(ngx_str_t *ns, ngx_str_t *name)
{
    u_char  *p;
    u_char   buf[NGX_AIGC_NS_MAX + NGX_AIGC_PVC_MAX + 2];

    p = ngx_snprintf(buf, sizeof(buf), "%V/%V", ns, name);

    return ngx_murmur_hash2(buf, p - buf);
}


uint32_t
ngx_aigc_hash_addr(struct sockaddr *sa)
{
    uint32_t              hash;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;

    if (sa->sa_family == AF_INET6) {
        sin6 = (struct sockaddr_in6 *) sa;
        hash = ngx_murmur_hash2(sin6->sin6_addr.s6_addr, 16);

        return hash ^ sin6->sin6_port;
    }
#endif

    sin = (struct sockaddr_in *) sa;
    hash = ngx_murmur_hash2((u_char *) &sin->sin_addr, 4);

    return hash ^ sin->sin_port;
}


uint32_t
ngx_aigc_hash_owner(ngx_str_t *owner)
{
    return ngx_murmur_hash2(owner->data, owner->len);
}


uint32_t *
ngx_aigc_bucket(ngx_aigc_zone_t *zone, ngx_aigc_index_e index, uint32_t hash)
{
    uint32_t  *buckets;

    buckets = ngx_aigc_partition(zone, indexes, uint32_t);

    return &buckets[index * ngx_aigc_table(zone)->nbuckets
                    + (hash & (ngx_aigc_table(zone)->nbuckets - 1))];
}


void
ngx_aigc_link(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next)
{
    ngx_aigc_seq_begin(&ngx_aigc_table(zone)->index_seq);
    ngx_aigc_chain(zone, head, slot, next);
    ngx_aigc_seq_end(&ngx_aigc_table(zone)->index_seq);
}


static void
ngx_aigc_chain(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next)
{
    *next(zone, slot) = *head;
    ngx_memory_barrier();
    *head = slot;
}


void
ngx_aigc_unlink(ngx_aigc_zone_t *zone, uint32_t *head, uint32_t slot,
    ngx_aigc_next_pt next)
{
    uint32_t  *p;

    ngx_aigc_seq_begin(&ngx_aigc_table(zone)->index_seq);

    for (p = head; *p != NGX_AIGC_NONE; p = next(zone, *p)) {

        if (*p == slot) {
            *p = *next(zone, slot);
            *next(zone, slot) = NGX_AIGC_NONE;
            break;
        }
    }

    ngx_aigc_seq_end(&ngx_aigc_table(zone)->index_seq);
}


#define ngx_aigc_next(function, slots, field)                                 \
    uint32_t *                                                                \
    function(ngx_aigc_zone_t *zone, uint32_t slot)                            \
    {                                                                         \
        return &slots(zone)[slot].field;                                      \
    }

ngx_aigc_next(ngx_aigc_next_key, ngx_aigc_records, next_key)
ngx_aigc_next(ngx_aigc_next_host, ngx_aigc_records, next_host)
ngx_aigc_next(ngx_aigc_next_addr, ngx_aigc_records, next_addr)
ngx_aigc_next(ngx_aigc_next_tmpl, ngx_aigc_records, next_tmpl)
ngx_aigc_next(ngx_aigc_next_owner, ngx_aigc_records, next_owner)
ngx_aigc_next(ngx_aigc_next_name, ngx_aigc_disks, next_name)
ngx_aigc_next(ngx_aigc_next_disk, ngx_aigc_disks, next_disk)


/*
 * A sixteenth of the zone for templates; the rest is split so that every
 * instance can have two disks.  An index has at most 2 buckets a slot.
 */
static void
ngx_aigc_table_init(ngx_aigc_zone_t *zone, void *part, size_t size)
{
    ngx_aigc_table_t *table = part;

    size_t  at, each;

#define ngx_aigc_carve(name, count, type)                                     \
    table->name = at;                                                         \
    at += ngx_align((count) * sizeof(type), 64)

    at = ngx_align(sizeof(ngx_aigc_table_t), 64);

    table->ntemplates = zone->shm->size / 16 / sizeof(ngx_aigc_template_t);

    ngx_aigc_carve(templates, table->ntemplates, ngx_aigc_template_t);

    each = sizeof(ngx_aigc_record_slot_t) + 2 * sizeof(ngx_aigc_disk_slot_t)
           + NGX_AIGC_STRINGS_EACH + NGX_AIGC_INDEXES * 2 * sizeof(uint32_t);

    table->ninstances = (size - at - 4 * 64) / each;
    table->ndisks = 2 * table->ninstances;

    for (table->nbuckets = 64;
         table->nbuckets < table->ninstances;
         table->nbuckets *= 2) { /* void */ }

    ngx_aigc_carve(instances, table->ninstances, ngx_aigc_record_slot_t);
    ngx_aigc_carve(disks, table->ndisks, ngx_aigc_disk_slot_t);
    ngx_aigc_carve(indexes, NGX_AIGC_INDEXES * table->nbuckets, uint32_t);

#undef ngx_aigc_carve

    table->strings = at;

    ngx_aigc_strings_init(ngx_aigc_strings(zone), size - at);

    ngx_aigc_table_repair(zone);
}


/* its slots are of several kinds: their sizes count for the layout */
ngx_aigc_part_t  ngx_aigc_table_part = {
    sizeof(ngx_aigc_table_t),
    sizeof(ngx_aigc_template_t) * 5 + sizeof(ngx_aigc_record_slot_t) * 7
    + sizeof(ngx_aigc_disk_slot_t) * 11 + sizeof(ngx_aigc_strings_t) * 13,
    0, 0, ngx_aigc_table_init, 0
};


void
ngx_aigc_table_take(ngx_aigc_zone_t *zone)
{
    ngx_aigc_lock(zone);

    if (ngx_aigc_table(zone)->writing) {
        ngx_aigc_table_repair(zone);
        ngx_aigc_table(zone)->writing = 0;
    }

    ngx_aigc_unlock(zone);
}


/*
 * A half-written slot is freed: the list that a new writer begins with brings
 * the object again.  Until then "holes" says that what is not in the table may
 * well exist.
 */
static void
ngx_aigc_table_repair(ngx_aigc_zone_t *zone)
{
    ngx_aigc_table_t *table;

    table = ngx_aigc_table(zone);

    ngx_aigc_seq_begin(&table->index_seq);

    ngx_memset(ngx_aigc_partition(zone, indexes, uint32_t), 0xff,
               NGX_AIGC_INDEXES * table->nbuckets * sizeof(uint32_t));

    ngx_aigc_strings_repair(ngx_aigc_strings(zone));

    ngx_aigc_repair_templates(zone);
    ngx_aigc_repair_records(zone);
    ngx_aigc_repair_disks(zone);

    ngx_aigc_strings_repaired(ngx_aigc_strings(zone));

    ngx_aigc_seq_end(&table->index_seq);
}


static void
ngx_aigc_repair_templates(ngx_aigc_zone_t *zone)
{
    uint32_t              i;
    ngx_aigc_template_t  *t;

    t = ngx_aigc_templates(zone);

    ngx_aigc_table(zone)->used_templates = 0;

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates; i++) {

        if (t[i].seq & 1) {
            t[i].used = 0;
            t[i].seq++;
            ngx_aigc_table(zone)->holes = 1;
        }

        ngx_aigc_seq_begin(&t[i].seq);

        t[i].first = NGX_AIGC_NONE;
        ngx_aigc_table(zone)->used_templates += t[i].used;

        ngx_aigc_seq_end(&t[i].seq);
    }
}


static void
ngx_aigc_repair_records(ngx_aigc_zone_t *zone)
{
    uint32_t                 i;
    ngx_str_t                ns, name, host, owner;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    t = ngx_aigc_templates(zone);
    r = ngx_aigc_records(zone);

    ngx_aigc_table(zone)->used_instances = 0;

    for (i = 0; i < ngx_aigc_table(zone)->ninstances; i++) {

        if (r[i].seq & 1) {
            r[i].used = 0;
            r[i].seq++;
            ngx_aigc_table(zone)->holes = 1;
        }

        ngx_aigc_seq_begin(&r[i].seq);

        r[i].next_key = NGX_AIGC_NONE;
        r[i].next_host = NGX_AIGC_NONE;
        r[i].next_addr = NGX_AIGC_NONE;
        r[i].next_tmpl = NGX_AIGC_NONE;
        r[i].next_owner = NGX_AIGC_NONE;
        r[i].first_disk = NGX_AIGC_NONE;

        ngx_aigc_record_keep_texts(zone, &r[i]);

        if (r[i].used) {
            ngx_aigc_table(zone)->used_instances++;

            ngx_aigc_slot_get(zone, r[i].ns, &ns);
            ngx_aigc_slot_get(zone, r[i].name, &name);
            ngx_aigc_slot_get(zone, r[i].host, &host);
            ngx_aigc_slot_get(zone, r[i].owner, &owner);

            ngx_aigc_chain(zone,
                           ngx_aigc_bucket(zone, NGX_AIGC_BY_KEY,
                                     ngx_aigc_hash_key(&ns, &name, r[i].id)),
                          i, ngx_aigc_next_key);

            if (r[i].in_host) {
                ngx_aigc_chain(zone,
                               ngx_aigc_bucket(zone, NGX_AIGC_BY_HOST,
                                              ngx_aigc_hash_host(&host)),
                              i, ngx_aigc_next_host);
            }

            if (r[i].in_addr) {
                ngx_aigc_chain(zone,
                               ngx_aigc_bucket(zone, NGX_AIGC_BY_ADDR,
                                     ngx_aigc_hash_addr(&r[i].addr.sockaddr)),
                              i, ngx_aigc_next_addr);
            }

            if (r[i].in_owner) {
                ngx_aigc_chain(zone,
                               ngx_aigc_bucket(zone, NGX_AIGC_BY_OWNER,
                                               ngx_aigc_hash_owner(&owner)),
                               i, ngx_aigc_next_owner);
            }

            if (r[i].tmpl != NGX_AIGC_NONE && !t[r[i].tmpl].used) {
                r[i].tmpl = NGX_AIGC_NONE;
            }

            if (r[i].tmpl != NGX_AIGC_NONE) {
                ngx_aigc_seq_begin(&t[r[i].tmpl].seq);
                ngx_aigc_chain(zone, &t[r[i].tmpl].first, i,
                              ngx_aigc_next_tmpl);
                ngx_aigc_seq_end(&t[r[i].tmpl].seq);
            }
        }

        ngx_aigc_seq_end(&r[i].seq);
    }

    /* a writer may have died when it had marked one of two, or none */

    for (i = 0; i < ngx_aigc_table(zone)->ninstances; i++) {
        if (r[i].used && r[i].in_host) {
            ngx_aigc_slot_get(zone, r[i].host, &host);
            ngx_aigc_record_collide(zone, &host);
        }
    }
}


static void
ngx_aigc_repair_disks(ngx_aigc_zone_t *zone)
{
    uint32_t                 i;
    ngx_str_t                ns, name;
    ngx_aigc_disk_slot_t    *d;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);
    d = ngx_aigc_disks(zone);

    ngx_aigc_table(zone)->used_disks = 0;

    for (i = 0; i < ngx_aigc_table(zone)->ndisks; i++) {

        if (d[i].seq & 1) {
            d[i].used = 0;
            d[i].seq++;
            ngx_aigc_table(zone)->holes = 1;
        }

        ngx_aigc_seq_begin(&d[i].seq);

        d[i].next_name = NGX_AIGC_NONE;
        d[i].next_disk = NGX_AIGC_NONE;

        if (d[i].used && !r[d[i].record].used) {
            d[i].used = 0;
        }

        ngx_aigc_disk_keep_texts(zone, &d[i]);

        if (d[i].used) {
            ngx_aigc_table(zone)->used_disks++;

            ngx_aigc_slot_get(zone, d[i].ns, &ns);
            ngx_aigc_slot_get(zone, d[i].name, &name);

            ngx_aigc_chain(zone,
                           ngx_aigc_bucket(zone, NGX_AIGC_BY_DISK,
                                          ngx_aigc_hash_disk(&ns, &name)),
                          i, ngx_aigc_next_name);
            ngx_aigc_chain(zone, &r[d[i].record].first_disk, i,
                          ngx_aigc_next_disk);
        }

        ngx_aigc_seq_end(&d[i].seq);
    }
}


void
ngx_aigc_table_listed(ngx_aigc_zone_t *zone)
{
    ngx_aigc_table_t  *table;

    table = ngx_aigc_table(zone);

    if (table->holes) {
        table->holes = 0;
        ngx_aigc_table_settle(zone);
    }

    if (table->lost != zone->epoch) {
        table->lost = 0;
    }

    if (table->lost_disks != zone->epoch) {
        table->lost_disks = 0;
    }
}


/* While there were holes, a verdict on disks was kept that may be outdated. */
static void
ngx_aigc_table_settle(ngx_aigc_zone_t *zone)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    r = ngx_aigc_records(zone);

    for (i = 0; i < ngx_aigc_table(zone)->end_instances; i++) {
        if (r[i].used) {
            ngx_aigc_record_update(zone, i);
        }
    }

    ngx_aigc_write_end(zone);
}
