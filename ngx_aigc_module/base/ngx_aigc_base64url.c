/*
 * base/ngx_aigc_base64url.c — nginx's own decoder takes padding and stray last
 * bits; this one does not.
 */

#include "ngx_aigc_base64url.h"


static u_char  ngx_aigc_base64url_digits[] = {      /* 77: none */
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 62, 77, 77,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 77, 77, 77, 77, 77, 77,
    77,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 77, 77, 77, 77, 63,
    77, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77,
    77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77
};


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
    u_char    *p, *src, *last, a, b, c, d;
    uint32_t   bits, n;

    if (text->len % 4 == 1) {
        return NGX_DECLINED;
    }

    p = out->data;
    src = text->data;
    last = src + text->len;
    bits = 0;
    n = 0;

    /* four at a time; 77 shows through the others' bits, all below 64 */

    while (last - src >= 4) {
        a = ngx_aigc_base64url_digits[src[0]];
        b = ngx_aigc_base64url_digits[src[1]];
        c = ngx_aigc_base64url_digits[src[2]];
        d = ngx_aigc_base64url_digits[src[3]];

        if ((a | b | c | d) > 63) {
            return NGX_DECLINED;
        }

        *p++ = (u_char) (a << 2 | b >> 4);
        *p++ = (u_char) (b << 4 | c >> 2);
        *p++ = (u_char) (c << 6 | d);

        src += 4;
    }

    while (src < last) {
        a = ngx_aigc_base64url_digits[*src++];

        if (a > 63) {
            return NGX_DECLINED;
        }

        bits = (bits << 6) | a;
        n += 6;

        if (n >= 8) {
            n -= 8;
            *p++ = (u_char) (bits >> n);
        }
    }

    /* what is left of the last digit has to be zero */

    if (bits & ((1u << n) - 1)) {
        return NGX_DECLINED;
    }

    out->len = p - out->data;

    return NGX_OK;
}


ngx_uint_t
ngx_aigc_base64url_is(ngx_str_t *text)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_'))
        {
            return 0;
        }
    }

    return 1;
}


u_char *
ngx_aigc_base64url_put(u_char *p, u_char *data, size_t len)
{
    ngx_str_t  bytes, text;

    bytes.data = data;
    bytes.len = len;
    text.data = p;

    ngx_encode_base64url(&text, &bytes);

    return p + text.len;
}
