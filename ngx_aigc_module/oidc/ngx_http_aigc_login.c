/*
 * oidc/ngx_http_aigc_login.c — the cookies of sign-ins under way.
 */

#include "ngx_http_aigc_login.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_reply.h"

#include "base/ngx_aigc_base64url.h"
#include "base/ngx_aigc_cookie.h"


typedef struct {
    ngx_str_t    id;
    time_t       start;                 /* 0: it does not open */
    ngx_uint_t   parts;
} ngx_http_aigc_login_seen_t;


static size_t ngx_http_aigc_login_room(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_login_parts(ngx_http_request_t *r,
    ngx_aigc_login_t *login, ngx_str_t *rd);
static ngx_int_t ngx_http_aigc_login_drop_oldest(ngx_http_request_t *r,
    ngx_uint_t parts);
static ngx_uint_t ngx_http_aigc_login_seen(ngx_http_request_t *r,
    ngx_http_aigc_login_seen_t *seen);
static ngx_uint_t ngx_http_aigc_login_oldest(ngx_http_aigc_login_seen_t *seen,
    ngx_uint_t n);
static ngx_int_t ngx_http_aigc_login_is(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *id);
static ngx_int_t ngx_http_aigc_login_cookie(ngx_http_request_t *r,
    ngx_str_t *id, ngx_str_t *value, time_t max_age);
static ngx_int_t ngx_http_aigc_login_part(ngx_http_request_t *r,
    ngx_str_t *id, ngx_uint_t part, ngx_str_t *value, time_t max_age);
static ngx_int_t ngx_http_aigc_login_cut(ngx_http_request_t *r,
    ngx_str_t *id, ngx_uint_t parts);


size_t
ngx_http_aigc_login_rd_max(ngx_http_request_t *r)
{
    size_t  size;

    /* sealed it is a third larger; 128: the seal, and the cookies' names */

    size = ngx_http_aigc_login_room(r) / 4 * 3;
    size = (size > 128) ? size - 128 : 0;

    return ngx_min(ngx_max(size, NGX_AIGC_STATE_RD_MAX), NGX_AIGC_RD_MAX);
}


/* Bytes of a Cookie line for the parts of long pages. */
static size_t
ngx_http_aigc_login_room(ngx_http_request_t *r)
{
    size_t                     size;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    size = cscf->large_client_header_buffers.size;

    return (size > NGX_HTTP_AIGC_LOGIN_REST) ? size - NGX_HTTP_AIGC_LOGIN_REST
                                             : 0;
}


ngx_int_t
ngx_http_aigc_login_begin(ngx_http_request_t *r, ngx_str_t *rd,
    ngx_str_t *nonce, ngx_uint_t again, ngx_aigc_login_t *login,
    ngx_str_t *state)
{
    u_char                     *p, *last;
    ngx_str_t                   value;
    ngx_aigc_state_t            st;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(login, sizeof(ngx_aigc_login_t));

    login->start = ngx_time();

    if (ngx_aigc_random(r->pool, 16, &login->id) != NGX_OK
        || ngx_aigc_random(r->pool, 32, &login->nonce) != NGX_OK
        || ngx_aigc_random(r->pool, 32, &login->verifier) != NGX_OK)
    {
        return NGX_ERROR;
    }

    st.id = login->id;
    st.rd = *rd;
    st.nonce = *nonce;
    st.start = login->start;
    st.again = again;

    if (rd->len > NGX_AIGC_STATE_RD_MAX) {

        if (ngx_http_aigc_login_parts(r, login, rd) != NGX_OK) {
            return NGX_ERROR;
        }

        /* "https://host:port/" is what is left when these do not come back */

        last = rd->data + rd->len;
        p = ngx_strlchr(rd->data, last, '/') + 2;
        p = ngx_strlchr(p, last, '/');

        st.rd.len = p + 1 - rd->data;
    }

    if (ngx_http_aigc_login_drop_oldest(r, login->parts) != NGX_OK
        || ngx_aigc_state_seal(r->pool, mcf->keys, &st, state) != NGX_OK
        || ngx_aigc_login_seal(r->pool, mcf->keys, login, &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aigc_login_cookie(r, &login->id, &value,
                                      NGX_HTTP_AIGC_LOGIN_KEEP);
}


static ngx_int_t
ngx_http_aigc_login_parts(ngx_http_request_t *r, ngx_aigc_login_t *login,
    ngx_str_t *rd)
{
    ngx_str_t                   text, part;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_rd_seal(r->pool, mcf->keys, &login->id, rd, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (login->parts = 0; text.len; login->parts++) {

        part.data = text.data;
        part.len = ngx_min(text.len, NGX_AIGC_SESSION_COOKIE_MAX);

        text.data += part.len;
        text.len -= part.len;

        if (ngx_http_aigc_login_part(r, &login->id, login->parts, &part,
                                     NGX_HTTP_AIGC_LOGIN_KEEP)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Room for one more, with so many parts: the oldest sign-ins go, and of those
 * that stay the oldest lose their long pages.
 */
static ngx_int_t
ngx_http_aigc_login_drop_oldest(ngx_http_request_t *r, ngx_uint_t parts)
{
    ngx_uint_t                  i, n, max, left, cut;
    ngx_http_aigc_login_seen_t  seen[NGX_HTTP_AIGC_LOGINS_SEEN];

    n = ngx_http_aigc_login_seen(r, seen);
    left = n;

    for (i = 0; i < n; i++) {
        parts += seen[i].parts;
    }

    max = ngx_max(ngx_http_aigc_login_room(r) / NGX_AIGC_SESSION_COOKIE_MAX,
                  NGX_HTTP_AIGC_LOGIN_PARTS);

    for (cut = 0; n && cut < NGX_HTTP_AIGC_LOGINS_CUT; cut++) {

        i = ngx_http_aigc_login_oldest(seen, n);

        if (left > NGX_HTTP_AIGC_LOGINS - 1 || seen[i].start == 0) {

            if (ngx_http_aigc_login_cut(r, &seen[i].id, seen[i].parts)
                != NGX_OK
                || ngx_http_aigc_login_cookie(r, &seen[i].id, NULL, 0)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }

            left--;

        } else if (parts > max) {

            if (ngx_http_aigc_login_cut(r, &seen[i].id, seen[i].parts)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

        } else {
            break;
        }

        parts -= seen[i].parts;
        n--;

        ngx_memmove(&seen[i], &seen[i + 1],
                    (n - i) * sizeof(ngx_http_aigc_login_seen_t));
    }

    return NGX_OK;
}


/*
 * Browsers send cookies of the same path in the order of their making (RFC
 * 6265, 5.4): where a second is not enough to tell, that does.
 */
static ngx_uint_t
ngx_http_aigc_login_seen(ngx_http_request_t *r,
    ngx_http_aigc_login_seen_t *seen)
{
    ngx_str_t                   name, value, id;
    ngx_uint_t                  n;
    ngx_aigc_login_t            login;
    ngx_http_aigc_cookies_t     cookies;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&cookies, sizeof(ngx_http_aigc_cookies_t));
    n = 0;

    while (n < NGX_HTTP_AIGC_LOGINS_SEEN
           && ngx_http_aigc_cookie_next(r, &cookies, &name, &value) == NGX_OK)
    {
        if (ngx_http_aigc_login_is(r, &name, &id) != NGX_OK) {
            continue;
        }

        seen[n].id = id;
        seen[n].start = 0;
        seen[n].parts = 0;

        if (ngx_aigc_login_open(r->pool, mcf->keys, &value, &login) == NGX_OK)
        {
            seen[n].start = login.start;
            seen[n].parts = ngx_min(login.parts, NGX_HTTP_AIGC_LOGIN_PARTS);
        }

        n++;
    }

    return n;
}


static ngx_uint_t
ngx_http_aigc_login_oldest(ngx_http_aigc_login_seen_t *seen, ngx_uint_t n)
{
    ngx_uint_t  i, oldest;

    oldest = 0;

    for (i = 1; i < n; i++) {
        if (seen[i].start < seen[oldest].start) {
            oldest = i;
        }
    }

    return oldest;
}


/* NGX_OK: name is a sign-in's, and id what follows the prefix. */
static ngx_int_t
ngx_http_aigc_login_is(ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *id)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (name->len != mcf->login.len + NGX_AIGC_LOGIN_ID_LEN
        || ngx_memcmp(name->data, mcf->login.data, mcf->login.len) != 0)
    {
        return NGX_DECLINED;
    }

    id->data = name->data + mcf->login.len;
    id->len = NGX_AIGC_LOGIN_ID_LEN;

    return ngx_aigc_base64url_is(id) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_login_find(ngx_http_request_t *r, ngx_str_t *id,
    ngx_aigc_login_t *login)
{
    ngx_int_t                   rc;
    ngx_str_t                   name, value, its;
    ngx_http_aigc_cookies_t     cookies;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&cookies, sizeof(ngx_http_aigc_cookies_t));

    while (ngx_http_aigc_cookie_next(r, &cookies, &name, &value) == NGX_OK) {

        if (ngx_http_aigc_login_is(r, &name, &its) != NGX_OK
            || ngx_memcmp(its.data, id->data, id->len) != 0)
        {
            continue;
        }

        rc = ngx_aigc_login_open(r->pool, mcf->keys, &value, login);

        if (rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_OK && ngx_aigc_text_eq(&login->id, id)) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_http_aigc_login_rd(ngx_http_request_t *r, ngx_aigc_login_t *login,
    ngx_str_t *rd)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_str_t                   name, value, text, full;
    ngx_uint_t                  part;
    ngx_http_aigc_cookies_t     cookies;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (login->parts == 0 || login->parts > NGX_HTTP_AIGC_LOGIN_PARTS) {
        return;
    }

    text.data = ngx_pnalloc(r->pool, login->parts
                                     * NGX_AIGC_SESSION_COOKIE_MAX);
    name.data = ngx_pnalloc(r->pool, mcf->login_part.len + login->id.len + 2);

    if (text.data == NULL || name.data == NULL) {
        return;
    }

    full.data = name.data;
    p = text.data;

    for (part = 0; part < login->parts; part++) {

        full.len = ngx_sprintf(full.data, "%V%V.%ui", &mcf->login_part,
                               &login->id, part)
                   - full.data;

        ngx_memzero(&cookies, sizeof(ngx_http_aigc_cookies_t));

        do {
            rc = ngx_http_aigc_cookie_next(r, &cookies, &name, &value);
        } while (rc == NGX_OK
                 && (value.len == 0 || !ngx_aigc_text_eq(&name, &full)));

        if (rc != NGX_OK || value.len > NGX_AIGC_SESSION_COOKIE_MAX) {
            return;
        }

        p = ngx_cpymem(p, value.data, value.len);
    }

    text.len = p - text.data;

    if (ngx_aigc_rd_open(r->pool, mcf->keys, &login->id, &text, &full)
        == NGX_OK)
    {
        *rd = full;
    }
}


ngx_int_t
ngx_http_aigc_login_forget(ngx_http_request_t *r, ngx_aigc_login_t *login)
{
    if (ngx_http_aigc_login_cut(r, &login->id,
                                ngx_min(login->parts,
                                        NGX_HTTP_AIGC_LOGIN_PARTS))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aigc_login_cookie(r, &login->id, NULL, 0);
}


static ngx_int_t
ngx_http_aigc_login_cut(ngx_http_request_t *r, ngx_str_t *id,
    ngx_uint_t parts)
{
    ngx_uint_t  i;

    for (i = 0; i < parts; i++) {
        if (ngx_http_aigc_login_part(r, id, i, NULL, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_login_cookie(ngx_http_request_t *r, ngx_str_t *id,
    ngx_str_t *value, time_t max_age)
{
    ngx_str_t                   name, none;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);

    name.data = ngx_pnalloc(r->pool, mcf->login.len + id->len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    name.len = ngx_sprintf(name.data, "%V%V", &mcf->login, id) - name.data;

    return ngx_http_aigc_set_cookie(r, &name, value ? value : &none, NULL,
                                    max_age);
}


/* For the callback alone: 8 KB in each request would be too many. */
static ngx_int_t
ngx_http_aigc_login_part(ngx_http_request_t *r, ngx_str_t *id,
    ngx_uint_t part, ngx_str_t *value, time_t max_age)
{
    ngx_str_t                   line, none;
    ngx_http_aigc_main_conf_t  *mcf;

    static const char  format[] = "%V%V.%ui=%V; Path=/sign-in-callback; "
                                  "Max-Age=%T; HttpOnly%s; SameSite=Lax";

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);
    value = value ? value : &none;

    line.len = sizeof(format) + mcf->login_part.len + id->len + NGX_INT_T_LEN
               + value->len + NGX_TIME_T_LEN + sizeof("; Secure");
    line.data = ngx_pnalloc(r->pool, line.len);
    if (line.data == NULL) {
        return NGX_ERROR;
    }

    line.len = ngx_snprintf(line.data, line.len, format, &mcf->login_part, id,
                            part, value, max_age,
                            mcf->secure ? "; Secure" : "")
               - line.data;

    return ngx_http_aigc_add_header(r, "Set-Cookie", &line);
}
