/*
 * oidc/ngx_http_aigc_renew.c — requests that need their session renewed.
 */

#include "ngx_http_aigc_renew.h"
#include "ngx_http_aigc_credential.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"

#include "ngx_aigc_host_session.h"
#include "ngx_aigc_refresh.h"
#include "ngx_aigc_rotation.h"


static ngx_http_aigc_outcome_e ngx_http_aigc_renew_join(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_http_aigc_ctx_t *ctx);
static void ngx_http_aigc_renew_full(ngx_http_aigc_main_conf_t *mcf);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_calling(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user, ngx_http_aigc_ctx_t *ctx,
    ngx_aigc_flight_t *flight);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_newer(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user, time_t exp);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_done(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user, ngx_http_aigc_ctx_t *ctx,
    ngx_str_t *cookie);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_verify(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user, ngx_str_t *cookie,
    ngx_aigc_session_t *session);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_over(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user);
static ngx_uint_t ngx_http_aigc_renew_graceful(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_grace(
    ngx_http_request_t *r, ngx_http_aigc_user_t *user);
static ngx_http_aigc_outcome_e ngx_http_aigc_renew_as_was(
    ngx_http_aigc_user_t *user);
static void ngx_http_aigc_renew_check(ngx_http_request_t *r);


ngx_http_aigc_outcome_e
ngx_http_aigc_renew(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_outcome_e   outcome;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    outcome = ngx_http_aigc_renew_join(r, user, ctx);

    /* a kept outcome that has expired, too, is what has to be renewed now */

    if (outcome == NGX_HTTP_AIGC_ID_EXPIRED) {
        outcome = ngx_http_aigc_renew_join(r, user, ctx);
    }

    return (outcome == NGX_HTTP_AIGC_ID_EXPIRED) ? NGX_HTTP_AIGC_ID_UNRENEWED
                                                 : outcome;
}


/* As above, and EXPIRED: join again, for the session that is in user now. */
static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_join(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_http_aigc_ctx_t *ctx)
{
    time_t                      exp;
    ngx_uint_t                  newer;
    ngx_aigc_flight_t           flight;
    ngx_aigc_refresh_conf_t     conf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /*
     * A newer session has been here, of another host's or replica's making: an
     * instance's needs no more than that.  The gateway's needs a new ID token,
     * which says what its user may do by now.
     */

    exp = 0;
    newer = (user->host
             && ngx_http_aigc_identify_newer(r, user, &exp) == NGX_OK);

    if (ngx_aigc_flight_join(mcf->zone, r->pool, user->key, user->exp, !newer,
                             &flight)
        != NGX_OK)
    {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    if (newer && flight.state != NGX_AIGC_FLIGHT_RENEWED) {
        return ngx_http_aigc_renew_newer(r, user, exp);
    }

    if (flight.lead) {
        conf.zone = mcf->zone;
        conf.provider = mcf->provider;
        conf.keys = mcf->keys;
        conf.skew = NGX_HTTP_AIGC_SKEW;
        conf.lifetime = mcf->lifetime;

        ngx_aigc_refresh(&conf, &flight, &user->session, &user->holder,
                         user->exp);
    }

    switch (flight.state) {

    case NGX_AIGC_FLIGHT_CALLING:
        return ngx_http_aigc_renew_calling(r, user, ctx, &flight);

    case NGX_AIGC_FLIGHT_RENEWED:
        return ngx_http_aigc_renew_done(r, user, ctx, &flight.cookie);

    case NGX_AIGC_FLIGHT_REFUSED:
        return ngx_http_aigc_renew_over(r, user);

    case NGX_AIGC_FLIGHT_FREE:
        ngx_http_aigc_renew_full(mcf);
        return ngx_http_aigc_renew_grace(r, user);

    default:
        return ngx_http_aigc_renew_grace(r, user);
    }
}


static void
ngx_http_aigc_renew_full(ngx_http_aigc_main_conf_t *mcf)
{
    static ngx_aigc_seldom_t  said;

    ngx_aigc_count(mcf->zone, renew_full);

    if (ngx_aigc_seldom(&said, NGX_HTTP_AIGC_RENEW_SAY)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aigc: no room to renew a session: %uD are being "
                      "renewed: make \"aigc_zone\" larger",
                      ngx_aigc_part_slots(mcf->zone, ngx_aigc_flight_part));
    }
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_calling(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_http_aigc_ctx_t *ctx, ngx_aigc_flight_t *flight)
{
    ngx_msec_t  wait;

    wait = NGX_HTTP_AIGC_RENEW_WAIT_MAX;

    if (ngx_http_aigc_renew_graceful(r, user)) {

        /* The provider did not answer just now: it is asked, not waited for */

        wait = flight->fails ? 0 : NGX_HTTP_AIGC_RENEW_WAIT;
    }

    if (!ctx->renewing) {
        ctx->renewing = 1;
        ctx->renew_until = ngx_current_msec + wait;
    }

    if ((ngx_msec_int_t) (ngx_current_msec - ctx->renew_until) >= 0) {
        return ngx_http_aigc_renew_grace(r, user);
    }

    ctx->flight = flight->slot;
    ctx->ticket = flight->ticket;

    return NGX_HTTP_AIGC_ID_RENEWING;
}


/*
 * The provider has vouched for this user since this cookie was set.  The date
 * goes with the refresh token that came then: while that is on its way from
 * another gateway, the cookie stays.
 */
static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_newer(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    time_t exp)
{
    u_char                      key[NGX_AIGC_ROTATION_KEY_LEN];
    time_t                      known;
    ngx_int_t                   rc;
    ngx_aigc_session_t          session;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    session = user->session;
    known = user->exp;

    rc = ngx_aigc_rotation_key(&session.sid, session.start, key);

    if (rc == NGX_OK) {
        rc = ngx_aigc_rotation_newest(mcf->zone, r->pool, mcf->keys, key,
                                      &known, &session.refresh_token);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    if (rc == NGX_DECLINED && ngx_aigc_rotation_rotates(mcf->zone)) {
        return ngx_http_aigc_renew_as_was(user);
    }

    session.sub = user->holder;
    session.exp = exp - NGX_HTTP_AIGC_SKEW;

    if (ngx_http_aigc_host_session_set(r, user->host, &session) == NGX_ERROR) {
        return NGX_HTTP_AIGC_ID_FAILED;
    }

    return ngx_http_aigc_renew_as_was(user);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_done(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_http_aigc_ctx_t *ctx, ngx_str_t *cookie)
{
    ngx_int_t                   rc;
    ngx_aigc_session_t          session;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    outcome = ngx_http_aigc_renew_verify(r, user, cookie, &session);

    if (outcome == NGX_HTTP_AIGC_ID_SIGNED_IN) {
        user->session = session;
        user->token = session.id_token;

        if (user->host == NULL) {
            ctx->renewed = *cookie;
            return outcome;
        }

        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        rc = ngx_aigc_session_narrow(r->pool, mcf->provider->claims,
                                     &session);

        if (rc == NGX_OK) {
            rc = ngx_http_aigc_host_session_set(r, user->host, &session);
        }

        if (rc == NGX_OK) {
            return outcome;
        }

        outcome = (rc == NGX_ERROR) ? NGX_HTTP_AIGC_ID_FAILED
                                    : NGX_HTTP_AIGC_ID_NONE;
    }

    return (outcome == NGX_HTTP_AIGC_ID_FAILED
            || outcome == NGX_HTTP_AIGC_ID_BUSY
            || outcome == NGX_HTTP_AIGC_ID_EXPIRED)
           ? outcome : ngx_http_aigc_renew_over(r, user);
}


/* cookie, the gateway's, is verified as if the browser had sent it. */
static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_verify(ngx_http_request_t *r, ngx_http_aigc_user_t *user,
    ngx_str_t *cookie, ngx_aigc_session_t *session)
{
    ngx_int_t                   rc;
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    outcome = ngx_http_aigc_identify_cookie(r, cookie, user);

    if (outcome != NGX_HTTP_AIGC_ID_SIGNED_IN) {
        return outcome;
    }

    rc = ngx_aigc_session_open(r->pool, mcf->keys, cookie, session);

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_HTTP_AIGC_ID_FAILED
                                 : NGX_HTTP_AIGC_ID_NONE;
    }

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


/* A bearer token counts where there is no session: there is none any more. */
static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_over(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    return (ngx_http_aigc_session_over(r, user) == NGX_OK)
           ? ngx_http_aigc_identify_bearer(r, user) : NGX_HTTP_AIGC_ID_FAILED;
}


ngx_int_t
ngx_http_aigc_session_over(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->over = 1;
    ctx->old = user->old;
    ngx_str_null(&ctx->renewed);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aigc_renew_graceful(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return user->genuine && ngx_time() < user->exp + mcf->grace;
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_grace(ngx_http_request_t *r, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_main_conf_t  *mcf;

    if (!ngx_http_aigc_renew_graceful(r, user)) {
        return NGX_HTTP_AIGC_ID_UNRENEWED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_count(mcf->zone, grace);

    return ngx_http_aigc_renew_as_was(user);
}


static ngx_http_aigc_outcome_e
ngx_http_aigc_renew_as_was(ngx_http_aigc_user_t *user)
{
    user->sub = user->holder;
    user->token = user->session.id_token;

    return NGX_HTTP_AIGC_ID_SIGNED_IN;
}


ngx_int_t
ngx_http_aigc_renew_wait(ngx_http_request_t *r)
{
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a client that goes away is noticed, the flight goes on without it */

    if (r == r->main) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    return ngx_http_aigc_wait(r, NGX_HTTP_AIGC_RENEW_WAKE,
                              ngx_http_aigc_renew_check);
}


static void
ngx_http_aigc_renew_check(ngx_http_request_t *r)
{
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx
        && (ngx_msec_int_t) (ngx_current_msec - ctx->renew_until) < 0
        && ngx_aigc_flight_wait(mcf->zone, ctx->flight, ctx->ticket) == NGX_OK
        && ngx_http_aigc_wait(r, NGX_HTTP_AIGC_RENEW_WAKE,
                              ngx_http_aigc_renew_check)
           == NGX_OK)
    {
        return;
    }

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (r == r->main) {
        r->read_event_handler = ngx_http_block_reading;
    }

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


ngx_int_t
ngx_http_aigc_renew_header(ngx_http_request_t *r)
{
    ngx_str_t                   value, *name;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_main_conf_t  *mcf;

    ctx = ngx_http_aigc_find_ctx(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    if (ctx->renewed.len || ctx->over) {
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        value = ctx->renewed;
        name = ctx->on_instance ? &mcf->instance_cookie : &mcf->session_cookie;

        if (ngx_http_aigc_set_cookie(r, name, &value, NULL, value.len ? -1 : 0)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ctx->old ? ngx_http_aigc_old_session_clear(r, ctx) : NGX_OK;
}
