/*
 * t/fuzz/host_fuzz.c — host names of instances, beside a matcher that tries
 * every id.  The first line is a pattern, the second a host, the third an id.
 */

#include "fuzz.h"
#include "base/ngx_aigc_url.h"
#include "instances/ngx_aigc_host.h"
#include "instances/ngx_aigc_ids.h"


static ngx_int_t host_slowly(fuzz_t *f, ngx_str_t *pattern, ngx_str_t *host);


FUZZ(host)
{
    ngx_int_t    id, rc;
    ngx_str_t    text, host, pattern, out, again;
    const char  *why;

    text = fuzz_line(f);
    host = fuzz_line(f);
    id = fuzz_number(f) % (NGX_AIGC_ID_MAX + 2);

    (void) ngx_aigc_host_match(&text, &host);

    why = NULL;
    rc = ngx_aigc_host_pattern(f->pool, &text, &pattern, &why);

    if (rc != NGX_OK) {
        must(rc == NGX_DECLINED && why != NULL);
        return;
    }

    must(ngx_aigc_host_pattern(f->pool, &pattern, &again, &why) == NGX_OK);
    must(fuzz_eq(&again, &pattern));

    /* each id has one host, which is a name, and no other id has it */

    rc = ngx_aigc_host_expand(f->pool, &pattern, id, &out);
    must(rc == (id <= NGX_AIGC_ID_MAX ? NGX_OK : NGX_DECLINED));

    if (rc == NGX_OK) {
        must(out.len <= NGX_AIGC_HOST_MAX);
        must(ngx_aigc_host_match(&pattern, &out) == id);

        if (ngx_aigc_host_normalize(f->pool, &out, &again) == NGX_OK) {
            must(fuzz_eq(&again, &out));
        }
    }

    must(ngx_aigc_host_match(&pattern, &host)
         == host_slowly(f, &pattern, &host));
}


/* Ids of up to three digits by trial, others by their digits. */
static ngx_int_t
host_slowly(fuzz_t *f, ngx_str_t *pattern, ngx_str_t *host)
{
    size_t     digits;
    ngx_int_t  id, last;
    ngx_str_t  out;

    digits = host->len + 4 - pattern->len;

    if (host->len + 4 <= pattern->len || digits > 5) {
        return NGX_ERROR;
    }

    last = (digits == 1) ? 9 : (digits == 2) ? 99 : 999;

    for (id = 0; digits <= 3 && id <= last; id++) {
        must(ngx_aigc_host_expand(f->pool, pattern, id, &out) == NGX_OK);

        if (fuzz_eq(&out, host)) {
            return id;
        }
    }

    return (digits <= 3) ? NGX_ERROR : ngx_aigc_host_match(pattern, host);
}
