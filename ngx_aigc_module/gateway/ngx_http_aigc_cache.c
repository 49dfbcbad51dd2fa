/*
 * gateway/ngx_http_aigc_cache.c — is the instance in the key of what nginx
 * remembers?
 */

#include "ngx_http_aigc_cache.h"

#include "base/ngx_aigc_compat.h"


static ngx_uint_t ngx_http_aigc_key_variable(ngx_str_t *key, size_t *pos,
    ngx_str_t *name);
static ngx_uint_t ngx_http_aigc_key_fixed(ngx_str_t *name);
static ngx_uint_t ngx_http_aigc_key_names(ngx_array_t *keys,
    ngx_str_t *instance);


/* Of one instance these are the same in all requests, or a word of a few. */
static ngx_str_t  ngx_http_aigc_key_fixed_names[] = {
    ngx_string("scheme"),
    ngx_string("host"),
    ngx_string("proxy_host"),
    ngx_string("proxy_port"),
    ngx_string("server_name"),
    ngx_string("server_port"),
    ngx_string("server_addr"),
    ngx_string("request_method"),
    ngx_string("aigc_user"),
    ngx_null_string
};


/*
 * "$args$aigc_instance$http_x": who writes both sides can make the key of his
 * own instance that of another one.
 */
ngx_http_aigc_key_e
ngx_http_aigc_cache_key(ngx_str_t *key)
{
    size_t      pos;
    ngx_str_t   name;
    ngx_uint_t  found, before, after;

    pos = 0;
    found = 0;
    before = 0;
    after = 0;

    while (ngx_http_aigc_key_variable(key, &pos, &name)) {

        if (name.len == sizeof("aigc_instance") - 1
            && ngx_strncasecmp(name.data, (u_char *) "aigc_instance",
                               name.len)
               == 0)
        {
            found = 1;
            after = 0;
            continue;
        }

        if (ngx_http_aigc_key_fixed(&name)) {
            continue;
        }

        if (found) {
            after = 1;

        } else {
            before = 1;
        }
    }

    if (!found) {
        return NGX_HTTP_AIGC_KEY_WITHOUT;
    }

    return (before && after) ? NGX_HTTP_AIGC_KEY_AMBIGUOUS
                             : NGX_HTTP_AIGC_KEY_GOOD;
}


/* The next "$name" or "${name}" from *pos on, as nginx reads them; 0: none. */
static ngx_uint_t
ngx_http_aigc_key_variable(ngx_str_t *key, size_t *pos, ngx_str_t *name)
{
    u_char  c, *p, *last;

    last = key->data + key->len;
    p = ngx_strlchr(key->data + *pos, last, '$');

    if (p == NULL) {
        return 0;
    }

    p++;

    if (p < last && *p == '{') {
        p++;
    }

    name->data = p;

    for ( /* void */ ; p < last; p++) {
        c = *p;

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
              || (c >= '0' && c <= '9') || c == '_'))
        {
            break;
        }
    }

    name->len = p - name->data;
    *pos = p - key->data;

    return 1;
}


static ngx_uint_t
ngx_http_aigc_key_fixed(ngx_str_t *name)
{
    ngx_str_t  *fixed;

    for (fixed = ngx_http_aigc_key_fixed_names; fixed->len; fixed++) {

        if (name->len == fixed->len
            && ngx_strncasecmp(name->data, fixed->data, fixed->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_aigc_remembers(ngx_http_request_t *r)
{
    ngx_array_t  *keys;

    return r->upstream && ngx_aigc_remembered(r, &keys);
}


ngx_int_t
ngx_http_aigc_cache_check(ngx_http_request_t *r)
{
    ngx_array_t          *keys;
    ngx_http_aigc_ctx_t  *ctx;

    if (r->upstream == NULL || !ngx_aigc_remembered(r, &keys)) {
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (keys && ctx && ctx->decision == NGX_HTTP_AIGC_ALLOW
        && ctx->instance.len
        && ngx_http_aigc_key_names(keys, &ctx->instance))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  keys ? "aigc: a cache in front of instances would give one "
                         "user's answers to another: let its key be as "
                         "\"$aigc_instance $request_uri\", or remove it"
                       : "aigc: \"proxy_store\" (or another _store) in front "
                         "of instances would give one user's answers to "
                         "another: remove it");

    ngx_aigc_remember_not(r);           /* the refusal is not looked at */

    return NGX_DECLINED;
}


/* 1: the key has the whole "ns/name/id" in it, not that of a longer id */
static ngx_uint_t
ngx_http_aigc_key_names(ngx_array_t *keys, ngx_str_t *instance)
{
    u_char      *p, *last;
    ngx_str_t   *key;
    ngx_uint_t   i;

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {

        p = key[i].data;
        last = p + key[i].len;

        while ((size_t) (last - p) >= instance->len) {

            if (ngx_memcmp(p, instance->data, instance->len) == 0
                && (p + instance->len == last || p[instance->len] < '0'
                    || p[instance->len] > '9'))
            {
                return 1;
            }

            p++;
        }
    }

    return 0;
}
