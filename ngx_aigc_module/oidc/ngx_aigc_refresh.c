/*
 * oidc/ngx_aigc_refresh.c — one call to the token endpoint, and what becomes of
 * its response.  No token is ever logged.
 *
 * claim the session, if the provider rotates → call → verify → seal → end
 *                                  ↑           ↓
 *                      the zone has a newer one ← refused without a claim
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_refresh.h"

#include "ngx_aigc_doubt.h"
#include "ngx_aigc_rotation_turn.h"
#include "ngx_aigc_verify.h"
#include "base/ngx_aigc_elapsed.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_REFRESH_WARN  3600000  /* ms between two lines */

#include "base/ngx_aigc_timer.h"


typedef struct {
    ngx_pool_t               *pool;
    ngx_aigc_refresh_conf_t   conf;
    ngx_aigc_flight_t         flight;
    ngx_aigc_session_t        session;  /* new tokens replace the old ones */
    ngx_str_t                 sub;
    ngx_aigc_fetch_t         *fetch;
    ngx_uint_t                waits;
    ngx_event_t               timer;    /* keeps an exiting worker, as libcurl's
                                           own does not; then, looks for keys */

    ngx_aigc_rotation_turn_t  turn;
    time_t                    exp;      /* of the ID token that came with the
                                           refresh token that is sent */
    unsigned                  rotated:1;    /* session has another one now */
    unsigned                  read:1;       /* the Secret, before the watch */
    unsigned                  again:1;      /* by a newer one, once refused */
} ngx_aigc_refresh_t;


static ngx_int_t ngx_aigc_refresh_copy(ngx_pool_t *pool, ngx_str_t *dst,
    ngx_str_t *src);
static ngx_int_t ngx_aigc_refresh_turn(ngx_aigc_refresh_t *rf);
static void ngx_aigc_refresh_claim(ngx_aigc_refresh_t *rf);
static void ngx_aigc_refresh_known(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_refresh_claimed(ngx_aigc_rotation_turn_t *turn);
static ngx_int_t ngx_aigc_refresh_newest(ngx_aigc_refresh_t *rf);
static ngx_int_t ngx_aigc_refresh_call(ngx_aigc_refresh_t *rf);
static ngx_int_t ngx_aigc_refresh_take(ngx_aigc_refresh_t *rf,
    ngx_aigc_tokens_t *tokens);
static void ngx_aigc_refresh_refused(ngx_aigc_refresh_t *rf);
static void ngx_aigc_refresh_tokens(void *data, ngx_aigc_tokens_t *tokens);
static void ngx_aigc_refresh_rotated(ngx_aigc_refresh_t *rf);
static void ngx_aigc_refresh_timer(ngx_event_t *ev);
static void ngx_aigc_refresh_verify(ngx_aigc_refresh_t *rf);
static void ngx_aigc_refresh_seal(ngx_aigc_refresh_t *rf, time_t exp);
static void ngx_aigc_refresh_end(ngx_aigc_refresh_t *rf,
    ngx_aigc_flight_state_e state, ngx_str_t *cookie, time_t after);
static ngx_int_t ngx_aigc_refresh_keep(ngx_aigc_refresh_t *rf, time_t exp,
    ngx_str_t *text);
static void ngx_aigc_refresh_write(ngx_aigc_refresh_t *rf, time_t exp);
static void ngx_aigc_refresh_release(ngx_aigc_refresh_t *rf,
    ngx_aigc_flight_state_e state);


void
ngx_aigc_refresh(ngx_aigc_refresh_conf_t *conf, ngx_aigc_flight_t *flight,
    ngx_aigc_session_t *session, ngx_str_t *sub, time_t before)
{
    ngx_pool_t          *pool;
    ngx_aigc_refresh_t  *rf;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    rf = pool ? ngx_pcalloc(pool, sizeof(ngx_aigc_refresh_t)) : NULL;

    if (rf == NULL) {
        if (pool) {
            ngx_destroy_pool(pool);
        }

        ngx_aigc_flight_end(conf->zone, flight->slot, flight->ticket,
                            NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    rf->pool = pool;
    rf->conf = *conf;
    rf->flight = *flight;
    rf->session.start = session->start;
    rf->exp = before;

    ngx_aigc_timer_init(&rf->timer, ngx_aigc_refresh_timer, 0, ngx_cycle->log);

    if (ngx_aigc_refresh_copy(pool, &rf->sub, sub) != NGX_OK
        || ngx_aigc_refresh_copy(pool, &rf->session.sid, &session->sid)
           != NGX_OK
        || ngx_aigc_refresh_copy(pool, &rf->session.refresh_token,
                                 &session->refresh_token)
           != NGX_OK
        || ngx_aigc_refresh_turn(rf) != NGX_OK)
    {
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    ngx_aigc_refresh_claim(rf);
}


static ngx_int_t
ngx_aigc_refresh_turn(ngx_aigc_refresh_t *rf)
{
    rf->turn.zone = rf->conf.zone;
    rf->turn.pool = rf->pool;
    rf->turn.until = rf->session.start + rf->conf.lifetime;
    rf->turn.data = rf;

    return ngx_aigc_rotation_key(&rf->session.sid, rf->session.start,
                                 rf->turn.key);
}


/* A provider that keeps its refresh tokens takes one from several at once. */
static void
ngx_aigc_refresh_claim(ngx_aigc_refresh_t *rf)
{
    rf->turn.handler = ngx_aigc_refresh_claimed;

    if (ngx_aigc_rotation_rotates(rf->conf.zone)) {
        ngx_aigc_rotation_claim(&rf->turn);
        return;
    }

    if (!rf->read && !ngx_aigc_rotation_known(rf->conf.zone)) {
        rf->read = 1;
        rf->turn.handler = ngx_aigc_refresh_known;
        ngx_aigc_rotation_read(&rf->turn);
        return;
    }

    ngx_aigc_refresh_claimed(&rf->turn);
}


static void
ngx_aigc_refresh_known(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_refresh_claim(turn->data);
}


static void
ngx_aigc_refresh_claimed(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_refresh_t  *rf;

    rf = turn->data;

    if (ngx_aigc_refresh_newest(rf) != NGX_OK
        || ngx_aigc_refresh_call(rf) != NGX_OK)
    {
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
    }
}


/* Of the cookie's refresh token, the zone's and the Secret's the newest. */
static ngx_int_t
ngx_aigc_refresh_newest(ngx_aigc_refresh_t *rf)
{
    ngx_str_t  *token;

    token = &rf->session.refresh_token;

    return (ngx_aigc_rotation_newest(rf->conf.zone, rf->pool, rf->conf.keys,
                                     rf->turn.key, &rf->exp, token)
            == NGX_ERROR
            || ngx_aigc_rotation_newer(rf->pool, rf->conf.keys, rf->turn.key,
                                       &rf->turn.was, &rf->exp, token)
               == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_aigc_refresh_copy(ngx_pool_t *pool, ngx_str_t *dst, ngx_str_t *src)
{
    dst->len = src->len;
    dst->data = ngx_pstrdup(pool, src);

    return dst->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_aigc_refresh_call(ngx_aigc_refresh_t *rf)
{
    ngx_aigc_endpoints_t  ep;

    if (ngx_aigc_issuer_endpoints(rf->conf.zone, rf->pool, &ep) != NGX_OK) {
        return NGX_ERROR;
    }

    rf->fetch = ngx_aigc_provider_refresh(rf->conf.provider, &ep,
                                       &rf->session.refresh_token,
                                       ngx_aigc_refresh_tokens, rf,
                                       ngx_cycle->log);
    if (rf->fetch == NULL) {
        return NGX_ERROR;
    }

    ngx_add_timer(&rf->timer, NGX_AIGC_PROVIDER_TIMEOUT + 1000);

    return NGX_OK;
}


static void
ngx_aigc_refresh_tokens(void *data, ngx_aigc_tokens_t *tokens)
{
    ngx_aigc_refresh_t *rf = data;

    rf->fetch = NULL;
    ngx_aigc_timer_stop(&rf->timer);

    switch (tokens->result) {

    case NGX_AIGC_TOKENS_OK:
        break;

    case NGX_AIGC_TOKENS_INVALID_GRANT:
        ngx_aigc_refresh_refused(rf);
        return;

    case NGX_AIGC_TOKENS_REFUSED:
    case NGX_AIGC_TOKENS_NO_ID:
    case NGX_AIGC_TOKENS_TOO_LARGE:         /* the next sign-in says why */
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_REFUSED, NULL, 0);
        return;

    default:
        /* is it away for those who want to sign in, too? */
        ngx_aigc_issuer_want_keys(rf->conf.zone);

        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    if (ngx_aigc_refresh_take(rf, tokens) != NGX_OK) {
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    ngx_aigc_refresh_verify(rf);
}


/* Without a new refresh token the old one goes on (RFC 6749 6). */
static ngx_int_t
ngx_aigc_refresh_take(ngx_aigc_refresh_t *rf, ngx_aigc_tokens_t *tokens)
{
    if (tokens->refresh_token.len
        && !ngx_aigc_text_eq(&tokens->refresh_token,
                             &rf->session.refresh_token))
    {
        if (ngx_aigc_refresh_copy(rf->pool, &rf->session.refresh_token,
                                  &tokens->refresh_token)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_aigc_refresh_rotated(rf);
    }

    return ngx_aigc_refresh_copy(rf->pool, &rf->session.id_token,
                                 &tokens->id_token);
}


/*
 * invalid_grant, one word for many reasons.  Another gateway may have got a
 * newer refresh token just now, before anybody knew that this provider replaces
 * them.  If not: may the user be gone?
 */
static void
ngx_aigc_refresh_refused(ngx_aigc_refresh_t *rf)
{
    ngx_str_t  sent;

    if (!rf->turn.claimed && !rf->again) {

        rf->again = 1;
        sent = rf->session.refresh_token;

        if (ngx_aigc_refresh_newest(rf) != NGX_OK) {
            ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
            return;
        }

        if (!ngx_aigc_text_eq(&sent, &rf->session.refresh_token)) {
            ngx_aigc_refresh_claim(rf);
            return;
        }
    }

    ngx_aigc_doubt_put(rf->conf.zone, &rf->sub);

    ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_REFUSED, NULL, 0);
}


/*
 * Several gateways that renew one session may each send the old token, and the
 * provider may take the second time for a theft.
 */
static void
ngx_aigc_refresh_rotated(ngx_aigc_refresh_t *rf)
{
    ngx_str_t                 text;

    static ngx_aigc_seldom_t  warned;

    rf->rotated = 1;
    ngx_aigc_count(rf->conf.zone, rotations);

    /* who dies before the end leaves it to another worker */

    (void) ngx_aigc_refresh_keep(rf, rf->exp + 1, &text);

    if (rf->conf.provider->words->rotates
        && ngx_aigc_seldom(&warned, NGX_AIGC_REFRESH_WARN))
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aigc: %s replaced the refresh token of a session that "
                      "began %T s ago: %s",
                      rf->conf.provider->words->name,
                      ngx_time() - rf->session.start,
                      rf->conf.provider->words->rotates);
    }
}


static void
ngx_aigc_refresh_timer(ngx_event_t *ev)
{
    ngx_aigc_refresh_t  *rf;

    rf = (ngx_aigc_refresh_t *) ((u_char *) ev
                                 - offsetof(ngx_aigc_refresh_t, timer));

    if (rf->fetch) {
        ngx_aigc_fetch_cancel(rf->fetch);
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    ngx_aigc_refresh_verify(rf);
}


/* As at sign-in, but for the nonce; tried again while a key is on its way. */
static void
ngx_aigc_refresh_verify(ngx_aigc_refresh_t *rf)
{
    ngx_uint_t               busy;
    ngx_aigc_jwt_t           jwt;
    ngx_aigc_verify_t        verify;
    ngx_aigc_jwt_verdict_e   verdict;

    verify.issuer = &rf->conf.provider->issuer;
    verify.audience = &rf->conf.provider->client_id;
    verify.party = verify.audience;
    verify.claims = rf->conf.provider->claims;
    verify.skew = rf->conf.skew;

    verdict = ngx_aigc_verify(rf->conf.zone, rf->pool, &verify,
                              &rf->session.id_token, &jwt, &busy);

    if (ngx_aigc_verify_wait(verdict, &rf->waits)) {
        ngx_add_timer(&rf->timer, NGX_AIGC_KEY_WAIT);
        return;
    }

    if (verdict != NGX_AIGC_JWT_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aigc: %s's renewed ID token was refused: %V",
                      rf->conf.provider->words->name,
                      ngx_aigc_jwt_verdict_text(verdict));

        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_FAILED, NULL, 0);
        return;
    }

    if (!ngx_aigc_text_eq(&jwt.sub, &rf->sub)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aigc: %s's renewed ID token is another user's: the "
                      "session ends", rf->conf.provider->words->name);

        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_REFUSED, NULL, 0);
        return;
    }

    ngx_aigc_provider_roles(rf->conf.provider, rf->conf.zone, &jwt,
                            ngx_cycle->log);

    ngx_aigc_refresh_seal(rf, jwt.exp);
}


static void
ngx_aigc_refresh_seal(ngx_aigc_refresh_t *rf, time_t exp)
{
    ngx_int_t  rc;
    ngx_str_t  cookie;

    rc = ngx_aigc_session_seal_some(rf->pool, rf->conf.keys, &rf->session,
                                    &cookie);

    if (rc == NGX_OK) {
        ngx_aigc_refresh_end(rf, NGX_AIGC_FLIGHT_RENEWED, &cookie, exp);
        return;
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aigc: a renewed session does not fit a cookie any more: "
                      "the ID token has %uz bytes: give the application fewer "
                      "custom claims, or the user fewer roles, a shorter "
                      "picture address or profile",
                      rf->session.id_token.len);
    }

    ngx_aigc_refresh_end(rf, rc == NGX_DECLINED ? NGX_AIGC_FLIGHT_REFUSED
                                                : NGX_AIGC_FLIGHT_FAILED,
                         NULL, 0);
}


static void
ngx_aigc_refresh_end(ngx_aigc_refresh_t *rf, ngx_aigc_flight_state_e state,
    ngx_str_t *cookie, time_t after)
{
    ngx_aigc_zone_t  *zone;

    zone = rf->conf.zone;

    /* before anybody can lead the next flight */

    if (rf->rotated && state != NGX_AIGC_FLIGHT_REFUSED) {
        ngx_aigc_refresh_write(rf, ngx_max(after, rf->exp + 1));

    } else if (rf->turn.claimed) {
        ngx_aigc_refresh_release(rf, state);
    }

    ngx_aigc_flight_end(zone, rf->flight.slot, rf->flight.ticket, state,
                        cookie, after);

    switch (state) {

    case NGX_AIGC_FLIGHT_RENEWED:
        ngx_aigc_count(zone, renewed);
        break;

    case NGX_AIGC_FLIGHT_REFUSED:
        ngx_aigc_count(zone, renew_refused);
        break;

    default:
        ngx_aigc_count(zone, renew_failed);
        break;
    }

    ngx_aigc_timer_stop(&rf->timer);

    ngx_destroy_pool(rf->pool);
}


/* The old refresh token is worth nothing any more, in whatever cookie it is. */
static ngx_int_t
ngx_aigc_refresh_keep(ngx_aigc_refresh_t *rf, time_t exp, ngx_str_t *text)
{
    ngx_aigc_rotation_t  rotation;

    ngx_memzero(&rotation, sizeof(ngx_aigc_rotation_t));

    rotation.exp = exp;
    rotation.until = rf->turn.until;

    if (ngx_aigc_rotation_seal(rf->pool, rf->conf.keys, rf->turn.key,
                               &rf->session.refresh_token, &rotation)
        != NGX_OK
        || ngx_aigc_rotation_text(rf->pool, &rotation, text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_rotation_put(rf->conf.zone, rf->turn.key, text,
                          NGX_AIGC_ROTATION_PENDING);

    return NGX_OK;
}


static void
ngx_aigc_refresh_write(ngx_aigc_refresh_t *rf, time_t exp)
{
    ngx_str_t  text;

    if (ngx_aigc_refresh_keep(rf, exp, &text) != NGX_OK) {
        ngx_aigc_count(rf->conf.zone, rotations_full);
        ngx_aigc_refresh_release(rf, NGX_AIGC_FLIGHT_REFUSED);
        return;
    }

    ngx_aigc_rotation_write(&rf->turn, NGX_AIGC_ROTATION_TURN_WRITE, &text);
}


/* Nothing is new; of a session that has ended the entry goes. */
static void
ngx_aigc_refresh_release(ngx_aigc_refresh_t *rf, ngx_aigc_flight_state_e state)
{
    ngx_str_t            text;
    ngx_aigc_rotation_t  rotation;

    if (!rf->turn.claimed
        || ngx_aigc_rotation_parse(&rf->turn.was, &rotation) != NGX_OK)
    {
        return;
    }

    rotation.claim = 0;
    ngx_str_null(&rotation.gateway);
    ngx_str_null(&text);

    if (state != NGX_AIGC_FLIGHT_REFUSED && rotation.exp
        && ngx_aigc_rotation_text(rf->pool, &rotation, &text) != NGX_OK)
    {
        return;
    }

    ngx_aigc_rotation_write(&rf->turn, NGX_AIGC_ROTATION_TURN_RELEASE, &text);
}
