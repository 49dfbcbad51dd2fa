/*
 * core/ngx_aigc_base64url.c — nginx's own decoder takes padding and stray last
 * bits; this one does not.
 */

#include "ngx_aigc_base64url.h"


static ngx_int_t ngx_aigc_base64url_digit(u_char c);


ngx_int_t
ngx_aigc_base64url_encode(ngx_pool_t *pool, ngx_str_t *bytes, ngx_str_t *out)
{
    out->data = ngx_pnalloc(pool, ngx_base64_encoded_length(bytes->len) + 1);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64url(out, bytes);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_base64url_decode(ngx_str_t *text, ngx_str_t *out)
{
    size_t      i;
    u_char     *p;
    uint32_t    bits;
    ngx_int_t   digit;
    ngx_uint_t  n;

    if (text->len % 4 == 1) {
        return NGX_DECLINED;
    }

    p = out->data;
    bits = 0;
    n = 0;

    for (i = 0; i < text->len; i++) {
        digit = ngx_aigc_base64url_digit(text->data[i]);

        if (digit == NGX_ERROR) {
            return NGX_DECLINED;
        }

        bits = (bits << 6) | (uint32_t) digit;
        n += 6;

        if (n >= 8) {
            n -= 8;
            *p++ = (u_char) (bits >> n);
            bits &= (1u << n) - 1;
        }
    }

    if (bits != 0) {
        return NGX_DECLINED;
    }

    out->len = p - out->data;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_base64url_digit(u_char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == '-') {
        return 62;
    }

    return (c == '_') ? 63 : NGX_ERROR;
}
