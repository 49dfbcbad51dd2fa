/*
 * instances/ngx_aigc_table_peek.h — finds the table's slots that may need work
 * from a step of the reconciler.  The steps scan the whole table many times a
 * second, and few slots need anything.
 *
 * It reads without lock or copy, so a result is a hint: the caller copies the
 * slot and decides on the copy.
 */

#ifndef _NGX_AIGC_TABLE_PEEK_H_INCLUDED_
#define _NGX_AIGC_TABLE_PEEK_H_INCLUDED_

#include "ngx_aigc_table.h"


#define NGX_AIGC_STRAY_YOUNG  60        /* s: nobody has used such a disk yet */


/*
 * The first slot from slot on of a disk without an owner's stamp, or, with none
 * left, one beyond the last: ngx_aigc_table_disk_at() says NGX_DONE to that.
 */
uint32_t ngx_aigc_peek_unowned(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * Likewise of a disk whose template deletes disks with it, and which is not
 * bound to it yet; or which is bound to one that does not.
 */
uint32_t ngx_aigc_peek_unbound(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * Likewise of a disk without an owner, of an id without a claim, that is marked
 * as a stray one, or that came as one may come: by itself, in the last seconds
 * before now, which is ngx_time().
 */
uint32_t ngx_aigc_peek_stray(ngx_aigc_zone_t *zone, uint32_t slot, time_t now);

/*
 * The record in slot, for the table's writer, which alone changes it.  NGX_OK;
 * NGX_DECLINED: there is none, or this process is not the writer.
 */
ngx_int_t ngx_aigc_peek_record(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record);


#endif /* _NGX_AIGC_TABLE_PEEK_H_INCLUDED_ */
