/*
 * oidc/ngx_aigc_token.c — the cache of verified credentials.
 */

#include "ngx_aigc_token.h"


#define NGX_AIGC_TOKEN_LOOKS  100       /* at a slot that is written: a miss
                                           costs a verification, no more */


static ngx_int_t ngx_aigc_token_copy(ngx_aigc_token_t *token,
    ngx_aigc_token_t *slot);
static ngx_uint_t ngx_aigc_token_take(ngx_aigc_token_t *slot);
static ngx_uint_t ngx_aigc_token_lives(ngx_atomic_uint_t writer);
static ngx_aigc_token_t *ngx_aigc_token_set(ngx_aigc_zone_t *zone,
    u_char *digest);


/* a slot of the part is a set */
ngx_aigc_part_t  ngx_aigc_token_part = {
    0, NGX_AIGC_TOKEN_WAYS * sizeof(ngx_aigc_token_t), 11, 0, NULL, 0
};


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

        if (ngx_aigc_token_copy(token, &set[i]) != NGX_OK) {
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


static ngx_int_t
ngx_aigc_token_copy(ngx_aigc_token_t *token, ngx_aigc_token_t *slot)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  before;

    for (i = 0; i < NGX_AIGC_TOKEN_LOOKS; i++) {

        before = slot->seq;
        ngx_memory_barrier();

        if (!(before & 1)) {
            ngx_memcpy(token, slot, sizeof(ngx_aigc_token_t));
            ngx_memory_barrier();

            if (slot->seq == before) {
                return NGX_OK;
            }
        }

        ngx_cpu_pause();
    }

    return NGX_BUSY;
}


void
ngx_aigc_token_put(ngx_aigc_zone_t *zone, u_char *digest,
    ngx_aigc_token_t *token)
{
    ngx_uint_t         i;
    ngx_aigc_token_t  *set, *slot;

    set = ngx_aigc_token_set(zone, digest);
    slot = NULL;

    for (i = 0; i < NGX_AIGC_TOKEN_WAYS; i++) {

        if (ngx_memcmp(set[i].digest, digest, NGX_AIGC_DIGEST_LEN) == 0) {
            slot = &set[i];
            break;
        }

        if (ngx_aigc_token_lives(set[i].writer)) {
            continue;
        }

        if (slot == NULL || set[i].keys != token->keys
            || set[i].exp < slot->exp)
        {
            slot = &set[i];
        }
    }

    if (slot == NULL || !ngx_aigc_token_take(slot)) {
        return;
    }

    ngx_aigc_seq_begin(&slot->seq);

    ngx_memcpy(slot->digest, digest, NGX_AIGC_DIGEST_LEN);
    slot->keys = token->keys;
    slot->revocations = token->revocations;
    slot->exp = token->exp;
    slot->subject = token->subject;
    slot->sub = token->sub;

    ngx_aigc_seq_end(&slot->seq);

    ngx_memory_barrier();
    slot->writer = 0;
}


/* 1: it is ours to write, whatever a worker that has died left in it. */
static ngx_uint_t
ngx_aigc_token_take(ngx_aigc_token_t *slot)
{
    ngx_atomic_uint_t  writer;

    writer = slot->writer;

    return !ngx_aigc_token_lives(writer)
           && ngx_atomic_cmp_set(&slot->writer, writer,
                                 (ngx_atomic_uint_t) ngx_pid);
}


/* Our own pid is that of one who died before us. */
static ngx_uint_t
ngx_aigc_token_lives(ngx_atomic_uint_t writer)
{
    ngx_pid_t  pid;

    pid = (ngx_pid_t) writer;

    return pid != 0 && pid != ngx_pid
           && !(kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH);
}


static ngx_aigc_token_t *
ngx_aigc_token_set(ngx_aigc_zone_t *zone, u_char *digest)
{
    uint32_t           n;
    ngx_aigc_token_t  *tokens;

    tokens = ngx_aigc_part(zone, ngx_aigc_token_part);

    ngx_memcpy(&n, digest, sizeof(n));

    n %= ngx_aigc_part_slots(zone, ngx_aigc_token_part);

    return &tokens[n * NGX_AIGC_TOKEN_WAYS];
}
