/*
 * instances/ngx_aigc_index.c — the table's part of the zone, and the hash
 * chains of slot numbers in it.
 */

#include "ngx_aigc_index.h"


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


void
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


void
ngx_aigc_index_clear(ngx_aigc_zone_t *zone)
{
    ngx_memset(ngx_aigc_partition(zone, indexes, uint32_t), 0xff,
               NGX_AIGC_INDEXES * ngx_aigc_table(zone)->nbuckets
               * sizeof(uint32_t));
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

    ngx_aigc_index_clear(zone);
}


/* its slots are of several kinds: their sizes count for the layout */
ngx_aigc_part_t  ngx_aigc_table_part = {
    sizeof(ngx_aigc_table_t),
    sizeof(ngx_aigc_template_t) * 5 + sizeof(ngx_aigc_record_slot_t) * 7
    + sizeof(ngx_aigc_disk_slot_t) * 11 + sizeof(ngx_aigc_strings_t) * 13,
    0, 0, ngx_aigc_table_init, 0
};
