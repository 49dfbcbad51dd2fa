/*
 * t/fuzz/write_fuzz.c — what the API server says of a write.  The first line is
 * the HTTP status, the second a uid, the rest an error's body.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "kube/ngx_aigc_write.h"


FUZZ(write)
{
    json_t              *options;
    ngx_str_t            uid, body, out, got;
    ngx_uint_t           http;
    ngx_aigc_status_t    status;
    ngx_aigc_verdict_e   verdict;

    http = fuzz_number(f) % 1000;
    uid = fuzz_line(f);
    body = fuzz_rest(f);

    ngx_memzero(&status, sizeof(ngx_aigc_status_t));

    verdict = ngx_aigc_verdict(f->pool, http, &body, &status);

    must(verdict <= NGX_AIGC_WRITE_UNSURE);
    must((verdict == NGX_AIGC_WRITE_DONE) == (http >= 200 && http <= 202));
    must(http < 500 || verdict == NGX_AIGC_WRITE_UNSURE);
    must(status.message.len <= 256 && fuzz_plain(&status.message));
    must(fuzz_plain(&status.reason));
    must(ngx_aigc_verdict(f->pool, http, &body, NULL) == verdict);
    must(ngx_aigc_verdict_level(verdict) <= NGX_LOG_DEBUG);

    must(ngx_aigc_delete_options(f->pool, &uid, &uid, &out) == NGX_OK);

    options = fuzz_json(f, &out, JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL);

    if (options && uid.len) {
        got = ngx_aigc_json_text(json_object_get(options, "preconditions"),
                                 "uid");
        must(fuzz_eq(&got, &uid));
    }
}
