/*
 * oidc/ngx_aigc_fields.c — the text inside a seal:
 *
 *     1 byte      version, 1
 *     8 bytes     start, seconds, big endian
 *     fields      a byte; 8 bytes, big endian; or 2 bytes of length, big
 *                 endian, and that many bytes
 */

#include "ngx_aigc_fields.h"


#define NGX_AIGC_FIELDS_VERSION  1


ngx_int_t
ngx_aigc_fields_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, u_char *start, ngx_aigc_fields_t *f,
    ngx_str_t *value)
{
    ngx_str_t  plain;

    plain.data = start;
    plain.len = f->p - start;

    return ngx_aigc_seal(pool, keys, purpose, &plain, value);
}


ngx_int_t
ngx_aigc_fields_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *value, size_t max, time_t *start,
    ngx_aigc_fields_t *f)
{
    ngx_int_t  rc;
    ngx_str_t  plain;

    if (value->len > max) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_unseal(pool, keys, purpose, value, &plain);
    if (rc != NGX_OK) {
        return rc;
    }

    if (plain.len < NGX_AIGC_FIELDS_HEAD
        || plain.data[0] != NGX_AIGC_FIELDS_VERSION)
    {
        return NGX_DECLINED;
    }

    f->p = plain.data + 1;
    f->last = plain.data + plain.len;

    return ngx_aigc_field_read_time(f, start);
}


void
ngx_aigc_fields_begin(ngx_aigc_fields_t *f, u_char *buf, size_t size,
    time_t start)
{
    f->p = buf;
    f->last = buf + size;

    *f->p++ = NGX_AIGC_FIELDS_VERSION;

    (void) ngx_aigc_field_write_time(f, start);
}


ngx_int_t
ngx_aigc_field_write_time(ngx_aigc_fields_t *f, time_t t)
{
    ngx_int_t  i;

    if (f->last - f->p < 8) {
        return NGX_DECLINED;
    }

    for (i = 56; i >= 0; i -= 8) {
        *f->p++ = (u_char) ((uint64_t) t >> i);
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_field_read_time(ngx_aigc_fields_t *f, time_t *t)
{
    uint64_t    value;
    ngx_uint_t  i;

    if (f->last - f->p < 8) {
        return NGX_DECLINED;
    }

    value = 0;

    for (i = 0; i < 8; i++) {
        value = (value << 8) | *f->p++;
    }

    *t = (time_t) value;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_field_write_byte(ngx_aigc_fields_t *f, ngx_uint_t byte)
{
    if (f->p == f->last || byte > 255) {
        return NGX_DECLINED;
    }

    *f->p++ = (u_char) byte;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_field_read_byte(ngx_aigc_fields_t *f, ngx_uint_t *byte)
{
    if (f->p == f->last) {
        return NGX_DECLINED;
    }

    *byte = *f->p++;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_field_write(ngx_aigc_fields_t *f, ngx_str_t *s)
{
    size_t  room;

    room = f->last - f->p;

    /* the buffer is far below 64 KiB, so is the length */

    if (room < 2 || s->len > room - 2) {
        return NGX_DECLINED;
    }

    *f->p++ = (u_char) (s->len >> 8);
    *f->p++ = (u_char) s->len;

    if (s->len) {
        f->p = ngx_cpymem(f->p, s->data, s->len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_field_read(ngx_aigc_fields_t *f, ngx_str_t *s)
{
    size_t  len;

    if (f->last - f->p < 2) {
        return NGX_DECLINED;
    }

    len = ((size_t) f->p[0] << 8) | f->p[1];
    f->p += 2;

    if (len > (size_t) (f->last - f->p)) {
        return NGX_DECLINED;
    }

    s->len = len;
    s->data = f->p;
    f->p += len;

    return NGX_OK;
}
