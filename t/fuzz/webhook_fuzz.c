/*
 * t/fuzz/webhook_fuzz.c — Logto's webhook.  The first line is a signature, the
 * rest the body, which is also signed here.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "logto/ngx_aigc_webhook.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>


static void webhook_signed(fuzz_t *f, ngx_str_t *body);


FUZZ(webhook)
{
    json_t              *root, *data;
    ngx_int_t            rc;
    ngx_str_t            signature, body, key, user;
    ngx_aigc_webhook_t   webhook;

    signature = fuzz_line(f);
    body = fuzz_rest(f);
    key = fuzz_text(f, "key");

    (void) ngx_aigc_webhook_check(&body, &key, &signature);

    webhook_signed(f, &body);

    rc = ngx_aigc_webhook_read(f->pool, &body, &webhook);
    must(rc == NGX_OK || rc == NGX_DONE || rc == NGX_DECLINED);

    if (rc != NGX_OK) {
        return;
    }

    must(webhook.user.len > 0 && webhook.user.len <= NGX_AIGC_SUB_MAX);
    must(fuzz_plain(&webhook.user));
    must(webhook.created >= 0 && !webhook.test);

    /* where jansson can read it, too, it says the same user */

    root = fuzz_json(f, &body, JSON_REJECT_DUPLICATES);
    data = json_object_get(root, "data");

    if (json_is_object(data)
        && body.len && memchr(body.data, '\\', body.len) == NULL)
    {
        user = ngx_aigc_json_text(data, "id");
        must(user.len == 0 || fuzz_eq(&user, &webhook.user));
    }
}


static void
webhook_signed(fuzz_t *f, ngx_str_t *body)
{
    u_char        digest[EVP_MAX_MD_SIZE];
    ngx_str_t     key, signature;
    unsigned int  len;

    key = fuzz_text(f, "key");

    must(HMAC(EVP_sha256(), key.data, key.len, body->data, body->len, digest,
              &len)
         != NULL);

    signature.len = 2 * len;
    signature.data = fuzz_alloc(f, signature.len);
    (void) ngx_hex_dump(signature.data, digest, len);

    must(ngx_aigc_webhook_check(body, &key, &signature) == NGX_OK);

    signature.data[body->len % signature.len] ^= 1;
    must(ngx_aigc_webhook_check(body, &key, &signature) == NGX_DECLINED);

    key.data[0] ^= 1;
    signature.data[body->len % signature.len] ^= 1;
    must(ngx_aigc_webhook_check(body, &key, &signature) == NGX_DECLINED);
}
