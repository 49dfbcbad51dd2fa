/*
 * oidc/ngx_aigc_rotation.h — the newest refresh tokens, in the zone: of the
 * sessions whose refresh token the provider has replaced.  Any worker adds one
 * and all workers know it at once; those of other gateways come from a Secret
 * (ngx_aigc_rotation_store.h).  An entry is kept as its text, sealed
 * (ngx_aigc_rotation_entry.h).
 *
 * Several cookies may hold copies of one refresh token, in several hosts and
 * browsers' tabs.  Once it was replaced a strict provider takes the old one for
 * stolen and ends the grant, so every renewal asks here first.
 *
 * Set-associative: when a set is full, its oldest entry is replaced, and one
 * that is in no Secret yet last.  All functions take the zone's lock.  Renewals
 * and sign-outs alone call them, and the reading of the Secret.
 */

#ifndef _NGX_AIGC_ROTATION_H_INCLUDED_
#define _NGX_AIGC_ROTATION_H_INCLUDED_

#include "base/ngx_aigc_zone.h"

#include "ngx_aigc_rotation_entry.h"


#define NGX_AIGC_ROTATION_WAYS  8       /* entries of a set */


typedef enum {
    NGX_AIGC_ROTATION_SEEN = 0,         /* it is in the Secret */
    NGX_AIGC_ROTATION_PENDING           /* it is still to be written there */
} ngx_aigc_rotation_e;


extern ngx_aigc_part_t  ngx_aigc_rotation_part;


/*
 * 1: the provider replaces refresh tokens, as this gateway or another one has
 * seen; 0: it has not been seen to.
 */
ngx_uint_t ngx_aigc_rotation_rotates(ngx_aigc_zone_t *zone);

/* 1: the whole Secret was read, or was refused; _heard(): it is so now. */
ngx_uint_t ngx_aigc_rotation_known(ngx_aigc_zone_t *zone);
void ngx_aigc_rotation_heard(ngx_aigc_zone_t *zone);

/*
 * The random name of this gateway, the same for all of its workers; from pool.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_rotation_gateway(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_str_t *name);

/*
 * Keeps text, an entry, at key, unless a newer one is known.  What was SEEN
 * replaces no entry of another session that is newer than itself, or PENDING.
 */
void ngx_aigc_rotation_put(ngx_aigc_zone_t *zone, u_char *key,
    ngx_str_t *text, ngx_aigc_rotation_e what);

/*
 * Copies the entry at key to text, from pool.  NGX_OK; NGX_DECLINED: none is
 * known; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_find(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    u_char *key, ngx_str_t *text);

/*
 * Sets token to the refresh token that is known of the session at key, and *exp
 * to its exp, unless *exp is greater.  NGX_OK; NGX_DECLINED: none is known, or
 * it is older; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_rotation_newest(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, u_char *key, time_t *exp, ngx_str_t *token);

/*
 * An entry that has been PENDING for longer than age ms: its key, and as above.
 * It counts as PENDING from now on.
 */
ngx_int_t ngx_aigc_rotation_pending(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_msec_t age, u_char *key, ngx_str_t *text);


#endif /* _NGX_AIGC_ROTATION_H_INCLUDED_ */
