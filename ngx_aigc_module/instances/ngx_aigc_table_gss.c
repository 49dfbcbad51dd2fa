/*
 * instances/ngx_aigc_table_gss.c — GameServerSets go into the table: templates.
 * The claims on their ids are in ngx_aigc_table_claims.c.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"
#include "ngx_aigc_table.h"

#include "ngx_aigc_ids.h"


static void ngx_aigc_template_drop(ngx_aigc_zone_t *zone, uint32_t slot);
static uint32_t ngx_aigc_template_get(ngx_aigc_zone_t *zone,
    ngx_aigc_gss_t *gss);
static void ngx_aigc_template_again(ngx_aigc_zone_t *zone,
    ngx_aigc_template_t *t);
static void ngx_aigc_template_fill(ngx_aigc_zone_t *zone,
    ngx_aigc_template_t *t, ngx_aigc_gss_t *gss);
static void ngx_aigc_template_domain(ngx_aigc_zone_t *zone,
    ngx_aigc_template_t *t);
static void ngx_aigc_template_truth(ngx_aigc_template_t *t,
    ngx_aigc_gss_t *gss);
static void ngx_aigc_template_stray(ngx_aigc_template_t *t,
    ngx_aigc_gss_t *gss);


ngx_int_t
ngx_aigc_table_put_gss(ngx_aigc_zone_t *zone, void *value, uint32_t mark,
    ngx_log_t *log)
{
    uint32_t              slot;
    ngx_aigc_gss_t       *gss = value;
    ngx_aigc_template_t  *t;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    slot = ngx_aigc_template_get(zone, gss);

    if (slot == NGX_AIGC_NONE) {
        ngx_aigc_write_end(zone);
        ngx_aigc_table_full(zone, "template", &gss->ns, &gss->name, log);
        return NGX_DECLINED;
    }

    t = &ngx_aigc_templates(zone)[slot];

    if (mark) {
        t->mark = mark;
    }

    if (t->uid.len && !ngx_aigc_fixed_eq(&t->uid, &gss->uid)) {
        ngx_aigc_template_again(zone, t);
    }

    ngx_aigc_template_fill(zone, t, gss);
    ngx_aigc_template_claims(zone, slot, gss, log);
    ngx_aigc_template_records(zone, slot);

    ngx_aigc_seq_begin(&t->seq);
    ngx_aigc_template_truth(t, gss);
    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_write_end(zone);

    return NGX_OK;
}


/* A new template takes in the records that were there before it. */
static uint32_t
ngx_aigc_template_get(ngx_aigc_zone_t *zone, ngx_aigc_gss_t *gss)
{
    uint32_t                 i, slot;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    slot = ngx_aigc_template_find(zone, &gss->ns, &gss->name);
    if (slot != NGX_AIGC_NONE) {
        return slot;
    }

    t = ngx_aigc_templates(zone);
    r = ngx_aigc_records(zone);

    for (slot = 0; slot < ngx_aigc_table(zone)->ntemplates; slot++) {
        if (!t[slot].used) {
            break;
        }
    }

    if (slot == ngx_aigc_table(zone)->ntemplates
        || gss->ns.len > NGX_AIGC_NS_MAX
        || gss->name.len > NGX_AIGC_NAME_MAX)
    {
        return NGX_AIGC_NONE;
    }

    t = &t[slot];

    ngx_aigc_seq_begin(&t->seq);

    ngx_memzero((u_char *) t + sizeof(t->seq), sizeof(*t) - sizeof(t->seq));

    t->used = 1;
    t->first = NGX_AIGC_NONE;
    t->top = -1;
    ngx_aigc_fixed_set(&t->ns, &gss->ns);
    ngx_aigc_fixed_set(&t->name, &gss->name);

    for (i = 0; i < ngx_aigc_table(zone)->ninstances; i++) {

        if (!r[i].used || !ngx_aigc_slot_eq(zone, r[i].name, &gss->name)
            || !ngx_aigc_slot_eq(zone, r[i].ns, &gss->ns))
        {
            continue;
        }

        ngx_aigc_seq_begin(&r[i].seq);
        r[i].tmpl = slot;
        ngx_aigc_seq_end(&r[i].seq);

        ngx_aigc_link(zone, &t->first, i, ngx_aigc_next_tmpl);
        t->top = ngx_max(t->top, r[i].id);
    }

    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_table(zone)->used_templates++;

    return slot;
}


/* Another one of the same name: what was told of the former is past. */
static void
ngx_aigc_template_again(ngx_aigc_zone_t *zone, ngx_aigc_template_t *t)
{
    uint32_t                 i;
    ngx_aigc_record_slot_t  *r;

    ngx_aigc_seq_begin(&t->seq);
    ngx_memzero(t->reported, sizeof(t->reported));
    t->refused = 0;
    ngx_aigc_seq_end(&t->seq);

    for (i = t->first; i != NGX_AIGC_NONE; i = r->next_tmpl) {
        r = &ngx_aigc_records(zone)[i];

        ngx_aigc_seq_begin(&r->seq);
        r->lost = 0;
        ngx_aigc_seq_end(&r->seq);
    }
}


static void
ngx_aigc_template_fill(ngx_aigc_zone_t *zone, ngx_aigc_template_t *t,
    ngx_aigc_gss_t *gss)
{
    ngx_int_t  id;

    ngx_aigc_seq_begin(&t->seq);

    if (t->generation != gss->generation) {
        t->unsettled = 0;               /* each write has its own time */
    }

    t->stamp++;
    t->generation = gss->generation;
    t->observed = gss->observed;
    t->replicas = gss->replicas;
    t->current = gss->current;
    t->port = gss->port;
    t->max = gss->max;
    t->deleting = gss->deleting;
    t->has_annotations = gss->has_annotations;
    t->disks_delete = gss->disks_delete;
    t->disks_bad = gss->disks_bad;
    t->has_reserve_ids = gss->has_reserve_ids;
    t->has_aside = gss->has_aside;
    t->top = ngx_max(t->top, gss->top);

    if (gss->reserve.nelts) {
        id = ((ngx_int_t *) gss->reserve.elts)[gss->reserve.nelts - 1];
        t->top = ngx_max(t->top, id);
    }

    if (!ngx_aigc_fixed_eq(&t->uid, &gss->uid)) {
        t->workload = 0;                /* of another one of that name */
        t->revision.len = 0;
        ngx_memzero(&t->unmade, sizeof(ngx_aigc_unmade_t));
        t->stray = NGX_AIGC_STRAY_NONE;
    }

    t->seamless = gss->seamless;

    ngx_aigc_fixed_set(&t->uid, &gss->uid);
    ngx_aigc_fixed_set(&t->host, &gss->host);
    ngx_aigc_fixed_set(&t->misconfigured, &gss->misconfigured);
    ngx_aigc_fixed_set(&t->rolls, &gss->rolls);
    ngx_aigc_fixed_set(&t->title, &gss->title);
    ngx_aigc_fixed_set(&t->description, &gss->description);
    ngx_aigc_fixed_set(&t->icon, &gss->icon);
    ngx_aigc_fixed_set(&t->image, &gss->image);
    ngx_aigc_fixed_set(&t->cpu, &gss->cpu);
    ngx_aigc_fixed_set(&t->memory, &gss->memory);
    ngx_aigc_fixed_set(&t->gpu, &gss->gpu);
    ngx_aigc_fixed_set(&t->gpu_kind, &gss->gpu_kind);
    ngx_aigc_fixed_set(&t->disk, &gss->disk);

    ngx_aigc_template_domain(zone, t);

    ngx_aigc_seq_end(&t->seq);
}


/* Outside of it no session is known, and no certificate may be at hand. */
static void
ngx_aigc_template_domain(ngx_aigc_zone_t *zone, ngx_aigc_template_t *t)
{
    ngx_str_t  host;

    ngx_aigc_fixed_get(&t->host, &host);

    if (t->misconfigured.len || host.len == 0 || zone->domain.len == 0
        || ngx_aigc_host_within(&host, &zone->domain) == NGX_OK)
    {
        return;
    }

    t->misconfigured.len = ngx_snprintf(t->misconfigured.data,
                                        NGX_AIGC_WHY_MAX,
                                        "network Host is outside of the "
                                        "gateway's domain=%V", &zone->domain)
                           - t->misconfigured.data;
}


void
ngx_aigc_template_records(ngx_aigc_zone_t *zone, uint32_t slot)
{
    uint32_t              i, next;
    ngx_aigc_template_t  *t;

    t = &ngx_aigc_templates(zone)[slot];

    for (i = t->first; i != NGX_AIGC_NONE; i = next) {
        next = ngx_aigc_records(zone)[i].next_tmpl;
        ngx_aigc_record_update(zone, i);
    }
}


/*
 * Is spec what the annotations say (agrees), and has OKG digested it: its copy
 * of the reserve list is the same set (reserve_same), written as we would
 * write it (reserve_exact)?
 */
static void
ngx_aigc_template_truth(ngx_aigc_template_t *t, ngx_aigc_gss_t *gss)
{
    ngx_int_t         id, *reserve;
    ngx_str_t         text;
    ngx_uint_t        n, c, bad, running;
    ngx_array_t       copy;
    ngx_pool_t       *pool;
    ngx_aigc_claim_t *claims;

    reserve = gss->reserve.elts;
    claims = gss->claims.elts;

    t->written = (gss->top >= 0 || gss->claims.nelts != 0);

    ngx_aigc_template_stray(t, gss);

    t->agrees = (gss->replicas == t->nrunning - t->naside
                 && gss->reserve_bad == 0
                 && (gss->reserve_stray == 0
                     || t->stray == NGX_AIGC_STRAY_KEPT));
    n = 0;
    c = 0;
    bad = 0;

    for (id = 0; id <= t->top && t->agrees; id++) {

        while (c < gss->claims.nelts && claims[c].id < id) {
            c++;
        }

        running = (c < gss->claims.nelts && claims[c].id == id
                   && claims[c].state == NGX_AIGC_RUNNING
                   && !ngx_aigc_ids_has(&gss->aside, id));

        if (n < gss->reserve.nelts && reserve[n] == id) {
            t->agrees = !running;
            n++;

        } else {
            t->agrees = running;
        }
    }

    t->reserve_same = 0;
    t->reserve_exact = 0;

    if (gss->has_reserve_ids) {

        pool = gss->reserve.pool;

        if (ngx_aigc_ids_from_text(pool, &gss->reserve_ids, &copy, &bad)
            == NGX_OK)
        {
            t->reserve_same = (ngx_aigc_ids_equal(&copy, &gss->reserve)
                               == NGX_OK);
        }

        if (t->reserve_same && t->agrees
            && ngx_aigc_ids_text(pool, &gss->reserve, &text) == NGX_OK)
        {
            t->reserve_exact = (text.len == gss->reserve_ids.len
                                && (text.len == 0
                                    || ngx_memcmp(text.data,
                                                  gss->reserve_ids.data,
                                                  text.len)
                                       == 0));
        }
    }

    if (t->observed >= t->generation && t->current == t->replicas
        && (!t->has_reserve_ids || t->reserve_same))
    {
        t->unsettled = 0;

        if (gss->reserve_stray == 0 && bad == 0) {
            t->stray = NGX_AIGC_STRAY_NONE;
        }

    } else if (t->unsettled == 0) {
        t->unsettled = ngx_aigc_now();
    }
}


/*
 * A number that is no id is written away once.  OKG 1.0 may put it back, with
 * every scale: it has it from its workload, which is not ours to write.
 */
static void
ngx_aigc_template_stray(ngx_aigc_template_t *t, ngx_aigc_gss_t *gss)
{
    switch (t->stray) {

    case NGX_AIGC_STRAY_NONE:
        if (gss->reserve_stray) {
            t->stray = NGX_AIGC_STRAY_SEEN;
        }

        break;

    case NGX_AIGC_STRAY_SEEN:
        if (gss->reserve_stray == 0) {
            t->stray = NGX_AIGC_STRAY_GONE;
        }

        break;

    case NGX_AIGC_STRAY_GONE:
        if (gss->reserve_stray) {
            t->stray = NGX_AIGC_STRAY_KEPT;
        }

        break;

    default: /* NGX_AIGC_STRAY_KEPT */
        break;
    }
}


ngx_int_t
ngx_aigc_table_drop_gss(ngx_aigc_zone_t *zone, void *value)
{
    ngx_aigc_gss_t  *gss = value;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_aigc_write_drop(zone, ngx_aigc_template_find(zone, &gss->ns,
                                                            &gss->name),
                               ngx_aigc_template_drop);
}


void
ngx_aigc_table_sweep_gss(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep)
{
    uint32_t              i;
    ngx_aigc_template_t  *t;

    if (ngx_aigc_write_begin(zone) != NGX_OK) {
        return;
    }

    t = ngx_aigc_templates(zone);

    for (i = 0; i < ngx_aigc_table(zone)->ntemplates; i++) {
        if (t[i].used
            && ngx_aigc_sweep_drops(sweep, t[i].ns.data, t[i].ns.len,
                                    t[i].mark))
        {
            ngx_aigc_template_drop(zone, i);
        }
    }

    ngx_aigc_write_end(zone);
}


/* Its claims go with it; disks and GameServers have their own events. */
static void
ngx_aigc_template_drop(ngx_aigc_zone_t *zone, uint32_t slot)
{
    uint32_t                 i;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    t = &ngx_aigc_templates(zone)[slot];

    while (t->first != NGX_AIGC_NONE) {
        i = t->first;
        r = &ngx_aigc_records(zone)[i];

        ngx_aigc_seq_begin(&t->seq);
        ngx_aigc_unlink(zone, &t->first, i, ngx_aigc_next_tmpl);
        (void) ngx_aigc_claim_put(zone, i, NULL, 0);
        ngx_aigc_seq_end(&t->seq);

        ngx_aigc_seq_begin(&r->seq);
        r->tmpl = NGX_AIGC_NONE;
        ngx_aigc_seq_end(&r->seq);

        ngx_aigc_record_update(zone, i);
    }

    ngx_aigc_seq_begin(&t->seq);
    t->used = 0;
    ngx_aigc_seq_end(&t->seq);

    ngx_aigc_table(zone)->used_templates--;
}
