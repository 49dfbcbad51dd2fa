/*
 * t/fuzz/tokens_fuzz.c — the token endpoint.  The lines are the code, the
 * verifier and the HTTP status, the rest the answer.
 */

#include "answer.h"

#include "base/ngx_aigc_url.h"


static void tokens_done(void *data, ngx_aigc_tokens_t *tokens);
static void tokens_form(fuzz_t *f, ngx_str_t *code);


FUZZ(tokens)
{
    ngx_str_t             code, verifier, answer;
    ngx_uint_t            status;
    ngx_aigc_tokens_t     tokens;

    code = fuzz_line(f);
    verifier = fuzz_line(f);
    status = fuzz_number(f) % 600;
    answer = fuzz_rest(f);

    tokens.result = NGX_AIGC_TOKENS_GARBAGE + 1;

    must(ngx_aigc_provider_code(fuzz_provider(), fuzz_endpoints(), &code,
                                &verifier, &code, tokens_done, &tokens, f->log)
         == fuzz_call());

    tokens_form(f, &code);
    fuzz_answer(status, &answer);

    must(tokens.result <= NGX_AIGC_TOKENS_GARBAGE);
    must(tokens.result != NGX_AIGC_TOKENS_OK || status == 200);
    must(tokens.result == NGX_AIGC_TOKENS_UNAVAILABLE
         || (status > 0 && status < 500 && status != 429));

    must(ngx_aigc_provider_refresh(fuzz_provider(), fuzz_endpoints(), &code,
                                   tokens_done, &tokens, f->log)
         == fuzz_call());

    fuzz_answer(status, &answer);
}


static void
tokens_done(void *data, ngx_aigc_tokens_t *tokens)
{
    ngx_aigc_tokens_t  *got = data;

    if (tokens->result == NGX_AIGC_TOKENS_OK) {
        must(tokens->id_token.len > 0);
        must(tokens->id_token.len <= NGX_AIGC_JWT_MAX);
    }

    got->result = tokens->result;
}


/* The code that came with the request is one value of the form, and whole. */
static void
tokens_form(fuzz_t *f, ngx_str_t *code)
{
    ngx_str_t  value, plain;

    if (code->len && memchr(code->data, '\0', code->len)) {
        return;
    }

    must(ngx_aigc_query_get(&fuzz_call()->body, "code", &value) == NGX_OK);
    must(ngx_aigc_url_decode(f->pool, &value, &plain) == NGX_OK);
    must(fuzz_eq(&plain, code));
}
