/*
 * oidc/ngx_aigc_jwks.c — the set of keys.  openssl's error queue is left empty:
 * nginx's own TLS would report what it finds there.
 */

#include "ngx_aigc_jwks.h"
#include "ngx_aigc_jwk.h"

#include <openssl/err.h>


struct ngx_aigc_jwks_s {
    ngx_uint_t       nkeys;
    ngx_aigc_jwk_t   keys[NGX_AIGC_JWKS_KEYS_MAX];
};


static ngx_aigc_jwt_verdict_e ngx_aigc_jwks_find(ngx_aigc_jwks_t *jwks,
    ngx_aigc_jwt_t *jwt, ngx_aigc_jwk_t **found);


ngx_int_t
ngx_aigc_jwks_parse(ngx_str_t *json, ngx_aigc_jwks_t **jwks, ngx_log_t *log)
{
    size_t            i, n;
    json_t           *root, *list;
    ngx_uint_t        skipped;
    ngx_aigc_jwks_t  *set;

    *jwks = NULL;

    if (json->len == 0 || json->len > NGX_AIGC_JWKS_MAX) {
        return NGX_DECLINED;
    }

    root = json_loadb((char *) json->data, json->len, JSON_REJECT_DUPLICATES,
                      NULL);
    if (root == NULL) {
        return NGX_DECLINED;
    }

    set = ngx_calloc(sizeof(ngx_aigc_jwks_t), log);
    if (set == NULL) {
        json_decref(root);
        return NGX_ERROR;
    }

    list = json_object_get(root, "keys");
    n = json_array_size(list);
    skipped = 0;

    for (i = 0; i < n; i++) {
        if (set->nkeys < NGX_AIGC_JWKS_KEYS_MAX
            && ngx_aigc_jwk_read(json_array_get(list, i),
                                 &set->keys[set->nkeys])
               == NGX_OK)
        {
            set->nkeys++;

        } else {
            skipped++;
        }
    }

    json_decref(root);
    ERR_clear_error();

    if (skipped) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "aigc: JWKS: %ui keys used, %ui skipped (other uses, "
                      "types or curves, private, weak or broken)",
                      set->nkeys, skipped);
    }

    if (set->nkeys == 0) {
        ngx_free(set);
        return NGX_DECLINED;
    }

    *jwks = set;

    return NGX_OK;
}


void
ngx_aigc_jwks_free(ngx_aigc_jwks_t *jwks)
{
    ngx_uint_t  i;

    if (jwks == NULL) {
        return;
    }

    for (i = 0; i < jwks->nkeys; i++) {
        ngx_aigc_jwk_free(&jwks->keys[i]);
    }

    ngx_free(jwks);
}


ngx_int_t
ngx_aigc_jwks_has(ngx_aigc_jwks_t *jwks, ngx_str_t *kid)
{
    ngx_uint_t  i;

    for (i = 0; kid->len && i < jwks->nkeys; i++) {
        if (jwks->keys[i].kid_len == kid->len
            && ngx_memcmp(jwks->keys[i].kid, kid->data, kid->len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_aigc_jwt_verdict_e
ngx_aigc_jwks_verify(ngx_aigc_jwks_t *jwks, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t                rc;
    ngx_aigc_jwk_t          *jwk;
    ngx_aigc_jwt_verdict_e   verdict;

    if (jwt->alg == NGX_AIGC_ALG_NONE) {
        return NGX_AIGC_JWT_BAD_ALG;
    }

    verdict = ngx_aigc_jwks_find(jwks, jwt, &jwk);
    if (verdict != NGX_AIGC_JWT_OK) {
        return verdict;
    }

    rc = ngx_aigc_jwk_check(jwk, jwt);

    ERR_clear_error();

    return rc == NGX_OK ? NGX_AIGC_JWT_OK : NGX_AIGC_JWT_BAD_SIGNATURE;
}


static ngx_aigc_jwt_verdict_e
ngx_aigc_jwks_find(ngx_aigc_jwks_t *jwks, ngx_aigc_jwt_t *jwt,
    ngx_aigc_jwk_t **found)
{
    ngx_uint_t       i, named, fit;
    ngx_aigc_jwk_t  *jwk;

    named = 0;
    fit = 0;

    *found = NULL;

    for (i = 0; i < jwks->nkeys; i++) {
        jwk = &jwks->keys[i];

        if (jwt->kid.len
            && (jwk->kid_len != jwt->kid.len
                || ngx_memcmp(jwk->kid, jwt->kid.data, jwk->kid_len) != 0))
        {
            continue;
        }

        named++;

        if (ngx_aigc_jwk_fits(jwk, jwt->alg)) {
            *found = jwk;
            fit++;
        }
    }

    if (fit == 1) {
        return NGX_AIGC_JWT_OK;
    }

    /* two that fit: nothing tells which is meant */

    return (jwt->kid.len && named && fit == 0) ? NGX_AIGC_JWT_BAD_ALG
                                               : NGX_AIGC_JWT_UNKNOWN_KEY;
}
