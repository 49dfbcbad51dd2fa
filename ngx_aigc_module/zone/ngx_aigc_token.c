/*
 * zone/ngx_aigc_token.c — the cache of verified credentials.
 */

#include "ngx_aigc_token.h"


static ngx_aigc_token_t *ngx_aigc_token_set(ngx_aigc_zone_t *zone,
    u_char *digest);


ngx_int_t
ngx_aigc_token_find(ngx_aigc_zone_t *zone, u_char *digest,
    ngx_atomic_uint_t keys, time_t now, ngx_aigc_token_t *token)
{
    ngx_uint_t         i;
    ngx_aigc_token_t  *set;

    set = ngx_aigc_token_set(zone, digest);

    for (i = 0; i < NGX_AIGC_TOKEN_WAYS; i++) {

        if (ngx_memcmp(set[i].digest, digest, NGX_AIGC_DIGEST_LEN) != 0) {
            continue;
        }

        if (ngx_aigc_seq_copy(token, &set[i], sizeof(ngx_aigc_token_t))
            != NGX_OK)
        {
            continue;
        }

        if (ngx_memcmp(token->digest, digest, NGX_AIGC_DIGEST_LEN) == 0
            && token->keys == keys)
        {
            return (token->exp > now) ? NGX_OK : NGX_DONE;
        }
    }

    return NGX_DECLINED;
}


void
ngx_aigc_token_put(ngx_aigc_zone_t *zone, u_char *digest,
    ngx_aigc_token_t *token)
{
    ngx_uint_t          i;
    ngx_aigc_token_t   *set, *slot;
    ngx_atomic_uint_t   seq;

    set = ngx_aigc_token_set(zone, digest);
    slot = &set[0];

    for (i = 0; i < NGX_AIGC_TOKEN_WAYS; i++) {

        if (ngx_memcmp(set[i].digest, digest, NGX_AIGC_DIGEST_LEN) == 0) {
            slot = &set[i];
            break;
        }

        if (set[i].keys != token->keys || set[i].exp < slot->exp) {
            slot = &set[i];
        }
    }

    seq = slot->seq;

    if (seq & 1) {
        /*
         * Another worker writes, or died doing so.  The slot is lost to the
         * cache then until the zone is made anew; the digest is verified
         * again each time, or finds one of the other ways.
         */
        return;
    }

    if (!ngx_atomic_cmp_set(&slot->seq, seq, seq | 1)) {
        return;
    }

    ngx_memory_barrier();

    ngx_memcpy(slot->digest, digest, NGX_AIGC_DIGEST_LEN);
    slot->keys = token->keys;
    slot->revocations = token->revocations;
    slot->exp = token->exp;
    slot->subject = token->subject;
    slot->sub = token->sub;

    ngx_aigc_seq_end(&slot->seq);
}


static ngx_aigc_token_t *
ngx_aigc_token_set(ngx_aigc_zone_t *zone, u_char *digest)
{
    uint32_t           n;
    ngx_aigc_token_t  *tokens;

    tokens = ngx_aigc_partition(zone, tokens, ngx_aigc_token_t);

    ngx_memcpy(&n, digest, sizeof(n));

    n %= zone->shm->ntokens / NGX_AIGC_TOKEN_WAYS;

    return &tokens[n * NGX_AIGC_TOKEN_WAYS];
}
