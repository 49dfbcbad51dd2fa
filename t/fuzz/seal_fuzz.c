/*
 * t/fuzz/seal_fuzz.c — sealed values: the input as one, and the input inside of
 * one.  Whoever changes a bit of it, or its purpose, has nothing.
 */

#include "sign.h"

#include "base/ngx_aigc_base64url.h"


FUZZ(seal)
{
    ngx_str_t              text, sealed, plain;
    ngx_aigc_seal_keys_t  *keys, others;

    keys = fuzz_seal_keys(f);
    text = fuzz_rest(f);

    must(ngx_aigc_unseal(f->pool, keys, "gateway", &text, &plain)
         == NGX_DECLINED);
    must(ngx_aigc_mac_check(keys, "gateway", &text, &text) == NGX_DECLINED);

    sealed = fuzz_sealed(f, "gateway", &text);

    if (sealed.len == 0) {
        must(text.len + NGX_AIGC_SEAL_OVERHEAD > NGX_AIGC_SEAL_MAX / 4 * 3);
        return;
    }

    must(sealed.len <= NGX_AIGC_SEAL_MAX);
    must(ngx_aigc_base64url_is(&sealed));

    must(ngx_aigc_unseal(f->pool, keys, "gateway", &sealed, &plain) == NGX_OK);
    must(fuzz_eq(&plain, &text));

    must(ngx_aigc_unseal(f->pool, keys, "state", &sealed, &plain)
         == NGX_DECLINED);

    /* a key that is newer is no hindrance, one that is another no help */

    others = *keys;
    ngx_memset(others.key[0], 1, NGX_AIGC_SEAL_KEY_LEN);
    must(ngx_aigc_unseal(f->pool, &others, "gateway", &sealed, &plain)
         == NGX_DECLINED);

    others.n = 2;
    must(ngx_aigc_unseal(f->pool, &others, "gateway", &sealed, &plain)
         == NGX_OK);

    sealed.data[text.len % sealed.len] ^= 1;
    must(ngx_aigc_unseal(f->pool, keys, "gateway", &sealed, &plain)
         == NGX_DECLINED);
}
