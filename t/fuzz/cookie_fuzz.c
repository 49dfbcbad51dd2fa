/*
 * t/fuzz/cookie_fuzz.c — the Cookie header of a request, and the Set-Cookie
 * headers of a pod.  The first line is the name of the old cookie, the second
 * a host, the rest the header.
 */

#include "fuzz.h"
#include "base/ngx_aigc_cookie.h"


static void cookie_strip(fuzz_t *f, ngx_str_t *header, ngx_str_t *old);
static void cookie_narrow(fuzz_t *f, ngx_str_t *header, ngx_str_t *host);
static void cookie_build(fuzz_t *f, ngx_str_t *name, ngx_str_t *value,
    ngx_str_t *domain);


FUZZ(cookie)
{
    ngx_str_t  old, host, header;

    old = fuzz_line(f);
    host = fuzz_line(f);
    header = fuzz_rest(f);

    cookie_strip(f, &header, &old);
    cookie_narrow(f, &header, &host);
    cookie_build(f, &old, &header, &host);
}


/* Our pairs go, all others stay as they are and where they are. */
static void
cookie_strip(fuzz_t *f, ngx_str_t *header, ngx_str_t *old)
{
    size_t      i, j;
    ngx_str_t   left, name, value, kept_name, kept_value, again;
    ngx_uint_t  cut, ours;

    left = fuzz_copy(f, header->data, header->len);
    cut = ngx_aigc_cookie_strip(&left, old);

    must(left.len <= header->len);
    must(cut > 0 || fuzz_eq(&left, header));

    i = 0;
    j = 0;
    ours = 0;

    while (ngx_aigc_cookie_next(header, &i, &name, &value) == NGX_OK) {
        must(fuzz_inside(&name, header) && fuzz_inside(&value, header));
        must(i <= header->len);

        if (ngx_aigc_cookie_ours(&name, old) == NGX_OK) {
            ours++;
            continue;
        }

        must(ngx_aigc_cookie_next(&left, &j, &kept_name, &kept_value)
             == NGX_OK);
        must(fuzz_eq(&name, &kept_name) && fuzz_eq(&value, &kept_value));
    }

    must(ours == cut);
    must(ngx_aigc_cookie_next(&left, &j, &name, &value) == NGX_DONE);

    again = fuzz_copy(f, left.data, left.len);
    must(ngx_aigc_cookie_strip(&again, old) == 0);
    must(fuzz_eq(&again, &left));
}


static void
cookie_narrow(fuzz_t *f, ngx_str_t *header, ngx_str_t *host)
{
    size_t     i, j;
    ngx_str_t  out, again, name, value, name2, value2;

    out = fuzz_copy(f, header->data, header->len);
    ngx_aigc_cookie_narrow(&out, host);
    must(out.len <= header->len);

    again = fuzz_copy(f, out.data, out.len);
    ngx_aigc_cookie_narrow(&again, host);
    must(fuzz_eq(&again, &out));

    /* what is before the first ";" is the cookie, and stays */

    for (i = 0; i < header->len && header->data[i] != ';'; i++) { /* void */ }
    must(out.len >= i && ngx_memcmp(out.data, header->data, i) == 0);

    /* only "Domain" goes */

    i = 0;
    j = 0;

    while (ngx_aigc_cookie_next(&out, &j, &name2, &value2) == NGX_OK) {
        while (ngx_aigc_cookie_next(header, &i, &name, &value) == NGX_OK
               && !(fuzz_eq(&name, &name2) && fuzz_eq(&value, &value2)))
        {
            must(name.len == 6 && ngx_strncasecmp(name.data,
                                                  (u_char *) "domain", 6)
                                  == 0);
        }
    }
}


static void
cookie_build(fuzz_t *f, ngx_str_t *name, ngx_str_t *value, ngx_str_t *domain)
{
    size_t     pos;
    ngx_str_t  out, got_name, got_value;

    if (ngx_aigc_cookie_build(f->pool, name, value, domain, 1, 10, &out)
        != NGX_OK)
    {
        return;
    }

    must(fuzz_plain(&out));

    pos = 0;
    must(ngx_aigc_cookie_next(&out, &pos, &got_name, &got_value) == NGX_OK);
    must(fuzz_eq(&got_name, name) && fuzz_eq(&got_value, value));
}
