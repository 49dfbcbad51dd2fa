/*
 * oidc/ngx_http_aigc_bearer.c — who a bearer token is of.
 */

#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_credential.h"
#include "ngx_http_aigc_signature_limit.h"
#include "base/ngx_http_aigc_headers.h"


#define NGX_HTTP_AIGC_BEARER_PAUSE  5   /* ms for each wrong signature: 200 a
                                           second and worker are verified */


static ngx_http_aigc_outcome_e ngx_http_aigc_bearer_allowed(
    ngx_http_request_t *r, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_http_aigc_bearer(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_uint_t ngx_http_aigc_bearer_syntax(ngx_str_t *token);


ngx_http_aigc_outcome_e
ngx_http_aigc_identify_bearer(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    u_char                      digest[NGX_AIGC_DIGEST_LEN];
    ngx_str_t                   none, *token;
    ngx_uint_t                  busy;
    ngx_aigc_jwt_t              jwt;
    ngx_aigc_jwt_verdict_e      verdict;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_http_aigc_signature_limit_t  limit = {
        NGX_HTTP_AIGC_BEARER_PAUSE, 0, { 0 }
    };

    user->credential = NGX_HTTP_AIGC_NO_CREDENTIAL;
    token = &user->token;

    if (ngx_http_aigc_bearer(r, token) != NGX_OK) {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    user->credential = NGX_HTTP_AIGC_BEARER;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (token->len == 0 || token->len > NGX_AIGC_JWT_MAX) {
        verdict = NGX_AIGC_JWT_MALFORMED;
        busy = 0;

    } else {
        outcome = ngx_http_aigc_known(r, 'b', token, digest, user);

        if (outcome != NGX_HTTP_AIGC_ID_NONE) {
            return outcome;
        }

        if (ngx_http_aigc_signature_limit_check(&limit, r) != NGX_OK) {
            /* a flood: what is known still passes, what is new waits */

            return NGX_HTTP_AIGC_ID_BUSY;
        }

        verdict = ngx_http_aigc_verify(r, token,
                                       mcf->provider->audience.len
                                       ? &mcf->provider->audience
                                       : &mcf->provider->client_id,
                                       &jwt, &busy);
    }

    if (verdict != NGX_AIGC_JWT_OK) {
        if (verdict == NGX_AIGC_JWT_BAD_SIGNATURE) {
            ngx_http_aigc_signature_limit_count(&limit, r);
        }

        user->why = (char *) ngx_aigc_jwt_verdict_text(verdict)->data;

        return busy ? NGX_HTTP_AIGC_ID_BUSY
               : ngx_http_aigc_bearer_syntax(token)
                 ? NGX_HTTP_AIGC_ID_INVALID : NGX_HTTP_AIGC_ID_MALFORMED;
    }

    outcome = ngx_http_aigc_bearer_allowed(r, &jwt);

    if (outcome == NGX_HTTP_AIGC_ID_SIGNED_IN) {
        ngx_str_null(&none);

        outcome = ngx_http_aigc_unrevoked(r, &none, jwt.iat, &jwt.sid, &jwt.sub,
                                          user);
    }

    if (outcome == NGX_HTTP_AIGC_ID_SIGNED_IN) {
        user->sub = jwt.sub;

        ngx_http_aigc_remember(r, digest, jwt.exp, &jwt.sub, user);
    }

    return outcome;
}


/*
 * The provider gives any of its applications a token for any API resource; what
 * that is worth here its scope says, which a role grants.
 */
static ngx_http_aigc_outcome_e
ngx_http_aigc_bearer_allowed(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (mcf->provider->audience.len == 0) {
        return NGX_HTTP_AIGC_ID_SIGNED_IN;
    }

    if (mcf->provider->scope.len
        && ngx_aigc_jwt_has_scope(jwt, &mcf->provider->scope) != NGX_OK)
    {
        return NGX_HTTP_AIGC_ID_UNSCOPED;
    }

    return (ngx_aigc_jwt_is_machine(jwt) == NGX_OK)
           ? NGX_HTTP_AIGC_ID_MACHINE : NGX_HTTP_AIGC_ID_SIGNED_IN;
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

    return NGX_OK;
}


/*
 * RFC 6750 2.1:
 * b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
 */
static ngx_uint_t
ngx_http_aigc_bearer_syntax(ngx_str_t *token)
{
    u_char  c;
    size_t  i;

    static const uint32_t  b64token[] = {
        0x00000000,

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
        0x03ffe800, /* 0000 0011 1111 1111  1110 1000 0000 0000 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
        0x87fffffe, /* 1000 0111 1111 1111  1111 1111 1111 1110 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
        0x47fffffe, /* 0100 0111 1111 1111  1111 1111 1111 1110 */

        0x00000000, 0x00000000, 0x00000000, 0x00000000
    };

    for (i = 0; i < token->len; i++) {
        c = token->data[i];

        if (!(b64token[c >> 5] & (1u << (c & 0x1f)))) {
            break;
        }
    }

    if (i == 0) {
        return 0;
    }

    while (i < token->len && token->data[i] == '=') {
        i++;
    }

    return i == token->len;
}
