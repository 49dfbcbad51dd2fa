/*
 * t/fuzz/management_fuzz.c — Logto's Management API.  The lines are a user and
 * two HTTP statuses, the answer of the token endpoint, and the rest the answer
 * of the call.
 */

#include "answer.h"

#include "logto/ngx_aigc_management.c"  /* its token is given up each time */


typedef struct {
    ngx_uint_t              n;
    ngx_aigc_management_e   result;
} management_got_t;


static void management_done(void *data, ngx_aigc_management_e result,
    json_t *json);


FUZZ(management)
{
    ngx_str_t                user, tokens, answer, whole;
    ngx_uint_t               status, token_status;
    ngx_aigc_zone_t         *zone;
    management_got_t         got;

    static ngx_aigc_logto_t  logto = {
        .endpoint = ngx_string("https://logto.example.com"),
        .m2m_app_id = ngx_string("m2m"),
        .m2m_app_secret = ngx_string(FUZZ_SECRET),
        .m2m_resource = ngx_string(NGX_AIGC_MANAGEMENT_RESOURCE)
    };

    user = fuzz_line(f);
    token_status = fuzz_number(f) % 600;
    status = fuzz_number(f) % 600;
    tokens = fuzz_line(f);
    answer = fuzz_rest(f);

    zone = fuzz_zone(f);
    must(ngx_aigc_issuer_put_endpoints(zone, fuzz_endpoints()) == NGX_OK);

    logto.provider = *fuzz_provider();
    ngx_aigc_management_bearer.len = 0;
    got.n = 0;

    if (ngx_aigc_management_profile(&logto, zone, &user, management_done, &got,
                                    f->log)
        == NULL)
    {
        return;
    }

    fuzz_answer(token_status, &tokens);

    if (fuzz_call()) {
        must(token_status == 200);

        /* nobody's id leads elsewhere than to a user */

        whole = fuzz_text(f, "https://logto.example.com/api/users/");
        must(fuzz_call()->url.len > whole.len);
        must(ngx_memcmp(fuzz_call()->url.data, whole.data, whole.len) == 0);
        must(memchr(fuzz_call()->url.data + whole.len, '/',
                    fuzz_call()->url.len - whole.len)
             == NULL);

        fuzz_answer(status, &answer);
    }

    if (fuzz_call()) {                  /* 401: once more, with a new token */
        must(status == 401 && got.n == 0);
        fuzz_answer(token_status, &tokens);

        if (fuzz_call()) {
            fuzz_answer(status, &answer);
        }
    }

    must(fuzz_call() == NULL && got.n == 1);
    must(got.result != NGX_AIGC_MANAGEMENT_OK || status == 200);
    must(got.result != NGX_AIGC_MANAGEMENT_NOT_FOUND || status == 404);
    must(ngx_aigc_management_text(got.result) != NULL);
}


static void
management_done(void *data, ngx_aigc_management_e result, json_t *json)
{
    management_got_t  *got = data;

    must((result == NGX_AIGC_MANAGEMENT_OK) == json_is_object(json));

    got->n++;
    got->result = result;
}
