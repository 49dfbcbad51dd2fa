/*
 * instances/ngx_aigc_table_repair.c — what a writer that died has left in the
 * table, and what holds again once all is listed anew.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"


#define NGX_AIGC_TABLE_AGAIN  60000     /* ms between lists for that reason */


static void ngx_aigc_table_repair(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_templates(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_records(ngx_aigc_zone_t *zone);
static void ngx_aigc_repair_disks(ngx_aigc_zone_t *zone);
static void ngx_aigc_table_settle(ngx_aigc_zone_t *zone);


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

    ngx_aigc_index_clear(zone);

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


/* A sixteenth has to be free: else the next object might be lost again. */
ngx_uint_t
ngx_aigc_table_again(ngx_aigc_zone_t *zone)
{
    ngx_aigc_table_t          *table = ngx_aigc_table(zone);
    ngx_aigc_strings_t        *strings = ngx_aigc_strings(zone);
    static ngx_aigc_seldom_t   again;

    if ((table->lost != zone->epoch && table->lost_disks != zone->epoch)
        || table->used_templates == table->ntemplates
        || table->used_instances > table->ninstances / 16 * 15
        || table->used_disks > table->ndisks / 16 * 15
        || strings->used > strings->units / 16 * 15
        || !ngx_aigc_seldom(&again, NGX_AIGC_TABLE_AGAIN))
    {
        return 0;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "aigc: there is room in zone \"%V\" again: what found none "
                  "is listed anew", &zone->shm_zone->shm.name);

    return 1;
}
