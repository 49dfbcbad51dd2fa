/*
 * gateway/ngx_http_aigc_informational.c — reads past informational
 * responses.
 */

#include "ngx_http_aigc_upstream_response.h"

#include "base/ngx_aigc_compat.h"


static ngx_int_t ngx_http_aigc_process_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_reinit_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_informational(u_char *p, u_char *last,
    u_char **end);
static u_char *ngx_http_aigc_end_of_header(u_char *p, u_char *last);
static ngx_uint_t ngx_http_aigc_only_hints(u_char *p, u_char *last);


void
ngx_http_aigc_skip_informational(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx)
{
    ctx->process_header = r->upstream->process_header;
    ctx->reinit_request = r->upstream->reinit_request;

    r->upstream->process_header = ngx_http_aigc_process_header;
    r->upstream->reinit_request = ngx_http_aigc_reinit_request;
}


static ngx_int_t
ngx_http_aigc_process_header(ngx_http_request_t *r)
{
    u_char               *end;
    ngx_int_t             rc;
    ngx_http_upstream_t  *u;
    ngx_http_aigc_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    do {
        rc = ngx_http_aigc_informational(u->buffer.pos, u->buffer.last, &end);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_OK) {
            u->buffer.pos = end;
        }

    } while (rc == NGX_OK);

    u->process_header = ctx->process_header;

    rc = u->process_header(r);

    if (NGX_AIGC_EARLY_HINTS && rc == NGX_AIGC_EARLY_HINTS) {

        /* nginx passes these on, and another one may follow */

        ctx->process_header = u->process_header;
        u->process_header = ngx_http_aigc_process_header;
    }

    return rc;
}


/* Before a request is sent once more; the original sets process_header anew. */
static ngx_int_t
ngx_http_aigc_reinit_request(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    rc = ctx->reinit_request(r);

    ctx->process_header = r->upstream->process_header;
    r->upstream->process_header = ngx_http_aigc_process_header;

    return rc;
}


/*
 * NGX_OK: an informational response, which goes until *end; NGX_AGAIN: perhaps,
 * or not all of one; NGX_DECLINED: something else.
 */
static ngx_int_t
ngx_http_aigc_informational(u_char *p, u_char *last, u_char **end)
{
    size_t       i;
    u_char       c;
    ngx_uint_t   match;

    /* d: a digit; e: what ends the status */

    static const char  form[] = "HTTP/1.d 1dde";

    for (i = 0; i < sizeof(form) - 1; i++) {

        if (p + i == last) {
            return NGX_AGAIN;
        }

        c = p[i];

        match = (form[i] == 'd') ? (c >= '0' && c <= '9')
                : (form[i] == 'e') ? (c == ' ' || c == CR || c == LF)
                : (c == (u_char) form[i]);

        if (!match) {
            return NGX_DECLINED;
        }
    }

    if (ngx_memcmp(p + 9, "101", 3) == 0) {
        return NGX_DECLINED;
    }

    *end = ngx_http_aigc_end_of_header(p, last);

    if (*end == NULL) {
        return NGX_AGAIN;
    }

    if (NGX_AIGC_EARLY_HINTS && ngx_memcmp(p + 9, "103", 3) == 0
        && ngx_http_aigc_only_hints(p, *end))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Behind the empty line, or NULL. */
static u_char *
ngx_http_aigc_end_of_header(u_char *p, u_char *last)
{
    for ( ;; ) {

        p = ngx_strlchr(p, last, LF);

        if (p == NULL || ++p == last) {
            return NULL;
        }

        if (*p == LF) {
            return p + 1;
        }

        if (*p == CR && p + 1 < last && p[1] == LF) {
            return p + 2;
        }
    }
}


/*
 * nginx also takes to heart what other lines of a 103 say, a length for one:
 * an instance's hints are read and dropped unless they are nothing but hints.
 */
static ngx_uint_t
ngx_http_aigc_only_hints(u_char *p, u_char *last)
{
    for ( ;; ) {

        p = ngx_strlchr(p, last, LF);

        if (p == NULL) {
            return 0;
        }

        p++;

        if (p < last && (*p == LF || *p == CR)) {
            return 1;
        }

        if (last - p < 5 || ngx_strncasecmp(p, (u_char *) "link:", 5) != 0) {
            return 0;
        }
    }
}


ngx_int_t
ngx_http_aigc_guard_early_hints(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (!ngx_http_aigc_is_proxied(r)) {
        return NGX_OK;
    }

    rc = NGX_DECLINED;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != 4
                || ngx_strncasecmp(h[i].key.data, (u_char *) "link", 4) != 0)
            {
                h[i].hash = 0;

            } else if (h[i].hash) {
                rc = NGX_OK;
            }
        }
    }

    return rc;
}
