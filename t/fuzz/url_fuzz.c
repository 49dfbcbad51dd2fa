/*
 * t/fuzz/url_fuzz.c — URLs, hosts and queries from outside.  The first line is
 * a URL ("rd", X-Original-URL, an endpoint), the second a domain, the third a
 * query.
 */

#include "fuzz.h"
#include "base/ngx_aigc_url.h"


static void url_parsed(fuzz_t *f, ngx_aigc_url_t *url);
static void url_host(fuzz_t *f, ngx_str_t *text, ngx_str_t *domain);
static void url_escaped(fuzz_t *f, ngx_str_t *text);


FUZZ(url)
{
    ngx_str_t       text, domain, query, value;
    ngx_aigc_url_t  url;

    text = fuzz_line(f);
    domain = fuzz_line(f);
    query = fuzz_rest(f);

    if (ngx_aigc_url_split(f->pool, &text, &url) == NGX_OK) {
        url_parsed(f, &url);
    }

    if (ngx_aigc_url_parse(f->pool, &text, &url) == NGX_OK) {
        must(fuzz_plain(&url.uri));
        must(text.len <= NGX_AIGC_URL_MAX);
        url_parsed(f, &url);
    }

    url_host(f, &text, &domain);
    url_escaped(f, &text);

    if (ngx_aigc_query_get(&query, "rd", &value) == NGX_OK) {
        must(fuzz_inside(&value, &query));
        must(value.len == 0 || memchr(value.data, '&', value.len) == NULL);
    }
}


/* What was read says the same when it is put together and read again. */
static void
url_parsed(fuzz_t *f, ngx_aigc_url_t *url)
{
    ngx_str_t       text, host;
    ngx_aigc_url_t  again;

    must(url->host.len > 0 && url->host.len <= NGX_AIGC_HOST_MAX);
    must(url->port > 0);
    must(url->uri.len > 0 && url->uri.data[0] == '/');
    must(ngx_aigc_host_normalize(f->pool, &url->authority, &host) == NGX_OK);
    must(fuzz_eq(&host, &url->host));

    text = fuzz_fmt(f, "%V://%V%V", &url->scheme, &url->authority, &url->uri);

    must(ngx_aigc_url_split(f->pool, &text, &again) == NGX_OK);
    must(fuzz_eq(&again.scheme, &url->scheme));
    must(fuzz_eq(&again.host, &url->host));
    must(fuzz_eq(&again.authority, &url->authority));
    must(fuzz_eq(&again.uri, &url->uri));
    must(again.port == url->port);
}


static void
url_host(fuzz_t *f, ngx_str_t *text, ngx_str_t *domain)
{
    ngx_str_t  host, again;

    if (ngx_aigc_host_normalize(f->pool, text, &host) == NGX_OK) {
        must(host.len > 0 && host.len <= NGX_AIGC_HOST_MAX);
        must(ngx_aigc_host_normalize(f->pool, &host, &again) == NGX_OK);
        must(fuzz_eq(&again, &host));
        must(ngx_aigc_host_within(&host, &host) == NGX_OK);

        again = fuzz_fmt(f, "a.%V", &host);
        must(ngx_aigc_host_within(&again, &host) == NGX_OK);

        again = fuzz_fmt(f, "a%V", &host);
        must(ngx_aigc_host_within(&again, &host) == NGX_DECLINED);
    }

    if (ngx_aigc_host_within(text, domain) == NGX_OK) {
        must(domain->len > 0 && text->len >= domain->len);
        must(ngx_memcmp(text->data + text->len - domain->len, domain->data,
                        domain->len) == 0);
        must(text->len == domain->len
             || text->data[text->len - domain->len - 1] == '.');
    }
}


static void
url_escaped(fuzz_t *f, ngx_str_t *text)
{
    ngx_int_t   rc;
    ngx_str_t   out, again, odd;
    ngx_uint_t  nul;

    nul = (text->len && memchr(text->data, '\0', text->len));

    must(ngx_aigc_url_encode(f->pool, text, &out) == NGX_OK);
    rc = ngx_aigc_url_decode(f->pool, &out, &again);
    must(nul ? rc == NGX_DECLINED : rc == NGX_OK && fuzz_eq(&again, text));

    must(ngx_aigc_url_encode_little(f->pool, text, &out) == NGX_OK);
    rc = ngx_aigc_url_decode(f->pool, &out, &again);
    must(nul ? rc == NGX_DECLINED : rc == NGX_OK && fuzz_eq(&again, text));

    must(ngx_aigc_url_escape_odd(f->pool, text, &odd) == NGX_OK);
    must(fuzz_plain(&odd));
    must(ngx_aigc_url_escape_odd(f->pool, &odd, &again) == NGX_OK);
    must(fuzz_eq(&again, &odd));

    if (ngx_aigc_url_decode(f->pool, text, &out) == NGX_OK) {
        must(out.len <= text->len);
        must(out.len == 0 || memchr(out.data, '\0', out.len) == NULL);
    }
}
