/*
 * t/fuzz/claims_fuzz.c — where roles and names stand.  The first line is a
 * path, the rest the value of the claim that it begins with.
 */

#include "fuzz.h"
#include "oidc/ngx_aigc_claims.h"


FUZZ(claims)
{
    size_t                  len;
    json_t                 *value, *found;
    ngx_int_t               rc;
    ngx_str_t               text, json;
    ngx_uint_t              i;
    ngx_array_t             roles;
    ngx_aigc_claim_path_t   path;

    text = fuzz_line(f);
    json = fuzz_rest(f);

    rc = ngx_aigc_claim_path(f->pool, &text, &path);

    if (rc != NGX_OK) {
        must(rc == NGX_DECLINED);
        return;
    }

    must(text.len <= NGX_AIGC_CLAIM_MAX);
    must(path.n > 0 && path.n <= NGX_AIGC_CLAIM_DEPTH);

    len = path.n - 1;

    for (i = 0; i < path.n; i++) {
        must(path.names[i][0] != '\0' || memchr(text.data, '\0', text.len));
        len += ngx_strlen(path.names[i]);
    }

    must(len <= text.len);

    value = fuzz_json(f, &json, JSON_REJECT_DUPLICATES|JSON_DECODE_ANY);
    found = ngx_aigc_claim_find(value, &path);

    must(path.n > 1 || found == value);

    must(ngx_array_init(&roles, f->pool, 1, sizeof(ngx_str_t)) == NGX_OK);
    rc = ngx_aigc_claim_roles(f->pool, found, &roles);

    if (json_is_string(found)) {
        must(rc == NGX_OK && roles.nelts <= 1);

    } else if (json_is_array(found)) {
        must(rc == NGX_OK && roles.nelts <= json_array_size(found));

    } else {
        must(rc == NGX_DECLINED && roles.nelts == 0);
    }
}
