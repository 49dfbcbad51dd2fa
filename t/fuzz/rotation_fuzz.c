/*
 * t/fuzz/rotation_fuzz.c — the Secret of renewed refresh tokens.  The first
 * line is an entry's name, the second its text, the third a refresh token, the
 * rest a whole Secret.
 */

#include "sign.h"

#include "oidc/ngx_aigc_rotation_entry.h"


static void rotation_entry(fuzz_t *f, ngx_str_t *text, u_char *key);
static void rotation_token(fuzz_t *f, ngx_str_t *token, u_char *key);
static void rotation_secret(fuzz_t *f, ngx_str_t *secret, u_char *key);


FUZZ(rotation)
{
    u_char     key[NGX_AIGC_ROTATION_KEY_LEN];
    ngx_str_t  name, text, token, secret;

    name = fuzz_line(f);
    text = fuzz_line(f);
    token = fuzz_line(f);
    secret = fuzz_rest(f);

    if (ngx_aigc_rotation_key_parse(&name, key) != NGX_OK) {
        ngx_memzero(key, sizeof(key));
    }

    rotation_entry(f, &text, key);
    rotation_token(f, &token, key);
    rotation_secret(f, &secret, key);
}


/* An entry that can be read has one text, and makes a patch. */
static void
rotation_entry(fuzz_t *f, ngx_str_t *text, u_char *key)
{
    time_t               exp;
    ngx_str_t            again, token, patch, none;
    ngx_aigc_rotation_t  rotation;

    if (ngx_aigc_rotation_parse(text, &rotation) != NGX_OK) {
        return;
    }

    must(fuzz_inside(&rotation.sealed, text));
    must(fuzz_inside(&rotation.gateway, text));
    must(rotation.gateway.len <= NGX_AIGC_ROTATION_GATEWAY_MAX);
    must(ngx_aigc_rotation_text(f->pool, &rotation, &again)
         == (text->len <= NGX_AIGC_ROTATION_TEXT_MAX ? NGX_OK : NGX_DECLINED));
    must(fuzz_eq(&again, text));

    exp = 0;
    (void) ngx_aigc_rotation_newer(f->pool, fuzz_seal_keys(f), key, text,
                                   &exp, &token);

    ngx_str_null(&none);

    must(ngx_aigc_rotation_patch(f->pool, key, text, &none, &patch)
         == NGX_OK);
    must(json_array_size(fuzz_json(f, &patch, JSON_REJECT_DUPLICATES)) == 3);
    must(ngx_aigc_rotation_patch(f->pool, key, NULL, text, &patch) == NGX_OK);
    must(json_array_size(fuzz_json(f, &patch, JSON_REJECT_DUPLICATES)) == 3);
    must(ngx_aigc_rotation_patch_remove(f->pool, key, 1, &patch) == NGX_OK);
    must(fuzz_json(f, &patch, JSON_REJECT_DUPLICATES) != NULL);
}


/* A token that is sealed into an entry comes out of its text. */
static void
rotation_token(fuzz_t *f, ngx_str_t *token, u_char *key)
{
    time_t               exp;
    ngx_str_t            text, value, secret, got;
    ngx_aigc_rotation_t  rotation;

    ngx_memzero(&rotation, sizeof(ngx_aigc_rotation_t));
    rotation.exp = FUZZ_NOW;
    rotation.until = FUZZ_NOW + 10;

    if (ngx_aigc_rotation_seal(f->pool, fuzz_seal_keys(f), key, token,
                               &rotation)
        != NGX_OK
        || ngx_aigc_rotation_text(f->pool, &rotation, &text) != NGX_OK)
    {
        return;
    }

    exp = FUZZ_NOW;
    must(ngx_aigc_rotation_newer(f->pool, fuzz_seal_keys(f), key, &text, &exp,
                                 &got)
         == NGX_OK);
    must(fuzz_eq(&got, token) && exp == FUZZ_NOW);

    exp++;
    must(ngx_aigc_rotation_newer(f->pool, fuzz_seal_keys(f), key, &text, &exp,
                                 &got)
         == NGX_DECLINED);

    /* as the API server sends it back, after the patch that creates it */

    must(ngx_aigc_rotation_patch(f->pool, key, NULL, &text, &value)
         == NGX_OK);
    secret = fuzz_dump(f, json_object_get(json_array_get(
                              fuzz_json(f, &value, 0), 1), "value"));
    secret = fuzz_fmt(f, "{\"data\":%V}", &secret);

    must(ngx_aigc_rotation_pick(f->pool, &secret, key, &got) == NGX_OK);
    must(fuzz_eq(&got, &text));
}


static void
rotation_secret(fuzz_t *f, ngx_str_t *secret, u_char *key)
{
    ngx_str_t  text, value;

    if (ngx_aigc_rotation_pick(f->pool, secret, key, &text) == NGX_OK) {
        must(text.len <= NGX_AIGC_ROTATION_TEXT_MAX);
    }

    text.data = fuzz_alloc(f, NGX_AIGC_ROTATION_TEXT_MAX);
    value = fuzz_fmt(f, "\"%V\"", secret);

    if (ngx_aigc_rotation_value(&value, &text) == NGX_OK) {
        must(text.len <= NGX_AIGC_ROTATION_TEXT_MAX);
    }
}
