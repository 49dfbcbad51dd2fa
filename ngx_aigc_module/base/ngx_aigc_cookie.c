/*
 * base/ngx_aigc_cookie.c — pairs end at ";" and nowhere else: quotes mean
 * nothing to RFC 6265, and a pair that somebody else would still see must not
 * be hidden in them.
 */

#include "ngx_aigc_cookie.h"

#include "ngx_aigc_base64url.h"
#include "ngx_aigc_text.h"


#define ngx_aigc_cookie_skip(s, n)                                            \
    (s)->data += (n);                                                         \
    (s)->len -= (n)


static ngx_int_t ngx_aigc_cookie_pair(u_char *p, u_char *end,
    ngx_str_t *name, ngx_str_t *value);
static u_char *ngx_aigc_cookie_find(u_char *p, u_char *last, u_char c);
static ngx_uint_t ngx_aigc_cookie_blank(u_char c);
static ngx_uint_t ngx_aigc_cookie_begins(ngx_str_t *name, const char *prefix);
static ngx_uint_t ngx_aigc_cookie_login_id(ngx_str_t *id);
static ngx_uint_t ngx_aigc_cookie_above(u_char *p, u_char *end,
    ngx_str_t *host);
static ngx_uint_t ngx_aigc_cookie_name_bad(ngx_str_t *name);
static ngx_uint_t ngx_aigc_cookie_value_bad(ngx_str_t *value);


ngx_int_t
ngx_aigc_cookie_next(ngx_str_t *header, size_t *pos, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *p, *last, *end;

    p = header->data + *pos;
    last = header->data + header->len;

    while (p < last && (*p == ';' || ngx_aigc_cookie_blank(*p))) {
        p++;
    }

    if (p == last) {
        *pos = header->len;
        return NGX_DONE;
    }

    end = ngx_aigc_cookie_find(p, last, ';');
    if (end == NULL) {
        end = last;
    }

    *pos = end - header->data;

    return ngx_aigc_cookie_pair(p, end, name, value);
}


/* What stands from p to end, where the next ";" is.  NGX_DONE: blanks. */
static ngx_int_t
ngx_aigc_cookie_pair(u_char *p, u_char *end, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *eq;

    while (p < end && ngx_aigc_cookie_blank(*p)) {
        p++;
    }

    if (p == end) {
        return NGX_DONE;
    }

    while (ngx_aigc_cookie_blank(end[-1])) {
        end--;
    }

    eq = ngx_aigc_cookie_find(p, end, '=');

    name->data = p;
    name->len = (eq ? eq : end) - p;

    while (name->len && ngx_aigc_cookie_blank(p[name->len - 1])) {
        name->len--;
    }

    if (eq == NULL) {
        value->data = end;
        value->len = 0;
        return NGX_OK;
    }

    eq++;

    while (eq < end && ngx_aigc_cookie_blank(*eq)) {
        eq++;
    }

    value->data = eq;
    value->len = end - eq;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_cookie_ours(ngx_str_t *name, ngx_str_t *old)
{
    ngx_str_t  rest;

    if (old->len && ngx_aigc_text_eq(name, old)) {
        return NGX_OK;
    }

    rest = *name;

    if (ngx_aigc_cookie_begins(&rest, "__Host-")) {
        ngx_aigc_cookie_skip(&rest, sizeof("__Host-") - 1);

    } else if (ngx_aigc_cookie_begins(&rest, "__Secure-")) {
        ngx_aigc_cookie_skip(&rest, sizeof("__Secure-") - 1);
    }

    if (ngx_aigc_text_is(&rest, "aigc-session")
        || ngx_aigc_text_is(&rest, "aigc-instance")
        || ngx_aigc_text_is(&rest, "aigc-nonce")
        || ngx_aigc_text_is(&rest, "aigc-bind"))
    {
        return NGX_OK;
    }

    if (!ngx_aigc_cookie_begins(&rest, "aigc-login-")) {
        return NGX_DECLINED;
    }

    ngx_aigc_cookie_skip(&rest, sizeof("aigc-login-") - 1);

    return ngx_aigc_cookie_login_id(&rest) ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_aigc_cookie_login_id(ngx_str_t *id)
{
    size_t     i, n;
    ngx_str_t  head;

    /* one digit: as version 1.0 had it; browsers keep those for a while */

    if (id->len == 1) {
        return id->data[0] >= '0' && id->data[0] <= '9';
    }

    n = NGX_AIGC_LOGIN_ID_LEN;

    head.data = id->data;
    head.len = ngx_min(id->len, n);

    if (head.len < n || !ngx_aigc_base64url_is(&head)) {
        return 0;
    }

    if (n == id->len) {
        return 1;
    }

    /* a part of it: ".0", ".1", … */

    for (i = n + 1; i < id->len; i++) {
        if (id->data[i] < '0' || id->data[i] > '9') {
            return 0;
        }
    }

    return id->data[n] == '.' && i > n + 1 && i <= n + 4;
}


ngx_uint_t
ngx_aigc_cookie_strip(ngx_str_t *value, ngx_str_t *old)
{
    u_char      *p, *from, *last, *end;
    ngx_int_t    rc;
    ngx_str_t    name, val;
    ngx_uint_t   cut, kept;

    p = value->data;
    from = value->data;
    last = value->data + value->len;
    cut = 0;
    kept = 0;

    /* from ";" to ";", so that what stays stays as it was */

    for ( /* void */ ; from < last; from = end + 1) {
        end = ngx_aigc_cookie_find(from, last, ';');
        if (end == NULL) {
            end = last;
        }

        rc = ngx_aigc_cookie_pair(from, end, &name, &val);

        if (rc == NGX_OK && ngx_aigc_cookie_ours(&name, old) == NGX_OK) {
            cut++;
            continue;
        }

        if (rc != NGX_OK && cut) {
            continue;                           /* blanks */
        }

        if (kept++) {
            *p++ = ';';

        } else {
            while (cut && ngx_aigc_cookie_blank(*from)) {
                from++;
            }
        }

        p = ngx_movemem(p, from, end - from);
    }

    if (cut) {
        value->len = p - value->data;
    }

    return cut;
}


void
ngx_aigc_cookie_narrow(ngx_str_t *value, ngx_str_t *host)
{
    u_char  *p, *end, *last;

    last = value->data + value->len;
    p = ngx_aigc_cookie_find(value->data, last, ';');

    while (p) {

        /* p is at the ";" before an attribute */

        end = ngx_aigc_cookie_find(p + 1, last, ';');
        if (end == NULL) {
            end = last;
        }

        if (ngx_aigc_cookie_above(p + 1, end, host)) {
            ngx_memmove(p, end, last - end);
            last -= end - p;

        } else {
            p = end;
        }

        if (p >= last) {
            break;
        }
    }

    value->len = last - value->data;
}


/* Is p..end "Domain=" and a domain above host?  As generously as browsers. */
static ngx_uint_t
ngx_aigc_cookie_above(u_char *p, u_char *end, ngx_str_t *host)
{
    size_t     len;
    ngx_str_t  name, value;

    if (ngx_aigc_cookie_pair(p, end, &name, &value) != NGX_OK
        || name.len != sizeof("Domain") - 1
        || ngx_strncasecmp(name.data, (u_char *) "Domain", name.len) != 0)
    {
        return 0;
    }

    while (value.len && (value.data[0] == '.' || value.data[0] == '"')) {
        ngx_aigc_cookie_skip(&value, 1);
    }

    while (value.len && (value.data[value.len - 1] == '"'
                         || value.data[value.len - 1] == '.'))
    {
        value.len--;
    }

    if (value.len == 0 || value.len >= host->len) {
        return 0;
    }

    len = host->len - value.len;

    return host->data[len - 1] == '.'
           && ngx_strncasecmp(host->data + len, value.data, value.len) == 0;
}


ngx_int_t
ngx_aigc_cookie_build(ngx_pool_t *pool, ngx_str_t *name, ngx_str_t *value,
    ngx_str_t *domain, ngx_uint_t secure, time_t max_age, ngx_str_t *out)
{
    u_char  *p;
    size_t   len;

    /* no byte that would begin another attribute or header */

    if (ngx_aigc_cookie_name_bad(name)
        || ngx_aigc_cookie_value_bad(value)
        || ngx_aigc_cookie_value_bad(domain))
    {
        return NGX_ERROR;
    }

    /* a browser would drop these without a word */

    if (ngx_aigc_cookie_begins(name, "__Host-") && (!secure || domain->len)) {
        return NGX_ERROR;
    }

    len = name->len + 1 + value->len + domain->len
          + sizeof("; Domain=; Path=/; Max-Age=; HttpOnly; Secure"
                   "; SameSite=Lax") - 1
          + NGX_TIME_T_LEN;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;

    p = ngx_cpymem(p, name->data, name->len);
    *p++ = '=';

    if (value->len) {
        p = ngx_cpymem(p, value->data, value->len);
    }

    if (domain->len) {
        p = ngx_cpymem(p, "; Domain=", sizeof("; Domain=") - 1);
        p = ngx_cpymem(p, domain->data, domain->len);
    }

    p = ngx_cpymem(p, "; Path=/", sizeof("; Path=/") - 1);

    if (max_age >= 0) {
        p = ngx_sprintf(p, "; Max-Age=%T", max_age);
    }

    p = ngx_cpymem(p, "; HttpOnly", sizeof("; HttpOnly") - 1);

    if (secure) {
        p = ngx_cpymem(p, "; Secure", sizeof("; Secure") - 1);
    }

    p = ngx_cpymem(p, "; SameSite=Lax", sizeof("; SameSite=Lax") - 1);

    out->len = p - out->data;

    return NGX_OK;
}


/* The byte c in p..last, or NULL; libc looks at many bytes at once. */
static u_char *
ngx_aigc_cookie_find(u_char *p, u_char *last, u_char c)
{
    return (p < last) ? memchr(p, c, last - p) : NULL;
}


static ngx_uint_t
ngx_aigc_cookie_blank(u_char c)
{
    return c == ' ' || c == '\t';
}


static ngx_uint_t
ngx_aigc_cookie_begins(ngx_str_t *name, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return name->len >= len && ngx_memcmp(name->data, prefix, len) == 0;
}


static ngx_uint_t
ngx_aigc_cookie_name_bad(ngx_str_t *name)
{
    return name->len == 0
           || ngx_strlchr(name->data, name->data + name->len, '=') != NULL
           || ngx_aigc_cookie_value_bad(name);
}


/* cookie-octet of RFC 6265, without the quotes around */

static ngx_uint_t
ngx_aigc_cookie_value_bad(ngx_str_t *value)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';'
            || c == '\\')
        {
            return 1;
        }
    }

    return 0;
}
