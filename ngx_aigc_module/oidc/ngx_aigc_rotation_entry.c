/*
 * oidc/ngx_aigc_rotation_entry.c — the Secret's entries, read and written.
 * Names and values are base64 and base64url: JSON as they are.
 */

#include "ngx_aigc_rotation_entry.h"

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_base64url.h"
#include "base/ngx_aigc_scan.h"
#include "base/ngx_aigc_text.h"

#include "ngx_aigc_jwt.h"

#include <openssl/sha.h>


#define NGX_AIGC_ROTATION_FIELDS  6
#define NGX_AIGC_ROTATION_PURPOSE  96   /* bytes of a seal's purpose */
#define NGX_AIGC_ROTATION_VALUE                                               \
    ngx_base64_encoded_length(NGX_AIGC_ROTATION_TEXT_MAX)


static u_char *ngx_aigc_rotation_name(u_char *p, u_char *key);
static u_char *ngx_aigc_rotation_base64(u_char *p, ngx_str_t *text);
static ngx_uint_t ngx_aigc_rotation_split(ngx_str_t *text, ngx_str_t *field);
static ngx_int_t ngx_aigc_rotation_time(ngx_str_t *field, time_t *time);
static void ngx_aigc_rotation_word(ngx_str_t *field, ngx_str_t *word);
static const char *ngx_aigc_rotation_purpose(u_char *buf, u_char *key,
    ngx_aigc_rotation_t *rotation);


ngx_int_t
ngx_aigc_rotation_key(ngx_str_t *sid, time_t start, u_char *key)
{
    u_char  *p, text[NGX_AIGC_SID_MAX + 1 + NGX_TIME_T_LEN];

    if (sid->len > NGX_AIGC_SID_MAX) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text, sid->data, sid->len);
    p = ngx_sprintf(p, "\n%T", start);

    return SHA256(text, p - text, key) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_aigc_rotation_key_parse(ngx_str_t *name, u_char *key)
{
    u_char     data[NGX_AIGC_ROTATION_KEY_TEXT];
    ngx_str_t  bytes;

    bytes.data = data;

    if (name->len != NGX_AIGC_ROTATION_KEY_TEXT
        || ngx_aigc_base64url_decode(name, &bytes) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(key, data, NGX_AIGC_ROTATION_KEY_LEN);

    return NGX_OK;
}


static u_char *
ngx_aigc_rotation_name(u_char *p, u_char *key)
{
    return ngx_aigc_base64url_put(p, key, NGX_AIGC_ROTATION_KEY_LEN);
}


static u_char *
ngx_aigc_rotation_base64(u_char *p, ngx_str_t *text)
{
    ngx_str_t  out;

    out.data = p;
    ngx_encode_base64(&out, text);

    return p + out.len;
}


ngx_int_t
ngx_aigc_rotation_parse(ngx_str_t *text, ngx_aigc_rotation_t *rotation)
{
    ngx_str_t  field[NGX_AIGC_ROTATION_FIELDS];

    if (ngx_aigc_rotation_split(text, field) != NGX_AIGC_ROTATION_FIELDS
        || !ngx_aigc_text_is(&field[0], "1")
        || ngx_aigc_rotation_time(&field[1], &rotation->exp) != NGX_OK
        || ngx_aigc_rotation_time(&field[2], &rotation->until) != NGX_OK
        || ngx_aigc_rotation_time(&field[4], &rotation->claim) != NGX_OK
        || field[5].len > NGX_AIGC_ROTATION_GATEWAY_MAX)
    {
        return NGX_DECLINED;
    }

    ngx_aigc_rotation_word(&field[3], &rotation->sealed);
    ngx_aigc_rotation_word(&field[5], &rotation->gateway);

    /* each of the two has its date, and no date is without what it is of */

    if ((rotation->exp == 0) != (rotation->sealed.len == 0)
        || (rotation->claim == 0) != (rotation->gateway.len == 0))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* How many fields there are, each of base64url's letters; 0: it is no entry. */
static ngx_uint_t
ngx_aigc_rotation_split(ngx_str_t *text, ngx_str_t *field)
{
    u_char      *p, *last;
    ngx_uint_t   n;

    n = 0;
    last = text->data + text->len;
    field[0].data = text->data;

    for (p = text->data; p <= last; p++) {

        if (p == last || *p == ' ') {
            field[n].len = p - field[n].data;

            if (field[n].len == 0) {
                return 0;
            }

            n++;

            if (p == last || n == NGX_AIGC_ROTATION_FIELDS) {
                break;
            }

            field[n].data = p + 1;

        } else if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
                     || (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '_'))
        {
            return 0;
        }
    }

    return (p == last) ? n : 0;
}


static ngx_int_t
ngx_aigc_rotation_time(ngx_str_t *field, time_t *time)
{
    if (field->len > NGX_AIGC_ROTATION_DIGITS
        || (field->len > 1 && field->data[0] == '0'))
    {
        return NGX_DECLINED;
    }

    *time = ngx_atotm(field->data, field->len);

    return (*time == NGX_ERROR) ? NGX_DECLINED : NGX_OK;
}


static void
ngx_aigc_rotation_word(ngx_str_t *field, ngx_str_t *word)
{
    *word = *field;

    if (ngx_aigc_text_is(field, "-")) {
        word->len = 0;
    }
}


ngx_int_t
ngx_aigc_rotation_text(ngx_pool_t *pool, ngx_aigc_rotation_t *rotation,
    ngx_str_t *text)
{
    size_t            len;

    static ngx_str_t  none = ngx_string("-");

    len = sizeof("1 ") + 3 * (NGX_TIME_T_LEN + 1) + rotation->sealed.len + 2
          + rotation->gateway.len + 1;

    text->data = ngx_pnalloc(pool, len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_snprintf(text->data, len, "1 %T %T %V %T %V",
                             rotation->exp, rotation->until,
                             rotation->sealed.len ? &rotation->sealed : &none,
                             rotation->claim,
                             rotation->gateway.len ? &rotation->gateway : &none)
                - text->data;

    return (text->len > NGX_AIGC_ROTATION_TEXT_MAX) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_aigc_rotation_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_str_t *token, ngx_aigc_rotation_t *rotation)
{
    u_char  purpose[NGX_AIGC_ROTATION_PURPOSE];

    return ngx_aigc_seal(pool, keys,
                         ngx_aigc_rotation_purpose(purpose, key, rotation),
                         token, &rotation->sealed);
}


ngx_int_t
ngx_aigc_rotation_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_aigc_rotation_t *rotation, ngx_str_t *token)
{
    u_char  purpose[NGX_AIGC_ROTATION_PURPOSE];

    return ngx_aigc_unseal(pool, keys,
                           ngx_aigc_rotation_purpose(purpose, key, rotation),
                           &rotation->sealed, token);
}


ngx_int_t
ngx_aigc_rotation_newer(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    u_char *key, ngx_str_t *text, time_t *exp, ngx_str_t *token)
{
    ngx_int_t            rc;
    ngx_str_t            opened;
    ngx_aigc_rotation_t  rotation;

    if (text->len == 0
        || ngx_aigc_rotation_parse(text, &rotation) != NGX_OK
        || rotation.exp < *exp)
    {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_rotation_open(pool, keys, key, &rotation, &opened);

    if (rc == NGX_OK) {
        *token = opened;
        *exp = rotation.exp;
    }

    return rc;
}


/* No entry can be put in another's place, or be given other dates. */
static const char *
ngx_aigc_rotation_purpose(u_char *buf, u_char *key,
    ngx_aigc_rotation_t *rotation)
{
    u_char  *p;

    p = ngx_cpymem(buf, "rotation ", sizeof("rotation ") - 1);
    p = ngx_aigc_rotation_name(p, key);
    p = ngx_sprintf(p, " %T %T", rotation->exp, rotation->until);
    *p = '\0';

    return (const char *) buf;
}


ngx_int_t
ngx_aigc_rotation_patch(ngx_pool_t *pool, u_char *key, ngx_str_t *was,
    ngx_str_t *now, ngx_str_t *out)
{
    u_char  *p;

    out->data = ngx_pnalloc(pool, 256 + 2 * NGX_AIGC_ROTATION_KEY_TEXT
                                  + (was ? ngx_base64_encoded_length(was->len)
                                         : 0)
                                  + ngx_base64_encoded_length(now->len));
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(out->data, "[{\"op\":\"test\",\"path\":\"/data%s",
                    was ? "/" : "");

    if (was) {
        p = ngx_aigc_rotation_name(p, key);
    }

    /* null: passes if there is none */

    if (was && was->len) {
        p = ngx_sprintf(p, "\",\"value\":\"");
        p = ngx_aigc_rotation_base64(p, was);
        p = ngx_sprintf(p, "\"},");

    } else {
        p = ngx_sprintf(p, "\",\"value\":null},");
    }

    p = ngx_sprintf(p, "{\"op\":\"%s\",\"path\":\"/data%s",
                    now->len ? "add" : "remove",
                    was ? "/" : "\",\"value\":{\"version\":\"MQ==\",\"");
    p = ngx_aigc_rotation_name(p, key);

    if (now->len) {
        p = ngx_sprintf(p, was ? "\",\"value\":\"" : "\":\"");
        p = ngx_aigc_rotation_base64(p, now);
    }

    p = ngx_sprintf(p, "\"%s},{\"op\":\"add\",\"path\":"
                       "\"/metadata/managedFields\",\"value\":[{}]}]",
                    was ? "" : "}");

    out->len = p - out->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_rotation_patch_remove(ngx_pool_t *pool, u_char *keys, ngx_uint_t n,
    ngx_str_t *out)
{
    u_char         *p;
    ngx_uint_t      i;

    static u_char   head[] =
        "{\"metadata\":{\"managedFields\":[{}]},\"data\":{";

    out->data = ngx_pnalloc(pool, sizeof(head) + 2
                                  + n * (NGX_AIGC_ROTATION_KEY_TEXT
                                         + sizeof("\"\":null,") - 1));
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(out->data, head, sizeof(head) - 1);

    for (i = 0; i < n; i++) {
        *p++ = '"';
        p = ngx_aigc_rotation_name(p, keys + i * NGX_AIGC_ROTATION_KEY_LEN);
        p = ngx_sprintf(p, "\":null%s", i + 1 < n ? "," : "");
    }

    p = ngx_cpymem(p, "}}", 2);

    out->len = p - out->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_rotation_value(ngx_str_t *value, ngx_str_t *text)
{
    ngx_str_t  base64;

    if (value->len < 2 || value->data[0] != '"'
        || value->len - 2 > NGX_AIGC_ROTATION_VALUE)
    {
        return NGX_DECLINED;
    }

    base64.data = value->data + 1;
    base64.len = value->len - 2;

    return (ngx_decode_base64(text, &base64) == NGX_OK) ? NGX_OK
                                                        : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_rotation_pick(ngx_pool_t *pool, ngx_str_t *secret, u_char *key,
    ngx_str_t *text)
{
    u_char                 buf[NGX_AIGC_ROTATION_KEY_TEXT];
    ngx_int_t              rc;
    ngx_str_t              mine, name, value;
    ngx_aigc_scan_walk_t   walk;

    ngx_aigc_scan_t        data[] = { { "data", ngx_null_string } };

    ngx_str_null(text);

    if (ngx_aigc_scan(secret, data, 1) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (data[0].value.len == 0) {
        return NGX_DONE;
    }

    mine.data = buf;
    mine.len = ngx_aigc_rotation_name(buf, key) - buf;

    ngx_aigc_scan_walk(&walk, &data[0].value);

    for ( ;; ) {
        rc = ngx_aigc_scan_next(&walk, &name, &value);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_DECLINED;
        }

        if (ngx_aigc_text_eq(&name, &mine)) {
            break;
        }
    }

    text->data = ngx_pnalloc(pool, NGX_AIGC_ROTATION_TEXT_MAX);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_aigc_rotation_value(&value, text);
}
