/*
 * oidc/ngx_aigc_provider.c — what the provider says of itself: discovery
 * and keys.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <jansson.h>

#include "ngx_aigc_provider.h"

#include "base/ngx_aigc_text.h"
#include "base/ngx_aigc_timer.h"
#include "base/ngx_aigc_url.h"


static void ngx_aigc_provider_timer(ngx_event_t *ev);
static ngx_int_t ngx_aigc_provider_get(ngx_str_t *url,
    ngx_aigc_fetch_done_pt done);
static void ngx_aigc_provider_discovered(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_provider_discovery(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_provider_issuer(ngx_aigc_fetch_t *f,
    ngx_str_t *issuer);
static ngx_int_t ngx_aigc_provider_endpoint(ngx_aigc_fetch_t *f,
    const char *name, ngx_str_t *endpoint);
static ngx_uint_t ngx_aigc_provider_announced(json_t *root);
static ngx_uint_t ngx_aigc_provider_lists(json_t *root, const char *name,
    const char *word);
static void ngx_aigc_provider_keys(ngx_aigc_fetch_t *f);
static void ngx_aigc_provider_failed(ngx_aigc_fetch_t *f, const char *what);


static ngx_aigc_provider_t  *ngx_aigc_provider;
static ngx_aigc_zone_t      *ngx_aigc_provider_zone;
static ngx_log_t            *ngx_aigc_provider_log;
static ngx_event_t           ngx_aigc_provider_event;
static ngx_aigc_fetch_t     *ngx_aigc_provider_fetch;
static ngx_aigc_backoff_t    ngx_aigc_provider_backoff;
static ngx_msec_t            ngx_aigc_provider_next;     /* ngx_current_msec */
static ngx_msec_t            ngx_aigc_provider_fetched;  /* likewise */
static ngx_aigc_seldom_t     ngx_aigc_provider_complained;
static ngx_str_t             ngx_aigc_provider_jwks_uri;
static u_char
    ngx_aigc_provider_jwks_data[NGX_AIGC_ENDPOINT_MAX + 1];


ngx_int_t
ngx_aigc_provider_start(ngx_cycle_t *cycle, ngx_aigc_provider_t *provider,
    ngx_aigc_zone_t *zone)
{
    ngx_aigc_provider = provider;
    ngx_aigc_provider_zone = zone;
    ngx_aigc_provider_log = cycle->log;
    ngx_aigc_provider_next = ngx_current_msec;
    ngx_aigc_provider_jwks_uri.data = ngx_aigc_provider_jwks_data;

    ngx_aigc_timer_init(&ngx_aigc_provider_event, ngx_aigc_provider_timer, 1,
                        cycle->log);
    ngx_add_timer(&ngx_aigc_provider_event, 1);

    return NGX_OK;
}


void
ngx_aigc_provider_stop(void)
{
    ngx_aigc_timer_stop(&ngx_aigc_provider_event);

    if (ngx_aigc_provider_fetch) {
        ngx_aigc_fetch_cancel(ngx_aigc_provider_fetch);
        ngx_aigc_provider_fetch = NULL;
    }
}


static void
ngx_aigc_provider_timer(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_str_t                url, issuer;
    u_char                   buf[NGX_AIGC_ENDPOINT_MAX + 64];
    ngx_aigc_issuer_slot_t  *slot;

    if (ngx_aigc_zone_is_writer(ngx_aigc_provider_zone) != NGX_OK) {
        ngx_aigc_provider_stop();
        return;
    }

    ngx_add_timer(ev, NGX_AIGC_PROVIDER_POLL);

    if (ngx_aigc_provider_fetch) {
        return;
    }

    slot = ngx_aigc_issuer(ngx_aigc_provider_zone);

    if (slot->wanted
        && ngx_aigc_since(ngx_aigc_provider_fetched) >= NGX_AIGC_KEYS_WANTED)
    {
        slot->wanted = 0;
        ngx_aigc_provider_next = ngx_current_msec;
    }

    if (!ngx_aigc_reached(ngx_aigc_provider_next)) {
        return;
    }

    ngx_aigc_provider_fetched = ngx_current_msec;
    ngx_aigc_provider_next = ngx_current_msec + NGX_AIGC_KEYS_EVERY * 1000;

    if (ngx_aigc_provider_jwks_uri.len) {
        rc = ngx_aigc_provider_get(&ngx_aigc_provider_jwks_uri,
                                   ngx_aigc_provider_keys);

    } else {
        issuer = ngx_aigc_provider->issuer;

        if (issuer.data[issuer.len - 1] == '/') {
            issuer.len--;               /* OIDC Discovery 4.1 */
        }

        url.data = buf;
        url.len = ngx_snprintf(buf, sizeof(buf),
                               "%V/.well-known/openid-configuration", &issuer)
                  - buf;

        rc = ngx_aigc_provider_get(&url, ngx_aigc_provider_discovered);
    }

    if (rc != NGX_OK) {
        /* it never left: that is not the provider's fault, and soon over */
        ngx_aigc_provider_next = ngx_current_msec + NGX_AIGC_PROVIDER_BACKOFF;
    }
}


static ngx_int_t
ngx_aigc_provider_get(ngx_str_t *url, ngx_aigc_fetch_done_pt done)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_fetch_create(ngx_aigc_provider_log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->timeout = NGX_AIGC_PROVIDER_TIMEOUT;
    f->max = NGX_AIGC_PROVIDER_ANSWER;
    f->reserve = NGX_AIGC_RESERVE_DUTY;
    f->done = done;

    if (ngx_aigc_fetch_text(f, &f->url, "", url) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->ca_file, "", &ngx_aigc_provider->ca_file)
           != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[0], "Accept: application/json",
                               NULL) != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    f->nheaders = 1;

    ngx_aigc_provider_fetch = f;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        ngx_aigc_provider_fetch = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_aigc_provider_discovered(ngx_aigc_fetch_t *f)
{
    ngx_aigc_provider_fetch = NULL;

    if (f->status != 200 || f->error
        || ngx_aigc_provider_discovery(f) != NGX_OK)
    {
        ngx_aigc_provider_failed(f, "discovery");
        return;
    }

    ngx_aigc_backoff_reset(&ngx_aigc_provider_backoff);
    ngx_aigc_issuer_put_away(ngx_aigc_provider_zone, 0);
    ngx_aigc_provider_next = ngx_current_msec;

    (void) ngx_aigc_provider_get(&ngx_aigc_provider_jwks_uri,
                                 ngx_aigc_provider_keys);
}


/* NGX_DECLINED: not what a provider says (OIDC Discovery 4.2, 4.3) */
static ngx_int_t
ngx_aigc_provider_discovery(ngx_aigc_fetch_t *f)
{
    json_t                *root;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_aigc_endpoints_t   ep;

    static const char     *names[] = {
        "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
        "revocation_endpoint", "end_session_endpoint"
    };

    ngx_str_t             *fields[] = {
        &ep.issuer, &ep.authorization, &ep.token, &ep.jwks_uri,
        &ep.revocation, &ep.end_session
    };

    root = json_loadb((char *) f->answer.data, f->answer.len,
                      JSON_REJECT_DUPLICATES, NULL);

    rc = NGX_OK;

    /* the first four must be there */

    for (i = 0; rc == NGX_OK && i < sizeof(names) / sizeof(names[0]); i++) {

        *fields[i] = ngx_aigc_json_text(root, names[i]);

        if (fields[i]->len || i < 4) {
            rc = (i == 0) ? ngx_aigc_provider_issuer(f, fields[i])
                          : ngx_aigc_provider_endpoint(f, names[i], fields[i]);
        }
    }

    if (rc == NGX_OK) {
        ep.announced = ngx_aigc_provider_announced(root);
        rc = ngx_aigc_issuer_put_endpoints(ngx_aigc_provider_zone, &ep);
    }

    if (rc == NGX_OK) {
        ngx_memcpy(ngx_aigc_provider_jwks_data, ep.jwks_uri.data,
                   ep.jwks_uri.len);
        ngx_aigc_provider_jwks_uri.len = ep.jwks_uri.len;
    }

    json_decref(root);

    return rc;
}


static ngx_int_t
ngx_aigc_provider_issuer(ngx_aigc_fetch_t *f, ngx_str_t *issuer)
{
    ngx_aigc_url_t  url;

    if (issuer->len > NGX_AIGC_ENDPOINT_MAX
        || ngx_aigc_url_parse(f->pool, issuer, &url) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (!ngx_aigc_text_eq(issuer, &ngx_aigc_provider->issuer)) {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: %s calls itself \"%V\": say so in "
                      "\"%s\", not \"%V\"",
                      ngx_aigc_provider->words->name, issuer,
                      ngx_aigc_provider->words->directive,
                      &ngx_aigc_provider->issuer);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Secrets, codes and keys go to the issuer's own host, and not without the TLS
 * that it has.  A provider may make these URLs from the request, as a proxy in
 * front of it passed it on.
 */
static ngx_int_t
ngx_aigc_provider_endpoint(ngx_aigc_fetch_t *f, const char *name,
    ngx_str_t *endpoint)
{
    ngx_aigc_url_t  url, own;

    if (endpoint->len > NGX_AIGC_ENDPOINT_MAX
        || ngx_aigc_url_parse(f->pool, endpoint, &url) != NGX_OK
        || ngx_aigc_url_parse(f->pool, &ngx_aigc_provider->issuer, &own)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (url.scheme.len < own.scheme.len) {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: %s's %s \"%V\" is without TLS, \"%V\" is not: "
                      "nothing is sent there: %s",
                      ngx_aigc_provider->words->name, name, endpoint,
                      &ngx_aigc_provider->issuer,
                      ngx_aigc_provider->words->tls);
        return NGX_DECLINED;
    }

    if (!ngx_aigc_text_eq(&url.host, &own.host)
        || (url.scheme.len == own.scheme.len && url.port != own.port))
    {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: %s's %s \"%V\" is not at the host of \"%V\": "
                      "nothing is sent there: %s",
                      ngx_aigc_provider->words->name, name, endpoint,
                      &ngx_aigc_provider->issuer,
                      ngx_aigc_provider->words->host);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Where it says nothing, the defaults of OIDC Discovery and RFC 9207 hold: the
 * secret by Basic, no "iss" in responses.  Of a list of methods that has
 * neither Basic nor the form, Basic is tried.
 */
static ngx_uint_t
ngx_aigc_provider_announced(json_t *root)
{
    ngx_uint_t  bits;

    static const char  *auth = "token_endpoint_auth_methods_supported";

    bits = 0;

    if (json_is_true(json_object_get(root,
                           "authorization_response_iss_parameter_supported")))
    {
        bits |= NGX_AIGC_ANNOUNCED_ISS;
    }

    if (ngx_aigc_provider_lists(root, auth, "client_secret_post")
        && !ngx_aigc_provider_lists(root, auth, "client_secret_basic"))
    {
        bits |= NGX_AIGC_ANNOUNCED_POST;
    }

    if (ngx_aigc_provider_lists(root, "scopes_supported", "offline_access")) {
        bits |= NGX_AIGC_ANNOUNCED_OFFLINE;
    }

    return bits;
}


static ngx_uint_t
ngx_aigc_provider_lists(json_t *root, const char *name, const char *word)
{
    size_t       i;
    json_t      *list;
    const char  *text;

    list = json_object_get(root, name);

    for (i = 0; i < json_array_size(list); i++) {
        text = json_string_value(json_array_get(list, i));

        if (text && ngx_strcmp(text, word) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_aigc_provider_keys(ngx_aigc_fetch_t *f)
{
    ngx_aigc_provider_fetch = NULL;

    if (f->status != 200 || f->error
        || ngx_aigc_issuer_put_keys(ngx_aigc_provider_zone, &f->answer, f->log)
           != NGX_OK)
    {
        ngx_aigc_provider_failed(f, "JWKS");
        return;
    }

    ngx_aigc_backoff_reset(&ngx_aigc_provider_backoff);
    ngx_aigc_issuer_put_away(ngx_aigc_provider_zone, 0);
}


static void
ngx_aigc_provider_failed(ngx_aigc_fetch_t *f, const char *what)
{
    /* the second time in a row: one failure is no outage */

    if (ngx_aigc_provider_backoff.wait) {
        ngx_aigc_issuer_put_away(ngx_aigc_provider_zone,
                                 f->status == 0 || f->status >= 500);
    }

    ngx_aigc_provider_next = ngx_current_msec
                     + ngx_aigc_backoff_next(&ngx_aigc_provider_backoff,
                                             NGX_AIGC_PROVIDER_BACKOFF,
                                             NGX_AIGC_PROVIDER_BACKOFF_MAX);

    if (!ngx_aigc_seldom(&ngx_aigc_provider_complained,
                         NGX_AIGC_PROVIDER_SAY))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, f->log, 0,
                  "aigc: %s's %s at \"%V\" could not be used: status %ui, "
                  "%s; what was known stays in use",
                  ngx_aigc_provider->words->name, what, &f->url, f->status,
                  f->error ? f->error : "not what it should be");
}
