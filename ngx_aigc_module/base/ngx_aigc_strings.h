/*
 * base/ngx_aigc_strings.h — strings of many lengths in shared memory, each one
 * stored once however often it is referred to.  A slot of the zone holds
 * references instead of buffers of the greatest length.
 *
 * Locking.  The writer holds the zone's lock and has the counter of the slot
 * whose reference it changes odd.  A reader takes no lock: it copies the string
 * between two looks at that counter (ngx_aigc_zone.h).  A string is changed
 * only after the last slot that refers to it, so whoever copied torn bytes sees
 * the counter changed; until then every length and place is held against the
 * bounds of the store.
 */

#ifndef _NGX_AIGC_STRINGS_H_INCLUDED_
#define _NGX_AIGC_STRINGS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AIGC_STRING_UNIT     8      /* bytes */
#define NGX_AIGC_STRING_MAX      480    /* bytes of one */
#define NGX_AIGC_STRING_HEAD     18     /* bytes before them */
#define NGX_AIGC_STRING_CLASSES  64     /* free blocks by size, in units: the
                                           last one takes the longest string */

/* Bytes of the store that a string of so many takes at most, if it is new. */
#define ngx_aigc_string_need(len)                                             \
    ((len) ? (len) + NGX_AIGC_STRING_HEAD + 2 * NGX_AIGC_STRING_UNIT : 0)


/* A reference; 0: the empty string. */
typedef uint32_t  ngx_aigc_string_t;


/* The head of a store, in shared memory: no pointers. */
typedef struct {
    uint32_t                 units;     /* where the blocks are */
    uint32_t                 used;      /* units of them */
    uint32_t                 nbuckets;  /* a power of two */
    size_t                   buckets;   /* offsets from this struct */
    size_t                   blocks;
    uint32_t                 free[NGX_AIGC_STRING_CLASSES];  /* the first one;
                                           the last class: that much or more */
} ngx_aigc_strings_t;


/*
 * Makes an empty store of size bytes (at least 1024), aligned to 8.  It uses no
 * more than 32 GiB of them.
 */
void ngx_aigc_strings_init(ngx_aigc_strings_t *strings, size_t size);

/*
 * NGX_OK: there is room for new strings that need so many bytes together;
 * NGX_DECLINED: there may be none.
 */
ngx_int_t ngx_aigc_strings_room(ngx_aigc_strings_t *strings, size_t need);

/*
 * *string refers to value from now on and to nothing else.  NGX_OK; NGX_ERROR:
 * no room, or longer than NGX_AIGC_STRING_MAX: *string is empty.
 */
ngx_int_t ngx_aigc_string_set(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t *string, ngx_str_t *value);

/*
 * The value where it stands: for the writer until it changes the reference, for
 * readers between two looks at the slot's counter.  NGX_OK; NGX_ERROR: torn.
 */
ngx_int_t ngx_aigc_string_get(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string, ngx_str_t *value);

/* 1: it is value; 0: it is not, or is torn. */
ngx_uint_t ngx_aigc_string_eq(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string, ngx_str_t *value);

/* Copies it to data; NGX_OK; NGX_ERROR: torn, or more than room bytes. */
ngx_int_t ngx_aigc_string_copy(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string, uint16_t *len, u_char *data, size_t room);

/*
 * After a writer has died in here: begin, keep each reference that counts, end.
 * What was not kept is free then.
 */
void ngx_aigc_strings_repair(ngx_aigc_strings_t *strings);
void ngx_aigc_string_keep(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string);
void ngx_aigc_strings_repaired(ngx_aigc_strings_t *strings);


#endif /* _NGX_AIGC_STRINGS_H_INCLUDED_ */
