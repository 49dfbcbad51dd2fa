/* base/ngx_aigc_strings.h: strings once, and what is left when a writer dies. */

#include "unit.h"
#include "base/ngx_aigc_strings.h"


#define SIZE   16384
#define SLOTS  200


static ngx_aigc_strings_t *
store(unit_t *u, size_t size)
{
    ngx_aigc_strings_t  *s;

    s = ngx_pcalloc(u->pool, size);
    ngx_aigc_strings_init(s, size);

    return s;
}


static void
strings_set(unit_t *u)
{
    u_char               data[NGX_AIGC_STRING_MAX + 1];
    uint16_t             len;
    uint32_t             used;
    ngx_str_t            value;
    ngx_aigc_string_t    a, b;
    ngx_aigc_strings_t  *s;

    s = store(u, SIZE);
    a = b = 0;

    ngx_memset(data, 'x', sizeof(data));

    value.data = data;
    value.len = NGX_AIGC_STRING_MAX;

    is_int(u, ngx_aigc_string_set(s, &a, &value), NGX_OK);
    used = s->used;
    is_int(u, ngx_aigc_string_set(s, &b, &value), NGX_OK);
    ok(u, a == b && a != 0);
    is_int(u, s->used, used);

    ok(u, ngx_aigc_string_eq(s, a, &value));
    is_int(u, ngx_aigc_string_copy(s, a, &len, data, NGX_AIGC_STRING_MAX),
           NGX_OK);
    is_int(u, len, NGX_AIGC_STRING_MAX);
    is_int(u, ngx_aigc_string_copy(s, a, &len, data, NGX_AIGC_STRING_MAX - 1),
           NGX_ERROR);
    is_int(u, len, 0);

    /* one that is too long is none, and its former value another one's */

    value.len++;
    is_int(u, ngx_aigc_string_set(s, &a, &value), NGX_ERROR);
    is_int(u, a, 0);
    is_int(u, s->used, used);

    value.len = 0;
    is_int(u, ngx_aigc_string_set(s, &a, &value), NGX_OK);
    ok(u, ngx_aigc_string_eq(s, a, &value));
    is_int(u, ngx_aigc_string_set(s, &b, &value), NGX_OK);
    is_int(u, s->used, 0);
}


/* any number that a reader may find is answered, within the store */

static void
strings_torn(unit_t *u)
{
    u_char               data[NGX_AIGC_STRING_MAX];
    uint16_t             len;
    uint32_t             at;
    ngx_str_t            value;
    ngx_aigc_string_t    a;
    ngx_aigc_strings_t  *s;

    s = store(u, SIZE);
    a = 0;
    value = unit_bytes(u, "instances7-cpu.example.com", 26);
    (void) ngx_aigc_string_set(s, &a, &value);

    ngx_memset((u_char *) s + s->blocks + 64, 0xff,
               SIZE - s->blocks - 64);          /* every length: 65535 */

    for (at = 0; at < 2 * s->units; at++) {
        (void) ngx_aigc_string_eq(s, at, &value);
        (void) ngx_aigc_string_copy(s, at, &len, data, sizeof(data));
    }

    ngx_memset((u_char *) s + s->blocks + 64, 0x01,
               SIZE - s->blocks - 64);          /* 257 */

    for (at = s->units - 80; at < s->units + 80; at++) {
        (void) ngx_aigc_string_copy(s, at, &len, data, sizeof(data));
    }

    ok(u, ngx_aigc_string_eq(s, a, &value));
}


/* what a slot refers to, by the test's own account */

typedef struct {
    ngx_aigc_string_t  string;
    size_t             len;
    u_char             data[NGX_AIGC_STRING_MAX];
} slot_t;


static uint32_t
number(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;

    return (*seed >> 8) % n;
}


/* few short ones, which are often the same, and any length */

static void
change(unit_t *u, ngx_aigc_strings_t *s, slot_t *slot, uint32_t *seed)
{
    ngx_int_t  room;
    ngx_str_t  value;

    slot->len = number(seed, 4) ? number(seed, 40)
                                : number(seed, NGX_AIGC_STRING_MAX + 1);
    ngx_memset(slot->data, 'a' + number(seed, 3), slot->len);

    value.len = slot->len;
    value.data = slot->data;

    /* where it says that there is room, there is */

    room = ngx_aigc_strings_room(s, ngx_aigc_string_need(value.len));

    if (ngx_aigc_string_set(s, &slot->string, &value) != NGX_OK) {
        is_int(u, room, NGX_DECLINED);
        is_int(u, slot->string, 0);
        slot->len = 0;
    }
}


static ngx_uint_t
agree(unit_t *u, ngx_aigc_strings_t *s, slot_t *slots)
{
    ngx_str_t   value;
    ngx_uint_t  i;

    for (i = 0; i < SLOTS; i++) {
        value.len = slots[i].len;
        value.data = slots[i].data;

        if (!ok(u, ngx_aigc_string_eq(s, slots[i].string, &value))) {
            return 0;
        }
    }

    return 1;
}


static void
strings_random(unit_t *u)
{
    slot_t              *slots;
    uint32_t             seed, i, whole;
    ngx_str_t            none = ngx_null_string;
    ngx_uint_t           round;
    ngx_aigc_strings_t  *s;

    s = store(u, SIZE);
    slots = ngx_pcalloc(u->pool, SLOTS * sizeof(slot_t));
    seed = 20261201;

    for (round = 0; round < 200; round++) {

        for (i = 0; i < 300; i++) {
            change(u, s, &slots[number(&seed, SLOTS)], &seed);
        }

        if (!agree(u, s, slots)) {
            unit_note("in round %d", (int) round);
            return;
        }

        /*
         * A writer that died leaves sizes and bytes, and who refers to what:
         * lists, chains and counts may be anything.
         */

        if (round % 4 == 0) {
            ngx_memset(s->free, 0xa5, sizeof(s->free));
            ngx_memset((u_char *) s + s->buckets, 0xa5,
                       s->nbuckets * sizeof(uint32_t));
            s->used = 12345;

            ngx_aigc_strings_repair(s);

            for (i = 0; i < SLOTS; i++) {

                if (round % 8 == 0 && i % 5 == 0) {
                    slots[i].string = 0;        /* it died in this one */
                    slots[i].len = 0;
                }

                ngx_aigc_string_keep(s, slots[i].string);
            }

            ngx_aigc_strings_repaired(s);
        }
    }

    for (i = 0; i < SLOTS; i++) {
        (void) ngx_aigc_string_set(s, &slots[i].string, &none);
    }

    /* all is one free block again */

    is_int(u, s->used, 0);

    for (whole = 0, i = 0; i < NGX_AIGC_STRING_CLASSES; i++) {
        whole += (s->free[i] != 0);
    }

    is_int(u, whole, 1);
    is_int(u, s->free[NGX_AIGC_STRING_CLASSES - 1], 1);
}


/* room for several together, and the last string that fits */

static void
strings_full(unit_t *u)
{
    u_char               data[64];
    ngx_str_t            value;
    size_t               need, left;
    ngx_uint_t           n;
    ngx_aigc_string_t    last, *each;
    ngx_aigc_strings_t  *s;

    s = store(u, 4096);

    for (need = 8; ngx_aigc_strings_room(s, need) == NGX_OK; need += 8) {
        /* void */
    }

    unit_note("room for %d bytes of 4096", (int) need - 8);

    each = ngx_pcalloc(u->pool, 64 * sizeof(ngx_aigc_string_t));
    value.data = data;
    n = 0;

    for (left = need - 8; left >= ngx_aigc_string_need(33); n++) {
        value.len = ngx_sprintf(data, "%033ui", n) - data;
        left -= ngx_aigc_string_need(33);

        if (!is_int(u, ngx_aigc_string_set(s, &each[n], &value), NGX_OK)) {
            return;
        }
    }

    ok(u, n > 20);

    s = store(u, 1024);
    each = ngx_pcalloc(u->pool, 128 * sizeof(ngx_aigc_string_t));
    value.data = data;

    for (n = 0; n < 128; n++) {
        value.len = ngx_sprintf(data, "string number %03ui", n) - data;

        if (ngx_aigc_string_set(s, &each[n], &value) != NGX_OK) {
            break;
        }
    }

    ok(u, n > 4 && n < 128);
    unit_note("%d strings of 17 bytes in 1024", (int) n);

    /* those that are there can be referred to all the same */

    last = 0;
    value.len = ngx_sprintf(data, "string number %03d", 0) - data;
    is_int(u, ngx_aigc_string_set(s, &last, &value), NGX_OK);
    ok(u, last == each[0]);

    /* the room of one that goes is another one's */

    value.len = 0;
    (void) ngx_aigc_string_set(s, &each[1], &value);
    value.len = ngx_sprintf(data, "string number %03ui", n) - data;
    is_int(u, ngx_aigc_string_set(s, &each[n], &value), NGX_OK);
}


unit_test_t  strings_tests[] = {
    { "a string is stored once, with its bounds", strings_set },
    { "whatever a reader finds stays within", strings_torn },
    { "sets, and repairs after a death, by chance", strings_random },
    { "no room", strings_full },
    { NULL, NULL }
};
