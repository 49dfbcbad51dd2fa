/*
 * http/ngx_http_aigc_bearer.c — who a bearer token is of.
 */

#include "ngx_http_aigc_credential.h"
#include "ngx_http_aigc_headers.h"


#define NGX_HTTP_AIGC_FORGED   200      /* forged tokens a second and worker that
                                           are worth a signature check: 0.1 s */


static ngx_int_t ngx_http_aigc_bearer(ngx_http_request_t *r,
    ngx_str_t *token);


ngx_int_t
ngx_http_aigc_identify_bearer(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    u_char                      digest[NGX_AIGC_DIGEST_LEN];
    ngx_int_t                   rc;
    ngx_str_t                   token, none;
    ngx_uint_t                  busy;
    ngx_aigc_jwt_t              jwt;
    ngx_aigc_jwt_verdict_e      verdict;
    ngx_http_aigc_main_conf_t  *mcf;

    static time_t               second;
    static ngx_uint_t           forged;     /* in that second, this process */

    rc = ngx_http_aigc_bearer(r, &token);
    if (rc != NGX_OK) {
        return rc;
    }

    who->bearer = 1;
    who->token = token;

    who->revoked = 0;

    rc = ngx_http_aigc_known(r, 'b', &token, digest, who);

    if (rc == NGX_OK || rc == NGX_ERROR) {
        return rc;
    }

    if (who->revoked || who->busy) {
        who->bearer = 0;
        return NGX_DECLINED;
    }

    if (second != ngx_time()) {
        second = ngx_time();
        forged = 0;
    }

    if (forged >= NGX_HTTP_AIGC_FORGED) {
        /* a flood: what is known still passes, what is new waits */

        who->busy = 1;
        who->bearer = 0;
        return NGX_DECLINED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    verdict = ngx_http_aigc_verify(r, &token,
                                   mcf->logto->audience.len
                                   ? &mcf->logto->audience
                                   : &mcf->logto->app_id,
                                   &jwt, &busy);

    if (verdict != NGX_AIGC_JWT_OK) {
        forged += (verdict == NGX_AIGC_JWT_BAD_SIGNATURE);
        who->busy = busy;
        who->bearer = 0;
        return NGX_DECLINED;
    }

    ngx_str_null(&none);

    rc = ngx_http_aigc_unrevoked(r, &none, jwt.iat, &jwt, who);

    if (rc != NGX_OK) {
        who->bearer = 0;
        return rc;
    }

    who->sub = jwt.sub;

    ngx_http_aigc_remember(r, digest, jwt.exp, &jwt.sub, who);

    return NGX_OK;
}


/* Exactly one Authorization header with a bearer token (RFC 6750 2.1). */
static ngx_int_t
ngx_http_aigc_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    h = ngx_http_aigc_header_next(r, "authorization", &state);

    if (h == NULL || ngx_http_aigc_header_next(r, "authorization", &state)
        || h->value.len <= 7
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer ", 7) != 0)
    {
        return NGX_DECLINED;
    }

    token->data = h->value.data + 7;
    token->len = h->value.len - 7;

    while (token->len && token->data[0] == ' ') {
        token->data++;
        token->len--;
    }

    return (token->len && token->len <= NGX_AIGC_JWT_MAX) ? NGX_OK
                                                          : NGX_DECLINED;
}
