/*
 * instances/ngx_aigc_table_copy.c — copies of slots whose texts are in the
 * store of strings, and how these are set.
 */

#include "ngx_aigc_record.h"


static ngx_int_t ngx_aigc_copy_record(void *dst, void *src, void *strings);
static ngx_int_t ngx_aigc_copy_access(void *dst, void *src, void *strings);
static ngx_int_t ngx_aigc_copy_disk(void *dst, void *src, void *strings);


/* Each reference is read once, as a writer may be at it: torn gives rc. */
#define ngx_aigc_copy_text(field, max)                                        \
    if (ngx_aigc_string_copy(strings,                                         \
                             *(volatile ngx_aigc_string_t *) &slot->field,    \
                             &copy->field.len, copy->field.data, max)         \
        != NGX_OK)                                                            \
    {                                                                         \
        rc = NGX_ERROR;                                                       \
    }

/* The store takes all that fits into a copy: else this does not compile. */
#define ngx_aigc_check_text(field, max)                                       \
    typedef char  ngx_aigc_fits_##field                                       \
                  [((max) <= NGX_AIGC_STRING_MAX) ? 1 : -1];

NGX_AIGC_RECORD_TEXTS(ngx_aigc_check_text)


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
    ngx_str_t  text;

    text.len = ngx_min(value->len, max);
    text.data = value->data;

    return ngx_aigc_string_set(ngx_aigc_strings(zone), string, &text);
}


void
ngx_aigc_slot_tell(ngx_aigc_zone_t *zone, ngx_aigc_string_t *string,
    ngx_str_t *value, size_t max)
{
    ngx_str_t            none = ngx_null_string;
    ngx_aigc_strings_t  *strings = ngx_aigc_strings(zone);

    if (strings->used > strings->units / 8 * 7) {
        value = &none;
    }

    (void) ngx_aigc_slot_set(zone, string, value, max);
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
