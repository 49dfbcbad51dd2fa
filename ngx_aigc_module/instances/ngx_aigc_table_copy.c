/*
 * instances/ngx_aigc_table_copy.c — copies of slots whose texts are in the
 * store of strings, and how these are set.
 */

#include "ngx_aigc_record.h"


static ngx_int_t ngx_aigc_copy_record(void *dst, void *src, void *strings);
static ngx_int_t ngx_aigc_copy_access(void *dst, void *src, void *strings);
static ngx_int_t ngx_aigc_copy_disk(void *dst, void *src, void *strings);


/* All texts of a list; rc: NGX_ERROR if one of them is lost, or torn. */
#define ngx_aigc_copy_text(field, max)                                        \
    if (ngx_aigc_string_copy(strings, slot->field, &copy->field.len,          \
                             copy->field.data, max)                           \
        != NGX_OK)                                                            \
    {                                                                         \
        rc = NGX_ERROR;                                                       \
    }


ngx_int_t
ngx_aigc_record_copy(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record)
{
    return ngx_aigc_seq_read(record, &ngx_aigc_records(zone)[slot],
                             ngx_aigc_copy_record, ngx_aigc_strings(zone));
}


static ngx_int_t
ngx_aigc_copy_record(void *dst, void *src, void *strings)
{
    ngx_aigc_record_t       *copy = dst;
    ngx_aigc_record_slot_t  *slot = src;

    ngx_int_t  rc;

    rc = ngx_aigc_copy_access(dst, src, strings);

    NGX_AIGC_RECORD_STATE(ngx_aigc_copy_text)
    NGX_AIGC_RECORD_TOLD(ngx_aigc_copy_text)

    return rc;
}


ngx_int_t
ngx_aigc_record_copy_access(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_record_t *record)
{
    return ngx_aigc_seq_read(record, &ngx_aigc_records(zone)[slot],
                             ngx_aigc_copy_access, ngx_aigc_strings(zone));
}


static ngx_int_t
ngx_aigc_copy_access(void *dst, void *src, void *strings)
{
    ngx_aigc_record_t       *copy = dst;
    ngx_aigc_record_slot_t  *slot = src;

    ngx_int_t  rc;

    rc = NGX_OK;

    ngx_memcpy(copy, slot, offsetof(ngx_aigc_record_t, address));

    NGX_AIGC_RECORD_ACCESS(ngx_aigc_copy_text)

    return rc;
}


ngx_int_t
ngx_aigc_disk_copy(ngx_aigc_zone_t *zone, uint32_t slot, ngx_aigc_disk_t *disk)
{
    return ngx_aigc_seq_read(disk, &ngx_aigc_disks(zone)[slot],
                             ngx_aigc_copy_disk, ngx_aigc_strings(zone));
}


static ngx_int_t
ngx_aigc_copy_disk(void *dst, void *src, void *strings)
{
    ngx_aigc_disk_t       *copy = dst;
    ngx_aigc_disk_slot_t  *slot = src;

    ngx_int_t  rc;

    rc = NGX_OK;

    ngx_memcpy(copy, slot, offsetof(ngx_aigc_disk_t, version));

    NGX_AIGC_DISK_TEXTS(ngx_aigc_copy_text)

    return rc;
}


ngx_int_t
ngx_aigc_slot_set(ngx_aigc_zone_t *zone, ngx_aigc_string_t *string,
    ngx_str_t *value, size_t max)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    static ngx_aigc_seldom_t  complained;

    text.len = ngx_min(value->len, max);
    text.data = value->data;

    rc = ngx_aigc_string_set(ngx_aigc_strings(zone), string, &text);

    if (rc != NGX_OK) {
        ngx_aigc_count(zone, full);
        ngx_aigc_table(zone)->lost = zone->epoch;

        if (ngx_aigc_seldom(&complained, NGX_AIGC_FULL_EVERY)) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "aigc: no room in zone \"%V\" for strings: "
                          "make \"aigc_zone\" larger",
                          &zone->shm_zone->shm.name);
        }
    }

    return rc;
}


void
ngx_aigc_slot_tell(ngx_aigc_zone_t *zone, ngx_aigc_string_t *string,
    ngx_str_t *value, size_t max)
{
    if (ngx_aigc_slot_set(zone, string, value, max) != NGX_OK) {
        *string = 0;
    }
}


#define ngx_aigc_clear_text(field, max)                                       \
    (void) ngx_aigc_string_set(strings, &slot->field, &none);
#define ngx_aigc_forget_text(field, max)  slot->field = 0;
#define ngx_aigc_keep_text(field, max)                                        \
    ngx_aigc_string_keep(strings, slot->field);


void
ngx_aigc_record_clear_texts(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *slot)
{
    ngx_str_t            none = ngx_null_string;
    ngx_aigc_strings_t  *strings = ngx_aigc_strings(zone);

    NGX_AIGC_RECORD_TEXTS(ngx_aigc_clear_text)
}


void
ngx_aigc_record_keep_texts(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *slot)
{
    ngx_aigc_strings_t  *strings = ngx_aigc_strings(zone);

    if (slot->used) {
        NGX_AIGC_RECORD_TEXTS(ngx_aigc_keep_text)

    } else {
        NGX_AIGC_RECORD_TEXTS(ngx_aigc_forget_text)
    }
}


void
ngx_aigc_disk_clear_texts(ngx_aigc_zone_t *zone, ngx_aigc_disk_slot_t *slot)
{
    ngx_str_t            none = ngx_null_string;
    ngx_aigc_strings_t  *strings = ngx_aigc_strings(zone);

    NGX_AIGC_DISK_TEXTS(ngx_aigc_clear_text)
}


void
ngx_aigc_disk_keep_texts(ngx_aigc_zone_t *zone, ngx_aigc_disk_slot_t *slot)
{
    ngx_aigc_strings_t  *strings = ngx_aigc_strings(zone);

    if (slot->used) {
        NGX_AIGC_DISK_TEXTS(ngx_aigc_keep_text)

    } else {
        NGX_AIGC_DISK_TEXTS(ngx_aigc_forget_text)
    }
}
