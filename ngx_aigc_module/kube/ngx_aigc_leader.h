/*
 * kube/ngx_aigc_leader.h — does this nginx lead, and under which name: kept in
 * the zone, so that a new worker 0 (a reload, one that died) goes on where the
 * old one was.  Written by the table's writer, read by all.
 */

#ifndef _NGX_AIGC_LEADER_H_INCLUDED_
#define _NGX_AIGC_LEADER_H_INCLUDED_

#include "ngx_aigc_election.h"
#include "base/ngx_aigc_zone.h"


typedef struct {
    ngx_atomic_t      leads;            /* this one does, … */
    ngx_atomic_t      until;            /* … if it is not later than that,
                                           ngx_current_msec */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) identity;   /* ours; len 0: none */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) holder;     /* whose the Lease is */
} ngx_aigc_leadership_t;


extern ngx_aigc_part_t  ngx_aigc_leader_part;

#define ngx_aigc_leadership(zone)                                             \
    ((ngx_aigc_leadership_t *) ngx_aigc_part(zone, ngx_aigc_leader_part))


/*
 * This nginx's identity, made of the host's name and 64 random bits when there
 * is none.  dst->data: NGX_AIGC_HOLDER_MAX bytes of the caller's.  NGX_OK;
 * NGX_ERROR: no random bits.
 */
ngx_int_t ngx_aigc_leader_identity(ngx_aigc_zone_t *zone, ngx_str_t *hostname,
    ngx_str_t *dst);

/* NGX_OK while this nginx leads; NGX_DECLINED. */
ngx_int_t ngx_aigc_leader_leads(ngx_aigc_zone_t *zone);

/* ms for which it does so without another renewal; 0: it does not lead. */
ngx_msec_t ngx_aigc_leader_left(ngx_aigc_zone_t *zone);

/*
 * We lead until then (ngx_current_msec) / no more.  NGX_OK: that is a change;
 * NGX_DECLINED: it is none, or this process does not write the table any more.
 */
ngx_int_t ngx_aigc_leader_lead(ngx_aigc_zone_t *zone, ngx_msec_t until);
ngx_int_t ngx_aigc_leader_lose(ngx_aigc_zone_t *zone);

/* Who holds the Lease, as last seen; "": nobody.  dst as in identity. */
void ngx_aigc_leader_seen(ngx_aigc_zone_t *zone, ngx_str_t *holder);
void ngx_aigc_leader_holder(ngx_aigc_zone_t *zone, ngx_str_t *dst);


#endif /* _NGX_AIGC_LEADER_H_INCLUDED_ */
