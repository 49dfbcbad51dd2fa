/*
 * instances/ngx_aigc_table_claims.c — the annotations of a GameServerSet go
 * into the table: who claims which of its ids.
 */

#include "ngx_aigc_index.h"
#include "ngx_aigc_record.h"


static ngx_uint_t ngx_aigc_claim_lost(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_gss_t *gss);
static void ngx_aigc_claim_clear(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r);
static ngx_int_t ngx_aigc_claim_set(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_claim_t *claim);
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

    ngx_aigc_seq_begin(&t->seq);

    for (n = 0; n < gss->claims.nelts; n++) {
        i = ngx_aigc_record_find(zone, &gss->ns, &gss->name, claims[n].id);

        if (i != NGX_AIGC_NONE) {
            missing += (ngx_aigc_claim_put(zone, i, &claims[n], 0) != NGX_OK);
            ngx_aigc_records(zone)[i].claim_stamp = t->stamp;
            t->top = ngx_max(t->top, claims[n].id);
        }
    }

    t->partial = (missing != 0
                  || gss->claims.nelts > NGX_AIGC_INSTANCES_MAX);

    t->nclaims = 0;
    t->nrunning = 0;
    t->nreleased = 0;
    t->naside = 0;

    for (i = t->first; i != NGX_AIGC_NONE; i = r->next_tmpl) {

        r = &ngx_aigc_records(zone)[i];

        if (r->state != NGX_AIGC_NO_STATE && r->claim_stamp != t->stamp) {
            (void) ngx_aigc_claim_put(zone, i, NULL,
                                      ngx_aigc_claim_lost(zone, r, gss));
        }

        ngx_aigc_record_reserved(r, gss);

        t->nclaims += (r->state != NGX_AIGC_NO_STATE);
        t->nrunning += (r->state == NGX_AIGC_RUNNING);
        t->nreleased += (r->state == NGX_AIGC_RELEASED);
        t->naside += r->aside;
    }

    ngx_aigc_seq_end(&t->seq);

    if (missing) {
        ngx_aigc_table_full(zone, "instances of", &gss->ns, &gss->name, log);
    }
}


/* The gateway itself removes no annotation but of one that is uninstalled. */
static ngx_uint_t
ngx_aigc_claim_lost(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_gss_t *gss)
{
    return (r->state == NGX_AIGC_RUNNING || r->state == NGX_AIGC_RELEASED)
           && ngx_aigc_slot_eq(zone, r->claim_gss, &gss->uid);
}


ngx_int_t
ngx_aigc_claim_put(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_claim_t *claim, ngx_uint_t lost)
{
    ngx_int_t                rc;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    if (claim && r->state != NGX_AIGC_NO_STATE
        && ngx_aigc_slot_eq(zone, r->raw, &claim->raw))
    {
        return NGX_OK;
    }

    ngx_aigc_claim_unlink(zone, slot);

    ngx_aigc_seq_begin(&r->seq);

    r->pod_gone = 0;
    r->lost = lost;

    ngx_aigc_claim_clear(zone, r);
    rc = claim ? ngx_aigc_claim_set(zone, r, claim) : NGX_OK;

    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_claim_link(zone, slot);

    /* now, as there is room for it, which the next claim may take */

    ngx_aigc_record_host(zone, slot);

    return rc;
}


static void
ngx_aigc_claim_clear(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r)
{
    ngx_str_t  none = ngx_null_string;

    r->state = NGX_AIGC_NO_STATE;
    r->keep = 0;
    r->since = 0;

    (void) ngx_aigc_record_set(zone, r, owner, &none);
    (void) ngx_aigc_record_set(zone, r, claim_gss, &none);
    (void) ngx_aigc_record_set(zone, r, raw, &none);
}


/* With room for its host, which follows from it. */
static ngx_int_t
ngx_aigc_claim_set(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_claim_t *claim)
{
    if (ngx_aigc_slot_room(zone, ngx_aigc_string_need(claim->owner.len)
                                 + ngx_aigc_string_need(claim->gss.len)
                                 + ngx_aigc_string_need(claim->raw.len)
                                 + ngx_aigc_string_need(NGX_AIGC_HOST_MAX))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->state = claim->state;
    r->keep = claim->keep;
    r->since = claim->since_sec;

    if (claim->state != NGX_AIGC_UNREADABLE) {
        (void) ngx_aigc_record_set(zone, r, owner, &claim->owner);
    }

    (void) ngx_aigc_record_set(zone, r, claim_gss, &claim->gss);
    (void) ngx_aigc_record_set(zone, r, raw, &claim->raw);

    return NGX_OK;
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
