/* t/fuzz/base64url_fuzz.c — a byte string has exactly one text, and back. */

#include "fuzz.h"
#include "base/ngx_aigc_base64url.h"


FUZZ(base64url)
{
    ngx_str_t  text, bytes, again;

    text = fuzz_rest(f);

    /* as text: what can be read is written the same way */

    bytes.data = fuzz_alloc(f, ngx_base64_decoded_length(text.len));

    if (ngx_aigc_base64url_decode(&text, &bytes) == NGX_OK) {
        must(ngx_aigc_base64url_is(&text));
        must(bytes.len <= ngx_base64_decoded_length(text.len));
        must(ngx_aigc_base64url_encode(f->pool, &bytes, &again) == NGX_OK);
        must(fuzz_eq(&again, &text));
    }

    /* as bytes: what is written can be read */

    must(ngx_aigc_base64url_encode(f->pool, &text, &again) == NGX_OK);
    must(ngx_aigc_base64url_is(&again));

    bytes.data = fuzz_alloc(f, ngx_base64_decoded_length(again.len));

    must(ngx_aigc_base64url_decode(&again, &bytes) == NGX_OK);
    must(fuzz_eq(&bytes, &text));
}
