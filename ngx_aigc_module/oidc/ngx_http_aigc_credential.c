/*
 * oidc/ngx_http_aigc_credential.c — verifying a credential, and remembering it.
 */

#include "ngx_http_aigc_credential.h"
#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_memo.h"

#include "ngx_aigc_verify.h"

#include <openssl/sha.h>


static ngx_http_aigc_outcome_e ngx_http_aigc_revoked(
    ngx_http_aigc_main_conf_t *mcf, ngx_http_aigc_user_t *user);


ngx_int_t
ngx_http_aigc_digest(ngx_http_request_t *r, u_char purpose, ngx_str_t *text,
    u_char *digest)
{
    ngx_uint_t                  i;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (SHA256(text->data, text->len, digest) == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_AIGC_DIGEST_LEN; i++) {
        digest[i] ^= mcf->rules[i];
    }

    digest[NGX_AIGC_DIGEST_LEN - 1] ^= purpose;

    return NGX_OK;
}


ngx_http_aigc_outcome_e
ngx_http_aigc_known(ngx_http_request_t *r, u_char purpose, ngx_str_t *text,
    u_char *digest, ngx_http_aigc_user_t *user)
{
    ngx_int_t                   rc;
    ngx_aigc_token_t            found, *token, *known;
    ngx_atomic_uint_t           keys;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_issuer_keys(mcf->zone, &keys, r->connection->log) == NULL
        || !ngx_aigc_revocation_known(mcf->zone))
    {
        return NGX_HTTP_AIGC_ID_BUSY;
    }

    user->keys = keys;

    token = ngx_http_aigc_memo_find(mcf->memo, purpose, text);

    if (token && (token->keys != keys || token->exp <= ngx_time())) {
        ngx_http_aigc_memo_drop(mcf->memo, token);
        token = NULL;
    }

    if (token == NULL) {

        if (ngx_http_aigc_digest(r, purpose, text, digest) != NGX_OK) {
            return NGX_HTTP_AIGC_ID_FAILED;
        }

        rc = ngx_aigc_token_find(mcf->zone, digest, keys, ngx_time(), &found);

        if (rc != NGX_OK) {
            ngx_aigc_count(mcf->zone, token_misses);
            user->genuine = (rc == NGX_DONE);
            return NGX_HTTP_AIGC_ID_NONE;
        }

        ngx_aigc_count(mcf->zone, token_hits);

    } else {
        ngx_aigc_count(mcf->zone, token_memo);
    }

    known = token ? token : &found;

    if (known->revocations != ngx_aigc_revocation_version(mcf->zone)) {

        if (ngx_aigc_revocation_check(mcf->zone, &known->subject,
                                      &known->revocations)
            != NGX_OK)
        {
            user->subject = known->subject;

            if (token) {
                ngx_http_aigc_memo_drop(mcf->memo, token);
            }

            return ngx_http_aigc_revoked(mcf, user);
        }

        if (token == NULL) {
            ngx_aigc_token_put(mcf->zone, digest, &found);
        }
    }

    if (token == NULL) {
        ngx_http_aigc_memo_put(mcf->memo, purpose, text, &found);
    }

    user->subject = known->subject;

    user->sub.data = ngx_pnalloc(r->pool, known->sub.len);
    if (user->sub.data == NULL) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    user->sub.len = known->sub.len;
    ngx_memcpy(user->sub.data, known->sub.data, known->sub.len);

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


ngx_http_aigc_outcome_e
ngx_http_aigc_unrevoked(ngx_http_request_t *r, ngx_str_t *sid, time_t start,
    ngx_str_t *login, ngx_str_t *sub, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_subject(sid, login, sub, start, &user->subject) != NGX_OK)
    {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    if (ngx_aigc_revocation_check(mcf->zone, &user->subject, &user->revocations)
        != NGX_OK)
    {
        return ngx_http_aigc_revoked(mcf, user);
    }

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


ngx_int_t
ngx_http_aigc_session_key(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    u_char     *p, text[NGX_AIGC_SID_MAX + 1 + NGX_TIME_T_LEN];
    ngx_str_t   name, *sid;

    sid = &user->session.sid;

    if (sid->len > NGX_AIGC_SID_MAX) {
        return NGX_DECLINED;
    }

    p = ngx_cpymem(text, sid->data, sid->len);
    p = ngx_sprintf(p, "\n%T", user->session.start);

    name.data = text;
    name.len = p - text;

    return ngx_http_aigc_digest(r, 'n', &name, user->key);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_revoked(ngx_http_aigc_main_conf_t *mcf,
    ngx_http_aigc_user_t *user)
{
    return ngx_aigc_revocation_user_gone(mcf->zone, &user->subject) == NGX_OK
           ? NGX_HTTP_AIGC_ID_GONE : NGX_HTTP_AIGC_ID_REVOKED;
}


void
ngx_http_aigc_remember(ngx_http_request_t *r, u_char *digest, time_t exp,
    ngx_str_t *sub, ngx_http_aigc_user_t *user)
{
    ngx_aigc_token_t            token;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    token.keys = user->keys;
    token.revocations = user->revocations;
    token.subject = user->subject;
    token.exp = exp;
    ngx_aigc_fixed_set(&token.sub, sub);

    ngx_aigc_token_put(mcf->zone, digest, &token);
}


ngx_aigc_jwt_verdict_e
ngx_http_aigc_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_str_t *audience, ngx_aigc_jwt_t *jwt, ngx_uint_t *busy)
{
    ngx_aigc_verify_t           verify;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    verify.issuer = &mcf->provider->issuer;
    verify.audience = audience;
    verify.party = (audience == &mcf->provider->client_id) ? audience : NULL;
    verify.claims = mcf->provider->claims;
    verify.skew = NGX_HTTP_AIGC_SKEW;

    return ngx_aigc_verify(mcf->zone, r->pool, &verify, token, jwt, busy);
}
