/*
 * oidc/ngx_aigc_session.c — what is inside the seal, in order:
 *
 * session: id_token, refresh_token, sid; login: a byte, parts, and id, nonce,
 * verifier; state: a byte, again, and id, rd, nonce; rd (start 0): id, rd.  The
 * ID token is most of a session, and base64url already; as the seal is
 * base64url again, its parts are kept decoded, each as a field of its own after
 * a byte that counts them (0: kept as it is), which makes a cookie a quarter
 * smaller.
 */

#include "ngx_aigc_session.h"
#include "ngx_aigc_fields.h"
#include "base/ngx_aigc_base64url.h"
#include "base/ngx_aigc_cookie.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_TOKEN_PARTS      3

/* what a sealed cookie has room for */
#define NGX_AIGC_SESSION_PLAIN                                                \
    NGX_AIGC_FIELDS_PLAIN(NGX_AIGC_SESSION_COOKIE_MAX)

/* head, a byte, three lengths, id, rd and nonce */
#define NGX_AIGC_RD_PLAIN(max)                                                \
    (NGX_AIGC_FIELDS_HEAD + 1 + 2 + NGX_AIGC_LOGIN_ID_LEN + 2 + (max)        \
     + 2 + NGX_AIGC_NONCE_LEN)

static ngx_int_t ngx_aigc_session_open_as(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, const char *purpose, ngx_str_t *value,
    ngx_aigc_session_t *session);
static ngx_int_t ngx_aigc_token_write(ngx_aigc_fields_t *f,
    ngx_str_t *token);
static ngx_int_t ngx_aigc_token_pack(ngx_aigc_fields_t *f, ngx_str_t *token);
static ngx_int_t ngx_aigc_token_read(ngx_pool_t *pool, ngx_aigc_fields_t *f,
    ngx_str_t *token);


ngx_int_t
ngx_aigc_session_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_session_t *session, ngx_str_t *value)
{
    u_char              buf[NGX_AIGC_SESSION_PLAIN];
    ngx_int_t           rc;
    ngx_aigc_fields_t   f;

    ngx_aigc_fields_begin(&f, buf, sizeof(buf), session->start);

    rc = NGX_DECLINED;

    if (ngx_aigc_token_write(&f, &session->id_token) == NGX_OK
        && ngx_aigc_field_write(&f, &session->refresh_token) == NGX_OK
        && ngx_aigc_field_write(&f, &session->sid) == NGX_OK)
    {
        rc = ngx_aigc_fields_seal(pool, keys, "gateway", buf, &f, value);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


ngx_int_t
ngx_aigc_session_seal_some(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_session_t *session, ngx_str_t *value)
{
    ngx_int_t           rc;
    ngx_aigc_session_t  some;

    rc = ngx_aigc_session_seal(pool, keys, session, value);

    if (rc != NGX_DECLINED
        || session->refresh_token.len < NGX_AIGC_SESSION_SPARE)
    {
        return rc;
    }

    some = *session;
    ngx_str_null(&some.refresh_token);

    return ngx_aigc_session_seal(pool, keys, &some, value);
}


ngx_int_t
ngx_aigc_session_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_session_t *session)
{
    return ngx_aigc_session_open_as(pool, keys, "gateway", value, session);
}


ngx_int_t
ngx_aigc_session_open_old(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_session_t *session)
{
    return ngx_aigc_session_open_as(pool, keys, "session", value, session);
}


static ngx_int_t
ngx_aigc_session_open_as(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_str_t *value, ngx_aigc_session_t *session)
{
    ngx_int_t          rc;
    ngx_aigc_fields_t  f;

    ngx_memzero(session, sizeof(ngx_aigc_session_t));

    rc = ngx_aigc_fields_open(pool, keys, purpose, value,
                                 NGX_AIGC_SESSION_COOKIE_MAX, &session->start,
                                 &f);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_aigc_token_read(pool, &f, &session->id_token);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_field_read(&f, &session->refresh_token) != NGX_OK
        || ngx_aigc_field_read(&f, &session->sid) != NGX_OK
        || f.p != f.last)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_login_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_login_t *login, ngx_str_t *value)
{
    u_char              buf[NGX_AIGC_SESSION_PLAIN];
    ngx_int_t           rc;
    ngx_aigc_fields_t   f;

    ngx_aigc_fields_begin(&f, buf, sizeof(buf), login->start);

    rc = NGX_DECLINED;

    if (ngx_aigc_field_write_byte(&f, login->parts) == NGX_OK
        && ngx_aigc_field_write(&f, &login->id) == NGX_OK
        && ngx_aigc_field_write(&f, &login->nonce) == NGX_OK
        && ngx_aigc_field_write(&f, &login->verifier) == NGX_OK)
    {
        rc = ngx_aigc_fields_seal(pool, keys, "login", buf, &f, value);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


ngx_int_t
ngx_aigc_login_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_login_t *login)
{
    ngx_int_t          rc;
    ngx_aigc_fields_t  f;

    ngx_memzero(login, sizeof(ngx_aigc_login_t));

    rc = ngx_aigc_fields_open(pool, keys, "login", value,
                                 NGX_AIGC_SESSION_COOKIE_MAX, &login->start,
                                 &f);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_field_read_byte(&f, &login->parts) != NGX_OK
        || ngx_aigc_field_read(&f, &login->id) != NGX_OK
        || ngx_aigc_field_read(&f, &login->nonce) != NGX_OK
        || ngx_aigc_field_read(&f, &login->verifier) != NGX_OK
        || f.p != f.last)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_state_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_aigc_state_t *state, ngx_str_t *value)
{
    u_char              buf[NGX_AIGC_RD_PLAIN(NGX_AIGC_STATE_RD_MAX)];
    ngx_aigc_fields_t   f;

    ngx_aigc_fields_begin(&f, buf, sizeof(buf), state->start);

    if (state->id.len != NGX_AIGC_LOGIN_ID_LEN
        || ngx_aigc_field_write_byte(&f, state->again) != NGX_OK
        || ngx_aigc_field_write(&f, &state->id) != NGX_OK
        || ngx_aigc_field_write(&f, &state->rd) != NGX_OK
        || ngx_aigc_field_write(&f, &state->nonce) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_aigc_fields_seal(pool, keys, "state", buf, &f, value);
}


ngx_int_t
ngx_aigc_state_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *value, ngx_aigc_state_t *state)
{
    ngx_int_t          rc;
    ngx_aigc_fields_t  f;

    ngx_memzero(state, sizeof(ngx_aigc_state_t));

    rc = ngx_aigc_fields_open(pool, keys, "state", value,
                                 NGX_AIGC_SESSION_COOKIE_MAX, &state->start,
                                 &f);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_field_read_byte(&f, &state->again) != NGX_OK
        || ngx_aigc_field_read(&f, &state->id) != NGX_OK
        || state->id.len != NGX_AIGC_LOGIN_ID_LEN
        || ngx_aigc_field_read(&f, &state->rd) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* version 1.0 had none, and a sign-in may take hours */

    if (f.p != f.last
        && (ngx_aigc_field_read(&f, &state->nonce) != NGX_OK
            || f.p != f.last))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_rd_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys, ngx_str_t *id,
    ngx_str_t *rd, ngx_str_t *value)
{
    u_char             *buf;
    ngx_aigc_fields_t   f;

    if (rd->len > NGX_AIGC_RD_MAX || id->len != NGX_AIGC_LOGIN_ID_LEN) {
        return NGX_DECLINED;
    }

    buf = ngx_pnalloc(pool, NGX_AIGC_RD_PLAIN(rd->len));
    if (buf == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_fields_begin(&f, buf, NGX_AIGC_RD_PLAIN(rd->len), 0);

    if (ngx_aigc_field_write(&f, id) != NGX_OK
        || ngx_aigc_field_write(&f, rd) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_aigc_fields_seal(pool, keys, "rd", buf, &f, value);
}


ngx_int_t
ngx_aigc_rd_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys, ngx_str_t *id,
    ngx_str_t *value, ngx_str_t *rd)
{
    time_t             none;
    ngx_int_t          rc;
    ngx_str_t          of;
    ngx_aigc_fields_t  f;

    rc = ngx_aigc_fields_open(pool, keys, "rd", value, NGX_AIGC_SEAL_MAX,
                                 &none, &f);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_field_read(&f, &of) != NGX_OK
        || !ngx_aigc_text_eq(&of, id)
        || ngx_aigc_field_read(&f, rd) != NGX_OK
        || f.p != f.last)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_token_write(ngx_aigc_fields_t *f, ngx_str_t *token)
{
    u_char  *start;

    if (f->p == f->last) {
        return NGX_DECLINED;
    }

    start = f->p;

    if (ngx_aigc_token_pack(f, token) == NGX_OK) {
        return NGX_OK;
    }

    f->p = start;
    *f->p++ = 0;

    return ngx_aigc_field_write(f, token);
}


/* NGX_DECLINED: not three parts in strict base64url, or no room */

static ngx_int_t
ngx_aigc_token_pack(ngx_aigc_fields_t *f, ngx_str_t *token)
{
    u_char      *p, *last, *dot;
    ngx_str_t    part, bytes;
    ngx_uint_t   i;

    p = token->data;
    last = p + token->len;

    *f->p++ = NGX_AIGC_TOKEN_PARTS;

    for (i = 0; i < NGX_AIGC_TOKEN_PARTS; i++) {
        dot = NULL;

        if (i < NGX_AIGC_TOKEN_PARTS - 1) {
            dot = ngx_strlchr(p, last, '.');

            if (dot == NULL) {
                return NGX_DECLINED;
            }
        }

        part.data = p;
        part.len = (dot ? dot : last) - p;

        if (f->last - f->p < 2
            || ngx_base64_decoded_length(part.len)
               > (size_t) (f->last - f->p - 2))
        {
            return NGX_DECLINED;
        }

        bytes.data = f->p + 2;

        if (ngx_aigc_base64url_decode(&part, &bytes) != NGX_OK) {
            return NGX_DECLINED;
        }

        *f->p++ = (u_char) (bytes.len >> 8);
        *f->p++ = (u_char) bytes.len;
        f->p += bytes.len;

        p = dot ? dot + 1 : last;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_token_read(ngx_pool_t *pool, ngx_aigc_fields_t *f, ngx_str_t *token)
{
    size_t      size;
    u_char     *p;
    ngx_str_t   part[NGX_AIGC_TOKEN_PARTS], text;
    ngx_uint_t  i;

    if (f->p == f->last) {
        return NGX_DECLINED;
    }

    switch (*f->p++) {

    case 0:
        return ngx_aigc_field_read(f, token);

    case NGX_AIGC_TOKEN_PARTS:
        break;

    default:
        return NGX_DECLINED;
    }

    size = 0;

    for (i = 0; i < NGX_AIGC_TOKEN_PARTS; i++) {
        if (ngx_aigc_field_read(f, &part[i]) != NGX_OK) {
            return NGX_DECLINED;
        }

        size += ngx_base64_encoded_length(part[i].len) + 1;
    }

    token->data = ngx_pnalloc(pool, size);
    if (token->data == NULL) {
        return NGX_ERROR;
    }

    p = token->data;

    for (i = 0; i < NGX_AIGC_TOKEN_PARTS; i++) {
        if (i) {
            *p++ = '.';
        }

        text.data = p;
        ngx_encode_base64url(&text, &part[i]);
        p += text.len;
    }

    token->len = p - token->data;

    return NGX_OK;
}
