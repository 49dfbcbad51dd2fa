/*
 * zone/ngx_aigc_look.h — which slots of the table are worth a copy.  For the
 * steps of the reconciler, which walk through all of it many times a second
 * and find something to do in few of them.
 *
 * Each call gives the first slot from slot on that may ask for something, or,
 * with none left, the number of slots: ngx_aigc_table_..._at() says NGX_DONE
 * to that.  No lock and no copy, so it is a hint: what is then done is decided
 * upon a copy.
 */

#ifndef _NGX_AIGC_LOOK_H_INCLUDED_
#define _NGX_AIGC_LOOK_H_INCLUDED_

#include "ngx_aigc_table.h"


/* A disk without an owner's stamp. */
uint32_t ngx_aigc_look_disk(ngx_aigc_zone_t *zone, uint32_t slot);

/* A record of which an administrator knows too little, or too much. */
uint32_t ngx_aigc_look_record(ngx_aigc_zone_t *zone, uint32_t slot);


#endif /* _NGX_AIGC_LOOK_H_INCLUDED_ */
