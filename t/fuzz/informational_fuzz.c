/*
 * t/fuzz/informational_fuzz.c — the begin of a pod's answer: informational
 * responses are read past, whole and nothing else.  The first line is how many
 * bytes have come.
 */

#include "fuzz.h"

#include "gateway/ngx_http_aigc_informational.c"


static ngx_int_t informational(fuzz_t *f, ngx_str_t *text, u_char **end);


FUZZ(informational)
{
    size_t      some;
    u_char     *end, *early;
    ngx_int_t   rc, first;
    ngx_str_t   text, part;

    some = fuzz_number(f);
    text = fuzz_rest(f);

    rc = informational(f, &text, &end);

    if (rc == NGX_OK) {
        must(end[-1] == LF && (end[-2] == LF || end[-2] == CR));
    }

    /* whoever has seen less of it says the same, or that more has to come */

    part = fuzz_copy(f, text.data, ngx_min(some, text.len));
    first = informational(f, &part, &early);

    must(first == rc || first == NGX_AGAIN);
    must(first != NGX_OK || early - part.data == end - text.data);

    (void) ngx_http_aigc_only_hints(text.data, text.data + text.len);
}


static ngx_int_t
informational(fuzz_t *f, ngx_str_t *text, u_char **end)
{
    ngx_int_t  rc;

    rc = ngx_http_aigc_informational(text->data, text->data + text->len, end);

    must(rc == NGX_OK || rc == NGX_AGAIN || rc == NGX_DECLINED);
    must(rc != NGX_OK || (*end > text->data + 13
                          && *end <= text->data + text->len));
    must(rc != NGX_OK || ngx_strncmp(text->data, "HTTP/1.", 7) == 0);

    return rc;
}


/* What of gateway/ngx_http_aigc_upstream_response.h is called for it. */
ngx_uint_t
ngx_http_aigc_is_proxied(ngx_http_request_t *r)
{
    return 1;
}
