/*
 * logto/ngx_aigc_webhook.c — signature and body of a webhook.
 */

#include "ngx_aigc_webhook.h"
#include "base/ngx_aigc_scan.h"
#include "base/ngx_aigc_text.h"
#include "oidc/ngx_aigc_jwt.h"
#include "instances/ngx_aigc_claim.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


static ngx_int_t ngx_aigc_webhook_user(ngx_pool_t *pool, ngx_str_t *path,
    ngx_str_t *user, ngx_aigc_webhook_t *webhook, ngx_str_t *suspended);


ngx_int_t
ngx_aigc_webhook_check(ngx_str_t *body, ngx_str_t *key, ngx_str_t *signature)
{
    u_char        digest[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned int  len;

    if (signature->len != NGX_AIGC_WEBHOOK_SIGNATURE) {
        return NGX_DECLINED;
    }

    if (HMAC(EVP_sha256(), key->data, (int) key->len, body->data, body->len,
             digest, &len)
        == NULL)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(text, digest, len);

    if (CRYPTO_memcmp(text, signature->data, NGX_AIGC_WEBHOOK_SIGNATURE)
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
    ngx_int_t  rc;
    ngx_str_t  event, created, suspended;

    ngx_aigc_scan_t  root[] = {
        { "event", ngx_null_string }, { "createdAt", ngx_null_string },
        { "params", ngx_null_string }, { "data", ngx_null_string }
    };

    ngx_memzero(webhook, sizeof(ngx_aigc_webhook_t));

    /* what the user wrote is in it, customData: it is looked over only */

    if (ngx_aigc_scan(body, root, 4) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_scan_string(pool, &root[0].value, NGX_AIGC_WEBHOOK_WORD,
                             &event)
        != NGX_OK
        || ngx_aigc_scan_string(pool, &root[1].value, NGX_AIGC_WEBHOOK_WORD,
                                &created)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (event.len == 0) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_text_is(&event, "User.Deleted")) {
        ngx_str_set(&webhook->event, "deleted");

    } else if (ngx_aigc_text_is(&event, "User.SuspensionStatus.Updated")) {
        ngx_str_set(&webhook->event, "suspended");

    } else {
        return NGX_DONE;
    }

    rc = ngx_aigc_webhook_user(pool, &root[2].value, &root[3].value, webhook,
                               &suspended);

    if (rc != NGX_OK || webhook->test) {
        return (rc == NGX_OK) ? NGX_DONE : rc;
    }

    if (webhook->event.data[0] == 's') {

        /* allowed again: signing in again is later than the revocation */

        if (ngx_aigc_text_is(&suspended, "false")) {
            return NGX_DONE;
        }

        if (!ngx_aigc_text_is(&suspended, "true")) {
            return NGX_DECLINED;
        }
    }

    webhook->created = ngx_aigc_time_read(&created);

    return (webhook->created == -1
            || ngx_aigc_text_check(&webhook->user, NGX_AIGC_SUB_MAX) != NGX_OK)
           ? NGX_DECLINED : NGX_OK;
}


/*
 * By the path's parameter and by the user's data; at least one, and the same.
 * Logto's Console tries a webhook with neither, and data that says "success".
 */
static ngx_int_t
ngx_aigc_webhook_user(ngx_pool_t *pool, ngx_str_t *path, ngx_str_t *user,
    ngx_aigc_webhook_t *webhook, ngx_str_t *suspended)
{
    ngx_str_t  param, id, result;

    ngx_aigc_scan_t  params[] = { { "userId", ngx_null_string } };
    ngx_aigc_scan_t  data[] = {
        { "id", ngx_null_string }, { "isSuspended", ngx_null_string },
        { "result", ngx_null_string }
    };

    /* either may be null, or not there */

    if ((ngx_aigc_scan(path, params, 1) != NGX_OK && params[0].value.len)
        || (ngx_aigc_scan(user, data, 3) != NGX_OK && data[0].value.len))
    {
        return NGX_DECLINED;
    }

    *suspended = data[1].value;

    if (ngx_aigc_scan_string(pool, &params[0].value, NGX_AIGC_WEBHOOK_WORD,
                             &param)
        != NGX_OK
        || ngx_aigc_scan_string(pool, &data[0].value, NGX_AIGC_WEBHOOK_WORD,
                                &id)
           != NGX_OK
        || ngx_aigc_scan_string(pool, &data[2].value, NGX_AIGC_WEBHOOK_WORD,
                                &result)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (param.len && id.len && !ngx_aigc_text_eq(&param, &id)) {
        return NGX_DECLINED;
    }

    webhook->test = (params[0].value.len == 0 && data[0].value.len == 0
                     && ngx_aigc_text_is(&result, "success"));
    webhook->user = param.len ? param : id;

    return NGX_OK;
}
