/*
 * base/ngx_http_aigc_body.c — a bounded body.
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
    ngx_http_aigc_body_ctx_t  *body;

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_aigc_not_allowed(r, "POST");
    }

    if (r->headers_in.content_length_n > (off_t) max) {
        return ngx_http_aigc_body_refuse(r);
    }

    body = ngx_palloc(r->pool, sizeof(ngx_http_aigc_body_ctx_t));

    if (body == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_body_ctx_t, body)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->max = max;
    body->handler = handler;

    rc = ngx_http_read_client_request_body(r, ngx_http_aigc_body_read);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_aigc_body_read(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  text;
    ngx_http_aigc_body_ctx_t  *body;

    body = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_body_ctx_t);

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
 * A chunked body comes in several buffers, and its length is known last.  Of
 * one that is larger than client_body_buffer_size the rest is in a file, which
 * was written a moment ago: at most max bytes out of the page cache.
 */
static ngx_int_t
ngx_http_aigc_body_copy(ngx_http_request_t *r, size_t max, ngx_str_t *body)
{
    u_char       *p;
    off_t         len;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    len = 0;

    for (cl = bufs; cl; cl = cl->next) {

        len += ngx_buf_size(cl->buf);

        if (len > (off_t) max) {
            return NGX_DECLINED;
        }
    }

    body->len = (size_t) len;
    body->data = ngx_pnalloc(r->pool, body->len + 1);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = body->data;

    for (cl = bufs; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (b->last != b->pos) {
                p = ngx_cpymem(p, b->pos, b->last - b->pos);
            }

        } else if (b->in_file) {

            n = ngx_read_file(b->file, p,
                              (size_t) (b->file_last - b->file_pos),
                              b->file_pos);

            if (n != (ssize_t) (b->file_last - b->file_pos)) {
                return NGX_ERROR;
            }

            p += n;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_body_refuse(ngx_http_request_t *r)
{
    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BODY_TOO_LARGE, NULL);
}
