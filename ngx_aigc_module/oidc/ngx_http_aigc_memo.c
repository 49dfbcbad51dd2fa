/*
 * oidc/ngx_http_aigc_memo.c — sets of a few entries each.  A seal ends with its
 * tag and a token with its signature, so a text's last bytes choose its set:
 * who cannot sign cannot choose them.
 */

#include "ngx_http_aigc_memo.h"

#include <openssl/crypto.h>


#define NGX_HTTP_AIGC_MEMO_TAIL   16    /* bytes that choose the set */
#define NGX_HTTP_AIGC_MEMO_BLOCK  32    /* … that are compared at once */


typedef struct {
    ngx_aigc_token_t             token;     /* first: memo_drop() */
    uint32_t                     hash;      /* of the text's tail */
    u_char                       purpose;   /* 0: the entry is free */
    size_t                       len;
    ngx_uint_t                   used;      /* when it was last asked for */
    u_char                      *text;
} ngx_http_aigc_memo_entry_t;


struct ngx_http_aigc_memo_s {
    ngx_uint_t                   clock;
    ngx_http_aigc_memo_entry_t   entries[NGX_HTTP_AIGC_MEMO_SETS
                                         * NGX_HTTP_AIGC_MEMO_WAYS];
};


static ngx_http_aigc_memo_entry_t *ngx_http_aigc_memo_set(
    ngx_http_aigc_memo_t *memo, ngx_str_t *text, uint32_t *hash);
static ngx_uint_t ngx_http_aigc_memo_same(u_char *a, u_char *b, size_t len);
static ngx_inline uint64_t ngx_http_aigc_memo_block(u_char *a, u_char *b);


ngx_http_aigc_memo_t *
ngx_http_aigc_memo_create(ngx_pool_t *pool)
{
    u_char                *texts;
    ngx_uint_t             i, n;
    ngx_http_aigc_memo_t  *memo;

    n = NGX_HTTP_AIGC_MEMO_SETS * NGX_HTTP_AIGC_MEMO_WAYS;

    memo = ngx_pcalloc(pool, sizeof(ngx_http_aigc_memo_t));

    /* not touched before it is used: pages come as they are needed */

    texts = ngx_palloc(pool, n * NGX_HTTP_AIGC_MEMO_TEXT);

    if (memo == NULL || texts == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        memo->entries[i].text = texts + i * NGX_HTTP_AIGC_MEMO_TEXT;
    }

    return memo;
}


ngx_aigc_token_t *
ngx_http_aigc_memo_find(ngx_http_aigc_memo_t *memo, u_char purpose,
    ngx_str_t *text)
{
    uint32_t                     hash;
    ngx_uint_t                   i;
    ngx_http_aigc_memo_entry_t  *e;

    e = ngx_http_aigc_memo_set(memo, text, &hash);

    for (i = 0; e && i < NGX_HTTP_AIGC_MEMO_WAYS; i++, e++) {

        if (e->hash == hash && e->len == text->len && e->purpose == purpose
            && ngx_http_aigc_memo_same(e->text, text->data, text->len))
        {
            e->used = ++memo->clock;
            return &e->token;
        }
    }

    return NULL;
}


void
ngx_http_aigc_memo_put(ngx_http_aigc_memo_t *memo, u_char purpose,
    ngx_str_t *text, ngx_aigc_token_t *token)
{
    uint32_t                     hash;
    ngx_uint_t                   i;
    ngx_http_aigc_memo_entry_t  *e, *oldest;

    e = ngx_http_aigc_memo_set(memo, text, &hash);

    if (e == NULL) {
        return;
    }

    oldest = e;

    for (i = 1; i < NGX_HTTP_AIGC_MEMO_WAYS; i++) {
        if (e[i].used < oldest->used) {
            oldest = &e[i];
        }
    }

    oldest->hash = hash;
    oldest->purpose = purpose;
    oldest->len = text->len;
    oldest->used = ++memo->clock;
    oldest->token = *token;

    ngx_memcpy(oldest->text, text->data, text->len);
}


void
ngx_http_aigc_memo_drop(ngx_http_aigc_memo_t *memo, ngx_aigc_token_t *token)
{
    ngx_http_aigc_memo_entry_t  *e;

    e = (ngx_http_aigc_memo_entry_t *) token;

    OPENSSL_cleanse(e->text, e->len);
    OPENSSL_cleanse(&e->token, sizeof(ngx_aigc_token_t));

    e->purpose = 0;
    e->used = 0;
}


/* Its set, and the hash of its tail; NULL: it is not for this memo. */
static ngx_http_aigc_memo_entry_t *
ngx_http_aigc_memo_set(ngx_http_aigc_memo_t *memo, ngx_str_t *text,
    uint32_t *hash)
{
    if (memo == NULL || text->len < NGX_HTTP_AIGC_MEMO_BLOCK
        || text->len > NGX_HTTP_AIGC_MEMO_TEXT)
    {
        return NULL;
    }

    *hash = ngx_murmur_hash2(text->data + text->len - NGX_HTTP_AIGC_MEMO_TAIL,
                             NGX_HTTP_AIGC_MEMO_TAIL);

    return &memo->entries[*hash % NGX_HTTP_AIGC_MEMO_SETS
                          * NGX_HTTP_AIGC_MEMO_WAYS];
}


/*
 * Looks at all of it, wherever they differ, as CRYPTO_memcmp() does; but that
 * goes byte by byte, which takes longer than all the rest of a warm request.
 */
static ngx_uint_t
ngx_http_aigc_memo_same(u_char *a, u_char *b, size_t len)
{
    size_t    i, at;
    uint64_t  differ;

    differ = 0;

    for (i = 0; i < len; i += NGX_HTTP_AIGC_MEMO_BLOCK) {

        /* the last block begins inside the one before */

        at = ngx_min(i, len - NGX_HTTP_AIGC_MEMO_BLOCK);
        differ |= ngx_http_aigc_memo_block(a + at, b + at);
    }

    return differ == 0;
}


/* 0: these NGX_HTTP_AIGC_MEMO_BLOCK bytes are the same; in words, unaligned. */
static ngx_inline uint64_t
ngx_http_aigc_memo_block(u_char *a, u_char *b)
{
    uint64_t  x, y, differ;

    ngx_memcpy(&x, a, 8);
    ngx_memcpy(&y, b, 8);
    differ = x ^ y;

    ngx_memcpy(&x, a + 8, 8);
    ngx_memcpy(&y, b + 8, 8);
    differ |= x ^ y;

    ngx_memcpy(&x, a + 16, 8);
    ngx_memcpy(&y, b + 16, 8);
    differ |= x ^ y;

    ngx_memcpy(&x, a + 24, 8);
    ngx_memcpy(&y, b + 24, 8);

    return differ | (x ^ y);
}
