/* oidc/ngx_aigc_session.h: what the cookies and a ticket bring back. */

#include "unit.h"
#include "base/ngx_aigc_base64url.h"
#include "oidc/ngx_aigc_host_session.h"
#include "base/ngx_aigc_url.h"


#define HOST   "default-sd-0.example.com"
#define NONCE  "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


static ngx_aigc_seal_keys_t *
keys(unit_t *u)
{
    ngx_aigc_seal_keys_t  *k;

    k = ngx_pcalloc(u->pool, sizeof(ngx_aigc_seal_keys_t));
    k->n = 1;
    ngx_memset(k->key[0], 1, sizeof(k->key[0]));

    return k;
}


/* a token of three parts of that many bytes */

static ngx_str_t
token(unit_t *u, size_t a, size_t b, size_t c)
{
    size_t      n[3], i;
    u_char     *p;
    ngx_str_t   bytes, text, out;

    n[0] = a;
    n[1] = b;
    n[2] = c;

    out.data = ngx_palloc(u->pool, (a + b + c) * 2 + 16);
    p = out.data;

    for (i = 0; i < 3; i++) {
        bytes.len = n[i];
        bytes.data = ngx_pcalloc(u->pool, n[i] + 1);
        ngx_memset(bytes.data, (int) (0xa5 + i), n[i]);

        (void) ngx_aigc_base64url_encode(u->pool, &bytes, &text);

        p = ngx_cpymem(p, text.data, text.len);
        *p++ = '.';
    }

    out.len = p - out.data - 1;

    return out;
}


/* what does not fit with a large refresh token is sealed without it */

static void
session_some(unit_t *u)
{
    u_char                 spare[NGX_AIGC_SESSION_SPARE];
    ngx_str_t              value;
    ngx_aigc_session_t     in, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    ngx_memzero(&in, sizeof(ngx_aigc_session_t));
    ngx_memset(spare, 'r', sizeof(spare));
    ngx_str_set(&in.sid, "sid");
    in.start = 1790000000;
    in.refresh_token.data = spare;

    in.refresh_token.len = sizeof(spare);
    in.id_token = token(u, 30, 2000, 256);
    is_int(u, ngx_aigc_session_seal_some(u->pool, k, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &out), NGX_OK);
    is_int(u, out.refresh_token.len, sizeof(spare));

    in.id_token = token(u, 30, 2300, 256);
    is_int(u, ngx_aigc_session_seal(u->pool, k, &in, &value), NGX_DECLINED);
    is_int(u, ngx_aigc_session_seal_some(u->pool, k, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &out), NGX_OK);
    is_int(u, out.refresh_token.len, 0);
    is_int(u, out.id_token.len, in.id_token.len);
    is_int(u, in.refresh_token.len, sizeof(spare));

    /* a small one is not what is too large */

    in.refresh_token.len--;
    is_int(u, ngx_aigc_session_seal_some(u->pool, k, &in, &value),
           NGX_DECLINED);

    in.refresh_token.len++;
    in.id_token = token(u, 30, 2800, 256);
    is_int(u, ngx_aigc_session_seal_some(u->pool, k, &in, &value),
           NGX_DECLINED);
}


static ngx_int_t
round_trip(unit_t *u, ngx_str_t *id_token, size_t *size)
{
    ngx_int_t              rc;
    ngx_str_t              value;
    ngx_aigc_session_t     in, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    in.id_token = *id_token;
    in.refresh_token = unit_str(u, "refresh-refresh-refresh-refresh-refresh-"
                                   "123");
    in.sid = unit_str(u, "sid");
    in.start = 1790000000;

    rc = ngx_aigc_session_seal(u->pool, k, &in, &value);
    if (rc != NGX_OK) {
        return rc;
    }

    *size = value.len;
    value = unit_bytes(u, value.data, value.len);

    rc = ngx_aigc_session_open(u->pool, k, &value, &out);
    if (rc != NGX_OK) {
        return rc;
    }

    ok(u, out.id_token.len == in.id_token.len
          && (in.id_token.len == 0
              || ngx_memcmp(out.id_token.data, in.id_token.data,
                            in.id_token.len)
                 == 0));
    is_str(u, &out.refresh_token,
           "refresh-refresh-refresh-refresh-refresh-123");
    is_str(u, &out.sid, "sid");
    is_int(u, out.start, 1790000000);

    return NGX_OK;
}


static void
session_round_trip(unit_t *u)
{
    size_t      size, i;
    ngx_str_t   t;

    static const char  *odd[] = {
        "", ".", "..", "...", "a", "opaque", "AAAA.AAAA", "AAAA.AAAA.AAAA.",
        "AAAA.AAAA.AAAA.AAAA", "AAAA.AB.AAAA", "AAAA.AAAA.AB", "A.A.A",
        "AAAA.AA==.AAAA", "AAAA..AAAA", "AAAA.AA A.AAAA"
    };

    for (i = 0; i < 40; i++) {
        t = token(u, i, 40 - i, i / 2);
        is_int(u, round_trip(u, &t, &size), NGX_OK);
    }

    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        t = unit_str(u, odd[i]);

        if (!is_int(u, round_trip(u, &t, &size), NGX_OK)) {
            unit_note("%s", odd[i]);
        }
    }

    /* an ES384 ID token as Logto makes them: 1.1 KB stay 1.2 in a cookie */

    t = token(u, 90, 640, 96);
    is_int(u, round_trip(u, &t, &size), NGX_OK);
    unit_note("a token of %d bytes is a cookie of %d", (int) t.len,
              (int) size);
    ok(u, size < t.len + 150);
}


static void
session_bound(unit_t *u)
{
    size_t      size, i, largest;
    ngx_str_t   t;
    ngx_int_t   rc;
    ngx_uint_t  refused;

    largest = 0;
    refused = 0;

    for (i = 2500; i < 3000; i++) {
        t = token(u, 90, i - 186, 96);
        size = 0;
        rc = round_trip(u, &t, &size);

        if (rc == NGX_OK) {
            ok(u, size <= NGX_AIGC_SESSION_COOKIE_MAX && !refused);
            largest = size;

        } else {
            is_int(u, rc, NGX_DECLINED);
            refused++;
        }
    }

    ok(u, refused > 0);
    ok(u, largest > NGX_AIGC_SESSION_COOKIE_MAX - 16);

    t.len = 1024 * 1024;
    t.data = ngx_pcalloc(u->pool, t.len);
    is_int(u, round_trip(u, &t, &size), NGX_DECLINED);
}


static void
session_strangers(unit_t *u)
{
    size_t                 i;
    u_char                 plain[64];
    ngx_str_t              text, value;
    ngx_aigc_login_t       login;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    /* version 1, a start, "a.b.c" kept as it is, no refresh token, a sid */

    static u_char  good[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 5, 'a', '.', 'b', '.', 'c', 0, 0,
        0, 1, 's'
    };

    k = keys(u);

    text = unit_bytes(u, good, sizeof(good));
    is_int(u, ngx_aigc_seal(u->pool, k, "gateway", &text, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session), NGX_OK);
    is_int(u, session.start, 9);
    is_str(u, &session.id_token, "a.b.c");
    is_str(u, &session.refresh_token, "");
    is_str(u, &session.sid, "s");

    /* a session is no login, in seal or in content */

    is_int(u, ngx_aigc_login_open(u->pool, k, &value, &login), NGX_DECLINED);

    /* what could be sealed, but not by this code */

    for (i = 0; i < sizeof(good); i++) {
        text = unit_bytes(u, good, i);
        is_int(u, ngx_aigc_seal(u->pool, k, "gateway", &text, &value),
               NGX_OK);
        is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
               NGX_DECLINED);
    }

    ngx_memcpy(plain, good, sizeof(good));
    plain[sizeof(good)] = 0;
    text = unit_bytes(u, plain, sizeof(good) + 1);
    is_int(u, ngx_aigc_seal(u->pool, k, "gateway", &text, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
           NGX_DECLINED);

    /* another version, count of parts, lengths */

    for (i = 0; i < sizeof(good); i++) {
        if ((i > 0 && i < 9) || (i > 11 && i < 17) || i == 21) {
            continue;
        }

        text = unit_bytes(u, good, sizeof(good));
        text.data[i] += 2;
        is_int(u, ngx_aigc_seal(u->pool, k, "gateway", &text, &value),
               NGX_OK);

        if (!is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
                    NGX_DECLINED))
        {
            unit_note("byte %d", (int) i);
        }
    }

    value = unit_str(u, "");
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
           NGX_DECLINED);

    value.len = NGX_AIGC_SESSION_COOKIE_MAX + 1;
    value.data = ngx_palloc(u->pool, value.len);
    ngx_memset(value.data, 'A', value.len);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
           NGX_DECLINED);
}


/* seals any content and opens it again, as both */

static ngx_int_t
reopen(unit_t *u, const char *purpose, const u_char *content, size_t len)
{
    ngx_str_t              plain, value;
    ngx_aigc_login_t       login;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    plain = unit_bytes(u, content, len);

    is_int(u, ngx_aigc_seal(u->pool, k, purpose, &plain, &value), NGX_OK);

    if (ngx_strcmp(purpose, "login") == 0) {
        return ngx_aigc_login_open(u->pool, k, &value, &login);
    }

    return ngx_aigc_session_open(u->pool, k, &value, &session);
}


static void
session_content(unit_t *u)
{
    size_t  i;
    u_char  copy[23], login[34];

    /* three parts, one byte each; no refresh token, no sid */

    static const u_char  good_parts[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 9, 3, 0, 1, 'a', 0, 1, 'b', 0, 1, 'c', 0, 0,
        0, 0
    };

    static const u_char  good_login[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 9, 3, 0, 1, 'i', 0, 1, 'n', 0, 1, 'v'
    };

    is_int(u, reopen(u, "gateway", good_parts, sizeof(good_parts)), NGX_OK);

    for (i = 0; i < sizeof(good_parts); i++) {
        is_int(u, reopen(u, "gateway", good_parts, i), NGX_DECLINED);
    }

    for (i = 1; i < 256; i++) {
        ngx_memcpy(copy, good_parts, sizeof(copy));
        copy[9] = (u_char) i;
        is_int(u, reopen(u, "gateway", copy, sizeof(copy)),
               i == 3 ? NGX_OK : NGX_DECLINED);
    }

    /* a length far beyond the end, in each place of one */

    for (i = 10; i < sizeof(good_parts) - 1; i++) {
        ngx_memcpy(copy, good_parts, sizeof(copy));

        if (copy[i] == 0) {
            copy[i] = 0xff;
            copy[i + 1] = 0xff;
            is_int(u, reopen(u, "gateway", copy, sizeof(copy)),
                   NGX_DECLINED);
        }
    }

    ngx_memzero(login, sizeof(login));
    ngx_memcpy(login, good_login, sizeof(good_login));
    is_int(u, reopen(u, "login", login, sizeof(good_login)), NGX_OK);

    for (i = 0; i < sizeof(login); i++) {
        is_int(u, reopen(u, "login", login, i),
               i == sizeof(good_login) ? NGX_OK : NGX_DECLINED);
    }
}


/* what version 1.0 sealed opens as that, and as nothing else */

static void
session_old(unit_t *u)
{
    ngx_str_t              plain, host, value;
    ngx_aigc_ticket_t      ticket;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    static u_char  content[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 5, 'a', '.', 'b', '.', 'c', 0, 0,
        0, 1, 's'
    };

    k = keys(u);
    host = unit_str(u, HOST);
    plain = unit_bytes(u, content, sizeof(content));

    is_int(u, ngx_aigc_seal(u->pool, k, "session", &plain, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open_old(u->pool, k, &value, &session),
           NGX_OK);
    is_str(u, &session.id_token, "a.b.c");
    is_str(u, &session.sid, "s");
    is_int(u, session.start, 9);

    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
           NGX_DECLINED);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &value, &session),
           NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value, &ticket),
           NGX_DECLINED);

    /* nor is the new one an old one */

    is_int(u, ngx_aigc_seal(u->pool, k, "gateway", &plain, &value), NGX_OK);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session), NGX_OK);
    is_int(u, ngx_aigc_session_open_old(u->pool, k, &value, &session),
           NGX_DECLINED);
}


/* an ordinary user of Logto: ids and tokens of the lengths that it makes */

static void
instance_user(unit_t *u, ngx_aigc_session_t *session)
{
    ngx_memzero(session, sizeof(ngx_aigc_session_t));

    session->start = 1790000000;
    session->sid = unit_str(u, "abcdefghijklmnopqrstuv");
    session->sub = unit_str(u, "alice0000000");
    session->kid = unit_str(u, "vCBAaNrtQGpR7-UsmpVbD8iQFmb0kpH7QgaYZHLfNLo");
    session->exp = 1790003600;
    session->refresh_token = unit_str(u, "refresh-refresh-refresh-refresh-"
                                         "refresh-123");
}


static void
session_instance(unit_t *u)
{
    ngx_str_t              host, empty, value;
    ngx_aigc_session_t     in, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    host = unit_str(u, HOST);
    instance_user(u, &in);

    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in, &value), NGX_OK);
    unit_note("an instance's session has %d bytes", (int) value.len);
    ok(u, value.len <= 400);

    value = unit_bytes(u, value.data, value.len);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &value, &out),
           NGX_OK);
    is_str(u, &out.sid, "abcdefghijklmnopqrstuv");
    is_str(u, &out.sub, "alice0000000");
    is_str(u, &out.kid, "vCBAaNrtQGpR7-UsmpVbD8iQFmb0kpH7QgaYZHLfNLo");
    is_str(u, &out.refresh_token, "refresh-refresh-refresh-refresh-"
                                  "refresh-123");
    is_int(u, out.start, 1790000000);
    is_int(u, out.exp, 1790003600);
    is_int(u, out.id_token.len, 0);

    /* the ID token is no part of it: its length changes nothing */

    empty = value;
    in.id_token = token(u, 90, 3000, 96);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in, &value), NGX_OK);
    is_int(u, value.len, empty.len);

    /* as little as a provider may give */

    ngx_str_null(&in.kid);
    ngx_str_null(&in.refresh_token);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &value, &out),
           NGX_OK);
    is_int(u, out.kid.len, 0);
    is_int(u, out.refresh_token.len, 0);
    is_str(u, &out.sub, "alice0000000");
}


static void
session_ticket(unit_t *u)
{
    ngx_str_t              host, value;
    ngx_aigc_ticket_t      in, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    host = unit_str(u, HOST);
    instance_user(u, &in.session);
    in.nonce = unit_str(u, NONCE);
    in.issued = 1790000123;

    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &in, &value), NGX_OK);
    unit_note("a ticket has %d bytes", (int) value.len);
    ok(u, value.len <= 480);

    value = unit_bytes(u, value.data, value.len);
    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value, &out), NGX_OK);
    is_str(u, &out.nonce, NONCE);
    is_int(u, out.issued, 1790000123);
    is_str(u, &out.session.sid, "abcdefghijklmnopqrstuv");
    is_str(u, &out.session.sub, "alice0000000");
    is_str(u, &out.session.kid,
           "vCBAaNrtQGpR7-UsmpVbD8iQFmb0kpH7QgaYZHLfNLo");
    is_str(u, &out.session.refresh_token, "refresh-refresh-refresh-refresh-"
                                          "refresh-123");
    is_int(u, out.session.start, 1790000000);
    is_int(u, out.session.exp, 1790003600);

    /* bound to no browser, and issued before 1970 */

    ngx_str_null(&in.nonce);
    in.issued = -1;
    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value, &out), NGX_OK);
    is_int(u, out.nonce.len, 0);
    is_int(u, out.issued, -1);
}


/* what was sealed as one of them opens as that one, on that host */

static void
session_one_host(unit_t *u)
{
    u_char                 longest[NGX_AIGC_HOST_MAX + 1];
    size_t                 i;
    ngx_str_t              host, other, value, text, gateway;
    ngx_aigc_ticket_t      ticket;
    ngx_aigc_session_t     in, out;
    ngx_aigc_seal_keys_t  *k, *k2;

    static const char  *others[] = {
        "", "default-sd-1.example.com", "default-sd-0.example.co",
        "default-sd-0.example.com.", "efault-sd-0.example.com",
        "Default-sd-0.example.com", "default-sd-0.example.com:80",
        "default-sd-0.example.com default-sd-0.example.com", "example.com"
    };

    k = keys(u);
    k2 = keys(u);
    k2->key[0][31] ^= 1;

    host = unit_str(u, HOST);
    instance_user(u, &in);
    in.id_token = token(u, 90, 640, 96);
    ticket.session = in;
    ngx_str_null(&ticket.nonce);
    ticket.issued = 0;

    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &ticket, &text),
           NGX_OK);
    is_int(u, ngx_aigc_session_seal(u->pool, k, &in, &gateway), NGX_OK);

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        other = unit_str(u, others[i]);
        is_int(u, ngx_aigc_instance_open(u->pool, k, &other, &value, &out),
               NGX_DECLINED);
        is_int(u, out.sub.len, 0);
        is_int(u, ngx_aigc_ticket_open(u->pool, k, &other, &text, &ticket),
               NGX_DECLINED);
        is_int(u, ticket.session.sub.len, 0);
    }

    /* another key */

    is_int(u, ngx_aigc_instance_open(u->pool, k2, &host, &value, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_open(u->pool, k2, &host, &text, &ticket),
           NGX_DECLINED);

    /* another purpose */

    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value, &ticket),
           NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &gateway, &ticket),
           NGX_DECLINED);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &text, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &gateway, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &out), NGX_DECLINED);
    is_int(u, ngx_aigc_session_open(u->pool, k, &text, &out), NGX_DECLINED);
    is_int(u, ngx_aigc_session_open_old(u->pool, k, &value, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_session_open_old(u->pool, k, &text, &out),
           NGX_DECLINED);

    /* hosts of the greatest length differ in their last byte, too */

    ngx_memset(longest, 'a', sizeof(longest));
    other = unit_bytes(u, longest, NGX_AIGC_HOST_MAX);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &other, &in, &value),
           NGX_OK);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &other, &value, &out),
           NGX_OK);
    other.data[NGX_AIGC_HOST_MAX - 1] = 'b';
    is_int(u, ngx_aigc_instance_open(u->pool, k, &other, &value, &out),
           NGX_DECLINED);

    other = unit_bytes(u, longest, NGX_AIGC_HOST_MAX + 1);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &other, &in, &value),
           NGX_DECLINED);

    ngx_str_null(&other);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &other, &in, &value),
           NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &other, &ticket, &value),
           NGX_DECLINED);
}


/* what is sealed for HOST with any content, opened as that kind */

static ngx_int_t
reopen_narrow(unit_t *u, ngx_uint_t is_ticket, ngx_str_t *content)
{
    ngx_str_t              host, value;
    ngx_aigc_ticket_t      ticket;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    host = unit_str(u, HOST);

    is_int(u, ngx_aigc_seal(u->pool, k, is_ticket ? "ticket " HOST
                                                  : "instance " HOST,
                            content, &value), NGX_OK);

    return is_ticket
           ? ngx_aigc_ticket_open(u->pool, k, &host, &value, &ticket)
           : ngx_aigc_instance_open(u->pool, k, &host, &value, &session);
}


static void
session_narrow_content(unit_t *u)
{
    size_t                 i;
    ngx_str_t              host, value, plain[2], part;
    ngx_uint_t             n;
    ngx_aigc_ticket_t      ticket;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    host = unit_str(u, HOST);
    instance_user(u, &ticket.session);
    ticket.nonce = unit_str(u, NONCE);
    ticket.issued = 1790000123;

    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &ticket.session,
                                     &value), NGX_OK);
    is_int(u, ngx_aigc_unseal(u->pool, k, "instance " HOST, &value,
                              &plain[0]), NGX_OK);

    for (i = 0; i < value.len; i++) {
        part = unit_bytes(u, value.data, i);
        is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &part, &session),
               NGX_DECLINED);
    }

    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &ticket, &value),
           NGX_OK);
    is_int(u, ngx_aigc_unseal(u->pool, k, "ticket " HOST, &value, &plain[1]),
           NGX_OK);

    for (i = 0; i < value.len; i++) {
        part = unit_bytes(u, value.data, i);
        is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &part, &ticket),
               NGX_DECLINED);
    }

    /* whole, less, more, another version, and the one's content as the other */

    for (n = 0; n < 2; n++) {
        is_int(u, reopen_narrow(u, n, &plain[n]), NGX_OK);
        is_int(u, reopen_narrow(u, n, &plain[1 - n]), NGX_DECLINED);

        for (i = 0; i < plain[n].len; i++) {
            part = unit_bytes(u, plain[n].data, i);
            is_int(u, reopen_narrow(u, n, &part), NGX_DECLINED);
        }

        part.len = plain[n].len + 1;
        part.data = ngx_pcalloc(u->pool, part.len);
        ngx_memcpy(part.data, plain[n].data, plain[n].len);
        is_int(u, reopen_narrow(u, n, &part), NGX_DECLINED);

        part = unit_bytes(u, plain[n].data, plain[n].len);
        part.data[0]++;
        is_int(u, reopen_narrow(u, n, &part), NGX_DECLINED);

        /* the first field longer than all there is */

        part = unit_bytes(u, plain[n].data, plain[n].len);
        part.data[9] = 0xff;
        is_int(u, reopen_narrow(u, n, &part), NGX_DECLINED);
    }

    value.len = NGX_AIGC_INSTANCE_COOKIE_MAX + 1;
    value.data = ngx_palloc(u->pool, value.len);
    ngx_memset(value.data, 'A', value.len);
    is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &value, &session),
           NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value, &ticket),
           NGX_DECLINED);
}


/* a refresh token that does not fit is left out; what else does not, is not */

static void
session_narrow_bound(unit_t *u)
{
    size_t                 len, largest[2], sealed[2];
    ngx_int_t              rc[2];
    ngx_str_t              host, large, value[2];
    ngx_uint_t             n, left_out[2];
    ngx_aigc_ticket_t      in, ticket;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);
    host = unit_str(u, HOST);
    instance_user(u, &in.session);
    in.nonce = unit_str(u, NONCE);
    in.issued = 1;

    ngx_memzero(largest, sizeof(largest));
    ngx_memzero(left_out, sizeof(left_out));

    large.data = ngx_pcalloc(u->pool, 4096);

    for (len = 1200; len < 1600; len++) {
        large.len = len;

        in.session.refresh_token = large;
        is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in.session,
                                         &value[0]), NGX_OK);
        sealed[0] = in.session.refresh_token.len;

        in.session.refresh_token = large;
        is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &in, &value[1]),
               NGX_OK);
        sealed[1] = in.session.refresh_token.len;

        is_int(u, ngx_aigc_instance_open(u->pool, k, &host, &value[0],
                                         &session), NGX_OK);
        is_int(u, ngx_aigc_ticket_open(u->pool, k, &host, &value[1],
                                       &ticket), NGX_OK);
        is_str(u, &ticket.nonce, NONCE);
        is_str(u, &ticket.session.sub, "alice0000000");

        /* who seals is told what is in it */

        is_int(u, session.refresh_token.len, sealed[0]);
        is_int(u, ticket.session.refresh_token.len, sealed[1]);

        rc[0] = session.refresh_token.len == len;
        rc[1] = ticket.session.refresh_token.len == len;

        for (n = 0; n < 2; n++) {
            ok(u, value[n].len <= NGX_AIGC_INSTANCE_COOKIE_MAX);

            if (rc[n]) {
                ok(u, !left_out[n]);
                largest[n] = value[n].len;
            } else {
                left_out[n]++;
            }
        }

        ok(u, rc[0] || session.refresh_token.len == 0);
        ok(u, rc[1] || ticket.session.refresh_token.len == 0);
    }

    for (n = 0; n < 2; n++) {
        ok(u, left_out[n] > 0);
        ok(u, largest[n] > NGX_AIGC_INSTANCE_COOKIE_MAX - 16);
    }

    in.session.sub.len = 2000;
    in.session.sub.data = ngx_pcalloc(u->pool, 2000);
    is_int(u, ngx_aigc_instance_seal(u->pool, k, &host, &in.session,
                                     &value[0]), NGX_DECLINED);
    is_int(u, ngx_aigc_ticket_seal(u->pool, k, &host, &in, &value[1]),
           NGX_DECLINED);
}


static void
session_narrow(unit_t *u)
{
    ngx_str_t           head, claims, text;
    ngx_uint_t          i;
    ngx_aigc_claims_t   claims_at;
    ngx_aigc_session_t  session;

    static const char  *bad[] = {
        "", "a.b.c", "opaque", "e30.e30", "e30.e30.AAAA.AAAA"
    };

    ngx_memzero(&session, sizeof(ngx_aigc_session_t));

    head = unit_str(u, "{\"alg\":\"ES384\",\"kid\":\"k1\"}");
    claims = unit_str(u, "{\"iss\":\"https://l\",\"sub\":\"alice\","
                         "\"exp\":1790003600,\"iat\":1790000000}");

    session.id_token.data = ngx_palloc(u->pool, 512);
    (void) ngx_aigc_base64url_encode(u->pool, &head, &text);
    (void) ngx_sprintf(session.id_token.data, "%V.", &text);
    session.id_token.len = text.len + 1;
    (void) ngx_aigc_base64url_encode(u->pool, &claims, &text);
    session.id_token.len = ngx_sprintf(session.id_token.data
                                       + session.id_token.len, "%V.AAAA",
                                       &text)
                           - session.id_token.data;

    is_int(u, ngx_aigc_session_narrow(u->pool, NULL, &session), NGX_OK);
    is_str(u, &session.sub, "alice");
    is_str(u, &session.kid, "k1");
    is_int(u, session.exp, 1790003600);

    /* "roles" that is no array: a provider that has them elsewhere */

    session.id_token = unit_str(u, "eyJhbGciOiJFUzI1NiJ9."
        "eyJzdWIiOiJib2IiLCJleHAiOjE3OTAwMDM2MDAsInJvbGVzIjoibm90IHRob3NlIn0."
        "AAAA");
    ngx_memzero(&claims_at, sizeof(ngx_aigc_claims_t));
    is_int(u, ngx_aigc_session_narrow(u->pool, &claims_at, &session), NGX_OK);
    is_str(u, &session.sub, "bob");
    is_int(u, session.kid.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        session.id_token = unit_str(u, bad[i]);

        if (!is_int(u, ngx_aigc_session_narrow(u->pool, NULL, &session),
                    NGX_DECLINED))
        {
            unit_note("%s", bad[i]);
        }
    }
}


static void
session_login(unit_t *u)
{
    ngx_str_t              value;
    ngx_aigc_login_t       in, out;
    ngx_aigc_session_t     session;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    in.id = unit_str(u, "abcdefghijklmnopqrstuv");
    in.nonce = unit_str(u, "nonce");
    in.verifier = unit_str(u, "verifier");
    in.start = 77;
    in.parts = 3;

    is_int(u, ngx_aigc_login_seal(u->pool, k, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_login_open(u->pool, k, &value, &out), NGX_OK);
    is_str(u, &out.id, "abcdefghijklmnopqrstuv");
    is_str(u, &out.nonce, "nonce");
    is_str(u, &out.verifier, "verifier");
    is_int(u, out.start, 77);
    is_int(u, out.parts, 3);

    is_int(u, ngx_aigc_session_open(u->pool, k, &value, &session),
           NGX_DECLINED);

    in.parts = 256;
    is_int(u, ngx_aigc_login_seal(u->pool, k, &in, &value), NGX_DECLINED);

    in.parts = 0;
    in.nonce.len = NGX_AIGC_SESSION_COOKIE_MAX;
    in.nonce.data = ngx_pcalloc(u->pool, in.nonce.len);
    is_int(u, ngx_aigc_login_seal(u->pool, k, &in, &value), NGX_DECLINED);
}


static void
session_state(unit_t *u)
{
    size_t                 i, before;
    ngx_str_t              value, plain;
    ngx_aigc_state_t       in, out;
    ngx_aigc_login_t       login;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    in.id = unit_str(u, "abcdefghijklmnopqrstuv");
    in.rd = unit_str(u, "https://a.example.com/?x=1");
    in.nonce = unit_str(u, NONCE);
    in.start = 78;
    in.again = 1;

    is_int(u, ngx_aigc_state_seal(u->pool, k, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_state_open(u->pool, k, &value, &out), NGX_OK);
    is_str(u, &out.id, "abcdefghijklmnopqrstuv");
    is_str(u, &out.rd, "https://a.example.com/?x=1");
    is_str(u, &out.nonce, NONCE);
    is_int(u, out.start, 78);
    is_int(u, out.again, 1);

    is_int(u, ngx_aigc_login_open(u->pool, k, &value, &login), NGX_DECLINED);

    is_int(u, ngx_aigc_unseal(u->pool, k, "state", &value, &plain), NGX_OK);

    before = plain.len - 2 - in.nonce.len;      /* its length, and itself */

    for (i = 0; i < plain.len; i++) {
        in.rd = plain;
        in.rd.len = i;
        is_int(u, ngx_aigc_seal(u->pool, k, "state", &in.rd, &value), NGX_OK);
        is_int(u, ngx_aigc_state_open(u->pool, k, &value, &out),
               i == before ? NGX_OK : NGX_DECLINED);
    }

    /* version 1.0's ends before the nonce, and is still taken */

    plain.len = before;
    is_int(u, ngx_aigc_seal(u->pool, k, "state", &plain, &value), NGX_OK);
    is_int(u, ngx_aigc_state_open(u->pool, k, &value, &out), NGX_OK);
    is_str(u, &out.id, "abcdefghijklmnopqrstuv");
    is_str(u, &out.rd, "https://a.example.com/?x=1");
    is_int(u, out.nonce.len, 0);
    is_int(u, out.start, 78);
    is_int(u, out.again, 1);

    /* all of it fits; a byte more, and an id that is none, do not */

    in.rd.len = NGX_AIGC_STATE_RD_MAX;
    in.rd.data = ngx_pcalloc(u->pool, in.rd.len + 1);
    is_int(u, ngx_aigc_state_seal(u->pool, k, &in, &value), NGX_OK);
    ok(u, value.len < NGX_AIGC_URL_MAX);

    in.rd.len++;
    is_int(u, ngx_aigc_state_seal(u->pool, k, &in, &value), NGX_DECLINED);

    in.rd.len = 1;
    in.id.len--;
    is_int(u, ngx_aigc_state_seal(u->pool, k, &in, &value), NGX_DECLINED);

    /* without a nonce, as of a sign-in for the dashboard */

    in.id.len++;
    ngx_str_null(&in.nonce);
    is_int(u, ngx_aigc_state_seal(u->pool, k, &in, &value), NGX_OK);
    is_int(u, ngx_aigc_state_open(u->pool, k, &value, &out), NGX_OK);
    is_int(u, out.nonce.len, 0);
}


static void
session_rd(unit_t *u)
{
    ngx_str_t              id, other, rd, value, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    id = unit_str(u, "abcdefghijklmnopqrstuv");
    other = unit_str(u, "abcdefghijklmnopqrstuw");

    rd.len = NGX_AIGC_RD_MAX;
    rd.data = ngx_palloc(u->pool, rd.len + 1);
    ngx_memset(rd.data, 'a', rd.len + 1);

    is_int(u, ngx_aigc_rd_seal(u->pool, k, &id, &rd, &value), NGX_OK);
    ok(u, value.len <= 3 * NGX_AIGC_SESSION_COOKIE_MAX);
    is_int(u, ngx_aigc_rd_open(u->pool, k, &id, &value, &out), NGX_OK);
    is_int(u, out.len, rd.len);
    ok(u, ngx_memcmp(out.data, rd.data, rd.len) == 0);

    is_int(u, ngx_aigc_rd_open(u->pool, k, &other, &value, &out),
           NGX_DECLINED);

    value.len--;
    is_int(u, ngx_aigc_rd_open(u->pool, k, &id, &value, &out), NGX_DECLINED);

    rd.len++;
    is_int(u, ngx_aigc_rd_seal(u->pool, k, &id, &rd, &value), NGX_DECLINED);
}


static void
session_costs(unit_t *u)
{
    double                 seal, open;
    ngx_str_t              value;
    ngx_pool_t            *pool;
    ngx_uint_t             i;
    ngx_aigc_session_t     in, out;
    ngx_aigc_seal_keys_t  *k;

    k = keys(u);

    in.id_token = token(u, 90, 640, 96);
    in.refresh_token = unit_str(u, "refresh");
    in.sid = unit_str(u, "sid");
    in.start = 1;

    seal = 0;
    open = 0;

    for (i = 0; i < 1000; i++) {
        pool = ngx_create_pool(4096, u->log);

        seal -= unit_usec();
        is_int(u, ngx_aigc_session_seal(pool, k, &in, &value), NGX_OK);
        seal += unit_usec();

        open -= unit_usec();
        is_int(u, ngx_aigc_session_open(pool, k, &value, &out), NGX_OK);
        open += unit_usec();

        ngx_destroy_pool(pool);
    }

    unit_note("a session: seal %.1f us, open %.1f us", seal / 1000,
              open / 1000);
}


unit_test_t  session_tests[] = {
    { "a session comes back as it was", session_round_trip },
    { "a session that fits no cookie is refused", session_bound },
    { "a large refresh token is left out", session_some },
    { "what this code did not seal is none of ours", session_strangers },
    { "content that is not exactly so is none", session_content },
    { "what version 1.0 sealed is that, and nothing else", session_old },
    { "an instance's session comes back, and is small", session_instance },
    { "so does a ticket", session_ticket },
    { "each of them is of one host and for one purpose", session_one_host },
    { "their content is exactly so, or none", session_narrow_content },
    { "a refresh token too large for them is left out", session_narrow_bound },
    { "what an ID token says of its user", session_narrow },
    { "the secrets of a sign-in come back as they were", session_login },
    { "its state likewise", session_state },
    { "a long page to return to likewise, for that sign-in", session_rd },
    { "what it costs", session_costs },
    { NULL, NULL }
};
