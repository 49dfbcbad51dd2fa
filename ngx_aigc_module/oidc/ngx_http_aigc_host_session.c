/*
 * oidc/ngx_http_aigc_host_session.c — who an instance's session cookie is of.
 * It has no ID token in it: the seal says that there was one, for whom, signed
 * by which key, and until when that is believed without asking again.
 */

#include "ngx_aigc_host_session.h"
#include "ngx_aigc_issuer.h"
#include "ngx_http_aigc_credential.h"


static ngx_http_aigc_outcome_e ngx_http_aigc_host_session_verify(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user);
static ngx_uint_t ngx_http_aigc_host_session_key_gone(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);


ngx_http_aigc_outcome_e
ngx_http_aigc_identify_host_cookie(ngx_http_request_t *r, ngx_str_t *value,
    ngx_http_aigc_user_t *user)
{
    u_char                     *p, digest[NGX_AIGC_DIGEST_LEN];
    u_char                      buf[NGX_AIGC_HOST_MAX + 1
                                    + NGX_AIGC_INSTANCE_COOKIE_MAX];
    time_t                      exp;
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    user->credential = NGX_HTTP_AIGC_COOKIE;
    user->genuine = 0;

    if (value->len == 0 || value->len > NGX_AIGC_INSTANCE_COOKIE_MAX
        || user->host->len > NGX_AIGC_HOST_MAX)
    {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    /* what was good on one host is not known on another */

    p = ngx_cpymem(buf, user->host->data, user->host->len);
    *p++ = '\n';
    p = ngx_cpymem(p, value->data, value->len);

    text.data = buf;
    text.len = p - buf;

    outcome = ngx_http_aigc_known(r, 'i', &text, digest, user);

    if (outcome != NGX_HTTP_AIGC_ID_NONE) {
        return outcome;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = ngx_aigc_instance_open(r->pool, mcf->keys, user->host, value,
                                &user->session);
    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_HTTP_AIGC_ID_FAILED
                                 : NGX_HTTP_AIGC_ID_NONE;
    }

    outcome = ngx_http_aigc_host_session_verify(r, user);

    if (outcome != NGX_HTTP_AIGC_ID_SIGNED_IN) {
        return outcome;
    }

    user->sub = user->session.sub;

    exp = ngx_min(user->session.exp + NGX_HTTP_AIGC_SKEW,
                  user->session.start + mcf->lifetime);

    ngx_http_aigc_remember(r, digest, exp, &user->sub, user);
    ngx_http_aigc_remember(r, user->key, exp, &user->sub, user);

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_host_session_verify(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user)
{
    ngx_aigc_session_t         *session;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    session = &user->session;

    if (session->start + mcf->lifetime <= ngx_time()
        || session->sub.len == 0 || session->sub.len > NGX_AIGC_SUB_MAX
        || ngx_http_aigc_session_key(r, user) != NGX_OK)
    {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    outcome = ngx_http_aigc_unrevoked(r, &session->sid, session->start,
                                      &session->sid, &session->sub, user);

    if (outcome != NGX_HTTP_AIGC_ID_SIGNED_IN) {
        return outcome;
    }

    user->genuine = !ngx_http_aigc_host_session_key_gone(r, user);

    if (user->genuine && session->exp + NGX_HTTP_AIGC_SKEW > ngx_time()) {
        return NGX_HTTP_AIGC_ID_SIGNED_IN;
    }

    if (session->refresh_token.len == 0) {
        return NGX_HTTP_AIGC_ID_NONE;
    }

    user->exp = session->exp;
    user->holder = session->sub;

    return NGX_HTTP_AIGC_ID_EXPIRED;
}


/* A key that its issuer has withdrawn vouches for nobody any more. */
static ngx_uint_t
ngx_http_aigc_host_session_key_gone(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user)
{
    ngx_aigc_jwks_t            *jwks;
    ngx_atomic_uint_t           version;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    jwks = ngx_aigc_issuer_keys(mcf->zone, &version, r->connection->log);

    return jwks == NULL
           || (user->session.kid.len
               && ngx_aigc_jwks_has(jwks, &user->session.kid) != NGX_OK);
}


ngx_int_t
ngx_http_aigc_host_session_set(ngx_http_request_t *r, ngx_str_t *host,
    ngx_aigc_session_t *session)
{
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->on_instance = 1;

    return ngx_aigc_instance_seal(r->pool, mcf->keys, host, session,
                                  &ctx->renewed);
}
