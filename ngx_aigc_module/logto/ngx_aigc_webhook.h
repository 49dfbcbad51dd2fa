/*
 * logto/ngx_aigc_webhook.h — what Logto's webhook says of a user (pure; no
 * request, no I/O).
 */

#ifndef _NGX_AIGC_WEBHOOK_H_INCLUDED_
#define _NGX_AIGC_WEBHOOK_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "base/ngx_aigc_bounds.h"


typedef struct {
    ngx_str_t     event;                /* borrowed words, for the log */
    ngx_str_t     user;                 /* sub, from pool */
    time_t        created;              /* s, by Logto's clock */
    ngx_uint_t    test;                 /* Logto's Console tries the webhook */
} ngx_aigc_webhook_t;


/*
 * Is signature the bare hexadecimal HMAC-SHA256 of body under key?  Compared in
 * constant time.  NGX_OK; NGX_DECLINED; NGX_ERROR (openssl).
 */
ngx_int_t ngx_aigc_webhook_check(ngx_str_t *body, ngx_str_t *key,
    ngx_str_t *signature);

/*
 * body's signature has been checked.  NGX_OK: user is deleted or suspended;
 * NGX_DONE: an event that ends nothing, or a test; NGX_DECLINED: it makes no
 * sense; NGX_ERROR: no memory.  Only what is needed is read: nothing that a
 * user can write into the rest makes a difference.
 */
ngx_int_t ngx_aigc_webhook_read(ngx_pool_t *pool, ngx_str_t *body,
    ngx_aigc_webhook_t *webhook);


#endif /* _NGX_AIGC_WEBHOOK_H_INCLUDED_ */
