/*
 * t/fuzz/store_fuzz.c — the ConfigMap of revocations as it goes into the zone,
 * whole, some entries in each pass.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "oidc/ngx_aigc_revocation_store.h"


static ngx_uint_t  store_entries, store_whole;


FUZZ(store)
{
    json_t      *data;
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_uint_t   n;

    text = fuzz_rest(f);

    store_entries = 0;
    store_whole = 0;

    rc = ngx_aigc_revocation_take(NULL, &text, 0, 7, f->log);

    for (n = 0; rc == NGX_AGAIN; n++) {
        must(n <= text.len);
        rc = ngx_aigc_revocation_take(NULL, &text, 1, 7, f->log);
    }

    must(rc == NGX_OK || rc == NGX_ERROR);
    must(store_whole == (rc == NGX_OK));

    data = json_object_get(fuzz_json(f, &text, JSON_REJECT_DUPLICATES),
                           "data");

    must(!json_is_object(data)
         || memchr(text.data, '\\', text.len)
         || memchr(text.data, '\0', text.len)
         || (rc == NGX_OK && store_entries <= json_object_size(data)));
}


/* What of oidc/ngx_aigc_revocation.h and _store.h is called for it. */

uint32_t
ngx_aigc_revocation_read(ngx_aigc_zone_t *zone)
{
    return 1;
}


/* It takes three of them at a time, as a zone that is busy. */
ngx_uint_t
ngx_aigc_revocation_seen(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_t *revocation, ngx_uint_t n, uint32_t mark,
    ngx_log_t *log)
{
    ngx_uint_t  i;

    n = ngx_min(n, 3);
    store_entries += n;

    for (i = 0; i < n; i++) {
        must(ngx_aigc_when_time(revocation[i].when) > 0);
        must(ngx_aigc_when_reason(revocation[i].when)
             <= NGX_AIGC_REVOCATION_RELEASED);
    }

    return n;
}


void
ngx_aigc_revocation_whole(ngx_aigc_zone_t *zone, uint32_t mark)
{
    must(mark == 1);
    store_whole++;
}


void
ngx_aigc_revocation_floor(ngx_aigc_zone_t *zone, time_t floor)
{
    must(floor > 0);
}


void
ngx_aigc_revocation_again(void)
{
}
