/*
 * oidc/ngx_aigc_revocation_entry.c — the ConfigMap's entries, read and written.
 * Keys and values are digits, letters, "-", "_" and " ": JSON as they are.
 */

#include "ngx_aigc_revocation_entry.h"
#include "base/ngx_aigc_base64url.h"
#include "base/ngx_aigc_text.h"

#include <openssl/sha.h>


#define NGX_AIGC_REVOCATION_VALUE_MAX                                         \
    (NGX_TIME_T_LEN + sizeof(" released") - 1)


static ngx_int_t ngx_aigc_revocation_value(ngx_str_t *value, uint64_t *when);
static u_char *ngx_aigc_revocation_key_text(u_char *p, u_char *key);
static u_char *ngx_aigc_revocation_value_text(u_char *p, uint64_t when);


/* by ngx_aigc_revocation_e, what follows the time */
static ngx_str_t  ngx_aigc_revocation_reasons[] = {
    ngx_string(""), ngx_string(" user"), ngx_string(" released")
};


ngx_int_t
ngx_aigc_revocation_key(ngx_str_t *text, u_char *key)
{
    if (text->len == 0) {
        ngx_memzero(key, NGX_AIGC_REVOCATION_KEY_LEN);
        return NGX_OK;
    }

    return SHA256(text->data, text->len, key) ? NGX_OK : NGX_ERROR;
}


time_t
ngx_aigc_revocation_time(time_t now, time_t said)
{
    return ngx_max(said, ngx_min(now, said + NGX_AIGC_REVOCATION_LATE));
}


ngx_int_t
ngx_aigc_revocation_parse(ngx_str_t *name, ngx_str_t *value,
    ngx_aigc_revocation_t *revocation)
{
    u_char     data[NGX_AIGC_REVOCATION_KEY_TEXT];
    ngx_str_t  key;

    if (ngx_aigc_revocation_value(value, &revocation->when) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_text_is(name, NGX_AIGC_REVOCATION_FLOOR)) {
        return NGX_DONE;
    }

    key.data = data;

    if (name->len != NGX_AIGC_REVOCATION_KEY_TEXT
        || ngx_aigc_base64url_decode(name, &key) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(revocation->key, data, NGX_AIGC_REVOCATION_KEY_LEN);

    return NGX_OK;
}


/* The one form that is written: a test of the removal compares the text. */
static ngx_int_t
ngx_aigc_revocation_value(ngx_str_t *value, uint64_t *when)
{
    size_t      digits;
    time_t      time;
    ngx_str_t   rest;
    ngx_uint_t  i;

    for (digits = 0; digits < value->len; digits++) {
        if (value->data[digits] < '0' || value->data[digits] > '9') {
            break;
        }
    }

    /* up to the year 5138 */

    if (digits == 0 || digits > 11 || value->data[0] == '0') {
        return NGX_DECLINED;
    }

    time = ngx_atotm(value->data, digits);

    rest.data = value->data + digits;
    rest.len = value->len - digits;

    for (i = 0; i < 3; i++) {
        if (ngx_aigc_text_eq(&rest, &ngx_aigc_revocation_reasons[i])) {
            *when = ngx_aigc_when(time, i);
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static u_char *
ngx_aigc_revocation_key_text(u_char *p, u_char *key)
{
    return ngx_aigc_base64url_put(p, key, NGX_AIGC_REVOCATION_KEY_LEN);
}


static u_char *
ngx_aigc_revocation_value_text(u_char *p, uint64_t when)
{
    ngx_str_t  *reason;

    reason = &ngx_aigc_revocation_reasons[ngx_aigc_when_reason(when)];

    return ngx_sprintf(p, "%T%V", ngx_aigc_when_time(when), reason);
}


ngx_int_t
ngx_aigc_revocation_patch_add(ngx_pool_t *pool,
    ngx_aigc_revocation_t *revocation, ngx_uint_t n, ngx_str_t *out)
{
    u_char      *p;
    ngx_uint_t   i;

    static u_char  head[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
        "{\"name\":\"" NGX_AIGC_REVOCATION_NAME "\",\"managedFields\":[{}]},"
        "\"data\":{";

    out->data = ngx_pnalloc(pool, sizeof(head) + 2
                                  + n * (sizeof("\"\":\"\",") - 1
                                         + NGX_AIGC_REVOCATION_KEY_TEXT
                                         + NGX_AIGC_REVOCATION_VALUE_MAX));
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(out->data, head, sizeof(head) - 1);

    for (i = 0; i < n; i++) {
        *p++ = '"';
        p = ngx_aigc_revocation_key_text(p, revocation[i].key);
        p = ngx_cpymem(p, "\":\"", 3);
        p = ngx_aigc_revocation_value_text(p, revocation[i].when);
        p = ngx_cpymem(p, "\",", 2);
    }

    if (n) {
        p--;
    }

    p = ngx_cpymem(p, "}}", 2);

    out->len = p - out->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_revocation_patch_remove(ngx_pool_t *pool,
    ngx_aigc_revocation_t *revocation, ngx_uint_t n, time_t floor,
    ngx_str_t *out)
{
    u_char      *p;
    ngx_uint_t   i;

    out->data = ngx_pnalloc(pool, 128 + NGX_TIME_T_LEN
                                  + n * (128 + 2 * NGX_AIGC_REVOCATION_KEY_TEXT
                                         + NGX_AIGC_REVOCATION_VALUE_MAX));
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    p = out->data;
    *p++ = '[';

    if (floor) {
        p = ngx_sprintf(p, "{\"op\":\"add\",\"path\":\"/data/"
                           NGX_AIGC_REVOCATION_FLOOR "\",\"value\":\"%T\"},",
                        floor);
    }

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "{\"op\":\"test\",\"path\":\"/data/");
        p = ngx_aigc_revocation_key_text(p, revocation[i].key);
        p = ngx_sprintf(p, "\",\"value\":\"");
        p = ngx_aigc_revocation_value_text(p, revocation[i].when);
        p = ngx_sprintf(p, "\"},{\"op\":\"remove\",\"path\":\"/data/");
        p = ngx_aigc_revocation_key_text(p, revocation[i].key);
        p = ngx_sprintf(p, "\"},");
    }

    if (p[-1] == ',') {
        p--;
    }

    *p++ = ']';

    out->len = p - out->data;

    return NGX_OK;
}
