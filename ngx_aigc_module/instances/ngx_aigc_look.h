/*
 * instances/ngx_aigc_look.h — which slots of the table are worth a copy.  For the
 * steps of the reconciler, which walk through all of it many times a second
 * and find something to do in few of them.
 *
 * No lock and no copy, so it is a hint: what is then done is decided upon a
 * copy.
 */

#ifndef _NGX_AIGC_LOOK_H_INCLUDED_
#define _NGX_AIGC_LOOK_H_INCLUDED_

#include "ngx_aigc_table.h"


#define NGX_AIGC_STRAY_YOUNG  60        /* s: nobody has used such a disk yet */


/*
 * The first slot from slot on of a disk without an owner's stamp, or, with none
 * left, one beyond the last: ngx_aigc_table_disk_at() says NGX_DONE to that.
 */
uint32_t ngx_aigc_look_disk(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * Likewise of a disk whose template deletes disks with it, and which is not
 * bound to it yet; or which is bound to one that does not.
 */
uint32_t ngx_aigc_look_unbound(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * Likewise of a disk without an owner, of an id without a claim, that is marked
 * as a stray one, or that came as one may come: by itself, in the last seconds
 * before now, which is ngx_time().
 */
uint32_t ngx_aigc_look_stray(ngx_aigc_zone_t *zone, uint32_t slot, time_t now);

/*
 * The record in slot as it stands, for the table's writer, which alone changes
 * it; NULL: there is none, or this process is not the writer.
 */
ngx_aigc_record_t *ngx_aigc_look_record(ngx_aigc_zone_t *zone, uint32_t slot);


#endif /* _NGX_AIGC_LOOK_H_INCLUDED_ */
