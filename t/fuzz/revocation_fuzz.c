/*
 * t/fuzz/revocation_fuzz.c — the ConfigMap of revocations.  The lines are names
 * and values, by turns; what can be read is written, and read again.
 */

#include "fuzz.h"
#include "oidc/ngx_aigc_revocation_entry.h"


#define REVOCATIONS_MAX  64


static void revocation_patches(fuzz_t *f, ngx_aigc_revocation_t *all,
    ngx_uint_t n);


FUZZ(revocation)
{
    ngx_int_t               rc;
    ngx_str_t               name, value;
    ngx_uint_t              n;
    ngx_aigc_revocation_t   all[REVOCATIONS_MAX];

    n = 0;

    while (fuzz_more(f) && n < REVOCATIONS_MAX) {
        name = fuzz_line(f);
        value = fuzz_line(f);

        rc = ngx_aigc_revocation_parse(&name, &value, &all[n]);

        if (rc == NGX_OK) {
            must(name.len == NGX_AIGC_REVOCATION_KEY_TEXT);
            must(ngx_aigc_when_time(all[n].when) > 0);
            must(ngx_aigc_when_reason(all[n].when)
                 <= NGX_AIGC_REVOCATION_RELEASED);
            n++;

        } else if (rc == NGX_DONE) {
            must(name.len == 5 && ngx_memcmp(name.data, "floor", 5) == 0);
        }
    }

    revocation_patches(f, all, n);
}


static void
revocation_patches(fuzz_t *f, ngx_aigc_revocation_t *all, ngx_uint_t n)
{
    json_t                 *patch, *data, *value;
    ngx_str_t               out, name, text;
    ngx_uint_t              i, left;
    const char             *key;
    ngx_aigc_revocation_t   again;

    must(ngx_aigc_revocation_patch_add(f->pool, all, n, &out) == NGX_OK);

    patch = fuzz_json(f, &out, 0);          /* a key may be there twice */
    data = json_object_get(patch, "data");
    must(json_is_object(data) && json_object_size(data) <= n);

    left = json_object_size(data);

    json_object_foreach(data, key, value) {
        name = fuzz_text(f, key);
        text = fuzz_text(f, json_string_value(value));

        must(ngx_aigc_revocation_parse(&name, &text, &again) == NGX_OK);

        for (i = n; i > 0; i--) {
            if (ngx_memcmp(all[i - 1].key, again.key, sizeof(again.key))
                == 0)
            {
                break;                      /* the last one of a key counts */
            }
        }

        must(i > 0 && all[i - 1].when == again.when);
        left--;
    }

    must(left == 0);

    must(ngx_aigc_revocation_patch_remove(f->pool, all, n, 5, &out)
         == NGX_OK);
    must(json_array_size(fuzz_json(f, &out, JSON_REJECT_DUPLICATES))
         == 2 * n + 1);

    must(ngx_aigc_revocation_patch_remove(f->pool, all, n, 0, &out)
         == NGX_OK);
    must(json_array_size(fuzz_json(f, &out, JSON_REJECT_DUPLICATES))
         == 2 * n);
}
