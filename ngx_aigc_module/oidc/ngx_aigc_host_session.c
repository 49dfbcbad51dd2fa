/*
 * oidc/ngx_aigc_host_session.c — what is inside the seal, in order: sid, sub,
 * kid, 8 bytes of exp, refresh_token; in a ticket, nonce and 8 bytes of issued
 * follow.
 */

#include "ngx_aigc_host_session.h"
#include "ngx_aigc_fields.h"
#include "ngx_aigc_jwt.h"


#define NGX_AIGC_INSTANCE_PLAIN                                               \
    NGX_AIGC_FIELDS_PLAIN(NGX_AIGC_INSTANCE_COOKIE_MAX)


/* "instance <host>": what is sealed for one host opens on no other */
typedef char  ngx_aigc_purpose_t[sizeof("instance ") + NGX_AIGC_HOST_MAX];


static ngx_int_t ngx_aigc_narrow_seal(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, const char *name, ngx_str_t *host,
    ngx_aigc_session_t *session, ngx_aigc_ticket_t *ticket, ngx_str_t *value);
static ngx_int_t ngx_aigc_narrow_seal_all(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, const char *purpose,
    ngx_aigc_session_t *session, ngx_aigc_ticket_t *ticket, ngx_str_t *value);
static ngx_int_t ngx_aigc_narrow_open(ngx_pool_t *pool,
    ngx_aigc_seal_keys_t *keys, const char *name, ngx_str_t *host,
    ngx_str_t *value, ngx_aigc_session_t *session, ngx_aigc_ticket_t *ticket);
static ngx_int_t ngx_aigc_purpose(ngx_aigc_purpose_t purpose,
    const char *name, ngx_str_t *host);


ngx_int_t
ngx_aigc_session_narrow(ngx_pool_t *pool, ngx_aigc_claims_t *claims,
    ngx_aigc_session_t *session)
{
    ngx_int_t       rc;
    ngx_aigc_jwt_t  jwt;

    rc = ngx_aigc_jwt_read(pool, &session->id_token, claims, &jwt);
    if (rc != NGX_OK) {
        return rc;
    }

    session->sub = jwt.sub;
    session->kid = jwt.kid;
    session->exp = jwt.exp;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_instance_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_aigc_session_t *session, ngx_str_t *value)
{
    return ngx_aigc_narrow_seal(pool, keys, "instance", host, session, NULL,
                                value);
}


ngx_int_t
ngx_aigc_instance_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_str_t *value, ngx_aigc_session_t *session)
{
    return ngx_aigc_narrow_open(pool, keys, "instance", host, value, session,
                                NULL);
}


ngx_int_t
ngx_aigc_ticket_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_aigc_ticket_t *ticket, ngx_str_t *value)
{
    return ngx_aigc_narrow_seal(pool, keys, "ticket", host, &ticket->session,
                                ticket, value);
}


ngx_int_t
ngx_aigc_ticket_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    ngx_str_t *host, ngx_str_t *value, ngx_aigc_ticket_t *ticket)
{
    ngx_memzero(ticket, sizeof(ngx_aigc_ticket_t));

    return ngx_aigc_narrow_open(pool, keys, "ticket", host, value,
                                &ticket->session, ticket);
}


/* ticket: NULL for a session alone. */
static ngx_int_t
ngx_aigc_narrow_seal(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *name, ngx_str_t *host, ngx_aigc_session_t *session,
    ngx_aigc_ticket_t *ticket, ngx_str_t *value)
{
    ngx_int_t           rc;
    ngx_aigc_purpose_t  purpose;

    if (ngx_aigc_purpose(purpose, name, host) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_narrow_seal_all(pool, keys, purpose, session, ticket, value);

    if (rc != NGX_DECLINED
        || session->refresh_token.len < NGX_AIGC_SESSION_SPARE)
    {
        return rc;
    }

    ngx_str_null(&session->refresh_token);

    return ngx_aigc_narrow_seal_all(pool, keys, purpose, session, ticket,
                                    value);
}


static ngx_int_t
ngx_aigc_narrow_seal_all(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *purpose, ngx_aigc_session_t *session,
    ngx_aigc_ticket_t *ticket, ngx_str_t *value)
{
    u_char              buf[NGX_AIGC_INSTANCE_PLAIN];
    ngx_int_t           rc;
    ngx_aigc_fields_t   f;

    ngx_aigc_fields_begin(&f, buf, sizeof(buf), session->start);

    rc = NGX_DECLINED;

    if (ngx_aigc_field_write(&f, &session->sid) == NGX_OK
        && ngx_aigc_field_write(&f, &session->sub) == NGX_OK
        && ngx_aigc_field_write(&f, &session->kid) == NGX_OK
        && ngx_aigc_field_write_time(&f, session->exp) == NGX_OK
        && ngx_aigc_field_write(&f, &session->refresh_token) == NGX_OK
        && (ticket == NULL
            || (ngx_aigc_field_write(&f, &ticket->nonce) == NGX_OK
                && ngx_aigc_field_write_time(&f, ticket->issued) == NGX_OK)))
    {
        rc = ngx_aigc_fields_seal(pool, keys, purpose, buf, &f, value);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


static ngx_int_t
ngx_aigc_narrow_open(ngx_pool_t *pool, ngx_aigc_seal_keys_t *keys,
    const char *name, ngx_str_t *host, ngx_str_t *value,
    ngx_aigc_session_t *session, ngx_aigc_ticket_t *ticket)
{
    ngx_int_t           rc;
    ngx_aigc_fields_t   f;
    ngx_aigc_purpose_t  purpose;

    ngx_memzero(session, sizeof(ngx_aigc_session_t));

    if (ngx_aigc_purpose(purpose, name, host) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_fields_open(pool, keys, purpose, value,
                              NGX_AIGC_INSTANCE_COOKIE_MAX, &session->start,
                              &f);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_field_read(&f, &session->sid) != NGX_OK
        || ngx_aigc_field_read(&f, &session->sub) != NGX_OK
        || ngx_aigc_field_read(&f, &session->kid) != NGX_OK
        || ngx_aigc_field_read_time(&f, &session->exp) != NGX_OK
        || ngx_aigc_field_read(&f, &session->refresh_token) != NGX_OK
        || (ticket
            && (ngx_aigc_field_read(&f, &ticket->nonce) != NGX_OK
                || ngx_aigc_field_read_time(&f, &ticket->issued) != NGX_OK))
        || f.p != f.last)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* A host has no blank in it: no two of them make the same purpose. */
static ngx_int_t
ngx_aigc_purpose(ngx_aigc_purpose_t purpose, const char *name,
    ngx_str_t *host)
{
    if (host->len == 0 || host->len > NGX_AIGC_HOST_MAX) {
        return NGX_DECLINED;
    }

    (void) ngx_sprintf((u_char *) purpose, "%s %V%Z", name, host);

    return NGX_OK;
}
