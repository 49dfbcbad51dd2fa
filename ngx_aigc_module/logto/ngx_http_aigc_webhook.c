/*
 * logto/ngx_http_aigc_webhook.c — a signed message becomes a revocation.
 */

#include "ngx_http_aigc_webhook.h"
#include "ngx_aigc_logto.h"
#include "base/ngx_http_aigc_body.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_revocation.h"

#include "ngx_aigc_webhook.h"


static void ngx_http_aigc_webhook_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_aigc_webhook_take(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_aigc_webhook_unsigned(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_webhook_revoke(ngx_http_request_t *r,
    ngx_aigc_webhook_t *webhook);


ngx_int_t
ngx_http_aigc_webhook_handler(ngx_http_request_t *r)
{
    ngx_table_elt_t            *h;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (mcf->logto == NULL || mcf->logto->webhook_key.len == 0) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_FOUND,
                                     "There is no webhook here: aigc_logto "
                                     "has no webhook_key_file=.");
    }

    /* what is not even signed is not read */

    h = ngx_http_aigc_header(r, "logto-signature-sha-256");

    if (r->method == NGX_HTTP_POST
        && (h == NULL || h->value.len != NGX_AIGC_WEBHOOK_SIGNATURE))
    {
        return ngx_http_aigc_webhook_unsigned(r);
    }

    return ngx_http_aigc_body(r, NGX_AIGC_WEBHOOK_MAX,
                              ngx_http_aigc_webhook_body);
}


static void
ngx_http_aigc_webhook_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_http_finalize_request(r, ngx_http_aigc_webhook_take(r, body));
}


static ngx_int_t
ngx_http_aigc_webhook_take(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                   rc;
    ngx_table_elt_t            *h;
    ngx_aigc_webhook_t          webhook;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    h = ngx_http_aigc_header(r, "logto-signature-sha-256");

    rc = h ? ngx_aigc_webhook_check(body, &mcf->logto->webhook_key, &h->value)
           : NGX_DECLINED;

    if (rc == NGX_DECLINED) {
        return ngx_http_aigc_webhook_unsigned(r);
    }

    if (rc == NGX_OK) {
        rc = ngx_aigc_webhook_read(r->pool, body, &webhook);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_webhook_revoke(r, &webhook);
    }

    switch (rc) {

    case NGX_DONE:

        if (webhook.test) {
            return NGX_HTTP_NO_CONTENT;
        }

        /* fall through */

    case NGX_OK:
        return ngx_http_aigc_json(r, NGX_HTTP_OK, json_object());

    case NGX_DECLINED:
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_WEBHOOK, NULL);
    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_aigc_webhook_unsigned(ngx_http_request_t *r)
{
    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BAD_SIGNATURE, NULL);
}


/* The same message a second time changes nothing. */
static ngx_int_t
ngx_http_aigc_webhook_revoke(ngx_http_request_t *r,
    ngx_aigc_webhook_t *webhook)
{
    time_t                      now, time;
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    now = ngx_time();

    if (webhook->created > now + NGX_HTTP_AIGC_SKEW) {
        return NGX_DECLINED;
    }

    time = ngx_aigc_revocation_time(now, webhook->created);

    if (time + mcf->lifetime < now) {
        return NGX_DONE;                /* no session is that old */
    }

    rc = ngx_aigc_revocation_put(mcf->zone, &webhook->user, time,
                                 NGX_AIGC_REVOCATION_USER, ngx_cycle->log);

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "aigc: user \"%V\" is %V in Logto: sessions end, "
                      "instances are released", &webhook->user,
                      &webhook->event);
    }

    return (rc == NGX_ERROR) ? rc : NGX_OK;
}
