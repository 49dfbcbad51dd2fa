/*
 * oidc/ngx_aigc_jwt.c — parses a compact JWS; ngx_aigc_jwt_check.c judges it.
 *
 * The header is read here with jansson, because libjwt 1.10 refuses the types
 * at+jwt and logout+jwt.  libjwt holds the claims; where it cannot tell one
 * JSON type from another (a number from a string, an array), the claim's own
 * JSON is read again.
 */

#include "ngx_aigc_jwt.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_base64url.h"

#include <jansson.h>
#include <jwt.h>


#define NGX_AIGC_JWT_LOGOUT                                                   \
    "http://schemas.openid.net/event/backchannel-logout"


static ngx_int_t ngx_aigc_jwt_split(ngx_str_t *token, ngx_str_t *header,
    ngx_str_t *payload, ngx_str_t *signature);
static ngx_int_t ngx_aigc_jwt_decode(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);
static ngx_int_t ngx_aigc_jwt_header(ngx_pool_t *pool, ngx_str_t *json,
    ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_header_string(ngx_pool_t *pool, json_t *header,
    const char *name, ngx_str_t *out);
static ngx_aigc_alg_e ngx_aigc_jwt_alg(const char *name);
static ngx_int_t ngx_aigc_jwt_payload(ngx_pool_t *pool, ngx_str_t *json,
    ngx_aigc_claims_t *where, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_strings(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_person(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_person_at(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_claims_t *where, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_name_at(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_claim_path_t *path, ngx_str_t *name);
static ngx_int_t ngx_aigc_jwt_optional(ngx_pool_t *pool, jwt_t *claims,
    const char *name, ngx_str_t *out);
static ngx_int_t ngx_aigc_jwt_times(jwt_t *claims, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_json(jwt_t *claims, const char *name,
    json_t **value);
static ngx_int_t ngx_aigc_jwt_string(ngx_pool_t *pool, jwt_t *claims,
    const char *name, ngx_str_t *out);
static ngx_int_t ngx_aigc_jwt_roles(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_list(ngx_pool_t *pool, jwt_t *claims,
    const char *name, ngx_uint_t single, ngx_array_t *out);
static ngx_int_t ngx_aigc_jwt_time(jwt_t *claims, const char *name,
    time_t *out);
static ngx_int_t ngx_aigc_jwt_events(jwt_t *claims, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_aigc_jwt_copy(ngx_pool_t *pool, const char *text,
    size_t len, ngx_str_t *out);


ngx_int_t
ngx_aigc_jwt_parse(ngx_pool_t *pool, ngx_str_t *token, ngx_aigc_jwt_t *jwt)
{
    return ngx_aigc_jwt_read(pool, token, NULL, jwt);
}


ngx_int_t
ngx_aigc_jwt_read(ngx_pool_t *pool, ngx_str_t *token,
    ngx_aigc_claims_t *claims, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t  rc;
    ngx_str_t  header, payload, signature, json;

    ngx_memzero(jwt, sizeof(ngx_aigc_jwt_t));

    if (ngx_aigc_jwt_split(token, &header, &payload, &signature) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_base64_decoded_length(header.len) > NGX_AIGC_JWT_HEADER_MAX + 3) {
        return NGX_DECLINED;
    }

    jwt->signing_input.data = token->data;
    jwt->signing_input.len = header.len + 1 + payload.len;

    rc = ngx_aigc_jwt_decode(pool, &header, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    if (json.len > NGX_AIGC_JWT_HEADER_MAX) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_jwt_header(pool, &json, jwt);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_aigc_jwt_decode(pool, &signature, &jwt->signature);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_aigc_jwt_decode(pool, &payload, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_aigc_jwt_payload(pool, &json, claims, jwt);
}


/* header "." payload "." signature: two dots, and only the last may be empty */

static ngx_int_t
ngx_aigc_jwt_split(ngx_str_t *token, ngx_str_t *header, ngx_str_t *payload,
    ngx_str_t *signature)
{
    u_char  *p, *last;

    if (token->len == 0 || token->len > NGX_AIGC_JWT_MAX) {
        return NGX_DECLINED;
    }

    last = token->data + token->len;

    p = ngx_strlchr(token->data, last, '.');
    if (p == NULL) {
        return NGX_DECLINED;
    }

    header->data = token->data;
    header->len = p - header->data;

    payload->data = p + 1;

    p = ngx_strlchr(payload->data, last, '.');
    if (p == NULL) {
        return NGX_DECLINED;
    }

    payload->len = p - payload->data;

    signature->data = p + 1;
    signature->len = last - signature->data;

    /* a third dot would be no base64url digit */

    if (header->len == 0 || payload->len == 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* with a NUL behind, for those who need one */

static ngx_int_t
ngx_aigc_jwt_decode(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    out->data = ngx_pnalloc(pool, ngx_base64_decoded_length(text->len) + 1);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_base64url_decode(text, out) != NGX_OK) {
        return NGX_DECLINED;
    }

    out->data[out->len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_jwt_header(ngx_pool_t *pool, ngx_str_t *json, ngx_aigc_jwt_t *jwt)
{
    json_t     *header, *alg;
    ngx_int_t   rc;

    header = json_loadb((char *) json->data, json->len,
                        JSON_REJECT_DUPLICATES, NULL);
    if (header == NULL) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;
    alg = json_object_get(header, "alg");

    /* "crit" asks for what this code does not know (RFC 7515 4.1.11) */

    if (json_is_string(alg) && json_object_get(header, "crit") == NULL) {

        jwt->alg = ngx_aigc_jwt_alg(json_string_value(alg));

        rc = ngx_aigc_jwt_header_string(pool, header, "kid", &jwt->kid);

        if (rc == NGX_OK) {
            rc = ngx_aigc_jwt_header_string(pool, header, "typ", &jwt->typ);
        }
    }

    json_decref(header);

    return rc;
}


/* absent: len 0; there, but empty or no string: NGX_DECLINED */

static ngx_int_t
ngx_aigc_jwt_header_string(ngx_pool_t *pool, json_t *header,
    const char *name, ngx_str_t *out)
{
    json_t  *value;

    value = json_object_get(header, name);
    if (value == NULL) {
        return NGX_OK;
    }

    if (json_string_length(value) == 0) {
        return NGX_DECLINED;
    }

    return ngx_aigc_jwt_copy(pool, json_string_value(value),
                             json_string_length(value), out);
}


static ngx_aigc_alg_e
ngx_aigc_jwt_alg(const char *name)
{
    ngx_uint_t  i;

    static struct {
        const char      *name;
        ngx_aigc_alg_e   alg;
    } algs[] = {
        { "ES384", NGX_AIGC_ALG_ES384 },
        { "ES256", NGX_AIGC_ALG_ES256 },
        { "ES512", NGX_AIGC_ALG_ES512 },
        { "RS256", NGX_AIGC_ALG_RS256 },
        { "PS256", NGX_AIGC_ALG_PS256 },
        { "EdDSA", NGX_AIGC_ALG_EDDSA }
    };

    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (ngx_strcmp(name, algs[i].name) == 0) {
            return algs[i].alg;
        }
    }

    return NGX_AIGC_ALG_NONE;
}


static ngx_int_t
ngx_aigc_jwt_payload(ngx_pool_t *pool, ngx_str_t *json,
    ngx_aigc_claims_t *where, ngx_aigc_jwt_t *jwt)
{
    jwt_t      *claims;
    ngx_int_t   rc;

    /* libjwt would take the text up to a NUL for the whole */

    if (ngx_strlen(json->data) != json->len) {
        return NGX_DECLINED;
    }

    if (jwt_new(&claims) != 0) {
        return NGX_ERROR;
    }

    /* an object, without duplicate keys */

    if (jwt_add_grants_json(claims, (char *) json->data) != 0) {
        jwt_free(claims);
        return NGX_DECLINED;
    }

    rc = ngx_aigc_jwt_strings(pool, claims, jwt);

    if (rc == NGX_OK) {
        rc = where ? ngx_aigc_jwt_person_at(pool, claims, where, jwt)
                   : ngx_aigc_jwt_person(pool, claims, jwt);
    }

    if (rc == NGX_OK) {
        rc = ngx_aigc_jwt_times(claims, jwt);
    }

    if (rc == NGX_OK) {
        rc = ngx_aigc_jwt_events(claims, jwt);
    }

    jwt_free(claims);

    return rc;
}


static ngx_int_t
ngx_aigc_jwt_strings(ngx_pool_t *pool, jwt_t *claims, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t  rc;

    if ((rc = ngx_aigc_jwt_string(pool, claims, "iss", &jwt->iss)) != NGX_OK
        || (rc = ngx_aigc_jwt_string(pool, claims, "sub", &jwt->sub)) != NGX_OK
        || (rc = ngx_aigc_jwt_string(pool, claims, "sid", &jwt->sid)) != NGX_OK
        || (rc = ngx_aigc_jwt_string(pool, claims, "nonce", &jwt->nonce))
           != NGX_OK
        || (rc = ngx_aigc_jwt_string(pool, claims, "jti", &jwt->jti)) != NGX_OK
        || (rc = ngx_aigc_jwt_list(pool, claims, "aud", 1, &jwt->aud))
           != NGX_OK)
    {
        return rc;
    }

    if (jwt->sid.len > NGX_AIGC_SID_MAX) {
        return NGX_DECLINED;
    }

    /* of another type they are none, which is what gets nobody in */

    if (ngx_aigc_jwt_optional(pool, claims, "scope", &jwt->scope) != NGX_OK
        || ngx_aigc_jwt_optional(pool, claims, "client_id", &jwt->client_id)
           != NGX_OK
        || ngx_aigc_jwt_optional(pool, claims, "azp", &jwt->azp) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* Microsoft's word for it */

    if (jwt->scope.len == 0) {
        return ngx_aigc_jwt_optional(pool, claims, "scp", &jwt->scope);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_jwt_optional(ngx_pool_t *pool, jwt_t *claims, const char *name,
    ngx_str_t *out)
{
    const char  *text;

    text = jwt_get_grant(claims, name);

    return text ? ngx_aigc_jwt_copy(pool, text, ngx_strlen(text), out)
                : NGX_OK;
}


static ngx_int_t
ngx_aigc_jwt_person(ngx_pool_t *pool, jwt_t *claims, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t    rc;
    const char  *name;

    rc = ngx_aigc_jwt_roles(pool, claims, jwt);
    if (rc != NGX_OK) {
        return rc;
    }

    /* only shown, and null where a user has none: any other type is none */

    name = jwt_get_grant(claims, "name");

    if (name == NULL || *name == '\0') {
        name = jwt_get_grant(claims, "username");
    }

    if (name == NULL) {
        return NGX_OK;
    }

    return ngx_aigc_jwt_copy(pool, name, ngx_strlen(name), &jwt->name);
}


static ngx_int_t
ngx_aigc_jwt_person_at(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_claims_t *where, ngx_aigc_jwt_t *jwt)
{
    json_t     *value, *list;
    ngx_int_t   rc;

    if (ngx_array_init(&jwt->roles, pool, 4, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_jwt_json(claims, where->roles.names[0], &value);
    if (rc != NGX_OK) {
        return rc;
    }

    list = ngx_aigc_claim_find(value, &where->roles);
    rc = NGX_OK;

    if (list) {
        rc = ngx_aigc_claim_roles(pool, list, &jwt->roles);
        jwt->roles_claim = (rc == NGX_OK);
    }

    json_decref(value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_jwt_name_at(pool, claims, &where->name, &jwt->name);

    if (rc == NGX_OK && jwt->name.len == 0 && where->name_else.n) {
        rc = ngx_aigc_jwt_name_at(pool, claims, &where->name_else,
                                  &jwt->name);
    }

    return rc;
}


static ngx_int_t
ngx_aigc_jwt_name_at(ngx_pool_t *pool, jwt_t *claims,
    ngx_aigc_claim_path_t *path, ngx_str_t *name)
{
    json_t     *value, *text;
    ngx_int_t   rc;

    rc = ngx_aigc_jwt_json(claims, path->names[0], &value);
    if (rc != NGX_OK) {
        return rc;
    }

    text = ngx_aigc_claim_find(value, path);

    if (json_is_string(text)) {
        rc = ngx_aigc_jwt_copy(pool, json_string_value(text),
                               json_string_length(text), name);
    }

    json_decref(value);

    return rc;
}


static ngx_int_t
ngx_aigc_jwt_times(jwt_t *claims, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t  rc;

    rc = ngx_aigc_jwt_time(claims, "exp", &jwt->exp);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_aigc_jwt_time(claims, "nbf", &jwt->nbf);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_aigc_jwt_time(claims, "iat", &jwt->iat);
}


/* *value is NULL when the claim is absent, else the caller's */

static ngx_int_t
ngx_aigc_jwt_json(jwt_t *claims, const char *name, json_t **value)
{
    char  *text;

    *value = NULL;

    ngx_set_errno(0);

    text = jwt_get_grants_json(claims, name);

    if (text == NULL) {
        return ngx_errno ? NGX_OK : NGX_ERROR;
    }

    *value = json_loads(text, JSON_DECODE_ANY, NULL);

    free(text);

    return *value ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_aigc_jwt_string(ngx_pool_t *pool, jwt_t *claims, const char *name,
    ngx_str_t *out)
{
    json_t      *value;
    ngx_int_t    rc;
    const char  *text;

    text = jwt_get_grant(claims, name);

    if (text) {
        return ngx_aigc_jwt_copy(pool, text, ngx_strlen(text), out);
    }

    /* absent, or another type? */

    rc = ngx_aigc_jwt_json(claims, name, &value);
    if (rc != NGX_OK || value == NULL) {
        return rc;
    }

    json_decref(value);

    return NGX_DECLINED;
}


/* nobody has to have one, but that there is none at all is worth a word */

static ngx_int_t
ngx_aigc_jwt_roles(ngx_pool_t *pool, jwt_t *claims, ngx_aigc_jwt_t *jwt)
{
    char  *text;

    text = jwt_get_grants_json(claims, "roles");

    jwt->roles_claim = (text != NULL);

    free(text);

    return ngx_aigc_jwt_list(pool, claims, "roles", 0, &jwt->roles);
}


/* an array of strings; with single, one string too */

static ngx_int_t
ngx_aigc_jwt_list(ngx_pool_t *pool, jwt_t *claims, const char *name,
    ngx_uint_t single, ngx_array_t *out)
{
    size_t       i, n;
    json_t      *value, *item;
    ngx_int_t    rc;
    ngx_str_t   *s;
    const char  *text;

    text = single ? jwt_get_grant(claims, name) : NULL;

    if (text) {
        if (ngx_array_init(out, pool, 1, sizeof(ngx_str_t)) != NGX_OK) {
            return NGX_ERROR;
        }

        s = ngx_array_push(out);            /* there is room for it */

        return ngx_aigc_jwt_copy(pool, text, ngx_strlen(text), s);
    }

    rc = ngx_aigc_jwt_json(claims, name, &value);
    if (rc != NGX_OK) {
        return rc;
    }

    n = json_is_array(value) ? json_array_size(value) : 1;

    if (ngx_array_init(out, pool, n ? n : 1, sizeof(ngx_str_t)) != NGX_OK) {
        rc = NGX_ERROR;

    } else if (value && !json_is_array(value)
               && !(single && json_is_string(value)))
    {
        rc = NGX_DECLINED;
    }

    for (i = 0; value && rc == NGX_OK && i < n; i++) {
        item = json_is_array(value) ? json_array_get(value, i) : value;

        if (!json_is_string(item)) {
            rc = NGX_DECLINED;
            break;
        }

        s = ngx_array_push(out);
        if (s == NULL) {
            rc = NGX_ERROR;
            break;
        }

        rc = ngx_aigc_jwt_copy(pool, json_string_value(item),
                               json_string_length(item), s);
    }

    json_decref(value);

    return rc;
}


/* a NumericDate: an integer or a fraction, rounded down */

static ngx_int_t
ngx_aigc_jwt_time(jwt_t *claims, const char *name, time_t *out)
{
    long        seconds;
    double      real;
    json_t     *value;
    int64_t     whole;
    ngx_int_t   rc;

    /* above 0 it is an integer for certain; the rest has to be looked at */

    seconds = jwt_get_grant_int(claims, name);

    if (seconds > 0 && seconds < NGX_AIGC_JWT_TIME_MAX) {
        *out = seconds;
        return NGX_OK;
    }

    rc = ngx_aigc_jwt_json(claims, name, &value);
    if (rc != NGX_OK || value == NULL) {
        return rc;
    }

    if (!json_is_number(value)) {
        json_decref(value);
        return NGX_DECLINED;
    }

    real = json_number_value(value);
    whole = json_integer_value(value);          /* 0 for a fraction */

    if (!(real > -NGX_AIGC_JWT_TIME_MAX && real < NGX_AIGC_JWT_TIME_MAX)) {
        json_decref(value);
        return NGX_DECLINED;
    }

    if (json_is_real(value)) {
        whole = (int64_t) real;

        if ((double) whole > real) {
            whole--;
        }
    }

    json_decref(value);

    *out = (time_t) whole;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_jwt_events(jwt_t *claims, ngx_aigc_jwt_t *jwt)
{
    json_t     *value;
    ngx_int_t   rc;

    rc = ngx_aigc_jwt_json(claims, "events", &value);
    if (rc != NGX_OK || value == NULL) {
        return rc;
    }

    if (json_is_object(json_object_get(value, NGX_AIGC_JWT_LOGOUT))) {
        jwt->logout = 1;
    }

    json_decref(value);

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_jwt_copy(ngx_pool_t *pool, const char *text, size_t len,
    ngx_str_t *out)
{
    out->data = ngx_pnalloc(pool, len ? len : 1);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(out->data, text, len);
    out->len = len;

    return NGX_OK;
}
