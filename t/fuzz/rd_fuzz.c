/*
 * t/fuzz/rd_fuzz.c — the page to return to after a sign-in.  The first line is
 * a query, the second an rd that is put into one; what is let through leads to
 * the gateway or an instance, however a browser reads it.
 */

#include "fuzz.h"
#include "oidc/ngx_aigc_rd.h"


static void rd_read(fuzz_t *f, ngx_str_t *args, ngx_uint_t secure);
static void rd_leads(fuzz_t *f, ngx_str_t *rd, const char *scheme);


FUZZ(rd)
{
    ngx_str_t  args, text, value;

    args = fuzz_line(f);
    text = fuzz_rest(f);

    rd_read(f, &args, 0);
    rd_read(f, &args, 1);

    must(ngx_aigc_url_encode(f->pool, &text, &value) == NGX_OK);
    args = fuzz_fmt(f, "a=b&rd=%V&c", &value);

    rd_read(f, &args, 0);
    rd_read(f, &args, 1);
}


static void
rd_read(fuzz_t *f, ngx_str_t *args, ngx_uint_t secure)
{
    ngx_int_t            rc;
    ngx_str_t            rd, query, again, domain, origin;
    ngx_aigc_url_t       gateway;
    ngx_aigc_rd_site_t   site;

    domain = fuzz_text(f, "example.com");
    origin = fuzz_fmt(f, "%s://dashboard.example.org",
                      secure ? "https" : "http");

    must(ngx_aigc_url_parse(f->pool, &origin, &gateway) == NGX_OK);

    site.gateway = &gateway;
    site.origin = &origin;
    site.domain = &domain;
    site.secure = secure;
    site.max = 1024;

    rc = ngx_aigc_rd_read(f->pool, args, &site, &rd);

    if (rc != NGX_OK && rc != NGX_DONE) {
        must(rc == NGX_DECLINED);
        return;
    }

    must(rd.len <= site.max || rc == NGX_DONE);
    rd_leads(f, &rd, secure ? "https" : "http");

    /* it may stand in a query again, and is the same page then */

    must(ngx_aigc_url_encode(f->pool, &rd, &again) == NGX_OK);
    query = fuzz_fmt(f, "rd=%V", &again);
    must(ngx_aigc_rd_read(f->pool, &query, &site, &again) == NGX_OK);
    must(fuzz_eq(&again, &rd) || again.len < rd.len);       /* two tickets */
}


/* By its bytes alone: no parser of ours is asked. */
static void
rd_leads(fuzz_t *f, ngx_str_t *rd, const char *scheme)
{
    size_t     i, n;
    ngx_str_t  begin, host;

    must(fuzz_plain(rd));

    for (i = 0; i < rd->len; i++) {
        must(rd->data[i] > ' ' && rd->data[i] < 0x7f && rd->data[i] != '\\');
    }

    begin = fuzz_fmt(f, "%s://", scheme);
    must(rd->len > begin.len);
    must(ngx_memcmp(rd->data, begin.data, begin.len) == 0);

    host.data = rd->data + begin.len;
    n = rd->len - begin.len;

    for (host.len = 0; host.len < n; host.len++) {
        if (ngx_strchr("/?#", host.data[host.len])) {
            break;
        }
    }

    must(memchr(host.data, '@', host.len) == NULL);

    for (i = 0; i < host.len && host.data[i] != ':'; i++) { /* void */ }

    host.len = i;

    while (host.len && host.data[host.len - 1] == '.') {
        host.len--;
    }

    begin = fuzz_text(f, "dashboard.example.org");

    if (fuzz_eq(&host, &begin)) {
        return;
    }

    begin = fuzz_text(f, "example.com");
    must(host.len >= begin.len);
    must(ngx_memcmp(host.data + host.len - begin.len, begin.data, begin.len)
         == 0);
    must(host.len == begin.len || host.data[host.len - begin.len - 1] == '.');
}
