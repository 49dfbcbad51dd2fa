/*
 * kube/ngx_aigc_leader.h — whether this nginx is the leader, and its identity.
 * Both are in the zone, so that a new worker 0, after a reload or a crash, goes
 * on where the old one was.  The table's writer writes them, all workers read.
 */

#ifndef _NGX_AIGC_LEADER_H_INCLUDED_
#define _NGX_AIGC_LEADER_H_INCLUDED_

#include "ngx_aigc_election.h"
#include "base/ngx_aigc_zone.h"


typedef struct {
    ngx_atomic_t      leads;            /* 1: this nginx leads, until … */
    ngx_atomic_t      until;            /* … ngx_current_msec reaches this */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) identity;   /* ours; len 0: none */
    ngx_aigc_fixed_t(NGX_AIGC_HOLDER_MAX) holder;     /* of the Lease */
} ngx_aigc_leadership_t;


extern ngx_aigc_part_t  ngx_aigc_leader_part;

#define ngx_aigc_leadership(zone)                                             \
    ((ngx_aigc_leadership_t *) ngx_aigc_part(zone, ngx_aigc_leader_part))


/*
 * Copies this nginx's identity to dst, whose data has room for
 * NGX_AIGC_HOLDER_MAX bytes.  The first call makes it from the host's name and
 * random bits.  NGX_OK; NGX_ERROR: no random bits.
 */
ngx_int_t ngx_aigc_leader_identity(ngx_aigc_zone_t *zone, ngx_str_t *hostname,
    ngx_str_t *dst);

/* NGX_OK: this nginx leads; NGX_DECLINED: it does not. */
ngx_int_t ngx_aigc_leader_leads(ngx_aigc_zone_t *zone);

/* ms until its lead ends without another renewal; 0: it does not lead. */
ngx_msec_t ngx_aigc_leader_left(ngx_aigc_zone_t *zone);

/*
 * Sets that this nginx leads until then (ngx_current_msec), or that it leads no
 * more.  NGX_OK: this is a change; NGX_DECLINED: it is none, or this process is
 * no longer the table's writer.
 */
ngx_int_t ngx_aigc_leader_lead(ngx_aigc_zone_t *zone, ngx_msec_t until);
ngx_int_t ngx_aigc_leader_lose(ngx_aigc_zone_t *zone);

/*
 * Set and get the last seen holder of the Lease, "" if there is none.  The data
 * of dst has room for NGX_AIGC_HOLDER_MAX bytes.
 */
void ngx_aigc_leader_seen(ngx_aigc_zone_t *zone, ngx_str_t *holder);
void ngx_aigc_leader_holder(ngx_aigc_zone_t *zone, ngx_str_t *dst);


#endif /* _NGX_AIGC_LEADER_H_INCLUDED_ */
