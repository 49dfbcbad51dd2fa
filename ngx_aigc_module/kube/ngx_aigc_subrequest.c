/*
 * kube/ngx_aigc_subrequest.c — subrequests with a method, body and headers of
 * their own.
 */

#include "ngx_aigc_subrequest.h"
#include "ngx_aigc_kubernetes.h"
#include "base/ngx_aigc_compat.h"
#include "base/ngx_http_aigc_conf.h"


static ngx_int_t ngx_aigc_subrequest_headers(ngx_http_request_t *sr,
    const char *content_type);
static ngx_int_t ngx_aigc_subrequest_add(ngx_http_request_t *sr,
    const char *name, const char *value);
static ngx_int_t ngx_aigc_subrequest_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);


ngx_int_t
ngx_aigc_subrequest(ngx_http_request_t *parent, ngx_uint_t method,
    ngx_str_t *path, ngx_str_t *body, ngx_aigc_subrequest_pt done, void *data)
{
    u_char                      *p;
    ngx_buf_t                   *b;
    ngx_str_t                    uri, *args;
    ngx_chain_t                 *cl;
    ngx_http_request_t          *sr;
    ngx_aigc_subrequest_t       *ctx;
    ngx_http_request_body_t     *rb;
    ngx_http_post_subrequest_t  *ps;

    static ngx_str_t  delete = ngx_string("DELETE");
    static ngx_str_t  patch = ngx_string("PATCH");
    static ngx_str_t  manager = ngx_string(NGX_AIGC_FIELD_MANAGER);

    ctx = ngx_pcalloc(parent->pool, sizeof(ngx_aigc_subrequest_t));
    ps = ngx_palloc(parent->pool, sizeof(ngx_http_post_subrequest_t));
    rb = ngx_pcalloc(parent->pool, sizeof(ngx_http_request_body_t));
    b = ngx_calloc_buf(parent->pool);
    cl = ngx_alloc_chain_link(parent->pool);

    uri.len = sizeof(NGX_AIGC_SUBREQUEST_LOCATION) - 1 + path->len;
    uri.data = ngx_pnalloc(parent->pool, uri.len);

    if (ctx == NULL || ps == NULL || rb == NULL || b == NULL || cl == NULL
        || uri.data == NULL)
    {
        return NGX_ERROR;
    }

    p = ngx_cpymem(uri.data, NGX_AIGC_SUBREQUEST_LOCATION,
                   sizeof(NGX_AIGC_SUBREQUEST_LOCATION) - 1);
    ngx_memcpy(p, path->data, path->len);

    ctx->done = done;
    ctx->data = data;

    ps->handler = ngx_aigc_subrequest_done;
    ps->data = ctx;

    /* a deletion, which has no fields, has no manager of fields either */

    args = (method == NGX_HTTP_DELETE) ? NULL : &manager;

    if (ngx_http_subrequest(parent, &uri, args, &sr, ps, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_set_ctx(sr, ctx, ngx_http_aigc_module);

    sr->method = method;
    sr->method_name = (method == NGX_HTTP_DELETE) ? delete : patch;
    sr->allow_ranges = 0;

    b->temporary = 1;
    b->start = body->data;
    b->pos = body->data;
    b->end = body->data + body->len;
    b->last = b->end;
    b->last_buf = 1;

    cl->buf = b;
    cl->next = NULL;

    rb->bufs = cl;
    rb->buf = b;

    sr->request_body = rb;

    if (ngx_aigc_subrequest_headers(sr, method == NGX_HTTP_DELETE
                                        ? "application/json"
                                        : "application/json-patch+json")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->headers_in.content_length_n = body->len;

    return NGX_OK;
}


/* Not one header of the client's stays: neither Cookie nor Authorization. */
static ngx_int_t
ngx_aigc_subrequest_headers(ngx_http_request_t *sr, const char *content_type)
{
    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    if (ngx_list_init(&sr->headers_in.headers, sr->pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->headers_in.server = sr->main->headers_in.server;
    sr->headers_in.keep_alive_n = -1;

    if (ngx_aigc_subrequest_add(sr, "Accept", "application/json") != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_aigc_subrequest_add(sr, "Content-Type", content_type);
}


static ngx_int_t
ngx_aigc_subrequest_add(ngx_http_request_t *sr, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    h->lowcase_key = ngx_pnalloc(sr->pool, h->key.len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(h->lowcase_key, h->key.data, h->key.len);
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    ngx_aigc_header_end(h);

    return NGX_OK;
}


ngx_aigc_subrequest_t *
ngx_aigc_subrequest_ctx(ngx_http_request_t *r)
{
    return (r == r->main) ? NULL
                          : ngx_http_get_module_ctx(r, ngx_http_aigc_module);
}


static ngx_int_t
ngx_aigc_subrequest_done(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_aigc_subrequest_t *ctx = data;

    /* the header filter has not seen an answer: nginx's own 502, 504, … */

    if (ctx->status == 0 && rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ctx->status = rc;
    }

    if (ctx->done) {
        ctx->done(sr->parent, ctx);
        ctx->done = NULL;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_subrequest_header(ngx_http_request_t *r)
{
    ngx_str_t              *type;
    ngx_aigc_subrequest_t  *ctx;

    ctx = ngx_aigc_subrequest_ctx(r);
    if (ctx == NULL) {
        return NGX_DECLINED;
    }

    type = &r->headers_out.content_type;

    ctx->status = r->headers_out.status;

    if (ctx->status < NGX_HTTP_SPECIAL_RESPONSE
        && (type->len < sizeof("application/json") - 1
            || ngx_strncasecmp(type->data, (u_char *) "application/json",
                               sizeof("application/json") - 1)
               != 0))
    {
        ctx->status = NGX_HTTP_BAD_GATEWAY;
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_subrequest_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    size_t                  n;
    ngx_buf_t              *b;
    ngx_aigc_subrequest_t  *ctx;

    ctx = ngx_aigc_subrequest_ctx(r);
    if (ctx == NULL) {
        return NGX_DECLINED;
    }

    for ( /* void */ ; in; in = in->next) {

        b = in->buf;

        if (ctx->status >= NGX_HTTP_SPECIAL_RESPONSE && ngx_buf_in_memory(b)
            && ctx->body.len < NGX_AIGC_SUBREQUEST_BODY)
        {
            if (ctx->body.data == NULL) {
                ctx->body.data = ngx_pnalloc(r->pool,
                                             NGX_AIGC_SUBREQUEST_BODY);
                if (ctx->body.data == NULL) {
                    return NGX_ERROR;
                }
            }

            n = ngx_min((size_t) (b->last - b->pos),
                        NGX_AIGC_SUBREQUEST_BODY - ctx->body.len);

            ngx_memcpy(ctx->body.data + ctx->body.len, b->pos, n);
            ctx->body.len += n;
        }

        b->pos = b->last;
        b->file_pos = b->file_last;
    }

    return NGX_OK;
}
