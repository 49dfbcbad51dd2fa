/*
 * t/fuzz/ticket_fuzz.c — what is sealed for an instance's host, and where it
 * stands in a URL.  The lines are a URI, a host, another host, and the fields.
 */

#include "sign.h"

#include "base/ngx_aigc_url.h"
#include "oidc/ngx_aigc_host_session.h"
#include "oidc/ngx_aigc_ticket.h"


static void ticket_cut(fuzz_t *f, ngx_str_t *text, ngx_uint_t args);
static void ticket_opened(fuzz_t *f, ngx_str_t *host, ngx_str_t *plain);


FUZZ(ticket)
{
    ngx_int_t              rc;
    ngx_str_t              all, uri, line, host, other, value;
    ngx_aigc_ticket_t      ticket, again;
    ngx_aigc_seal_keys_t  *keys;

    keys = fuzz_seal_keys(f);

    all = fuzz_all(f);
    uri = fuzz_line(f);

    ticket_cut(f, &uri, 0);
    ticket_cut(f, &uri, 1);

    /* as they come: normalized, without a NUL above all */

    line = fuzz_line(f);

    if (ngx_aigc_host_normalize(f->pool, &line, &host) != NGX_OK) {
        return;
    }

    line = fuzz_line(f);

    if (ngx_aigc_host_normalize(f->pool, &line, &other) != NGX_OK) {
        return;
    }

    ticket_opened(f, &host, &all);

    ngx_memzero(&ticket, sizeof(ngx_aigc_ticket_t));

    ticket.issued = fuzz_number(f);
    ticket.nonce = fuzz_line(f);
    ticket.session.sid = fuzz_line(f);
    ticket.session.sub = fuzz_line(f);
    ticket.session.exp = fuzz_number(f);
    ticket.session.refresh_token = fuzz_rest(f);

    rc = ngx_aigc_ticket_seal(f->pool, keys, &host, &ticket, &value);

    if (rc != NGX_OK) {
        return;
    }

    must(value.len <= NGX_AIGC_INSTANCE_COOKIE_MAX);
    must(ngx_aigc_ticket_open(f->pool, keys, &host, &value, &again) == NGX_OK);
    must(again.issued == ticket.issued && fuzz_eq(&again.nonce, &ticket.nonce));
    must(again.session.exp == ticket.session.exp);
    must(fuzz_eq(&again.session.sub, &ticket.session.sub));
    must(fuzz_eq(&again.session.sid, &ticket.session.sid));
    must(fuzz_eq(&again.session.refresh_token,
                 &ticket.session.refresh_token));

    /* on no other host, and not as a session */

    must(ngx_aigc_ticket_open(f->pool, keys, &other, &value, &again) != NGX_OK
         || fuzz_eq(&host, &other));
    must(ngx_aigc_instance_open(f->pool, keys, &host, &value, &again.session)
         != NGX_OK);
}


static void
ticket_cut(fuzz_t *f, ngx_str_t *text, ngx_uint_t args)
{
    ngx_str_t  uri, whole, ticket, with;

    uri = fuzz_copy(f, text->data, text->len);
    whole = uri;

    if (ngx_aigc_ticket_cut(&uri, args, &ticket) == NGX_OK) {
        must(ticket.len > 0 && fuzz_inside(&ticket, &whole));
        must(uri.len + ticket.len + sizeof(NGX_AIGC_TICKET_ARG) - 1
             <= text->len);
        must(memchr(ticket.data, '&', ticket.len) == NULL);
    }

    /* what is put there comes off again */

    uri = fuzz_fmt(f, args ? "%V" : "/%V", text);

    with = fuzz_fmt(f, "%V%s" NGX_AIGC_TICKET_ARG "T", &uri,
                    args ? (uri.len ? "&" : "")
                    : ngx_strlchr(uri.data, uri.data + uri.len, '?') ? "&"
                    : "?");

    must(ngx_aigc_ticket_cut(&with, args, &ticket) == NGX_OK);
    must(ticket.len == 1 && fuzz_eq(&with, &uri));
}


/* The plain text below the seal, for that host. */
static void
ticket_opened(fuzz_t *f, ngx_str_t *host, ngx_str_t *plain)
{
    ngx_str_t           value, purpose;
    ngx_aigc_ticket_t   ticket;
    ngx_aigc_session_t  session;

    purpose = fuzz_fmt(f, "ticket %V%Z", host);
    value = fuzz_sealed(f, (char *) purpose.data, plain);

    (void) ngx_aigc_ticket_open(f->pool, fuzz_seal_keys(f), host, &value,
                                &ticket);

    purpose = fuzz_fmt(f, "instance %V%Z", host);
    value = fuzz_sealed(f, (char *) purpose.data, plain);

    (void) ngx_aigc_instance_open(f->pool, fuzz_seal_keys(f), host, &value,
                                  &session);
}
