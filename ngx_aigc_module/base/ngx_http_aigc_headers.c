/*
 * base/ngx_http_aigc_headers.c — looking at request headers, and cutting ours
 * out of them.
 */

#include "ngx_http_aigc_headers.h"

#include "ngx_aigc_compat.h"
#include "ngx_aigc_cookie.h"


static void ngx_http_aigc_drop_all(ngx_http_request_t *r, const char *name);
static void ngx_http_aigc_drop(ngx_table_elt_t *h);
static ngx_uint_t ngx_http_aigc_variable_is(ngx_str_t *name,
    const char *begin);


ngx_table_elt_t *
ngx_http_aigc_header_next(ngx_http_request_t *r, const char *name,
    ngx_http_aigc_header_t *state)
{
    ngx_table_elt_t  *h;

    if (state->part == NULL) {
        state->part = &r->headers_in.headers.part;
        state->i = 0;
        state->len = ngx_strlen(name);
    }

    for ( ;; ) {

        if (state->i >= state->part->nelts) {

            if (state->part->next == NULL) {
                return NULL;
            }

            state->part = state->part->next;
            state->i = 0;
            continue;
        }

        h = state->part->elts;
        h = &h[state->i++];

        if (h->key.len == state->len && h->hash
            && ngx_memcmp(h->lowcase_key, name, state->len) == 0)
        {
            return h;
        }
    }
}


ngx_table_elt_t *
ngx_http_aigc_header(ngx_http_request_t *r, const char *name)
{
    ngx_http_aigc_header_t  state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    return ngx_http_aigc_header_next(r, name, &state);
}


ngx_table_elt_t *
ngx_http_aigc_header_once(ngx_http_request_t *r, const char *name)
{
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    h = ngx_http_aigc_header_next(r, name, &state);

    return (h && ngx_http_aigc_header_next(r, name, &state) == NULL) ? h
                                                                     : NULL;
}


ngx_int_t
ngx_http_aigc_cookie_next(ngx_http_request_t *r,
    ngx_http_aigc_cookies_t *state, ngx_str_t *name, ngx_str_t *value)
{
    for ( ;; ) {

        if (state->line
            && ngx_aigc_cookie_next(&state->line->value, &state->pos, name,
                                    value)
               == NGX_OK)
        {
            return NGX_OK;
        }

        state->line = ngx_http_aigc_header_next(r, "cookie", &state->header);
        state->pos = 0;

        if (state->line == NULL) {
            return NGX_DONE;
        }
    }
}


static ngx_uint_t
ngx_http_aigc_header_is(ngx_table_elt_t *h, const char *value)
{
    size_t  len;

    len = ngx_strlen(value);

    return h->value.len == len
           && ngx_strncasecmp(h->value.data, (u_char *) value, len) == 0;
}


ngx_int_t
ngx_http_aigc_is_safe(ngx_http_request_t *r)
{
    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) || r->headers_in.upgrade) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_is_websocket(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    if (r->headers_in.upgrade == NULL
        || r->http_version != NGX_HTTP_VERSION_11)
    {
        return NGX_DECLINED;
    }

    h = ngx_http_aigc_header_once(r, "upgrade");

    if (h == NULL || !ngx_http_aigc_header_is(h, "websocket")) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_aigc_is_instance_host(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return ngx_aigc_host_within(&r->headers_in.server, &mcf->domain) == NGX_OK
           && !ngx_aigc_text_eq(&r->headers_in.server, &mcf->gateway.host);
}


ngx_int_t
ngx_http_aigc_is_navigation(ngx_http_request_t *r)
{
    return (ngx_http_aigc_is_safe(r) == NGX_OK) ? ngx_http_aigc_is_person(r)
                                                : NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_is_person(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    if (r->headers_in.upgrade
        || ngx_http_aigc_header(r, "x-requested-with"))
    {
        return NGX_DECLINED;
    }

    h = ngx_http_aigc_header(r, "sec-fetch-mode");

    if (h) {
        return ngx_http_aigc_header_is(h, "navigate") ? NGX_OK : NGX_DECLINED;
    }

    h = ngx_http_aigc_header(r, "accept");

    if (h && ngx_strlcasestrn(h->value.data, h->value.data + h->value.len,
                              (u_char *) "text/html", 9 - 1))
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_is_preflight(ngx_http_request_t *r)
{
    if (r->method != NGX_HTTP_OPTIONS
        || r->headers_in.upgrade
        || r->headers_in.content_length_n > 0
        || r->headers_in.chunked
        || ngx_http_aigc_header_once(r, "origin") == NULL
        || ngx_http_aigc_header_once(r, "access-control-request-method")
           == NULL)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_same_origin(ngx_http_request_t *r, ngx_str_t *own)
{
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    h = ngx_http_aigc_header_next(r, "origin", &state);

    if (h) {
        if (ngx_http_aigc_header_next(r, "origin", &state)) {
            return NGX_DECLINED;
        }

        if ((own && ngx_aigc_text_eq(&h->value, own))
            || ngx_aigc_text_eq(&h->value, &mcf->origin))
        {
            return NGX_OK;
        }

        /*
         * A page with "Referrer-Policy: no-referrer" sends "null" to its own
         * origin, too; the browser says by itself where that page is from.
         */

        if (!ngx_http_aigc_header_is(h, "null")) {
            return NGX_DECLINED;
        }

        h = ngx_http_aigc_header_once(r, "sec-fetch-site");

        return (h && ngx_http_aigc_header_is(h, "same-origin")) ? NGX_OK
                                                                : NGX_DECLINED;
    }

    h = ngx_http_aigc_header(r, "sec-fetch-site");

    if (h && !ngx_http_aigc_header_is(h, "same-origin")
        && !ngx_http_aigc_header_is(h, "none"))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_http_aigc_strip_cookies(ngx_http_request_t *r)
{
    ngx_table_elt_t            *h;
    ngx_http_aigc_header_t      state;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, "cookie", &state))) {
        (void) ngx_aigc_cookie_strip(&h->value, &mcf->old_cookie);

        if (h->value.len == 0) {
            ngx_http_aigc_drop(h);
        }
    }

    ngx_aigc_drop_empty_cookies(r);         /* $http_cookie joins the rest */
}


void
ngx_http_aigc_strip_user(ngx_http_request_t *r)
{
    ngx_http_aigc_drop_all(r, "cookie");
    ngx_aigc_drop_empty_cookies(r);
    ngx_http_aigc_strip_bearer(r);
}


void
ngx_http_aigc_strip_upgrade(ngx_http_request_t *r)
{
    if (r->headers_in.upgrade == NULL
        || ngx_http_aigc_is_websocket(r) == NGX_OK)
    {
        return;
    }

    ngx_http_aigc_drop_all(r, "upgrade");   /* $http_upgrade joins the rest */

    /* nor may nginx take a 101 for one */

    r->headers_in.upgrade = NULL;
}


void
ngx_http_aigc_strip_bearer(ngx_http_request_t *r)
{
    ngx_http_aigc_drop_all(r, "authorization");
}


/* Every line called name (lower case). */
static void
ngx_http_aigc_drop_all(ngx_http_request_t *r, const char *name)
{
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, name, &state))) {
        ngx_http_aigc_drop(h);
    }
}


/*
 * A line cannot be taken out of the list, into which others have pointers.  But
 * a field of the connection is not passed on (RFC 9110, 7.6.1).
 */
static void
ngx_http_aigc_drop(ngx_table_elt_t *h)
{
    static ngx_str_t  name = ngx_string("keep-alive");

    h->value.len = 0;
    h->key = name;
    h->lowcase_key = name.data;
    h->hash = ngx_hash_key(name.data, name.len);
}


void
ngx_http_aigc_strip_variables(ngx_http_request_t *r)
{
    ngx_uint_t                 *index, i;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    index = mcf->credentials->elts;

    for (i = 0; i < mcf->credentials->nelts; i++) {
        r->variables[index[i]].valid = 0;
        r->variables[index[i]].not_found = 0;
    }
}


ngx_int_t
ngx_http_aigc_strip_init(ngx_cycle_t *cycle)
{
    ngx_str_t                  *name;
    ngx_uint_t                 *index, i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aigc_module);
    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);

    if (mcf == NULL) {
        return NGX_OK;
    }

    mcf->credentials = ngx_array_create(cycle->pool, 4, sizeof(ngx_uint_t));
    if (mcf->credentials == NULL) {
        return NGX_ERROR;
    }

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        name = &v[i].name;

        if (!ngx_http_aigc_variable_is(name, "http_cookie")
            && !ngx_http_aigc_variable_is(name, "http_authorization")
            && !ngx_http_aigc_variable_is(name, "http_upgrade")
            && !ngx_http_aigc_variable_is(name, "cookie_"))
        {
            continue;
        }

        index = ngx_array_push(mcf->credentials);
        if (index == NULL) {
            return NGX_ERROR;
        }

        *index = i;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aigc_variable_is(ngx_str_t *name, const char *begin)
{
    size_t  len;

    len = ngx_strlen(begin);

    return name->len >= len && ngx_strncmp(name->data, begin, len) == 0;
}
