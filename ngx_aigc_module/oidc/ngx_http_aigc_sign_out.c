/*
 * oidc/ngx_http_aigc_sign_out.c — the session revoked on every gateway, cookies
 * cleared, the refresh token revoked, the browser sent to the provider's
 * end-session endpoint.
 */

#include "ngx_http_aigc_sign_in.h"
#include "ngx_aigc_host_session.h"
#include "ngx_aigc_provider.h"
#include "ngx_aigc_rotation_turn.h"
#include "ngx_http_aigc_identity.h"
#include "ngx_http_aigc_renew.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"


static void ngx_http_aigc_sign_out_newest(ngx_http_request_t *r,
    ngx_aigc_session_t *session);
static ngx_int_t ngx_http_aigc_end_session(ngx_http_request_t *r,
    ngx_aigc_endpoints_t *ep, ngx_str_t *id_token, ngx_str_t *location);


ngx_int_t
ngx_http_aigc_sign_out_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   location;
    ngx_http_aigc_user_t        user;
    ngx_aigc_endpoints_t        ep;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /* a link or an image of another page must not sign anybody out */

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_aigc_not_allowed(r, "POST");
    }

    if (ngx_http_aigc_same_origin(r, NULL) != NGX_OK) {
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_CROSS_ORIGIN, NULL);
    }

    if (ngx_http_aigc_identify_gateway(r, &user, 0) == NGX_HTTP_AIGC_ID_FAILED)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* who can show the session may end it, with an expired ID token as well */

    if (user.session.sid.len == 0) {
        return ngx_http_aigc_refusal(r, NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN, NULL);
    }

    /* a copy of the cookie is no session either */

    if (ngx_aigc_revocation_put(mcf->zone, &user.session.sid,
                                ngx_max(ngx_time(), user.session.start),
                                NGX_AIGC_REVOCATION_SESSION, ngx_cycle->log)
        == NGX_ERROR)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location = mcf->origin;

    rc = ngx_aigc_issuer_endpoints(mcf->zone, r->pool, &ep);

    if (rc == NGX_OK) {
        ngx_http_aigc_sign_out_newest(r, &user.session);

        ngx_aigc_provider_revoke(mcf->provider, &ep,
                                 &user.session.refresh_token, ngx_cycle->log);

        if (ep.end_session.len) {
            rc = ngx_http_aigc_end_session(r, &ep, &user.session.id_token,
                                           &location);
        }
    }

    if (rc == NGX_ERROR
        || ngx_http_discard_request_body(r) != NGX_OK
        || ngx_http_aigc_session_over(r, &user) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_redirect(r, &location);
}


/*
 * The refresh token of this copy may have been replaced since.  Its entry goes;
 * one that changes just now is left to the leader.
 */
static void
ngx_http_aigc_sign_out_newest(ngx_http_request_t *r,
    ngx_aigc_session_t *session)
{
    ngx_str_t                   none;
    ngx_aigc_rotation_turn_t    turn;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);
    ngx_memzero(&turn, sizeof(ngx_aigc_rotation_turn_t));
    turn.zone = mcf->zone;

    if (ngx_aigc_rotation_key(&session->sid, session->start, turn.key)
        != NGX_OK
        || ngx_aigc_session_narrow(r->pool, mcf->provider->claims, session)
           != NGX_OK
        || ngx_aigc_rotation_find(mcf->zone, r->pool, turn.key, &turn.was)
           != NGX_OK)
    {
        return;
    }

    (void) ngx_aigc_rotation_newer(r->pool, mcf->keys, turn.key, &turn.was,
                                   &session->exp, &session->refresh_token);

    ngx_aigc_rotation_write(&turn, NGX_AIGC_ROTATION_TURN_RELEASE, &none);
}


/*
 * client_id says enough: at the most, the provider asks before it ends its
 * session.  An id_token_hint is a token in a URL, in the provider's log and the
 * browser's history: only where it is asked for.
 */
static ngx_int_t
ngx_http_aigc_end_session(ngx_http_request_t *r, ngx_aigc_endpoints_t *ep,
    ngx_str_t *id_token, ngx_str_t *location)
{
    size_t                      len;
    ngx_str_t                   id, back, uri, hint;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            format = ngx_string(
        "%V%sclient_id=%V&post_logout_redirect_uri=%V%s%V");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    uri.len = mcf->origin.len + 1;
    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(uri.data, "%V/", &mcf->origin);

    if (ngx_aigc_url_encode(r->pool, &mcf->provider->client_id, &id) != NGX_OK
        || ngx_aigc_url_encode(r->pool, &uri, &back) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&hint);

    if (mcf->provider->hint) {
        hint = *id_token;               /* base64url and dots */
    }

    len = format.len + ep->end_session.len + id.len + back.len
          + sizeof("&id_token_hint=") + hint.len;

    location->data = ngx_pnalloc(r->pool, len);
    if (location->data == NULL) {
        return NGX_ERROR;
    }

    location->len = ngx_snprintf(location->data, len, (char *) format.data,
                                 &ep->end_session,
                                 ngx_strlchr(ep->end_session.data,
                                             ep->end_session.data
                                             + ep->end_session.len, '?')
                                 ? "&" : "?",
                                 &id, &back,
                                 hint.len ? "&id_token_hint=" : "", &hint)
                    - location->data;

    return NGX_OK;
}
