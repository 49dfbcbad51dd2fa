/*
 * instances/ngx_aigc_observe.h — what a record's parts say together.  For the
 * table's own files; the lock is held in each call.
 */

#ifndef _NGX_AIGC_OBSERVE_H_INCLUDED_
#define _NGX_AIGC_OBSERVE_H_INCLUDED_

#include "ngx_aigc_slots.h"


/*
 * Works out whether an update is to be had, and what the instance lacks that
 * nobody reports as missing.  Forgets its warning when the instance is ready,
 * or need not be.  The record's counter is odd.
 */
void ngx_aigc_record_observe(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r);

/* Forgets the warning; the record's counter is odd. */
void ngx_aigc_warning_clear(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r);


#endif /* _NGX_AIGC_OBSERVE_H_INCLUDED_ */
