/*
 * http/ngx_http_aigc_body.c — a bounded body.
 */

#include "ngx_http_aigc_body.h"
#include "ngx_http_aigc_reply.h"


typedef struct {
    size_t                  max;
    ngx_http_aigc_body_pt   handler;
} ngx_http_aigc_body_ctx_t;


static void ngx_http_aigc_body_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_body_copy(ngx_http_request_t *r, size_t max,
    ngx_str_t *body);
static ngx_int_t ngx_http_aigc_body_refuse(ngx_http_request_t *r);


ngx_int_t
ngx_http_aigc_body(ngx_http_request_t *r, size_t max,
    ngx_http_aigc_body_pt handler)
{
    ngx_int_t                  rc;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_body_ctx_t  *body;

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_aigc_not_allowed(r, "POST");
    }

    if (r->headers_in.content_length_n > (off_t) max) {
        return ngx_http_aigc_body_refuse(r);
    }

    ctx = ngx_http_aigc_get_ctx(r);
    body = ngx_palloc(r->pool, sizeof(ngx_http_aigc_body_ctx_t));

    if (ctx == NULL || body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->max = max;
    body->handler = handler;
    ctx->handler = body;

    rc = ngx_http_read_client_request_body(r, ngx_http_aigc_body_read);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_aigc_body_read(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  text;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_body_ctx_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    body = ctx->handler;
    ctx->handler = NULL;

    rc = ngx_http_aigc_body_copy(r, body->max, &text);

    if (rc == NGX_OK) {
        body->handler(r, &text);
        return;
    }

    ngx_http_finalize_request(r, rc == NGX_DECLINED
                                 ? ngx_http_aigc_body_refuse(r)
                                 : NGX_HTTP_INTERNAL_SERVER_ERROR);
}


/*
 * A chunked body comes in several buffers, and its length is known last.  One
 * in a file is larger than client_body_buffer_size, which gateway.conf sets to
 * the most that is taken.
 */
static ngx_int_t
ngx_http_aigc_body_copy(ngx_http_request_t *r, size_t max, ngx_str_t *body)
{
    size_t        len;
    u_char       *p;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    len = 0;

    for (cl = bufs; cl; cl = cl->next) {

        if (cl->buf->in_file) {
            return NGX_DECLINED;
        }

        len += cl->buf->last - cl->buf->pos;

        if (len > max) {
            return NGX_DECLINED;
        }
    }

    body->len = len;
    body->data = ngx_pnalloc(r->pool, len + 1);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = body->data;

    for (cl = bufs; cl; cl = cl->next) {

        if (cl->buf->last != cl->buf->pos) {
            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_body_refuse(ngx_http_request_t *r)
{
    return ngx_http_aigc_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "body-too-large", "The body is too large.",
                                 0);
}
