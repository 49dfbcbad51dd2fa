/*
 * oidc/ngx_aigc_issuer.c — the provider's endpoints and keys, shared by all
 * workers.
 */

#include "ngx_aigc_issuer.h"

#include <jansson.h>


static ngx_int_t ngx_aigc_issuer_str(ngx_pool_t *pool, u_char *data,
    size_t len, ngx_str_t *dst);
static char *ngx_aigc_issuer_slim(ngx_str_t *json);
static ngx_int_t ngx_aigc_issuer_put_set(ngx_aigc_zone_t *zone,
    ngx_str_t *json, ngx_log_t *log);


/* The key set as this process has parsed it. */
static ngx_aigc_jwks_t    *ngx_aigc_issuer_jwks;
static ngx_atomic_uint_t   ngx_aigc_issuer_version;


ngx_aigc_part_t  ngx_aigc_issuer_part = {
    sizeof(ngx_aigc_issuer_slot_t), 0, 0, 0, NULL, 0
};


ngx_int_t
ngx_aigc_issuer_endpoints(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_endpoints_t *ep)
{
    ngx_int_t                rc;
    ngx_aigc_issuer_slot_t  *slot, *copy;

    slot = ngx_aigc_issuer(zone);

    copy = ngx_palloc(pool, sizeof(ngx_aigc_issuer_slot_t));
    if (copy == NULL) {
        return NGX_ERROR;
    }

    /* the keys, last in the slot, are not needed here */

    rc = ngx_aigc_seq_copy(copy, slot, offsetof(ngx_aigc_issuer_slot_t, jwks));

    if (rc != NGX_OK || copy->authorization.len == 0) {
        return NGX_DECLINED;
    }

#define ngx_aigc_issuer_get(field)                                            \
    ngx_aigc_issuer_str(pool, copy->field.data, copy->field.len, &ep->field)

    if (ngx_aigc_issuer_get(issuer) != NGX_OK
        || ngx_aigc_issuer_get(authorization) != NGX_OK
        || ngx_aigc_issuer_get(token) != NGX_OK
        || ngx_aigc_issuer_get(jwks_uri) != NGX_OK
        || ngx_aigc_issuer_get(revocation) != NGX_OK
        || ngx_aigc_issuer_get(end_session) != NGX_OK)
    {
        return NGX_ERROR;
    }

#undef ngx_aigc_issuer_get

    ep->announced = copy->announced;

    (void) ngx_pfree(pool, copy);

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_issuer_str(ngx_pool_t *pool, u_char *data, size_t len, ngx_str_t *dst)
{
    dst->len = len;
    dst->data = ngx_pnalloc(pool, len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, data, len);
    dst->data[len] = '\0';

    return NGX_OK;
}


ngx_uint_t
ngx_aigc_issuer_announced(ngx_aigc_zone_t *zone)
{
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    return slot->announced;
}


ngx_aigc_jwks_t *
ngx_aigc_issuer_keys(ngx_aigc_zone_t *zone, ngx_atomic_uint_t *version,
    ngx_log_t *log)
{
    ngx_str_t                json;
    ngx_aigc_jwks_t         *jwks;
    ngx_aigc_issuer_slot_t  *slot, *copy;

    slot = ngx_aigc_issuer(zone);

    if (slot->keys == ngx_aigc_issuer_version) {
        *version = ngx_aigc_issuer_version;
        return ngx_aigc_issuer_jwks;
    }

    copy = ngx_alloc(sizeof(ngx_aigc_issuer_slot_t), log);
    if (copy == NULL) {
        goto old;
    }

    if (ngx_aigc_seq_copy(copy, slot, sizeof(ngx_aigc_issuer_slot_t))
        != NGX_OK)
    {
        ngx_free(copy);
        goto old;
    }

    json.data = copy->jwks.data;
    json.len = copy->jwks.len;

    if (ngx_aigc_jwks_parse(&json, &jwks, log) == NGX_OK) {

        if (ngx_aigc_issuer_jwks) {
            ngx_aigc_jwks_free(ngx_aigc_issuer_jwks);
        }

        ngx_aigc_issuer_jwks = jwks;
        ngx_aigc_issuer_version = copy->keys;
    }

    ngx_free(copy);

old:

    *version = ngx_aigc_issuer_version;

    return ngx_aigc_issuer_jwks;
}


ngx_int_t
ngx_aigc_issuer_put_endpoints(ngx_aigc_zone_t *zone, ngx_aigc_endpoints_t *ep)
{
    ngx_int_t                rc;
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    ngx_aigc_lock(zone);

    rc = ngx_aigc_zone_is_writer(zone);

    if (rc == NGX_OK) {
        ngx_aigc_seq_begin(&slot->seq);

        ngx_aigc_fixed_set(&slot->issuer, &ep->issuer);
        ngx_aigc_fixed_set(&slot->authorization, &ep->authorization);
        ngx_aigc_fixed_set(&slot->token, &ep->token);
        ngx_aigc_fixed_set(&slot->jwks_uri, &ep->jwks_uri);
        ngx_aigc_fixed_set(&slot->revocation, &ep->revocation);
        ngx_aigc_fixed_set(&slot->end_session, &ep->end_session);
        slot->announced = ep->announced | NGX_AIGC_ANNOUNCED_KNOWN;

        ngx_aigc_seq_end(&slot->seq);
    }

    ngx_aigc_unlock(zone);

    return rc;
}


ngx_int_t
ngx_aigc_issuer_put_keys(ngx_aigc_zone_t *zone, ngx_str_t *json,
    ngx_log_t *log)
{
    char       *text;
    ngx_int_t   rc;
    ngx_str_t   slim;

    if (json->len <= NGX_AIGC_JWKS_MAX) {
        return ngx_aigc_issuer_put_set(zone, json, log);
    }

    text = ngx_aigc_issuer_slim(json);
    if (text == NULL) {
        return NGX_DECLINED;
    }

    slim.data = (u_char *) text;
    slim.len = ngx_strlen(text);

    rc = ngx_aigc_issuer_put_set(zone, &slim, log);

    free(text);

    return rc;
}


/* Certificates are most of some providers' keys, and not looked at. */
static char *
ngx_aigc_issuer_slim(ngx_str_t *json)
{
    char    *text;
    size_t   i;
    json_t  *root, *list, *key;

    root = json_loadb((char *) json->data, json->len, JSON_REJECT_DUPLICATES,
                      NULL);

    list = json_object_get(root, "keys");

    for (i = 0; i < json_array_size(list); i++) {
        key = json_array_get(list, i);

        (void) json_object_del(key, "x5c");
        (void) json_object_del(key, "x5t");
        (void) json_object_del(key, "x5t#S256");
    }

    text = root ? json_dumps(root, JSON_COMPACT) : NULL;

    json_decref(root);

    return text;
}


static ngx_int_t
ngx_aigc_issuer_put_set(ngx_aigc_zone_t *zone, ngx_str_t *json,
    ngx_log_t *log)
{
    ngx_int_t                rc;
    ngx_aigc_jwks_t         *jwks;
    ngx_aigc_issuer_slot_t  *slot;

    if (json->len > NGX_AIGC_JWKS_MAX
        || ngx_aigc_jwks_parse(json, &jwks, log) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_aigc_jwks_free(jwks);

    slot = ngx_aigc_issuer(zone);

    ngx_aigc_lock(zone);

    rc = ngx_aigc_zone_is_writer(zone);

    if (rc == NGX_OK) {
        slot->fetched = ngx_current_msec;

        /*
         * The same bytes: what was verified with them stays remembered, unless
         * a writer died between writing and announcing them.
         */

        if ((slot->seq & 1) || slot->keys == 0
            || !ngx_aigc_fixed_eq(&slot->jwks, json)) {
            ngx_aigc_seq_begin(&slot->seq);

            ngx_aigc_fixed_set(&slot->jwks, json);
            slot->keys++;

            ngx_aigc_seq_end(&slot->seq);
        }
    }

    ngx_aigc_unlock(zone);

    return rc;
}


time_t
ngx_aigc_issuer_age(ngx_aigc_zone_t *zone)
{
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    return slot->keys ? ngx_aigc_since_sec(slot->fetched) : -1;
}


void
ngx_aigc_issuer_want_keys(ngx_aigc_zone_t *zone)
{
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    slot->wanted = 1;
}


void
ngx_aigc_issuer_put_away(ngx_aigc_zone_t *zone, ngx_uint_t away)
{
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    slot->away = away;
}


ngx_int_t
ngx_aigc_issuer_here(ngx_aigc_zone_t *zone)
{
    ngx_aigc_issuer_slot_t  *slot;

    slot = ngx_aigc_issuer(zone);

    return slot->away ? NGX_DECLINED : NGX_OK;
}
