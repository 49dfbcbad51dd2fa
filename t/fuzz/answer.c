/*
 * t/fuzz/answer.c — the functions of base/ngx_aigc_fetch.h, without libcurl,
 * and the zone that a provider is kept in.
 */

#include "answer.h"
#include "sign.h"


static ngx_aigc_fetch_t  *answer_call;


ngx_aigc_fetch_t *
fuzz_call(void)
{
    return answer_call;
}


void
fuzz_answer(ngx_uint_t status, ngx_str_t *body)
{
    ngx_aigc_fetch_t  *call;

    call = answer_call;
    answer_call = NULL;

    must(call != NULL);

    call->status = status;

    if (body->len > call->max) {
        call->large = 1;
        call->error = "the answer is too large";

    } else {
        call->answer = *body;
    }

    call->done(call);

    ngx_destroy_pool(call->pool);
}


ngx_aigc_fetch_t *
ngx_aigc_fetch_create(ngx_log_t *log)
{
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *call;

    pool = ngx_create_pool(sizeof(ngx_pool_t), log);
    must(pool != NULL);

    call = ngx_pcalloc(pool, sizeof(ngx_aigc_fetch_t));
    must(call != NULL);

    call->pool = pool;
    call->log = log;

    return call;
}


ngx_int_t
ngx_aigc_fetch_text(ngx_aigc_fetch_t *call, ngx_str_t *dst, const char *value,
    ngx_str_t *more)
{
    size_t  len;

    len = ngx_strlen(value);

    dst->len = len + (more ? more->len : 0);
    dst->data = ngx_pnalloc(call->pool, dst->len + 1);
    must(dst->data != NULL);

    ngx_memcpy(dst->data, value, len);

    if (more && more->len) {
        ngx_memcpy(dst->data + len, more->data, more->len);
    }

    dst->data[dst->len] = '\0';

    return NGX_OK;
}


/* What is sent is one request: no line of it begins another one. */
ngx_int_t
ngx_aigc_fetch_start(ngx_aigc_fetch_t *call)
{
    ngx_uint_t  i;

    must(answer_call == NULL);
    must(call->url.len > 0 && fuzz_plain(&call->url));

    for (i = 0; i < call->nheaders; i++) {
        must(fuzz_plain(&call->headers[i]));
    }

    answer_call = call;

    return NGX_OK;
}


void
ngx_aigc_fetch_cancel(ngx_aigc_fetch_t *call)
{
    must(call == answer_call);
    answer_call = NULL;

    ngx_destroy_pool(call->pool);
}


ngx_aigc_zone_t *
fuzz_zone(fuzz_t *f)
{
    static ngx_shmtx_sh_t   lock;
    static ngx_slab_pool_t  pool;
    static ngx_aigc_shm_t   shm;
    static ngx_aigc_zone_t  zone;
    static void            *slot;

    if (slot == NULL) {
        slot = ngx_alloc(sizeof(ngx_aigc_issuer_slot_t), f->log);
        must(slot != NULL);
        must(ngx_shmtx_create(&pool.mutex, &lock, NULL) == NGX_OK);

        zone.shpool = &pool;
        zone.shm = &shm;
        zone.part[ngx_aigc_issuer_part.index] = slot;
        zone.epoch = 1;
        shm.epoch = 1;
    }

    ngx_memzero(slot, sizeof(ngx_aigc_issuer_slot_t));

    return &zone;
}


ngx_aigc_provider_t *
fuzz_provider(void)
{
    static ngx_aigc_provider_words_t  words = {
        "Logto", "Logto", "aigc_logto", "app_id=", "use TLS", "use the host",
        "give roles", NULL, "a role"
    };

    static ngx_aigc_provider_t  provider = {
        .words = &words,
        .issuer = ngx_string(FUZZ_ISSUER),
        .client_id = ngx_string(FUZZ_CLIENT),
        .client_secret = ngx_string(FUZZ_SECRET)
    };

    return &provider;
}


ngx_aigc_endpoints_t *
fuzz_endpoints(void)
{
    static ngx_aigc_endpoints_t  ep = {
        .issuer = ngx_string(FUZZ_ISSUER),
        .authorization = ngx_string(FUZZ_ISSUER "/auth"),
        .token = ngx_string(FUZZ_ISSUER "/token"),
        .jwks_uri = ngx_string(FUZZ_ISSUER "/jwks"),
        .announced = NGX_AIGC_ANNOUNCED_KNOWN
    };

    return &ep;
}
