/*
 * base/ngx_aigc_base64url.h — base64url without padding (RFC 7515 2), strict:
 * a byte string has exactly one text, so that nobody can vary a token or a
 * sealed value without changing its content.
 */

#ifndef _NGX_AIGC_BASE64URL_H_INCLUDED_
#define _NGX_AIGC_BASE64URL_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* out from pool, no padding.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_base64url_encode(ngx_pool_t *pool, ngx_str_t *bytes,
    ngx_str_t *out);

/*
 * out->data has room for ngx_base64_decoded_length(text->len) bytes.
 * NGX_OK; NGX_DECLINED: padding, another alphabet, an impossible length, or
 * bits set that no byte owns.
 */
ngx_int_t ngx_aigc_base64url_decode(ngx_str_t *text, ngx_str_t *out);

/*
 * Writes len bytes of data as text to p, which has room for it.  Returns the
 * end.
 */
u_char *ngx_aigc_base64url_put(u_char *p, u_char *data, size_t len);

/* 1: all bytes of text are of the alphabet; else 0. */
ngx_uint_t ngx_aigc_base64url_is(ngx_str_t *text);


#endif /* _NGX_AIGC_BASE64URL_H_INCLUDED_ */
