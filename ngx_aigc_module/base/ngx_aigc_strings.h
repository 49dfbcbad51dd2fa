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
#define NGX_AIGC_STRING_LEAST    3      /* units: the head of a free block */
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


/* What stands in it: used ones, and free ones. */
typedef struct {
    uint32_t                 units;     /* of this block */
    uint32_t                 before;    /* units of the one before; 0: none */
    uint32_t                 next;      /* of the chain, or of the free ones */
    uint32_t                 refs;      /* 0: free */
    uint16_t                 len;
    u_char                   data[2];   /* and on; at NGX_AIGC_STRING_HEAD */
    uint32_t                 prev;      /* of the free ones */
} ngx_aigc_block_t;

#define ngx_aigc_block(strings, at)                                           \
    ((ngx_aigc_block_t *) (void *) ((u_char *) (strings) + (strings)->blocks  \
                                    + (size_t) (at) * NGX_AIGC_STRING_UNIT))


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
 * Reading is a part of every decision, hence inline.  Get: the value where it
 * stands: for the writer until it changes the reference, for readers between
 * two looks at the slot's counter.  NGX_OK; NGX_ERROR: torn.
 */
static ngx_inline ngx_int_t
ngx_aigc_string_get(ngx_aigc_strings_t *strings, ngx_aigc_string_t string,
    ngx_str_t *value)
{
    size_t             len;
    ngx_aigc_block_t  *block;

    value->len = 0;
    value->data = NULL;

    if (string == 0) {
        return NGX_OK;
    }

    if (string > strings->units - NGX_AIGC_STRING_LEAST) {
        return NGX_ERROR;
    }

    block = ngx_aigc_block(strings, string);

    /* read once: a writer may be at it */

    len = *(volatile uint16_t *) &block->len;

    if (len > NGX_AIGC_STRING_MAX
        || len > (size_t) (strings->units - string) * NGX_AIGC_STRING_UNIT
                 - NGX_AIGC_STRING_HEAD)
    {
        return NGX_ERROR;
    }

    value->len = len;
    value->data = block->data;

    return NGX_OK;
}


/* 1: it is value; 0: it is not, or is torn. */
static ngx_inline ngx_uint_t
ngx_aigc_string_eq(ngx_aigc_strings_t *strings, ngx_aigc_string_t string,
    ngx_str_t *value)
{
    ngx_str_t  is;

    return ngx_aigc_string_get(strings, string, &is) == NGX_OK
           && is.len == value->len
           && (is.len == 0 || ngx_memcmp(is.data, value->data, is.len) == 0);
}


/* Copies it to data; NGX_OK; NGX_ERROR: torn, or more than room bytes. */
static ngx_inline ngx_int_t
ngx_aigc_string_copy(ngx_aigc_strings_t *strings, ngx_aigc_string_t string,
    uint16_t *len, u_char *data, size_t room)
{
    ngx_str_t  value;

    if (ngx_aigc_string_get(strings, string, &value) != NGX_OK
        || value.len > room)
    {
        *len = 0;
        return NGX_ERROR;
    }

    *len = (uint16_t) value.len;

    if (value.len) {
        ngx_memcpy(data, value.data, value.len);
    }

    return NGX_OK;
}


/*
 * After a writer has died in here: begin, keep each reference that counts, end.
 * What was not kept is free then.
 */
void ngx_aigc_strings_repair(ngx_aigc_strings_t *strings);
void ngx_aigc_string_keep(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string);
void ngx_aigc_strings_repaired(ngx_aigc_strings_t *strings);


#endif /* _NGX_AIGC_STRINGS_H_INCLUDED_ */
