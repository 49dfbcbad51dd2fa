/*
 * oidc/ngx_aigc_fields.h — fields one after another, as they are sealed.
 */

#ifndef _NGX_AIGC_FIELDS_H_INCLUDED_
#define _NGX_AIGC_FIELDS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_seal.h"


#define NGX_AIGC_FIELDS_HEAD  9         /* bytes before the first field */

/* Bytes of fields, with their head, that a sealed text of max bytes holds. */
#define NGX_AIGC_FIELDS_PLAIN(max)  ((max) / 4 * 3 - NGX_AIGC_SEAL_OVERHEAD)


typedef struct {
    u_char      *p;                     /* the next field */
    u_char      *last;
} ngx_aigc_fields_t;


/* Begins to write into buf, of size bytes, more than the head. */
void ngx_aigc_fields_begin(ngx_aigc_fields_t *f, u_char *buf, size_t size,
    time_t start);

/*
 * Seals what was written into buf, for purpose: value, from pool.  Returns as
 * ngx_aigc_seal().
 */
ngx_int_t ngx_aigc_fields_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, u_char *buf, ngx_aigc_fields_t *f, ngx_str_t *value);

/*
 * Opens value, of max bytes at the most, to be read from its first field on;
 * the plain text is from pool.  NGX_OK; NGX_DECLINED: this gateway has not
 * sealed it for purpose; NGX_ERROR.
 */
ngx_int_t ngx_aigc_fields_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *value, size_t max, time_t *start,
    ngx_aigc_fields_t *f);

/*
 * The next field.  A string that is read points into the plain text.  NGX_OK;
 * NGX_DECLINED: no room for it, or not there.
 */
ngx_int_t ngx_aigc_field_write_byte(ngx_aigc_fields_t *f, ngx_uint_t byte);
ngx_int_t ngx_aigc_field_read_byte(ngx_aigc_fields_t *f, ngx_uint_t *byte);
ngx_int_t ngx_aigc_field_write_time(ngx_aigc_fields_t *f, time_t t);
ngx_int_t ngx_aigc_field_read_time(ngx_aigc_fields_t *f, time_t *t);
ngx_int_t ngx_aigc_field_write(ngx_aigc_fields_t *f, ngx_str_t *s);
ngx_int_t ngx_aigc_field_read(ngx_aigc_fields_t *f, ngx_str_t *s);


#endif /* _NGX_AIGC_FIELDS_H_INCLUDED_ */
