/*
 * instances/ngx_aigc_record.h — one record of the table: how it comes and goes,
 * and what follows from its parts (host, disk verdict, route).  For the table's
 * own files; the lock is held in each call.
 */

#ifndef _NGX_AIGC_RECORD_H_INCLUDED_
#define _NGX_AIGC_RECORD_H_INCLUDED_

#include "ngx_aigc_slots.h"
#include "kube/ngx_aigc_kind.h"


#define NGX_AIGC_FULL_EVERY  10000      /* ms between lines that say so */


/*
 * Around the write of one object.  begin: NGX_OK, the lock is held;
 * NGX_DECLINED: we are not the writer.
 */
ngx_int_t ngx_aigc_write_begin(ngx_aigc_zone_t *zone);
void ngx_aigc_write_end(ngx_aigc_zone_t *zone);

/* Clears slot, unless it is NGX_AIGC_NONE, and ends the write: NGX_OK. */
ngx_int_t ngx_aigc_write_drop(ngx_aigc_zone_t *zone, uint32_t slot,
    void (*clear)(ngx_aigc_zone_t *zone, uint32_t slot));

/*
 * Copies without a lock; NGX_OK; NGX_BUSY: half-written.  copy_access: no text
 * but those that decide on access.
 */
ngx_int_t ngx_aigc_record_copy(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record);
ngx_int_t ngx_aigc_record_copy_access(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record);
ngx_int_t ngx_aigc_disk_copy(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_disk_t *disk);

/*
 * Sets a text of a slot, whose counter is odd, to at most max bytes of value.
 * NGX_OK; NGX_ERROR: no room, and it is empty.  An object is written only if
 * there is room for all of its texts (ngx_aigc_slot_room()), else it is not in
 * the table, as where no slot is free.  tell: one that nothing depends on is
 * empty when seven eighths of the room are used: the rest is for the others.
 */
ngx_int_t ngx_aigc_slot_set(ngx_aigc_zone_t *zone, ngx_aigc_string_t *string,
    ngx_str_t *value, size_t max);
void ngx_aigc_slot_tell(ngx_aigc_zone_t *zone, ngx_aigc_string_t *string,
    ngx_str_t *value, size_t max);

#define ngx_aigc_slot_room(zone, need)                                        \
    ngx_aigc_strings_room(ngx_aigc_strings(zone), need)

#define ngx_aigc_text_max(type, field)  sizeof(((type *) 0)->field.data)

#define ngx_aigc_record_set(zone, r, field, value)                            \
    ngx_aigc_slot_set(zone, &(r)->field, value,                               \
                      ngx_aigc_text_max(ngx_aigc_record_t, field))
#define ngx_aigc_record_tell(zone, r, field, value)                           \
    ngx_aigc_slot_tell(zone, &(r)->field, value,                              \
                       ngx_aigc_text_max(ngx_aigc_record_t, field))
#define ngx_aigc_disk_set(zone, d, field, value)                              \
    ngx_aigc_slot_set(zone, &(d)->field, value,                               \
                      ngx_aigc_text_max(ngx_aigc_disk_t, field))

/* No text any more, in a slot that becomes free; its counter is odd. */
void ngx_aigc_record_clear_texts(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *slot);
void ngx_aigc_disk_clear_texts(ngx_aigc_zone_t *zone,
    ngx_aigc_disk_slot_t *slot);

/* Between ngx_aigc_strings_repair() and …_repaired(), for each slot. */
void ngx_aigc_record_keep_texts(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *slot);
void ngx_aigc_disk_keep_texts(ngx_aigc_zone_t *zone,
    ngx_aigc_disk_slot_t *slot);

/* 1: the sweep drops what was listed with mark, in the namespace ns. */
ngx_uint_t ngx_aigc_swept(ngx_aigc_zone_t *zone, ngx_aigc_sweep_t *sweep,
    ngx_aigc_string_t ns, uint32_t mark);

/* Counts that an object found no room, and says so now and then. */
void ngx_aigc_table_full(ngx_aigc_zone_t *zone, const char *what,
    ngx_str_t *ns, ngx_str_t *name, ngx_log_t *log);

/*
 * Takes over the claims of a template, and which ids it keeps out of spec.  The
 * template's counter stays odd meanwhile: readers see all claims or none.
 */
void ngx_aigc_template_claims(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_gss_t *gss, ngx_log_t *log);

/*
 * The claim of a record; NULL: its annotation is gone, lost: by somebody's
 * hand.  The record's own counter is even before and after.  NGX_OK; NGX_ERROR:
 * no room for its texts, the record has none.
 */
ngx_int_t ngx_aigc_claim_put(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_claim_t *claim, ngx_uint_t lost);

/*
 * Works out again all records of a template, which has changed; those that end
 * up empty are freed.
 */
void ngx_aigc_template_records(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * The record of an id, made when there is none.  NGX_AIGC_NONE: no room.
 */
uint32_t ngx_aigc_record_get(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id);

/* The same, without making one. */
uint32_t ngx_aigc_record_find(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name, ngx_int_t id);

/*
 * The host of a record, which follows from claim and template: only a record
 * with a claim has one.  The same host twice is refused for both, until one of
 * them goes.  The record's own counter is even before and after.
 */
void ngx_aigc_record_host(ngx_aigc_zone_t *zone, uint32_t slot);

/*
 * Works out again what follows from the parts of a record, and frees it when
 * no part is left.  The record's own counter is even before and after.
 */
void ngx_aigc_record_update(ngx_aigc_zone_t *zone, uint32_t slot);

/* Marks those that have host: one alone is fine, more collide. */
void ngx_aigc_record_collide(ngx_aigc_zone_t *zone, ngx_str_t *host);

/* The template slot of (ns, name), or NGX_AIGC_NONE. */
uint32_t ngx_aigc_template_find(ngx_aigc_zone_t *zone, ngx_str_t *ns,
    ngx_str_t *name);


#endif /* _NGX_AIGC_RECORD_H_INCLUDED_ */
