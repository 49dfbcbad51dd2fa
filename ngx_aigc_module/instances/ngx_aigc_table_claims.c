/*
 * instances/ngx_aigc_table_claims.c — the annotations of a GameServerSet go
 * into the table: who claims which of its ids.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"


static ngx_uint_t ngx_aigc_claim_lost(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_gss_t *gss);
static void ngx_aigc_claim_link(ngx_aigc_zone_t *zone, uint32_t slot);
static void ngx_aigc_claim_unlink(ngx_aigc_zone_t *zone, uint32_t slot);
static void ngx_aigc_record_reserved(ngx_aigc_record_slot_t *r,
    ngx_aigc_gss_t *gss);


void
ngx_aigc_template_claims(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_gss_t *gss, ngx_log_t *log)
{
    uint32_t                 i;
    ngx_uint_t               n, missing;
    ngx_aigc_claim_t        *claims;
    ngx_aigc_template_t     *t;
    ngx_aigc_record_slot_t  *r;

    t = &ngx_aigc_templates(zone)[slot];
    claims = gss->claims.elts;

    /* records first: making one touches the template's chain and counter */

    missing = 0;

    for (n = 0; n < gss->claims.nelts; n++) {
        if (ngx_aigc_record_get(zone, &gss->ns, &gss->name, claims[n].id)
            == NGX_AIGC_NONE)
        {
            missing++;
        }
    }

    if (missing) {
        ngx_aigc_table_full(zone, "instances of", &gss->ns, &gss->name, log);
    }

    ngx_aigc_seq_begin(&t->seq);

    t->partial = (missing != 0
                  || gss->claims.nelts > NGX_AIGC_INSTANCES_MAX);

    for (n = 0; n < gss->claims.nelts; n++) {
        i = ngx_aigc_record_find(zone, &gss->ns, &gss->name, claims[n].id);

        if (i != NGX_AIGC_NONE) {
            ngx_aigc_claim_put(zone, i, &claims[n], 0);
            ngx_aigc_records(zone)[i].claim_stamp = t->stamp;
            t->top = ngx_max(t->top, claims[n].id);
        }
    }

    t->nclaims = 0;
    t->nrunning = 0;
    t->nreleased = 0;
    t->naside = 0;

    for (i = t->first; i != NGX_AIGC_NONE; i = r->next_tmpl) {

        r = &ngx_aigc_records(zone)[i];

        if (r->state != NGX_AIGC_NO_STATE && r->claim_stamp != t->stamp) {
            ngx_aigc_claim_put(zone, i, NULL,
                               ngx_aigc_claim_lost(zone, r, gss));
        }

        ngx_aigc_record_reserved(r, gss);

        t->nclaims += (r->state != NGX_AIGC_NO_STATE);
        t->nrunning += (r->state == NGX_AIGC_RUNNING);
        t->nreleased += (r->state == NGX_AIGC_RELEASED);
        t->naside += r->aside;
    }

    ngx_aigc_seq_end(&t->seq);
}


/* The gateway itself removes no annotation but of one that is uninstalled. */
static ngx_uint_t
ngx_aigc_claim_lost(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_gss_t *gss)
{
    return (r->state == NGX_AIGC_RUNNING || r->state == NGX_AIGC_RELEASED)
           && ngx_aigc_slot_eq(zone, r->claim_gss, &gss->uid);
}


void
ngx_aigc_claim_put(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_claim_t *claim, ngx_uint_t lost)
{
    ngx_str_t                owner, gss, raw;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    if (claim && r->state != NGX_AIGC_NO_STATE
        && ngx_aigc_slot_eq(zone, r->raw, &claim->raw))
    {
        return;
    }

    ngx_aigc_claim_unlink(zone, slot);

    ngx_str_null(&owner);
    ngx_str_null(&gss);
    ngx_str_null(&raw);

    ngx_aigc_seq_begin(&r->seq);

    r->pod_gone = 0;
    r->lost = lost;

    if (claim) {
        r->state = claim->state;
        r->keep = claim->keep;
        r->since = claim->since_sec;
        gss = claim->gss;
        raw = claim->raw;

        if (claim->state != NGX_AIGC_UNREADABLE) {
            owner = claim->owner;
        }

    } else {
        r->state = NGX_AIGC_NO_STATE;
        r->keep = 0;
        r->since = 0;
    }

    (void) ngx_aigc_record_set(zone, r, owner, &owner);
    (void) ngx_aigc_record_set(zone, r, claim_gss, &gss);
    (void) ngx_aigc_record_set(zone, r, raw, &raw);

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_claim_link(zone, slot);
}


/* What the template's lists say of an id: kept out of spec, and why. */
static void
ngx_aigc_record_reserved(ngx_aigc_record_slot_t *r, ngx_aigc_gss_t *gss)
{
    ngx_uint_t  reserved, aside, running;

    running = (r->state == NGX_AIGC_RUNNING);
    reserved = ngx_aigc_ids_has(&gss->reserve, r->id);
    aside = (running && ngx_aigc_ids_has(&gss->aside, r->id));

    if (r->reserved == reserved && r->aside == aside
        && (running || r->tries == 0))
    {
        return;
    }

    ngx_aigc_seq_begin(&r->seq);

    if (r->aside != aside || !running) {
        r->refused = 0;                 /* said of the turn that is over */
    }

    if (!running) {
        r->tries = 0;
    }

    r->reserved = reserved;
    r->aside = aside;

    ngx_aigc_seq_end(&r->seq);
}


/* Into and out of the chain of its owner; an unreadable one has none. */
static void
ngx_aigc_claim_link(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_str_t                owner;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_slot_get(zone, r->owner, &owner);

    if (owner.len == 0) {
        return;
    }

    ngx_aigc_link(zone,
                  ngx_aigc_bucket(zone, NGX_AIGC_BY_OWNER,
                                  ngx_aigc_hash_owner(&owner)),
                  slot, ngx_aigc_next_owner);

    ngx_aigc_seq_begin(&r->seq);
    r->in_owner = 1;
    ngx_aigc_seq_end(&r->seq);
}


static void
ngx_aigc_claim_unlink(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_str_t                owner;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    if (!r->in_owner) {
        return;
    }

    ngx_aigc_slot_get(zone, r->owner, &owner);

    ngx_aigc_unlink(zone,
                    ngx_aigc_bucket(zone, NGX_AIGC_BY_OWNER,
                                    ngx_aigc_hash_owner(&owner)),
                    slot, ngx_aigc_next_owner);

    ngx_aigc_seq_begin(&r->seq);
    r->in_owner = 0;
    ngx_aigc_seq_end(&r->seq);
}
