/*
 * oidc/ngx_aigc_rotation.c — sets of entries by key.  A slot is free, with its
 * length 0, while it is written: who dies in there leaves it free.
 */

#include "ngx_aigc_rotation.h"


#define NGX_AIGC_ROTATION_RANDOM  16    /* bytes of a gateway's name, which has
                                           22 as base64url */
#define NGX_AIGC_ROTATION_FIRST  100000000000   /* s: later than any date of an
                                                   entry */


/* In the zone. */
typedef struct {
    time_t                exp;          /* as the text says */
    time_t                until;
    ngx_uint_t            pending;
    ngx_msec_t            since;        /* pending: ngx_current_msec */
    u_char                key[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_aigc_fixed_t(NGX_AIGC_ROTATION_TEXT_MAX) text;  /* len 0: free */
} ngx_aigc_rotation_slot_t;

typedef struct {
    ngx_aigc_rotation_slot_t   way[NGX_AIGC_ROTATION_WAYS];
} ngx_aigc_rotation_set_t;

typedef struct {
    ngx_atomic_t               rotates;
    ngx_atomic_t               known;
    ngx_aigc_fixed_t(NGX_AIGC_ROTATION_GATEWAY_MAX) gateway;
    ngx_aigc_rotation_set_t    sets[];
} ngx_aigc_rotations_t;

#define ngx_aigc_rotations(zone)                                              \
    ((ngx_aigc_rotations_t *) ngx_aigc_part(zone, ngx_aigc_rotation_part))
#define ngx_aigc_rotation_sets(zone)                                          \
    ngx_aigc_part_slots(zone, ngx_aigc_rotation_part)


static ngx_aigc_rotation_set_t *ngx_aigc_rotation_set(ngx_aigc_zone_t *zone,
    u_char *key);
static ngx_aigc_rotation_slot_t *ngx_aigc_rotation_place(
    ngx_aigc_zone_t *zone, u_char *key, time_t exp, ngx_aigc_rotation_e what);
static ngx_int_t ngx_aigc_rotation_copy(ngx_pool_t *pool,
    ngx_aigc_rotation_slot_t *slot, ngx_str_t *text);


ngx_aigc_part_t  ngx_aigc_rotation_part = {
    sizeof(ngx_aigc_rotations_t), sizeof(ngx_aigc_rotation_set_t), 32, 0, NULL,
    0
};


ngx_uint_t
ngx_aigc_rotation_rotates(ngx_aigc_zone_t *zone)
{
    return ngx_aigc_rotations(zone)->rotates != 0;
}


ngx_uint_t
ngx_aigc_rotation_known(ngx_aigc_zone_t *zone)
{
    return ngx_aigc_rotations(zone)->known != 0;
}


void
ngx_aigc_rotation_heard(ngx_aigc_zone_t *zone)
{
    ngx_aigc_rotations(zone)->known = 1;
}


ngx_int_t
ngx_aigc_rotation_gateway(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_str_t *name)
{
    ngx_str_t              made;
    ngx_aigc_rotations_t  *all;

    all = ngx_aigc_rotations(zone);

    if (ngx_aigc_random(pool, NGX_AIGC_ROTATION_RANDOM, &made) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_aigc_lock(zone);

    if (all->gateway.len == 0) {
        ngx_aigc_fixed_set(&all->gateway, &made);
    }

    ngx_memcpy(made.data, all->gateway.data, all->gateway.len);

    ngx_aigc_unlock(zone);

    *name = made;

    return NGX_OK;
}


static ngx_aigc_rotation_set_t *
ngx_aigc_rotation_set(ngx_aigc_zone_t *zone, u_char *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    return &ngx_aigc_rotations(zone)->sets[hash % ngx_aigc_rotation_sets(zone)];
}


void
ngx_aigc_rotation_put(ngx_aigc_zone_t *zone, u_char *key, ngx_str_t *text,
    ngx_aigc_rotation_e what)
{
    ngx_aigc_rotation_t        rotation;
    ngx_aigc_rotation_slot_t  *slot;

    if (text->len > NGX_AIGC_ROTATION_TEXT_MAX
        || ngx_aigc_rotation_parse(text, &rotation) != NGX_OK)
    {
        return;
    }

    /* a claim before the first new token says nothing for later */

    if (rotation.exp == 0) {
        return;
    }

    ngx_aigc_lock(zone);

    ngx_aigc_rotations(zone)->rotates = 1;

    slot = ngx_aigc_rotation_place(zone, key, rotation.exp, what);

    if (slot) {
        slot->text.len = 0;
        ngx_memory_barrier();

        ngx_memcpy(slot->key, key, NGX_AIGC_ROTATION_KEY_LEN);
        slot->exp = rotation.exp;
        slot->until = rotation.until;
        slot->pending = (what == NGX_AIGC_ROTATION_PENDING);
        slot->since = ngx_current_msec;
        ngx_memcpy(slot->text.data, text->data, text->len);

        ngx_memory_barrier();
        slot->text.len = text->len;
    }

    ngx_aigc_unlock(zone);
}


/*
 * The key's own slot; else a free one, or one of a session that is over; else
 * the oldest one that is in the Secret; else the oldest one.  NULL: what there
 * is is newer.
 */
static ngx_aigc_rotation_slot_t *
ngx_aigc_rotation_place(ngx_aigc_zone_t *zone, u_char *key, time_t exp,
    ngx_aigc_rotation_e what)
{
    time_t                     rank, lowest;
    ngx_uint_t                 i;
    ngx_aigc_rotation_set_t   *set;
    ngx_aigc_rotation_slot_t  *slot, *best;

    set = ngx_aigc_rotation_set(zone, key);
    best = NULL;
    lowest = 0;

    for (i = 0; i < NGX_AIGC_ROTATION_WAYS; i++) {

        slot = &set->way[i];

        if (slot->text.len
            && ngx_memcmp(slot->key, key, NGX_AIGC_ROTATION_KEY_LEN) == 0)
        {
            return (exp < slot->exp) ? NULL : slot;
        }

        rank = -1;

        if (slot->text.len && ngx_time() < slot->until) {
            rank = slot->exp + (slot->pending ? NGX_AIGC_ROTATION_FIRST : 0);
        }

        if (best == NULL || rank < lowest) {
            best = slot;
            lowest = rank;
        }
    }

    if (what == NGX_AIGC_ROTATION_SEEN && exp <= lowest) {
        return NULL;
    }

    if (lowest >= NGX_AIGC_ROTATION_FIRST) {
        ngx_aigc_count(zone, rotations_full);
    }

    return best;
}


ngx_int_t
ngx_aigc_rotation_find(ngx_aigc_zone_t *zone, ngx_pool_t *pool, u_char *key,
    ngx_str_t *text)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_aigc_rotation_set_t   *set;
    ngx_aigc_rotation_slot_t  *slot;

    set = ngx_aigc_rotation_set(zone, key);
    rc = NGX_DECLINED;

    ngx_aigc_lock(zone);

    for (i = 0; i < NGX_AIGC_ROTATION_WAYS; i++) {

        slot = &set->way[i];

        if (slot->text.len
            && ngx_memcmp(slot->key, key, NGX_AIGC_ROTATION_KEY_LEN) == 0)
        {
            rc = ngx_aigc_rotation_copy(pool, slot, text);
            break;
        }
    }

    ngx_aigc_unlock(zone);

    return rc;
}


static ngx_int_t
ngx_aigc_rotation_copy(ngx_pool_t *pool, ngx_aigc_rotation_slot_t *slot,
    ngx_str_t *text)
{
    ngx_str_t  src;

    ngx_aigc_fixed_get(&slot->text, &src);

    text->len = src.len;
    text->data = ngx_pstrdup(pool, &src);

    return text->data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_aigc_rotation_newest(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, u_char *key, time_t *exp, ngx_str_t *token)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_aigc_rotation_find(zone, pool, key, &text);

    return (rc == NGX_OK) ? ngx_aigc_rotation_newer(pool, keys, key, &text, exp,
                                                    token)
                          : rc;
}


ngx_int_t
ngx_aigc_rotation_pending(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_msec_t age, u_char *key, ngx_str_t *text)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i, n;
    ngx_aigc_rotation_slot_t  *slot;

    rc = NGX_DECLINED;
    n = ngx_aigc_rotation_sets(zone) * NGX_AIGC_ROTATION_WAYS;

    ngx_aigc_lock(zone);

    for (i = 0; i < n; i++) {

        slot = &ngx_aigc_rotations(zone)->sets[i / NGX_AIGC_ROTATION_WAYS]
                                        .way[i % NGX_AIGC_ROTATION_WAYS];

        if (slot->text.len && slot->pending && ngx_time() < slot->until
            && ngx_aigc_reached(slot->since + age))
        {
            slot->since = ngx_current_msec;
            ngx_memcpy(key, slot->key, NGX_AIGC_ROTATION_KEY_LEN);
            rc = ngx_aigc_rotation_copy(pool, slot, text);
            break;
        }
    }

    ngx_aigc_unlock(zone);

    return rc;
}
