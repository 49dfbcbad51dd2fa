/*
 * t/fuzz/session_fuzz.c — what is sealed for the gateway's host: the input as
 * the sealed text, as the plain one below it, and its lines as the fields.
 */

#include "sign.h"

#include "oidc/ngx_aigc_session.h"


static void session_opened(fuzz_t *f, const char *purpose, ngx_str_t *value);
static void session_written(fuzz_t *f);
static void session_sign_in(fuzz_t *f, ngx_str_t *id, ngx_str_t *rd,
    ngx_str_t *nonce);


FUZZ(session)
{
    ngx_str_t    all, value;
    ngx_uint_t   i;

    static const char  *purposes[] = {
        "gateway", "session", "login", "state", "rd"
    };

    all = fuzz_all(f);

    for (i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        session_opened(f, purposes[i], &all);

        value = fuzz_sealed(f, purposes[i], &all);
        session_opened(f, purposes[i], &value);
    }

    session_written(f);
}


static void
session_opened(fuzz_t *f, const char *purpose, ngx_str_t *value)
{
    ngx_int_t              n;
    ngx_str_t              id, rd;
    ngx_aigc_login_t       login;
    ngx_aigc_state_t       state;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *keys;

    keys = fuzz_seal_keys(f);
    id = fuzz_text(f, "AAAAAAAAAAAAAAAAAAAAAA");

    /* it opens for its own purpose alone */

    n = (ngx_aigc_session_open(f->pool, keys, value, &session) == NGX_OK)
        + (ngx_aigc_session_open_old(f->pool, keys, value, &session)
           == NGX_OK)
        + (ngx_aigc_login_open(f->pool, keys, value, &login) == NGX_OK)
        + (ngx_aigc_rd_open(f->pool, keys, &id, value, &rd) == NGX_OK);

    if (ngx_aigc_state_open(f->pool, keys, value, &state) == NGX_OK) {
        must(ngx_strcmp(purpose, "state") == 0);
        must(state.id.len == id.len);
        n++;
    }

    must(n <= 1);
}


static void
session_written(fuzz_t *f)
{
    ngx_str_t             value, id, rd, nonce;
    ngx_aigc_session_t    session, again;

    ngx_memzero(&session, sizeof(ngx_aigc_session_t));

    session.start = fuzz_number(f);
    session.id_token = fuzz_line(f);
    session.refresh_token = fuzz_line(f);
    session.sid = fuzz_line(f);

    if (ngx_aigc_session_seal_some(f->pool, fuzz_seal_keys(f), &session,
                                   &value)
        == NGX_OK)
    {
        must(value.len <= NGX_AIGC_SESSION_COOKIE_MAX);
        must(ngx_aigc_session_open(f->pool, fuzz_seal_keys(f), &value, &again)
             == NGX_OK);
        must(again.start == session.start);
        must(fuzz_eq(&again.id_token, &session.id_token));
        must(fuzz_eq(&again.sid, &session.sid));
        must(fuzz_eq(&again.refresh_token, &session.refresh_token)
             || (again.refresh_token.len == 0
                 && session.refresh_token.len >= NGX_AIGC_SESSION_SPARE));
    }

    id = session.sid;
    rd = session.refresh_token;
    nonce = session.id_token;
    session_sign_in(f, &id, &rd, &nonce);

    id = fuzz_text(f, "AAAAAAAAAAAAAAAAAAAAAA");
    session_sign_in(f, &id, &rd, &nonce);
}


static void
session_sign_in(fuzz_t *f, ngx_str_t *id, ngx_str_t *rd, ngx_str_t *nonce)
{
    ngx_str_t              value, got;
    ngx_aigc_state_t       state, again;
    ngx_aigc_seal_keys_t  *keys;

    keys = fuzz_seal_keys(f);

    ngx_memzero(&state, sizeof(ngx_aigc_state_t));
    state.id = *id;
    state.rd = *rd;
    state.nonce = *nonce;
    state.again = 1;

    if (ngx_aigc_state_seal(f->pool, keys, &state, &value) == NGX_OK) {
        must(ngx_aigc_state_open(f->pool, keys, &value, &again) == NGX_OK);
        must(fuzz_eq(&again.id, id) && fuzz_eq(&again.rd, rd));
        must(fuzz_eq(&again.nonce, nonce) && again.again == 1);
    }

    if (ngx_aigc_rd_seal(f->pool, keys, id, rd, &value) == NGX_OK) {
        must(ngx_aigc_rd_open(f->pool, keys, id, &value, &got) == NGX_OK);
        must(fuzz_eq(&got, rd));
        must(ngx_aigc_rd_open(f->pool, keys, rd, &value, &got) != NGX_OK
             || fuzz_eq(rd, id));
    }
}
