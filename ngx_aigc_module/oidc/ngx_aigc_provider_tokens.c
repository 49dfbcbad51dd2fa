/*
 * oidc/ngx_aigc_provider_tokens.c — the token and revocation endpoints.  No
 * token and no code is ever logged.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <jansson.h>

#include "ngx_aigc_provider.h"

#include "base/ngx_aigc_text.h"
#include "base/ngx_aigc_url.h"


typedef struct {
    const char          *name;          /* the provider's, in the log */
    const char          *client;        /* likewise */
    ngx_aigc_tokens_pt   done;
    void                *data;
} ngx_aigc_tokens_ctx_t;


static ngx_int_t ngx_aigc_provider_basic(ngx_aigc_fetch_t *f, ngx_str_t *id,
    ngx_str_t *secret);
static ngx_aigc_fetch_t *ngx_aigc_provider_grant(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_aigc_fetch_t *f, ngx_aigc_tokens_pt done,
    void *data);
static void ngx_aigc_provider_tokens(ngx_aigc_fetch_t *f);
static void ngx_aigc_provider_no_tokens(ngx_aigc_fetch_t *f, ngx_str_t *error,
    ngx_aigc_tokens_t *tokens);
static void ngx_aigc_provider_read(ngx_aigc_fetch_t *f, json_t *root,
    ngx_str_t *error, ngx_aigc_tokens_t *tokens);
static void ngx_aigc_provider_revoked(ngx_aigc_fetch_t *f);


ngx_aigc_fetch_t *
ngx_aigc_provider_code(ngx_aigc_provider_t *provider, ngx_aigc_endpoints_t *ep,
    ngx_str_t *code, ngx_str_t *verifier, ngx_str_t *redirect_uri,
    ngx_aigc_tokens_pt done, void *data, ngx_log_t *log)
{
    size_t             len;
    ngx_str_t          c, v, uri;
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_provider_form(provider, &ep->token, log);
    if (f == NULL) {
        return NULL;
    }

    if (ngx_aigc_url_encode(f->pool, code, &c) != NGX_OK
        || ngx_aigc_url_encode(f->pool, verifier, &v) != NGX_OK
        || ngx_aigc_url_encode(f->pool, redirect_uri, &uri) != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    len = 128 + c.len + v.len + uri.len;

    f->body.data = ngx_pnalloc(f->pool, len);
    if (f->body.data == NULL) {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    f->body.len = ngx_snprintf(f->body.data, len,
                               "grant_type=authorization_code&code=%V"
                               "&redirect_uri=%V&code_verifier=%V",
                               &c, &uri, &v)
                  - f->body.data;

    return ngx_aigc_provider_grant(provider, ep, f, done, data);
}


ngx_aigc_fetch_t *
ngx_aigc_provider_refresh(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token,
    ngx_aigc_tokens_pt done, void *data, ngx_log_t *log)
{
    ngx_str_t          token;
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_provider_form(provider, &ep->token, log);
    if (f == NULL) {
        return NULL;
    }

    if (ngx_aigc_url_encode(f->pool, refresh_token, &token) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->body,
                               "grant_type=refresh_token&refresh_token=",
                               &token)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    return ngx_aigc_provider_grant(provider, ep, f, done, data);
}


static ngx_aigc_fetch_t *
ngx_aigc_provider_grant(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_aigc_fetch_t *f, ngx_aigc_tokens_pt done,
    void *data)
{
    ngx_aigc_tokens_ctx_t  *ctx;

    ctx = ngx_palloc(f->pool, sizeof(ngx_aigc_tokens_ctx_t));

    if (ctx == NULL
        || ngx_aigc_provider_authenticate(f, ep, &provider->client_id,
                                          &provider->client_secret)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    ctx->name = provider->words->name;
    ctx->client = provider->words->client;
    ctx->done = done;
    ctx->data = data;
    f->ctx = ctx;
    f->max = NGX_AIGC_PROVIDER_TOKENS;
    f->done = ngx_aigc_provider_tokens;

    return ngx_aigc_fetch_start(f) == NGX_OK ? f : NULL;
}


void
ngx_aigc_provider_roles(ngx_aigc_provider_t *provider, ngx_aigc_zone_t *zone,
    ngx_aigc_jwt_t *jwt, ngx_log_t *log)
{
    if (jwt->roles_claim) {
        ngx_aigc_count(zone, roles);
        return;
    }

    if (ngx_atomic_fetch_add(&zone->shm->counters.no_roles, 1) == 0
        && zone->shm->counters.roles == 0)
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: %s's ID tokens have no claim \"%V\", so "
                      "nobody is \"%V\" here: %s", provider->words->name,
                      &provider->roles_claim, &provider->admin_role,
                      provider->words->roles);
    }
}


void
ngx_aigc_provider_revoke(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token, ngx_log_t *log)
{
    ngx_str_t          token;
    ngx_aigc_fetch_t  *f;

    if (ep->revocation.len == 0 || refresh_token->len == 0) {
        return;
    }

    f = ngx_aigc_provider_form(provider, &ep->revocation, log);
    if (f == NULL) {
        return;
    }

    if (ngx_aigc_url_encode(f->pool, refresh_token, &token) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->body,
                               "token_type_hint=refresh_token&token=", &token)
           != NGX_OK
        || ngx_aigc_provider_authenticate(f, ep, &provider->client_id,
                                          &provider->client_secret)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return;
    }

    f->done = ngx_aigc_provider_revoked;
    f->ctx = provider;

    (void) ngx_aigc_fetch_start(f);
}


static void
ngx_aigc_provider_revoked(ngx_aigc_fetch_t *f)
{
    ngx_aigc_provider_t  *provider;

    if (f->status != 200) {
        provider = f->ctx;

        ngx_log_error(NGX_LOG_WARN, f->log, 0,
                      "aigc: %s did not revoke a refresh token: status %ui",
                      provider->words->name, f->status);
    }
}


ngx_aigc_fetch_t *
ngx_aigc_provider_form(ngx_aigc_provider_t *provider, ngx_str_t *url,
    ngx_log_t *log)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_fetch_create(log);
    if (f == NULL) {
        return NULL;
    }

    f->method = "POST";
    f->timeout = NGX_AIGC_PROVIDER_TIMEOUT;
    f->max = NGX_AIGC_PROVIDER_ANSWER;

    if (ngx_aigc_fetch_text(f, &f->url, "", url) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->ca_file, "", &provider->ca_file) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[0],
                          "Content-Type: application/x-www-form-urlencoded",
                          NULL) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[1], "Accept: application/json",
                               NULL) != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    f->nheaders = 2;

    return f;
}


ngx_int_t
ngx_aigc_provider_authenticate(ngx_aigc_fetch_t *f, ngx_aigc_endpoints_t *ep,
    ngx_str_t *client_id, ngx_str_t *client_secret)
{
    size_t     len;
    ngx_str_t  id, secret, body;

    /* in either way they are encoded as in a form */

    if (ngx_aigc_url_encode(f->pool, client_id, &id) != NGX_OK
        || ngx_aigc_url_encode(f->pool, client_secret, &secret) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(ep->announced & NGX_AIGC_ANNOUNCED_POST)) {
        return ngx_aigc_provider_basic(f, &id, &secret);
    }

    len = f->body.len + sizeof("&client_id=&client_secret=") + id.len
          + secret.len;

    body.data = ngx_pnalloc(f->pool, len);
    if (body.data == NULL) {
        return NGX_ERROR;
    }

    body.len = ngx_snprintf(body.data, len,
                            "%V&client_id=%V&client_secret=%V", &f->body, &id,
                            &secret)
               - body.data;

    f->body = body;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_provider_basic(ngx_aigc_fetch_t *f, ngx_str_t *id, ngx_str_t *secret)
{
    u_char     *p;
    ngx_str_t   plain, encoded;

    plain.len = id->len + 1 + secret->len;
    plain.data = ngx_pnalloc(f->pool, plain.len);

    encoded.data = ngx_pnalloc(f->pool, ngx_base64_encoded_length(plain.len));

    if (plain.data == NULL || encoded.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(plain.data, id->data, id->len);
    *p++ = ':';
    ngx_memcpy(p, secret->data, secret->len);

    ngx_encode_base64(&encoded, &plain);

    return ngx_aigc_fetch_text(f, &f->headers[f->nheaders++],
                               "Authorization: Basic ", &encoded);
}


static void
ngx_aigc_provider_tokens(ngx_aigc_fetch_t *f)
{
    json_t                 *root;
    ngx_str_t               error;
    ngx_aigc_tokens_t       tokens;
    ngx_aigc_tokens_ctx_t  *ctx;

    ctx = f->ctx;
    root = NULL;

    if (f->error == NULL) {
        root = json_loadb((char *) f->answer.data, f->answer.len,
                          JSON_REJECT_DUPLICATES, NULL);
    }

    error = ngx_aigc_json_text(root, "error");

    ngx_aigc_provider_read(f, root, &error, &tokens);

    if (tokens.result != NGX_AIGC_TOKENS_OK) {
        ngx_aigc_provider_no_tokens(f, &error, &tokens);
    }

    ctx->done(ctx->data, &tokens);

    json_decref(root);
}


/* The code alone: a description may hold anything. */
static void
ngx_aigc_provider_no_tokens(ngx_aigc_fetch_t *f, ngx_str_t *error,
    ngx_aigc_tokens_t *tokens)
{
    u_char                  buf[NGX_AIGC_WORD_MAX];
    ngx_str_t               word;
    ngx_uint_t              bad;
    ngx_aigc_tokens_ctx_t  *ctx;

    ctx = f->ctx;

    if (tokens->result == NGX_AIGC_TOKENS_TOO_LARGE) {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: %s's ID token for a user has %uz bytes, which "
                      "no cookie holds: give the application fewer custom "
                      "claims, or the user fewer roles, a shorter picture "
                      "address or profile", ctx->name, tokens->id_token.len);
        return;
    }

    if (error->len) {
        word = ngx_aigc_text_word(error, buf);
        bad = ngx_aigc_text_is(error, "invalid_client");

        ngx_log_error(NGX_LOG_WARN, f->log, 0,
                      "aigc: %s's token endpoint gave no tokens: "
                      "status %ui, error \"%V\"%s%s", ctx->name, f->status,
                      &word, bad ? ": check " : "", bad ? ctx->client : "");
        return;
    }

    ngx_log_error(NGX_LOG_WARN, f->log, 0,
                  "aigc: %s's token endpoint gave no tokens: status %ui%s%s",
                  ctx->name, f->status, f->error ? ", " : "",
                  f->error ? f->error : "");
}


static void
ngx_aigc_provider_read(ngx_aigc_fetch_t *f, json_t *root, ngx_str_t *error,
    ngx_aigc_tokens_t *tokens)
{
    ngx_str_t  access;

    tokens->id_token = ngx_aigc_json_text(root, "id_token");
    tokens->refresh_token = ngx_aigc_json_text(root, "refresh_token");
    access = ngx_aigc_json_text(root, "access_token");

    if (f->status == 0 || f->status == 429 || f->status >= 500) {
        tokens->result = NGX_AIGC_TOKENS_UNAVAILABLE;

    } else if (f->status >= 400 && error->len) {

        /* whatever it says: the provider has looked, and does not want to */

        tokens->result = ngx_aigc_text_is(error, "invalid_grant")
                         ? NGX_AIGC_TOKENS_INVALID_GRANT
                         : NGX_AIGC_TOKENS_REFUSED;

    } else if (f->status == 200 && tokens->id_token.len > NGX_AIGC_JWT_MAX) {
        tokens->result = NGX_AIGC_TOKENS_TOO_LARGE;

    } else if (f->status == 200 && tokens->id_token.len) {
        tokens->result = NGX_AIGC_TOKENS_OK;

    } else if (f->status == 200 && access.len) {
        tokens->result = NGX_AIGC_TOKENS_NO_ID;

    } else {
        tokens->result = NGX_AIGC_TOKENS_GARBAGE;
    }
}
