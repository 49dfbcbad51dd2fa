/*
 * instances/ngx_aigc_record.c — the life of a record, and what is derived in
 * it.
 */

#include "ngx_aigc_record.h"
#include "ngx_aigc_address.h"
#include "ngx_aigc_index.h"
#include "ngx_aigc_observe.h"


static uint32_t ngx_aigc_record_alloc(ngx_aigc_zone_t *zone);
static void ngx_aigc_record_free(ngx_aigc_zone_t *zone, uint32_t slot);
static size_t ngx_aigc_record_host_text(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, u_char *buf);
static void ngx_aigc_record_disk(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r);
static ngx_aigc_disk_e ngx_aigc_record_verdict(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_template_t *t, ngx_str_t *owner);
static time_t ngx_aigc_record_nobodys(ngx_aigc_disk_slot_t *d, uint32_t i);
static ngx_uint_t ngx_aigc_record_going(ngx_aigc_zone_t *zone, uint32_t i,
    ngx_aigc_template_t *t);


/* No free slot is below it, as this process knows, which alone writes. */
static uint32_t  ngx_aigc_record_low;


ngx_int_t
ngx_aigc_write_begin(ngx_aigc_zone_t *zone)
{
    ngx_aigc_lock(zone);

    if (ngx_aigc_zone_is_writer(zone) != NGX_OK) {
        ngx_aigc_unlock(zone);
        return NGX_DECLINED;
    }

    ngx_aigc_table(zone)->writing = 1;

    return NGX_OK;
}


void
ngx_aigc_write_end(ngx_aigc_zone_t *zone)
{
    ngx_aigc_table(zone)->version++;
    zone->shm->counters.applied++;
    ngx_aigc_table(zone)->writing = 0;

    ngx_aigc_unlock(zone);
}


ngx_int_t
ngx_aigc_write_drop(ngx_aigc_zone_t *zone, uint32_t slot,
    void (*clear)(ngx_aigc_zone_t *zone, uint32_t slot))
{
    if (slot != NGX_AIGC_NONE) {
        clear(zone, slot);
    }

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


ngx_uint_t
ngx_aigc_swept(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep,
    ngx_aigc_string_t ns, uint32_t mark)
{
    ngx_str_t  text;

    ngx_aigc_slot_get(zone, ns, &text);

    return ngx_aigc_sweep_drops(sweep, text.data, text.len, mark);
}


void
ngx_aigc_table_full(ngx_aigc_zone_t *zone, const char *what, ngx_str_t *ns,
    ngx_str_t *name, ngx_log_t *log)
{
    static ngx_aigc_seldom_t  complained;

    ngx_aigc_count(zone, full);
    ngx_aigc_table(zone)->lost = zone->epoch;

    if (!ngx_aigc_seldom(&complained, NGX_AIGC_FULL_EVERY)) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "aigc: no room in zone \"%V\" for %s %V/%V: "
                  "make \"aigc_zone\" larger",
                  &zone->shm_zone->shm.name, what, ns, name);
}


uint32_t
ngx_aigc_template_find(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name)
{
    uint32_t              i;
    ngx_aigc_template_t  *t;

    t = ngx_aigc_templates(zone);

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates; i++) {
        if (t[i].used && ngx_aigc_fixed_eq(&t[i].name, name)
            && ngx_aigc_fixed_eq(&t[i].ns, ns))
        {
            return i;
        }
    }

    return NGX_AIGC_NONE;
}


uint32_t
ngx_aigc_record_find(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    i = *ngx_aigc_bucket(zone, NGX_AIGC_BY_KEY,
                         ngx_aigc_hash_key(ns, name, id));

    for ( /* void */ ; i != NGX_AIGC_NONE; i = r[i].next_key) {
        if (r[i].id == id && ngx_aigc_slot_eq(zone, r[i].name, name)
            && ngx_aigc_slot_eq(zone, r[i].ns, ns))
        {
            break;
        }
    }

    return i;
}


uint32_t
ngx_aigc_record_get(ngx_aigc_zone_t *zone, ngx_str_t *ns, ngx_str_t *name,
    ngx_int_t id)
{
    uint32_t                 slot;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    if (ns->len > NGX_AIGC_NS_MAX || name->len > NGX_AIGC_NAME_MAX) {
        return NGX_AIGC_NONE;
    }

    slot = ngx_aigc_record_find(zone, ns, name, id);
    if (slot != NGX_AIGC_NONE) {
        return slot;
    }

    if (ngx_aigc_slot_room(zone, ngx_aigc_string_need(ns->len)
                                 + ngx_aigc_string_need(name->len))
        != NGX_OK)
    {
        return NGX_AIGC_NONE;
    }

    slot = ngx_aigc_record_alloc(zone);
    if (slot == NGX_AIGC_NONE) {
        return slot;
    }

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_seq_begin(&r->seq);

    ngx_memzero((u_char *) r + sizeof(r->seq), sizeof(*r) - sizeof(r->seq));

    r->used = 1;
    r->id = id;
    r->next_key = NGX_AIGC_NONE;
    r->next_host = NGX_AIGC_NONE;
    r->next_addr = NGX_AIGC_NONE;
    r->next_tmpl = NGX_AIGC_NONE;
    r->next_owner = NGX_AIGC_NONE;
    r->first_disk = NGX_AIGC_NONE;
    r->tmpl = ngx_aigc_template_find(zone, ns, name);
    (void) ngx_aigc_record_set(zone, r, ns, ns);
    (void) ngx_aigc_record_set(zone, r, name, name);

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_table(zone)->used_instances++;

    ngx_aigc_link(zone,
                  ngx_aigc_bucket(zone, NGX_AIGC_BY_KEY,
                                  ngx_aigc_hash_key(ns, name, id)),
                  slot, ngx_aigc_next_key);

    if (r->tmpl != NGX_AIGC_NONE) {
        t = &ngx_aigc_templates(zone)[r->tmpl];

        ngx_aigc_seq_begin(&t->seq);
        ngx_aigc_link(zone, &t->first, slot, ngx_aigc_next_tmpl);

        if (id > t->top) {
            t->top = id;
            t->reserve_exact = 0;       /* it ends below the id */
        }

        ngx_aigc_seq_end(&t->seq);
    }

    return slot;
}


static uint32_t
ngx_aigc_record_alloc(ngx_aigc_zone_t *zone)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);

    for (i = ngx_aigc_record_low; i < ngx_aigc_table(zone)->ninstances; i++) {
        if (!r[i].used) {
            break;
        }
    }

    ngx_aigc_record_low = i;

    if (i == ngx_aigc_table(zone)->ninstances) {
        return NGX_AIGC_NONE;
    }

    ngx_aigc_table(zone)->end_instances =
        ngx_max(ngx_aigc_table(zone)->end_instances, i + 1);

    return i;
}


static void
ngx_aigc_record_free(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_str_t                ns, name;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_slot_get(zone, r->ns, &ns);
    ngx_aigc_slot_get(zone, r->name, &name);

    ngx_aigc_address_before(zone, slot, NULL);

    ngx_aigc_unlink(zone,
                    ngx_aigc_bucket(zone, NGX_AIGC_BY_KEY,
                                    ngx_aigc_hash_key(&ns, &name, r->id)),
                    slot, ngx_aigc_next_key);

    if (r->tmpl != NGX_AIGC_NONE) {
        t = &ngx_aigc_templates(zone)[r->tmpl];

        ngx_aigc_seq_begin(&t->seq);
        ngx_aigc_unlink(zone, &t->first, slot, ngx_aigc_next_tmpl);
        ngx_aigc_seq_end(&t->seq);
    }

    ngx_aigc_seq_begin(&r->seq);
    r->used = 0;
    ngx_aigc_record_clear_texts(zone, r);
    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_table(zone)->used_instances--;
    ngx_aigc_record_low = ngx_min(ngx_aigc_record_low, slot);
}


void
ngx_aigc_record_update(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_record_host(zone, slot);

    if (r->state == NGX_AIGC_NO_STATE && !r->gs && !r->pod
        && r->first_disk == NGX_AIGC_NONE)
    {
        ngx_aigc_record_free(zone, slot);
        return;
    }

    ngx_aigc_seq_begin(&r->seq);
    ngx_aigc_record_disk(zone, r);
    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_address_update(zone, slot);

    ngx_aigc_seq_begin(&r->seq);
    ngx_aigc_record_observe(zone, r);
    ngx_aigc_seq_end(&r->seq);
}


void
ngx_aigc_record_host(ngx_aigc_zone_t *zone, uint32_t slot)
{
    u_char                   buf[NGX_AIGC_HOST_MAX + NGX_INT_T_LEN];
    ngx_int_t                rc;
    ngx_str_t                host, old, ns, name;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    host.data = buf;
    host.len = ngx_aigc_record_host_text(zone, r, buf);

    if (host.len ? (r->in_host && ngx_aigc_slot_eq(zone, r->host, &host))
                 : !r->in_host)
    {
        return;
    }

    if (r->in_host) {
        ngx_aigc_slot_get(zone, r->host, &old);

        ngx_aigc_unlink(zone,
                        ngx_aigc_bucket(zone, NGX_AIGC_BY_HOST,
                                        ngx_aigc_hash_host(&old)),
                        slot, ngx_aigc_next_host);

        ngx_aigc_seq_begin(&r->seq);
        r->in_host = 0;
        r->collision = 0;
        ngx_aigc_seq_end(&r->seq);

        ngx_aigc_record_collide(zone, &old);
    }

    ngx_aigc_seq_begin(&r->seq);
    rc = ngx_aigc_record_set(zone, r, host, &host);
    r->in_host = (rc == NGX_OK && host.len != 0);
    ngx_aigc_seq_end(&r->seq);

    if (rc != NGX_OK) {
        t = &ngx_aigc_templates(zone)[r->tmpl];

        ngx_aigc_seq_begin(&t->seq);
        t->partial = 1;
        ngx_aigc_seq_end(&t->seq);

        ngx_aigc_slot_get(zone, r->ns, &ns);
        ngx_aigc_slot_get(zone, r->name, &name);
        ngx_aigc_table_full(zone, "a host of", &ns, &name, ngx_cycle->log);
    }

    if (r->in_host) {
        ngx_aigc_link(zone,
                      ngx_aigc_bucket(zone, NGX_AIGC_BY_HOST,
                                      ngx_aigc_hash_host(&host)),
                      slot, ngx_aigc_next_host);

        ngx_aigc_record_collide(zone, &host);
    }
}


/* Its length; 0: none. */
static size_t
ngx_aigc_record_host_text(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    u_char *buf)
{
    u_char               *p;
    ngx_str_t             host;
    ngx_aigc_template_t  *t;

    if (r->tmpl == NGX_AIGC_NONE || r->state == NGX_AIGC_NO_STATE) {
        return 0;
    }

    t = &ngx_aigc_templates(zone)[r->tmpl];

    p = ngx_strlcasestrn(t->host.data, t->host.data + t->host.len,
                         (u_char *) "<id>", 4 - 1);

    if (t->host.len == 0 || p == NULL) {
        return 0;
    }

    host.data = buf;
    host.len = ngx_snprintf(buf, NGX_AIGC_HOST_MAX + NGX_INT_T_LEN, "%*s%D%*s",
                            (size_t) (p - t->host.data), t->host.data, r->id,
                            (size_t) (t->host.data + t->host.len - p - 4),
                            p + 4)
               - buf;

    return (host.len > NGX_AIGC_HOST_MAX
            || ngx_aigc_text_eq(&host, &zone->gateway))
           ? 0 : host.len;
}


void
ngx_aigc_record_collide(ngx_aigc_zone_t *zone, ngx_str_t *host)
{
    uint32_t                 i, *head;
    ngx_uint_t               n;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);
    head = ngx_aigc_bucket(zone, NGX_AIGC_BY_HOST, ngx_aigc_hash_host(host));

    n = 0;

    for (i = *head; i != NGX_AIGC_NONE; i = r[i].next_host) {
        n += ngx_aigc_slot_eq(zone, r[i].host, host);
    }

    for (i = *head; i != NGX_AIGC_NONE; i = r[i].next_host) {

        if (!ngx_aigc_slot_eq(zone, r[i].host, host)
            || r[i].collision == (n > 1))
        {
            continue;
        }

        ngx_aigc_seq_begin(&r[i].seq);
        r[i].collision = (n > 1);
        ngx_aigc_seq_end(&r[i].seq);

        if (n > 1) {
            ngx_aigc_count(zone, collisions);
        }
    }
}


/* Whose are the disks of this id?  With a claim: its owner's, or not. */
static void
ngx_aigc_record_disk(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r)
{
    ngx_str_t             owner;
    ngx_aigc_disk_e       verdict;
    ngx_aigc_template_t  *t;

    r->nobodys = (r->state == NGX_AIGC_NO_STATE)
                 ? ngx_aigc_record_nobodys(ngx_aigc_disks(zone), r->first_disk)
                 : 0;

    if (ngx_aigc_table(zone)->holes && r->disk == NGX_AIGC_DISK_FOREIGN) {
        return;
    }

    t = (r->tmpl != NGX_AIGC_NONE) ? &ngx_aigc_templates(zone)[r->tmpl] : NULL;

    r->disk_going = ngx_aigc_record_going(zone, r->first_disk, t);

    verdict = ngx_aigc_record_verdict(zone, r, t, &owner);

    if (verdict != NGX_AIGC_DISK_FOREIGN
        && (r->disk_lost
            || (verdict == NGX_AIGC_DISK_NONE
                && ngx_aigc_table(zone)->lost_disks)))
    {
        verdict = NGX_AIGC_DISK_LOST;
    }

    r->disk = verdict;

    if (verdict != NGX_AIGC_DISK_OWNED && verdict != NGX_AIGC_DISK_NEW) {
        owner.len = 0;
    }

    (void) ngx_aigc_record_set(zone, r, disk_owner, &owner);
}


/*
 * An unstamped disk counts as this install's only if it came with it.  owner:
 * whose all of them are.
 */
static ngx_aigc_disk_e
ngx_aigc_record_verdict(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_template_t *t, ngx_str_t *owner)
{
    uint32_t               i;
    ngx_str_t              uid;
    ngx_uint_t             claimed;
    ngx_aigc_disk_e        verdict;
    ngx_aigc_disk_slot_t  *d;

    d = ngx_aigc_disks(zone);

    claimed = (r->state != NGX_AIGC_NO_STATE);
    verdict = NGX_AIGC_DISK_NONE;
    ngx_str_null(owner);

    if (claimed) {
        ngx_aigc_slot_get(zone, r->owner, owner);
    }

    for (i = r->first_disk; i != NGX_AIGC_NONE; i = d[i].next_disk) {

        if (d[i].owner) {

            if (verdict == NGX_AIGC_DISK_NONE && !claimed) {
                ngx_aigc_slot_get(zone, d[i].owner, owner);
            }

            if (!ngx_aigc_slot_eq(zone, d[i].owner, owner)) {
                return NGX_AIGC_DISK_FOREIGN;
            }

            if (verdict == NGX_AIGC_DISK_NONE) {
                verdict = NGX_AIGC_DISK_OWNED;
            }

            continue;
        }

        if (!claimed || t == NULL) {
            return NGX_AIGC_DISK_FOREIGN;
        }

        ngx_aigc_fixed_get(&t->uid, &uid);

        if (!ngx_aigc_slot_eq(zone, r->claim_gss, &uid)
            || d[i].created < r->since - NGX_AIGC_STALE_TOP)
        {
            return NGX_AIGC_DISK_FOREIGN;
        }

        verdict = NGX_AIGC_DISK_NEW;
    }

    return verdict;
}


static time_t
ngx_aigc_record_nobodys(ngx_aigc_disk_slot_t *d, uint32_t i)
{
    time_t  first;

    first = 0;

    for ( /* void */ ; i != NGX_AIGC_NONE; i = d[i].next_disk) {

        if (d[i].owner || d[i].deleting) {
            continue;
        }

        if (d[i].stray || d[i].created <= 0) {
            return 1;
        }

        first = first ? ngx_min(first, d[i].created) : d[i].created;
    }

    return first;
}


/* A disk bound to a template that is no more will be collected. */
static ngx_uint_t
ngx_aigc_record_going(ngx_aigc_zone_t *zone, uint32_t i,
    ngx_aigc_template_t *t)
{
    ngx_str_t              uid;
    ngx_aigc_disk_slot_t  *d;

    d = ngx_aigc_disks(zone);

    for ( /* void */ ; i != NGX_AIGC_NONE; i = d[i].next_disk) {

        if (d[i].deleting) {
            return 1;
        }

        if (t == NULL || d[i].ref_uid == 0) {
            continue;
        }

        ngx_aigc_fixed_get(&t->uid, &uid);

        if (!ngx_aigc_slot_eq(zone, d[i].ref_uid, &uid)) {
            return 1;
        }
    }

    return 0;
}
