/*
 * core/ngx_aigc_webhook.c — signature and body of a webhook.
 */

#include "ngx_aigc_webhook.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_jwt.h"
#include "ngx_aigc_text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


static ngx_int_t ngx_aigc_webhook_user(ngx_pool_t *pool, json_t *root,
    ngx_str_t *user);
static ngx_uint_t ngx_aigc_webhook_is(ngx_str_t *text, const char *word);


ngx_int_t
ngx_aigc_webhook_check(ngx_str_t *body, ngx_str_t *key, ngx_str_t *signature)
{
    u_char        digest[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned int  len;

    if (HMAC(EVP_sha256(), key->data, (int) key->len, body->data, body->len,
             digest, &len)
        == NULL)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(text, digest, len);

    if (signature->len != NGX_AIGC_WEBHOOK_SIGNATURE
        || CRYPTO_memcmp(text, signature->data, NGX_AIGC_WEBHOOK_SIGNATURE)
           != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_webhook_read(ngx_pool_t *pool, ngx_str_t *body,
    ngx_aigc_webhook_t *webhook)
{
    json_t     *root, *data;
    ngx_int_t   rc;
    ngx_str_t   event, created;

    root = json_loadb((char *) body->data, body->len, JSON_REJECT_DUPLICATES,
                      NULL);

    event = ngx_aigc_json_text(root, "event");
    created = ngx_aigc_json_text(root, "createdAt");
    data = json_object_get(root, "data");

    rc = event.len ? NGX_DONE : NGX_DECLINED;

    if (ngx_aigc_webhook_is(&event, "User.Deleted")) {
        ngx_str_set(&webhook->event, "deleted");
        rc = NGX_OK;

    } else if (ngx_aigc_webhook_is(&event, "User.SuspensionStatus.Updated")) {
        ngx_str_set(&webhook->event, "suspended");

        /* allowed again: signing in again is later than the revocation */

        rc = json_is_true(json_object_get(data, "isSuspended"))  ? NGX_OK
             : json_is_false(json_object_get(data, "isSuspended")) ? NGX_DONE
                                                                 : NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        webhook->created = ngx_aigc_time_read(&created);

        rc = (webhook->created == -1)
             ? NGX_DECLINED
             : ngx_aigc_webhook_user(pool, root, &webhook->user);
    }

    json_decref(root);

    return rc;
}


/* By the path's parameter and by the user's data; at least one, and the same. */
static ngx_int_t
ngx_aigc_webhook_user(ngx_pool_t *pool, json_t *root, ngx_str_t *user)
{
    ngx_str_t  param, id;

    param = ngx_aigc_json_text(json_object_get(root, "params"), "userId");
    id = ngx_aigc_json_text(json_object_get(root, "data"), "id");

    if (param.len && id.len
        && (param.len != id.len
            || ngx_memcmp(param.data, id.data, id.len) != 0))
    {
        return NGX_DECLINED;
    }

    if (param.len == 0) {
        param = id;
    }

    if (ngx_aigc_text_check(&param, NGX_AIGC_SUB_MAX) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_aigc_text_copy(pool, &param, NGX_AIGC_SUB_MAX, user);
}


static ngx_uint_t
ngx_aigc_webhook_is(ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_memcmp(text->data, word, text->len) == 0;
}
