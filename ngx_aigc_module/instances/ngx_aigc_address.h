/*
 * instances/ngx_aigc_address.h — which instance an address leads to.
 *
 * A record claims its pod's address and its template's port for as long as
 * that very pod is ready and does not go.  Of those that claim the same, the
 * newest pod has it; when that one lets go, the next has it again.  OKG's
 * GameServers have no say in this: they come late.
 *
 * For the table's own files; the lock is held in each call.
 */

#ifndef _NGX_AIGC_ADDRESS_H_INCLUDED_
#define _NGX_AIGC_ADDRESS_H_INCLUDED_

#include "ngx_aigc_slots.h"


/*
 * Before a pod is noted in the record in slot: lets go of the former address if
 * this pod does not keep it.  pod NULL: there is none.
 */
void ngx_aigc_address_before(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_pod_t *pod);

/* Is what is noted of address and owner this pod's? */
ngx_uint_t ngx_aigc_address_same(ngx_aigc_record_slot_t *r,
    ngx_aigc_pod_t *pod);

/* Notes them; the record's counter is odd. */
void ngx_aigc_address_note(ngx_aigc_record_slot_t *r, ngx_aigc_pod_t *pod);

/* After any change of record or template: claims, or lets go. */
void ngx_aigc_address_update(ngx_aigc_zone_t *zone, uint32_t slot);

/* Of a uid, for equality alone; never 0. */
uint32_t ngx_aigc_uid_hash(ngx_str_t *uid);


#endif /* _NGX_AIGC_ADDRESS_H_INCLUDED_ */
