/*
 * base/ngx_aigc_strings.c — a store of strings: blocks that tile it without a
 * gap, free ones in lists by size, used ones in chains by hash.
 *
 * Sizes are written so that the blocks tile the store at every moment, even if
 * the writer dies: a new block's head is there before the former one shrinks,
 * and two become one by a single store.  All else is made anew from the sizes
 * and from who refers to what (ngx_aigc_strings_repair()).
 */

#include "ngx_aigc_strings.h"


#define NGX_AIGC_STRING_LOOKS  64       /* at free blocks, for room */
#define NGX_AIGC_STRING_NONE   0        /* no block: the first is at 1 */


#define ngx_aigc_string_class(units)                                          \
    ngx_min((units), NGX_AIGC_STRING_CLASSES - 1)


static uint32_t *ngx_aigc_string_bucket(ngx_aigc_strings_t *strings,
    ngx_str_t *value);
static ngx_aigc_string_t ngx_aigc_string_find(ngx_aigc_strings_t *strings,
    ngx_str_t *value);
static ngx_aigc_string_t ngx_aigc_string_new(ngx_aigc_strings_t *strings,
    ngx_str_t *value);
static void ngx_aigc_string_release(ngx_aigc_strings_t *strings,
    ngx_aigc_string_t string);
static uint32_t ngx_aigc_block_take(ngx_aigc_strings_t *strings,
    uint32_t units);
static void ngx_aigc_block_give(ngx_aigc_strings_t *strings, uint32_t at);
static void ngx_aigc_block_join(ngx_aigc_strings_t *strings, uint32_t at);
static void ngx_aigc_block_link(ngx_aigc_strings_t *strings, uint32_t at);
static void ngx_aigc_block_unlink(ngx_aigc_strings_t *strings, uint32_t at);


void
ngx_aigc_strings_init(ngx_aigc_strings_t *strings, size_t size)
{
    ngx_aigc_block_t  *block;

    size = ngx_min(size, (size_t) 0xffffffff * NGX_AIGC_STRING_UNIT);

    for (strings->nbuckets = 16;
         (size_t) strings->nbuckets * 128 < size;
         strings->nbuckets *= 2) { /* void */ }

    strings->buckets = ngx_align(sizeof(ngx_aigc_strings_t),
                                 NGX_AIGC_STRING_UNIT);
    strings->blocks = ngx_align(strings->buckets
                                + strings->nbuckets * sizeof(uint32_t),
                                NGX_AIGC_STRING_UNIT);
    strings->units = (size - strings->blocks) / NGX_AIGC_STRING_UNIT;

    block = ngx_aigc_block(strings, 1);
    block->units = strings->units - 1;

    ngx_aigc_strings_repair(strings);
    ngx_aigc_strings_repaired(strings);
}


/* Of one block: what is taken piece by piece comes out of it at the worst. */
ngx_int_t
ngx_aigc_strings_room(ngx_aigc_strings_t *strings, size_t need)
{
    size_t             units;
    uint32_t           at;
    ngx_uint_t         n, class;
    ngx_aigc_block_t  *block;

    units = (need + NGX_AIGC_STRING_UNIT - 1) / NGX_AIGC_STRING_UNIT;

    for (class = units; class < NGX_AIGC_STRING_CLASSES - 1; class++) {
        if (strings->free[class] != NGX_AIGC_STRING_NONE) {
            return NGX_OK;
        }
    }

    n = 0;

    for (at = strings->free[NGX_AIGC_STRING_CLASSES - 1];
         at != NGX_AIGC_STRING_NONE && n++ < NGX_AIGC_STRING_LOOKS;
         at = block->next)
    {
        block = ngx_aigc_block(strings, at);

        if (block->units >= units) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_aigc_string_set(ngx_aigc_strings_t *strings, ngx_aigc_string_t *string,
    ngx_str_t *value)
{
    ngx_aigc_string_t  former;

    if (ngx_aigc_string_eq(strings, *string, value)) {
        return NGX_OK;
    }

    former = *string;

    *string = ngx_aigc_string_find(strings, value);

    ngx_memory_barrier();

    ngx_aigc_string_release(strings, former);

    return (*string || value->len == 0) ? NGX_OK : NGX_ERROR;
}


static uint32_t *
ngx_aigc_string_bucket(ngx_aigc_strings_t *strings, ngx_str_t *value)
{
    uint32_t  *buckets;

    buckets = (uint32_t *) (void *) ((u_char *) strings + strings->buckets);

    return &buckets[ngx_murmur_hash2(value->data, value->len)
                    & (strings->nbuckets - 1)];
}


/* One more reference to value, which is stored if it is not yet; or 0. */
static ngx_aigc_string_t
ngx_aigc_string_find(ngx_aigc_strings_t *strings, ngx_str_t *value)
{
    uint32_t           at;
    ngx_aigc_block_t  *block;

    if (value->len == 0) {
        return 0;
    }

    if (value->len > NGX_AIGC_STRING_MAX) {
        return 0;
    }

    for (at = *ngx_aigc_string_bucket(strings, value);
         at != NGX_AIGC_STRING_NONE;
         at = block->next)
    {
        block = ngx_aigc_block(strings, at);

        if (ngx_aigc_string_eq(strings, at, value)) {
            block->refs++;
            return at;
        }
    }

    return ngx_aigc_string_new(strings, value);
}


static ngx_aigc_string_t
ngx_aigc_string_new(ngx_aigc_strings_t *strings, ngx_str_t *value)
{
    uint32_t           at, *bucket;
    ngx_aigc_block_t  *block;

    at = ngx_aigc_block_take(strings,
                             (NGX_AIGC_STRING_HEAD + value->len
                              + NGX_AIGC_STRING_UNIT - 1)
                             / NGX_AIGC_STRING_UNIT);

    if (at == NGX_AIGC_STRING_NONE) {
        return 0;
    }

    block = ngx_aigc_block(strings, at);
    bucket = ngx_aigc_string_bucket(strings, value);

    block->len = (uint16_t) value->len;
    ngx_memcpy(block->data, value->data, value->len);
    block->refs = 1;
    block->next = *bucket;
    *bucket = at;

    strings->used += block->units;

    return at;
}


static void
ngx_aigc_string_release(ngx_aigc_strings_t *strings, ngx_aigc_string_t string)
{
    uint32_t          *at;
    ngx_str_t          value;
    ngx_aigc_block_t  *block;

    if (ngx_aigc_string_get(strings, string, &value) != NGX_OK
        || value.len == 0)
    {
        return;
    }

    block = ngx_aigc_block(strings, string);

    if (--block->refs) {
        return;
    }

    for (at = ngx_aigc_string_bucket(strings, &value);
         *at != NGX_AIGC_STRING_NONE;
         at = &ngx_aigc_block(strings, *at)->next)
    {
        if (*at == string) {
            *at = block->next;
            break;
        }
    }

    strings->used -= block->units;

    ngx_aigc_block_give(strings, string);
}


/* A block of so many units or a few more, NGX_AIGC_STRING_NONE: no room. */
static uint32_t
ngx_aigc_block_take(ngx_aigc_strings_t *strings, uint32_t units)
{
    uint32_t           class, at, after, rest;
    ngx_aigc_block_t  *block, *remainder;

    units = ngx_max(units, NGX_AIGC_STRING_LEAST);

    for (class = units; class < NGX_AIGC_STRING_CLASSES; class++) {
        if (strings->free[class] != NGX_AIGC_STRING_NONE) {
            break;
        }
    }

    if (class == NGX_AIGC_STRING_CLASSES) {
        return NGX_AIGC_STRING_NONE;
    }

    at = strings->free[class];
    block = ngx_aigc_block(strings, at);

    ngx_aigc_block_unlink(strings, at);

    rest = block->units - units;

    if (rest < NGX_AIGC_STRING_LEAST) {
        return at;
    }

    remainder = ngx_aigc_block(strings, at + units);

    remainder->units = rest;
    remainder->before = units;
    remainder->refs = 0;

    after = at + block->units;

    if (after < strings->units) {
        ngx_aigc_block(strings, after)->before = rest;
    }

    ngx_memory_barrier();

    block->units = units;

    ngx_aigc_block_link(strings, at + units);

    return at;
}


/* A block is free, and one with the free ones at its sides. */
static void
ngx_aigc_block_give(ngx_aigc_strings_t *strings, uint32_t at)
{
    uint32_t           after;
    ngx_aigc_block_t  *block;

    block = ngx_aigc_block(strings, at);
    after = at + block->units;

    if (after < strings->units && ngx_aigc_block(strings, after)->refs == 0) {
        ngx_aigc_block_unlink(strings, after);
        ngx_aigc_block_join(strings, at);
    }

    if (block->before
        && ngx_aigc_block(strings, at - block->before)->refs == 0)
    {
        at -= block->before;
        ngx_aigc_block_unlink(strings, at);
        ngx_aigc_block_join(strings, at);
    }

    ngx_aigc_block_link(strings, at);
}


/* With the block behind it, which is in no list. */
static void
ngx_aigc_block_join(ngx_aigc_strings_t *strings, uint32_t at)
{
    uint32_t           after;
    ngx_aigc_block_t  *block;

    block = ngx_aigc_block(strings, at);

    block->units += ngx_aigc_block(strings, at + block->units)->units;

    after = at + block->units;

    if (after < strings->units) {
        ngx_aigc_block(strings, after)->before = block->units;
    }
}


static void
ngx_aigc_block_link(ngx_aigc_strings_t *strings, uint32_t at)
{
    uint32_t          *first;
    ngx_aigc_block_t  *block;

    block = ngx_aigc_block(strings, at);
    first = &strings->free[ngx_aigc_string_class(block->units)];

    block->refs = 0;
    block->len = 0;
    block->prev = NGX_AIGC_STRING_NONE;
    block->next = *first;

    if (*first != NGX_AIGC_STRING_NONE) {
        ngx_aigc_block(strings, *first)->prev = at;
    }

    *first = at;
}


static void
ngx_aigc_block_unlink(ngx_aigc_strings_t *strings, uint32_t at)
{
    ngx_aigc_block_t  *block;

    block = ngx_aigc_block(strings, at);

    if (block->prev != NGX_AIGC_STRING_NONE) {
        ngx_aigc_block(strings, block->prev)->next = block->next;

    } else {
        strings->free[ngx_aigc_string_class(block->units)] = block->next;
    }

    if (block->next != NGX_AIGC_STRING_NONE) {
        ngx_aigc_block(strings, block->next)->prev = block->prev;
    }
}


void
ngx_aigc_strings_repair(ngx_aigc_strings_t *strings)
{
    uint32_t           at;
    ngx_aigc_block_t  *block;

    for (at = 1; at < strings->units; at += block->units) {
        block = ngx_aigc_block(strings, at);
        block->refs = 0;
    }
}


void
ngx_aigc_string_keep(ngx_aigc_strings_t *strings, ngx_aigc_string_t string)
{
    ngx_str_t  value;

    if (ngx_aigc_string_get(strings, string, &value) == NGX_OK && value.len) {
        ngx_aigc_block(strings, string)->refs++;
    }
}


void
ngx_aigc_strings_repaired(ngx_aigc_strings_t *strings)
{
    uint32_t           at, before, *bucket;
    ngx_str_t          value;
    ngx_aigc_block_t  *block;

    ngx_memzero(strings->free, sizeof(strings->free));
    ngx_memzero((u_char *) strings + strings->buckets,
                strings->nbuckets * sizeof(uint32_t));

    strings->used = 0;
    before = 0;

    for (at = 1; at < strings->units; at += block->units) {

        block = ngx_aigc_block(strings, at);
        block->before = before;

        while (block->refs == 0 && at + block->units < strings->units
               && ngx_aigc_block(strings, at + block->units)->refs == 0)
        {
            ngx_aigc_block_join(strings, at);
        }

        before = block->units;

        if (block->refs == 0) {
            ngx_aigc_block_link(strings, at);
            continue;
        }

        value.len = block->len;
        value.data = block->data;

        bucket = ngx_aigc_string_bucket(strings, &value);
        block->next = *bucket;
        *bucket = at;

        strings->used += block->units;
    }
}
