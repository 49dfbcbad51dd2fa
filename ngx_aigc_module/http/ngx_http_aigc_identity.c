/*
 * http/ngx_http_aigc_identity.c — session cookies and bearer tokens.
 */

#include "ngx_http_aigc_identity.h"
#include "ngx_http_aigc_challenge.h"
#include "ngx_http_aigc_forged.h"
#include "ngx_http_aigc_headers.h"

#include "core/ngx_aigc_cookie.h"
#include "zone/ngx_aigc_verify.h"

#include <openssl/sha.h>


#define NGX_HTTP_AIGC_COOKIES  8        /* session cookies that are looked at */
#define NGX_HTTP_AIGC_FORGED   5        /* ms for each forged token: 200 a second
                                           and worker are looked at */


static ngx_uint_t ngx_http_aigc_session_cookies(ngx_http_request_t *r,
    ngx_str_t *values);
static ngx_int_t ngx_http_aigc_bearer(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_http_aigc_known(ngx_http_request_t *r, u_char purpose,
    ngx_str_t *text, u_char *digest, ngx_http_aigc_who_t *who);
static ngx_int_t ngx_http_aigc_unrevoked(ngx_http_request_t *r,
    ngx_str_t *sid, time_t start, ngx_aigc_jwt_t *jwt,
    ngx_http_aigc_who_t *who);
static void ngx_http_aigc_remember(ngx_http_request_t *r, u_char *digest,
    time_t exp, ngx_str_t *sub, ngx_http_aigc_who_t *who);
static ngx_int_t ngx_http_aigc_digest(ngx_http_request_t *r, u_char purpose,
    ngx_str_t *text, u_char *digest);
static ngx_int_t ngx_http_aigc_session_verify(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who, u_char *digest, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_http_aigc_session_key(ngx_http_request_t *r,
    ngx_aigc_session_t *session, u_char *key);
static ngx_int_t ngx_http_aigc_bound_cookie(ngx_http_request_t *r,
    ngx_aigc_session_t *session);


ngx_int_t
ngx_http_aigc_identity_init(ngx_pool_t *pool, ngx_http_aigc_main_conf_t *mcf)
{
    u_char  *p, *start;
    size_t   len;

    len = mcf->logto->issuer.len + mcf->logto->app_id.len
          + mcf->logto->audience.len + NGX_TIME_T_LEN + 4
          + mcf->keys->n * NGX_AIGC_SEAL_HINT_LEN;

    start = ngx_pnalloc(pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(start, "%V\n%V\n%V\n%T\n", &mcf->logto->issuer,
                    &mcf->logto->app_id, &mcf->logto->audience,
                    mcf->lifetime);
    p = ngx_cpymem(p, mcf->keys->hint,
                   mcf->keys->n * NGX_AIGC_SEAL_HINT_LEN);

    return SHA256(start, p - start, mcf->rules) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_aigc_identify(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_int_t             rc;
    ngx_str_t             values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t            n;
    ngx_http_aigc_ctx_t  *ctx;

    ngx_memzero(who, sizeof(ngx_http_aigc_who_t));

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->stripped) {
        /* error_page or try_files: let in before, nothing left to show */

        who->sub = ctx->user;
        return NGX_OK;
    }

    n = ngx_http_aigc_session_cookies(r, values);

    if (n > 1) {
        who->ambiguous = 1;
        return NGX_DECLINED;
    }

    if (n == 1) {
        rc = ngx_http_aigc_identify_cookie(r, &values[0], who);

        if (rc != NGX_DECLINED || who->busy || who->expired) {
            return rc;
        }

        ngx_str_null(&who->session.sid);
        who->revoked = 0;
    }

    return ngx_http_aigc_identify_bearer(r, who);
}


ngx_int_t
ngx_http_aigc_identify_bound(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_int_t                   rc;
    ngx_str_t                   values[NGX_HTTP_AIGC_COOKIES];
    ngx_uint_t                  i, n;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(who, sizeof(ngx_http_aigc_who_t));

    n = ngx_http_aigc_session_cookies(r, values);

    for (i = 0; i < n; i++) {

        rc = ngx_aigc_session_open(r->pool, mcf->keys, &values[i], &session);

        if (rc == NGX_ERROR) {
            return rc;
        }

        if (rc != NGX_OK || ngx_http_aigc_bound_cookie(r, &session) != NGX_OK)
        {
            continue;
        }

        rc = ngx_http_aigc_identify_cookie(r, &values[i], who);

        who->session = session;
        who->token = session.id_token;

        return rc;
    }

    return ngx_http_aigc_identify_bearer(r, who);
}


/* Up to NGX_HTTP_AIGC_COOKIES values; more count as that many. */
static ngx_uint_t
ngx_http_aigc_session_cookies(ngx_http_request_t *r, ngx_str_t *values)
{
    size_t                      pos;
    ngx_str_t                   name, value;
    ngx_uint_t                  n;
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));
    n = 0;

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {

        pos = 0;

        while (ngx_aigc_cookie_next(&h->value, &pos, &name, &value)
               == NGX_OK)
        {
            if (name.len == mcf->cookie.len && n < NGX_HTTP_AIGC_COOKIES
                && ngx_memcmp(name.data, mcf->cookie.data, name.len) == 0)
            {
                values[n++] = value;
            }
        }
    }

    return n;
}


ngx_int_t
ngx_http_aigc_identify_cookie(ngx_http_request_t *r, ngx_str_t *value,
    ngx_http_aigc_who_t *who)
{
    u_char                      digest[NGX_AIGC_DIGEST_LEN];
    time_t                      exp;
    ngx_int_t                   rc;
    ngx_aigc_jwt_t              jwt;
    ngx_http_aigc_main_conf_t  *mcf;

    who->expired = 0;
    who->genuine = 0;
    who->revoked = 0;

    if (value->len == 0 || value->len > NGX_AIGC_SESSION_COOKIE_MAX) {
        return NGX_DECLINED;
    }

    who->cookie = 1;

    rc = ngx_http_aigc_known(r, 's', value, digest, who);

    if (rc == NGX_OK || rc == NGX_ERROR) {
        return rc;
    }

    who->genuine = (rc == NGX_DONE);
    rc = NGX_DECLINED;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (!who->revoked && !who->busy) {
        rc = ngx_aigc_session_open(r->pool, mcf->keys, value, &who->session);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_aigc_session_verify(r, who, digest, &jwt);
    }

    if (rc != NGX_OK) {
        who->cookie = 0;
        return rc;
    }

    who->sub = jwt.sub;

    exp = ngx_min(jwt.exp + NGX_HTTP_AIGC_SKEW,
                  who->session.start + mcf->lifetime);

    ngx_http_aigc_remember(r, digest, exp, &jwt.sub, who);

    /* the newest session of this sign-in that has been here */

    ngx_http_aigc_remember(r, who->key, exp, &jwt.sub, who);

    return NGX_OK;
}


/* The session's age and its ID token; digest is its cookie's. */
static ngx_int_t
ngx_http_aigc_session_verify(ngx_http_request_t *r, ngx_http_aigc_who_t *who,
    u_char *digest, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t                   rc;
    ngx_uint_t                  busy;
    ngx_aigc_jwt_verdict_e      verdict, signature;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (who->session.start + mcf->lifetime <= ngx_time()
        || ngx_http_aigc_session_key(r, &who->session, who->key) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    verdict = ngx_http_aigc_verify(r, &who->session.id_token,
                                   &mcf->logto->app_id, jwt, &busy);

    /* what is revoked is not renewed either */

    rc = ngx_http_aigc_unrevoked(r, &who->session.sid, who->session.start,
                                 jwt, who);
    if (rc != NGX_OK) {
        return rc;
    }

    if (verdict == NGX_AIGC_JWT_EXPIRED && !who->genuine) {

        /* the seal alone proves nothing; once proven, it is remembered */

        signature = ngx_aigc_verify_signature(mcf->zone, jwt, &busy);

        if (signature == NGX_AIGC_JWT_OK) {
            who->genuine = 1;
            ngx_http_aigc_remember(r, digest, jwt->exp, &jwt->sub, who);

        } else if (signature != NGX_AIGC_JWT_UNKNOWN_KEY) {
            verdict = signature;
        }
    }

    if (verdict == NGX_AIGC_JWT_OK) {
        return NGX_OK;
    }

    who->busy = busy;

    /* a token whose key has gone is as good as an expired one */

    if (!busy && who->session.refresh_token.len
        && (verdict == NGX_AIGC_JWT_EXPIRED
            || verdict == NGX_AIGC_JWT_UNKNOWN_KEY))
    {
        who->expired = 1;
        who->exp = jwt->exp;
        who->holder = jwt->sub;
    }

    return NGX_DECLINED;
}


/* What stays the same when its tokens are renewed: sid and start. */
static ngx_int_t
ngx_http_aigc_session_key(ngx_http_request_t *r, ngx_aigc_session_t *session,
    u_char *key)
{
    u_char     *p, text[NGX_AIGC_SID_MAX + 1 + NGX_TIME_T_LEN];
    ngx_str_t   name;

    if (session->sid.len > NGX_AIGC_SID_MAX) {
        return NGX_DECLINED;
    }

    p = ngx_cpymem(text, session->sid.data, session->sid.len);
    p = ngx_sprintf(p, "\n%T", session->start);

    name.data = text;
    name.len = p - text;

    return ngx_http_aigc_digest(r, 'n', &name, key);
}


ngx_int_t
ngx_http_aigc_identify_newer(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_aigc_token_t            token;
    ngx_atomic_uint_t           keys;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_issuer_keys(mcf->zone, &keys, r->connection->log) == NULL
        || !who->genuine
        || ngx_aigc_token_find(mcf->zone, who->key, keys, ngx_time(), &token)
           != NGX_OK
        || !ngx_aigc_fixed_eq(&token.sub, &who->holder))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


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
                                   mcf->logto->audience.len
                                   ? &mcf->logto->audience
                                   : &mcf->logto->app_id,
                                   &jwt, &busy);

    if (verdict != NGX_AIGC_JWT_OK) {
        if (verdict == NGX_AIGC_JWT_BAD_SIGNATURE) {
            ngx_http_aigc_forged_count(&forged, r);
        }

        who->busy = busy;
        who->bearer = 0;
        ngx_http_aigc_challenge_token(r, &token, verdict);
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


/* Exactly one Authorization header with a bearer token (RFC 6750 2.1). */
static ngx_int_t
ngx_http_aigc_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    h = ngx_http_aigc_header_next(r, "authorization", &state);

    if (h == NULL || ngx_http_aigc_header_next(r, "authorization", &state)
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
        ngx_http_aigc_challenge_token(r, token, NGX_AIGC_JWT_MALFORMED);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* What the zone knows a text by; purpose keeps cookies and tokens apart. */
static ngx_int_t
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


/* Looks a credential up, see ngx_aigc_token_find(); fills digest. */
static ngx_int_t
ngx_http_aigc_known(ngx_http_request_t *r, u_char purpose, ngx_str_t *text,
    u_char *digest, ngx_http_aigc_who_t *who)
{
    ngx_int_t                   rc;
    ngx_aigc_token_t            token;
    ngx_atomic_uint_t           keys;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_digest(r, purpose, text, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_aigc_issuer_keys(mcf->zone, &keys, r->connection->log) == NULL
        || !ngx_aigc_revocation_known(mcf->zone))
    {
        who->busy = 1;
        return NGX_DECLINED;
    }

    rc = ngx_aigc_token_find(mcf->zone, digest, keys, ngx_time(), &token);

    if (rc != NGX_OK) {
        ngx_aigc_count(mcf->zone, token_misses);
        return rc;
    }

    ngx_aigc_count(mcf->zone, token_hits);

    if (token.revocations != ngx_aigc_revocation_version(mcf->zone)) {

        if (ngx_aigc_revocation_check(mcf->zone, &token.subject,
                                      &token.revocations)
            != NGX_OK)
        {
            who->revoked = 1;
            return NGX_DECLINED;
        }

        ngx_aigc_token_put(mcf->zone, digest, &token);
    }

    who->subject = token.subject;

    who->sub.len = token.sub.len;
    who->sub.data = ngx_pnalloc(r->pool, token.sub.len);
    if (who->sub.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(who->sub.data, token.sub.data, token.sub.len);

    return NGX_OK;
}


/*
 * Fills who->subject, by what a credential can be revoked.  NGX_OK: nobody has;
 * NGX_DECLINED: see who->revoked; NGX_ERROR.
 */
static ngx_int_t
ngx_http_aigc_unrevoked(ngx_http_request_t *r, ngx_str_t *sid, time_t start,
    ngx_aigc_jwt_t *jwt, ngx_http_aigc_who_t *who)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_subject(sid, &jwt->sid, &jwt->sub, start, &who->subject)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_aigc_revocation_check(mcf->zone, &who->subject, &who->revocations)
        != NGX_OK)
    {
        who->revoked = 1;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_aigc_remember(ngx_http_request_t *r, u_char *digest, time_t exp,
    ngx_str_t *sub, ngx_http_aigc_who_t *who)
{
    ngx_aigc_token_t            token;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_issuer_keys(mcf->zone, &token.keys, r->connection->log)) {
        token.revocations = who->revocations;
        token.subject = who->subject;
        token.exp = exp;
        ngx_aigc_fixed_set(&token.sub, sub);

        ngx_aigc_token_put(mcf->zone, digest, &token);
    }
}


ngx_aigc_jwt_verdict_e
ngx_http_aigc_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_str_t *audience, ngx_aigc_jwt_t *jwt, ngx_uint_t *busy)
{
    ngx_aigc_verify_t           verify;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    verify.issuer = &mcf->logto->issuer;
    verify.audience = audience;
    verify.skew = NGX_HTTP_AIGC_SKEW;

    return ngx_aigc_verify(mcf->zone, r->pool, &verify, token, jwt, busy);
}


/* NGX_OK when one of the bind cookies is this session's. */
static ngx_int_t
ngx_http_aigc_bound_cookie(ngx_http_request_t *r, ngx_aigc_session_t *session)
{
    size_t                      pos;
    ngx_str_t                   name, value;
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {

        pos = 0;

        while (ngx_aigc_cookie_next(&h->value, &pos, &name, &value)
               == NGX_OK)
        {
            if (name.len == mcf->bind.len
                && ngx_memcmp(name.data, mcf->bind.data, name.len) == 0
                && ngx_aigc_mac_check(mcf->keys, "bind", &session->sid, &value)
                   == NGX_OK)
            {
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}
