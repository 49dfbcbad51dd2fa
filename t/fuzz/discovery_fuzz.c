/*
 * t/fuzz/discovery_fuzz.c — what a provider says of itself: the first line is
 * its discovery document, the rest its keys.  Nothing is sent anywhere but to
 * the issuer's own host, by TLS; what is bad replaces nothing.
 */

#include "answer.h"
#include "sign.h"

#include "oidc/ngx_aigc_provider.c"     /* its state is begun anew each time */


static void discovery_endpoint(fuzz_t *f, ngx_str_t *endpoint);


FUZZ(discovery)
{
    ngx_int_t              known;
    ngx_str_t              document, keys;
    ngx_aigc_zone_t       *zone;
    ngx_atomic_uint_t      version;
    ngx_aigc_endpoints_t   ep;

    document = fuzz_line(f);
    keys = fuzz_rest(f);

    zone = fuzz_zone(f);

    ngx_aigc_provider = fuzz_provider();
    ngx_aigc_provider_zone = zone;
    ngx_aigc_provider_log = f->log;
    ngx_aigc_provider_jwks_uri.data = ngx_aigc_provider_jwks_data;
    ngx_aigc_provider_jwks_uri.len = 0;
    ngx_memzero(&ngx_aigc_provider_complained, sizeof(ngx_aigc_seldom_t));

    must(ngx_aigc_provider_get(&ngx_aigc_provider->issuer,
                               ngx_aigc_provider_discovered)
         == NGX_OK);
    fuzz_answer(200, &document);

    known = ngx_aigc_issuer_endpoints(zone, f->pool, &ep);
    must((known == NGX_OK) == (fuzz_call() != NULL));

    if (known != NGX_OK) {
        return;
    }

    must(fuzz_eq(&ep.issuer, &ngx_aigc_provider->issuer));
    must(fuzz_eq(&fuzz_call()->url, &ep.jwks_uri));

    discovery_endpoint(f, &ep.authorization);
    discovery_endpoint(f, &ep.token);
    discovery_endpoint(f, &ep.jwks_uri);

    if (ep.revocation.len) {
        discovery_endpoint(f, &ep.revocation);
    }

    if (ep.end_session.len) {
        discovery_endpoint(f, &ep.end_session);
    }

    fuzz_answer(200, &keys);

    if (ngx_aigc_issuer(zone)->keys) {
        must(ngx_aigc_issuer_keys(zone, &version, f->log) != NULL);
        must(version == ngx_aigc_issuer(zone)->keys);
    }

    /* an answer that is none changes nothing */

    version = ngx_aigc_issuer(zone)->keys;
    must(ngx_aigc_provider_get(&ep.jwks_uri, ngx_aigc_provider_keys)
         == NGX_OK);
    document = fuzz_text(f, "{\"keys\":[]}");
    fuzz_answer(200, &document);
    must(ngx_aigc_issuer(zone)->keys == version);
}


static void
discovery_endpoint(fuzz_t *f, ngx_str_t *endpoint)
{
    ngx_str_t  begin;

    begin = fuzz_text(f, "https://logto.example.com");

    must(endpoint->len <= NGX_AIGC_ENDPOINT_MAX);
    must(fuzz_plain(endpoint));
    must(endpoint->len >= begin.len
         && ngx_strncasecmp(endpoint->data, begin.data, begin.len) == 0);
    must(endpoint->len == begin.len
         || ngx_strchr("/?:.#", endpoint->data[begin.len]) != NULL);
}
