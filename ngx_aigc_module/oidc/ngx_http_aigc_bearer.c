/*
 * oidc/ngx_http_aigc_bearer.c — who a bearer token is of.
 */

#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_credential.h"
#include "ngx_http_aigc_forged.h"
#include "base/ngx_http_aigc_challenge.h"
#include "base/ngx_http_aigc_headers.h"


#define NGX_HTTP_AIGC_FORGED   5        /* ms for each forged token: 200 a second
                                           and worker are looked at */


static ngx_int_t ngx_http_aigc_bearer_allowed(ngx_http_request_t *r,
    ngx_aigc_jwt_t *jwt, ngx_http_aigc_who_t *who);
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

    static ngx_http_aigc_forged_t  forged = { NGX_HTTP_AIGC_FORGED, 0, { 0 } };

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
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INVALID_TOKEN,
                                     "token revoked");
        return NGX_DECLINED;
    }

    if (ngx_http_aigc_forged_check(&forged, r) != NGX_OK) {
        /* a flood: what is known still passes, what is new waits */

        who->busy = 1;
        who->bearer = 0;
        return NGX_DECLINED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    verdict = ngx_http_aigc_verify(r, &token,
                                   mcf->provider->audience.len
                                   ? &mcf->provider->audience
                                   : &mcf->provider->client_id,
                                   &jwt, &busy);

    if (verdict != NGX_AIGC_JWT_OK) {
        if (verdict == NGX_AIGC_JWT_BAD_SIGNATURE) {
            ngx_http_aigc_forged_count(&forged, r);
        }

        who->busy = busy;
        who->bearer = 0;
        ngx_http_aigc_challenge_token(r, &token,
                            (char *) ngx_aigc_jwt_verdict_text(verdict)->data);
        return NGX_DECLINED;
    }

    if (mcf->provider->audience.len
        && ngx_http_aigc_bearer_allowed(r, &jwt, who) != NGX_OK)
    {
        who->bearer = 0;
        return NGX_DECLINED;
    }

    ngx_str_null(&none);

    rc = ngx_http_aigc_unrevoked(r, &none, jwt.iat, &jwt, who);

    if (rc != NGX_OK) {
        who->bearer = 0;
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INVALID_TOKEN,
                                     "token revoked");
        return rc;
    }

    who->sub = jwt.sub;

    ngx_http_aigc_remember(r, digest, jwt.exp, &jwt.sub, who);

    return NGX_OK;
}


/*
 * The provider gives any of its applications a token for any API resource; what
 * that is worth here its scope says, which a role grants.
 */
static ngx_int_t
ngx_http_aigc_bearer_allowed(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt,
    ngx_http_aigc_who_t *who)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (mcf->provider->scope.len
        && ngx_aigc_jwt_has_scope(jwt, &mcf->provider->scope) != NGX_OK)
    {
        who->unscoped = 1;
        ngx_http_aigc_challenge_scope(r, &mcf->provider->scope);
        return NGX_DECLINED;
    }

    if (ngx_aigc_jwt_is_machine(jwt) == NGX_OK) {
        who->machine = 1;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Exactly one Authorization header with a bearer token (RFC 6750 2.1). */
static ngx_int_t
ngx_http_aigc_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_table_elt_t  *h;

    h = ngx_http_aigc_header_once(r, "authorization");

    if (h == NULL
        || h->value.len < 6
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer", 6) != 0
        || (h->value.len > 6 && h->value.data[6] != ' '))
    {
        return NGX_DECLINED;
    }

    token->data = h->value.data + 6;
    token->len = h->value.len - 6;

    while (token->len && token->data[0] == ' ') {
        token->data++;
        token->len--;
    }

    if (token->len == 0 || token->len > NGX_AIGC_JWT_MAX) {
        ngx_http_aigc_challenge_token(r, token,
             (char *) ngx_aigc_jwt_verdict_text(NGX_AIGC_JWT_MALFORMED)->data);
        return NGX_DECLINED;
    }

    return NGX_OK;
}
