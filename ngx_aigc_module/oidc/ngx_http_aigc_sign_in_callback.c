/*
 * oidc/ngx_http_aigc_sign_in_callback.c — a code becomes tokens, tokens become
 * the session cookie.
 */

#include "ngx_http_aigc_sign_in.h"
#include "ngx_aigc_provider.h"
#include "ngx_http_aigc_identity.h"
#include "ngx_http_aigc_login.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"

#include "base/ngx_aigc_text.h"

#include "ngx_aigc_verify.h"


typedef struct {
    ngx_aigc_state_t       state;
    ngx_aigc_login_t       login;
    ngx_str_t              rd;          /* where to go afterwards */
    ngx_aigc_fetch_t      *fetch;
    ngx_str_t              id_token;
    ngx_str_t              refresh_token;
    ngx_uint_t             waits;
    time_t                 start;       /* of the session: the code was good */
} ngx_http_aigc_callback_t;


static ngx_int_t ngx_http_aigc_callback_login(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb);
static ngx_int_t ngx_http_aigc_callback_code(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb);
static ngx_int_t ngx_http_aigc_callback_lost(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb);
static ngx_int_t ngx_http_aigc_callback_in(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);
static ngx_int_t ngx_http_aigc_callback_bare(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_callback_refused(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb, ngx_str_t *error);
static ngx_int_t ngx_http_aigc_callback_arg(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static void ngx_http_aigc_callback_hide(ngx_http_request_t *r);
static void ngx_http_aigc_callback_cleanup(void *data);
static void ngx_http_aigc_callback_tokens(void *data,
    ngx_aigc_tokens_t *tokens);
static void ngx_http_aigc_callback_verify(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_callback_session(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb, ngx_aigc_jwt_t *jwt);
static ngx_int_t ngx_http_aigc_callback_replace(ngx_http_request_t *r,
    ngx_str_t *sub);
static ngx_int_t ngx_http_aigc_callback_failed(ngx_http_request_t *r,
    ngx_aigc_tokens_e result);
static ngx_int_t ngx_http_aigc_callback_bad(ngx_http_request_t *r,
    const char *detail);


ngx_int_t
ngx_http_aigc_sign_in_callback_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_cleanup_t        *cln;
    ngx_http_aigc_callback_t  *cb;

    ngx_http_aigc_callback_hide(r);

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_aigc_not_allowed(r, "GET");
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    cb = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_callback_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (cb == NULL || cln == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_callback_t, cb)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_aigc_callback_cleanup;
    cln->data = cb;

    if (r->args.len == 0) {
        return ngx_http_aigc_callback_bare(r);
    }

    return ngx_http_aigc_callback_login(r, cb);
}


/* Which sign-in it is the response to, and whether it is one. */
static ngx_int_t
ngx_http_aigc_callback_login(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb)
{
    ngx_int_t                   rc;
    ngx_str_t                   state, iss, error;
    ngx_uint_t                  announced;
    ngx_http_aigc_main_conf_t  *mcf;

    static const char *const    names[] = { "state", "iss", "code", "error",
                                            NULL };

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /* RFC 6749 3.1: of two, another party might have taken the other one */

    rc = ngx_aigc_query_repeats(&r->args, names)
         ? NGX_DECLINED : ngx_http_aigc_callback_arg(r, "state", &state);

    if (rc == NGX_OK) {
        rc = ngx_aigc_state_open(r->pool, mcf->keys, &state, &cb->state);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_aigc_callback_bad(r, "This is no answer to a sign-in "
                                          "of this site: begin again.");
    }

    /* RFC 9207: a response of another provider's is none of ours */

    announced = ngx_aigc_issuer_announced(mcf->zone);

    if (announced == 0) {
        return ngx_http_aigc_callback_failed(r, NGX_AIGC_TOKENS_UNAVAILABLE);
    }

    rc = ngx_http_aigc_callback_arg(r, "iss", &iss);

    if (rc == NGX_OK ? !ngx_aigc_text_eq(&iss, &mcf->provider->issuer)
                     : (rc == NGX_ERROR
                        || (announced & NGX_AIGC_ANNOUNCED_ISS)))
    {
        return ngx_http_aigc_callback_bad(r, "The answer is not from the "
                                          "sign-in service of this site.");
    }

    cb->rd = cb->state.rd;

    rc = ngx_http_aigc_login_find(r, &cb->state.id, &cb->login);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_aigc_callback_lost(r, cb);
    }

    ngx_http_aigc_login_rd(r, &cb->login, &cb->rd);

    if (ngx_http_aigc_callback_arg(r, "error", &error) == NGX_OK) {
        return ngx_http_aigc_callback_refused(r, cb, &error);
    }

    /*
     * The provider keeps its side for longer than we do ours: signed in there
     * by now, the user notices nothing of a second one.
     */

    if (cb->login.start + NGX_HTTP_AIGC_LOGIN_TIME < ngx_time()) {

        if (ngx_http_aigc_login_forget(r, &cb->login) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_aigc_sign_in_begin(r, &cb->rd, &cb->state.nonce, 0);
    }

    return ngx_http_aigc_callback_code(r, cb);
}


static ngx_int_t
ngx_http_aigc_callback_code(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb)
{
    ngx_int_t                   rc;
    ngx_str_t                   code;
    ngx_aigc_endpoints_t        ep;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_callback_arg(r, "code", &code) != NGX_OK) {
        return ngx_http_aigc_callback_bad(r, "The answer has no code.");
    }

    rc = ngx_aigc_issuer_endpoints(mcf->zone, r->pool, &ep);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED
               ? ngx_http_aigc_callback_failed(r, NGX_AIGC_TOKENS_UNAVAILABLE)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* not later: what is revoked while the provider answers counts */

    cb->start = ngx_time();

    cb->fetch = ngx_aigc_provider_code(mcf->provider, &ep, &code,
                                    &cb->login.verifier, &mcf->redirect_uri,
                                    ngx_http_aigc_callback_tokens, r,
                                    ngx_cycle->log);
    if (cb->fetch == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* libcurl's timers do not keep an exiting worker: this one does */

    if (ngx_http_aigc_wait(r, NGX_AIGC_PROVIDER_TIMEOUT + 1000,
                           ngx_http_aigc_callback_verify)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    return NGX_DONE;
}


/*
 * A genuine state, but this browser has no cookie for it: the response once
 * more (the way back, a reload), one of too many tabs, another browser's.  Its
 * code is worth nothing here.  Who is signed in goes on; else a sign-in begins
 * anew, once: a browser that keeps no cookies would never get out of that.
 */
static ngx_int_t
ngx_http_aigc_callback_lost(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb)
{
    ngx_int_t             rc;
    ngx_http_aigc_user_t  user;

    rc = ngx_http_aigc_callback_in(r, &user);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK) {
        return ngx_http_aigc_sign_in_done(r, &user.session, &cb->state.nonce,
                                          &cb->rd);
    }

    if (cb->state.again) {
        return ngx_http_aigc_callback_bad(r, "This sign-in was not begun in "
                                          "this browser, or it keeps no "
                                          "cookies: begin again.");
    }

    return ngx_http_aigc_sign_in_begin(r, &cb->rd, &cb->state.nonce, 1);
}


/* NGX_OK: a session of this browser's own is good, user is filled. */
static ngx_int_t
ngx_http_aigc_callback_in(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    switch (ngx_http_aigc_identify_gateway(r, user, 0)) {

    case NGX_HTTP_AIGC_ID_SIGNED_IN:
        return (user->credential == NGX_HTTP_AIGC_COOKIE) ? NGX_OK
                                                        : NGX_DECLINED;

    case NGX_HTTP_AIGC_ID_FAILED:
        return NGX_ERROR;

    default:
        return NGX_DECLINED;
    }
}


/* "Cancel" at a provider (Logto) comes back without any parameter. */
static ngx_int_t
ngx_http_aigc_callback_bare(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   front;
    ngx_http_aigc_user_t        user;
    ngx_http_aigc_main_conf_t  *mcf;

    rc = ngx_http_aigc_callback_in(r, &user);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (rc == NGX_OK) {
        front.len = mcf->origin.len + 1;
        front.data = ngx_pnalloc(r->pool, front.len);
        if (front.data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        (void) ngx_sprintf(front.data, "%V/", &mcf->origin);

        return ngx_http_aigc_redirect(r, &front);
    }

    return ngx_http_aigc_refusal_sign_in(r,
                                         NGX_HTTP_AIGC_CODE_SIGN_IN_CANCELLED,
                                         NULL, NULL);
}


static ngx_int_t
ngx_http_aigc_callback_refused(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb, ngx_str_t *error)
{
    u_char                      buf[NGX_AIGC_WORD_MAX];
    ngx_str_t                   name;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            denied = ngx_string("access_denied");

    if (ngx_http_aigc_login_forget(r, &cb->login) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    name = ngx_aigc_text_word(error, buf);

    /* not r's log: its lines quote the request */

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "aigc: %s ended a sign-in with the error \"%V\"",
                  mcf->provider->words->name, &name);

    if (ngx_aigc_text_eq(error, &denied)) {
        return ngx_http_aigc_refusal_sign_in(r,
                              NGX_HTTP_AIGC_CODE_SIGN_IN_CANCELLED, NULL,
                              &cb->rd);
    }

    return ngx_http_aigc_refusal_sign_in(r, NGX_HTTP_AIGC_CODE_SIGN_IN_REFUSED,
                                         NULL, &cb->rd);
}


static ngx_int_t
ngx_http_aigc_callback_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  raw;

    if (ngx_aigc_query_get(&r->args, name, &raw) != NGX_OK || raw.len == 0
        || raw.len > NGX_AIGC_URL_MAX)
    {
        return NGX_DECLINED;
    }

    return ngx_aigc_url_decode(r->pool, &raw, value);
}


/* The log names the request by its first line: code and state leave that. */
static void
ngx_http_aigc_callback_hide(ngx_http_request_t *r)
{
    u_char  *p;

    p = ngx_strlchr(r->request_line.data,
                    r->request_line.data + r->request_line.len, '?');

    if (p) {
        r->request_line.len = p - r->request_line.data;
    }
}


static void
ngx_http_aigc_callback_cleanup(void *data)
{
    ngx_http_aigc_callback_t  *cb = data;

    if (cb->fetch) {
        ngx_aigc_fetch_cancel(cb->fetch);
    }
}


static void
ngx_http_aigc_callback_tokens(void *data, ngx_aigc_tokens_t *tokens)
{
    ngx_http_request_t *r = data;

    ngx_connection_t          *c;
    ngx_http_aigc_callback_t  *cb;

    c = r->connection;
    cb = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_callback_t);

    cb->fetch = NULL;

    ngx_http_set_log_request(c->log, r);

    if (tokens->result != NGX_AIGC_TOKENS_OK) {
        ngx_http_aigc_finish(r, ngx_http_aigc_callback_failed(r,
                                                            tokens->result));
        goto done;
    }

    cb->id_token.len = tokens->id_token.len;
    cb->id_token.data = ngx_pstrdup(r->pool, &tokens->id_token);
    cb->refresh_token.len = tokens->refresh_token.len;
    cb->refresh_token.data = ngx_pstrdup(r->pool, &tokens->refresh_token);

    if (cb->id_token.data == NULL || cb->refresh_token.data == NULL) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        goto done;
    }

    ngx_http_aigc_callback_verify(r);

done:

    ngx_http_run_posted_requests(c);
}


/* Tried again while a new key is on its way. */
static void
ngx_http_aigc_callback_verify(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_uint_t                  busy;
    ngx_aigc_jwt_t              jwt;
    ngx_aigc_jwt_verdict_e      verdict;
    ngx_http_aigc_callback_t   *cb;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    cb = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_callback_t);

    if (cb->id_token.len == 0) {
        rc = ngx_http_aigc_callback_failed(r, NGX_AIGC_TOKENS_UNAVAILABLE);
        ngx_http_aigc_finish(r, rc);
        return;
    }

    verdict = ngx_http_aigc_verify(r, &cb->id_token, &mcf->provider->client_id,
                                   &jwt, &busy);

    if (ngx_aigc_verify_wait(verdict, &cb->waits)
        && ngx_http_aigc_wait(r, NGX_AIGC_KEY_WAIT,
                              ngx_http_aigc_callback_verify)
           == NGX_OK)
    {
        return;
    }

    if (verdict != NGX_AIGC_JWT_OK
        || !ngx_aigc_text_eq(&jwt.nonce, &cb->login.nonce))
    {
        /* not r's log: its lines quote the request, with the code in it */

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aigc: %s's ID token was refused: %V",
                      mcf->provider->words->name,
                      ngx_aigc_jwt_verdict_text(verdict));

        rc = ngx_http_aigc_callback_failed(r, NGX_AIGC_TOKENS_GARBAGE);

    } else {
        rc = ngx_http_aigc_callback_session(r, cb, &jwt);
    }

    ngx_http_aigc_finish(r, rc);
}


static ngx_int_t
ngx_http_aigc_callback_session(ngx_http_request_t *r,
    ngx_http_aigc_callback_t *cb, ngx_aigc_jwt_t *jwt)
{
    ngx_int_t                   rc;
    ngx_str_t                   value;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_provider_roles(mcf->provider, mcf->zone, jwt, ngx_cycle->log);

    if (ngx_http_aigc_callback_replace(r, &jwt->sub) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    session.id_token = cb->id_token;
    session.refresh_token = cb->refresh_token;
    session.start = cb->start;
    session.sid = jwt->sid;

    if (session.sid.len == 0
        && ngx_aigc_random(r->pool, 16, &session.sid) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_aigc_session_seal_some(r->pool, mcf->keys, &session, &value);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aigc: the session of a user does not fit a cookie: the "
                      "ID token has %uz bytes: give the application fewer "
                      "custom claims, or the user fewer roles, a shorter "
                      "picture address or profile",
                      cb->id_token.len);

        return ngx_http_aigc_callback_failed(r, NGX_AIGC_TOKENS_TOO_LARGE);
    }

    if (rc != NGX_OK
        || ngx_http_aigc_set_cookie(r, &mcf->session_cookie, &value, NULL, -1)
           != NGX_OK
        || ngx_http_aigc_login_forget(r, &cb->login) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_sign_in_done(r, &session, &cb->state.nonce, &cb->rd);
}


/*
 * The browser's session of another user ends: on the hosts of instances it has
 * cookies that this response cannot replace.
 */
static ngx_int_t
ngx_http_aigc_callback_replace(ngx_http_request_t *r, ngx_str_t *sub)
{
    ngx_str_t                  *before;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_user_t        user;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_aigc_get_ctx(r);

    outcome = ngx_http_aigc_identify_gateway(r, &user, 0);

    if (ctx == NULL || outcome == NGX_HTTP_AIGC_ID_FAILED) {
        return NGX_ERROR;
    }

    ngx_str_null(&ctx->renewed);        /* it has a new one */

    before = (outcome == NGX_HTTP_AIGC_ID_EXPIRED) ? &user.holder : &user.sub;

    if (user.session.sid.len == 0 || before->len == 0
        || ngx_aigc_text_eq(before, sub))
    {
        return NGX_OK;
    }

    return (ngx_aigc_revocation_put(mcf->zone, &user.session.sid,
                                    ngx_max(ngx_time(), user.session.start),
                                    NGX_AIGC_REVOCATION_SESSION,
                                    ngx_cycle->log)
            == NGX_ERROR)
           ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_aigc_callback_failed(ngx_http_request_t *r, ngx_aigc_tokens_e result)
{
    ngx_http_aigc_main_conf_t  *mcf;

    switch (result) {

    case NGX_AIGC_TOKENS_INVALID_GRANT:
        return ngx_http_aigc_callback_bad(r, "The sign-in service did not "
                                          "take the code: begin again.");

    case NGX_AIGC_TOKENS_REFUSED:
        return ngx_http_aigc_refusal_sign_in(r,
                              NGX_HTTP_AIGC_CODE_SIGN_IN_REFUSED, NULL, NULL);

    case NGX_AIGC_TOKENS_TOO_LARGE:
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SESSION_TOO_LARGE,
                                     NULL);

    case NGX_AIGC_TOKENS_UNAVAILABLE:
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        ngx_aigc_issuer_want_keys(mcf->zone);

        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SIGN_IN_UNAVAILABLE,
                                     "The sign-in service cannot be reached.");

    default:
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_SIGN_IN_GARBAGE,
                                     NULL);
    }
}


static ngx_int_t
ngx_http_aigc_callback_bad(ngx_http_request_t *r, const char *detail)
{
    return ngx_http_aigc_refusal_sign_in(r, NGX_HTTP_AIGC_CODE_SIGN_IN_FAILED,
                                         detail, NULL);
}
