/*
 * base/ngx_http_aigc_reply.c — responses.
 */

#include "ngx_http_aigc_reply.h"
#include "ngx_http_aigc_challenge.h"

#include "ngx_aigc_cookie.h"


static ngx_int_t ngx_http_aigc_retry_after(ngx_http_request_t *r,
    time_t retry);
static ngx_int_t ngx_http_aigc_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);


ngx_int_t
ngx_http_aigc_problem(ngx_http_request_t *r, ngx_http_aigc_code_e code,
    const char *detail)
{
    return ngx_http_aigc_problem_with(r, code, detail, json_object());
}


ngx_int_t
ngx_http_aigc_problem_with(ngx_http_request_t *r, ngx_http_aigc_code_e code,
    const char *detail, json_t *more)
{
    json_t                      *json;
    const ngx_http_aigc_code_t  *c;

    c = ngx_http_aigc_code(code);

    json = json_pack("{s:o, s:i, s:s, s:s}",
                     "type", json_sprintf("urn:aigc-gateway:%s", c->text.data),
                     "status", (int) c->status,
                     "code", c->text.data,
                     "detail", detail ? detail : c->detail);

    if (more == NULL || json_object_update(json, more) != 0) {
        json_decref(json);
        json = NULL;
    }

    json_decref(more);

    if (json == NULL
        || (c->retry && ngx_http_aigc_retry_after(r, c->retry) != NGX_OK)
        || ngx_http_aigc_challenge_header(r, c->status) != NGX_OK)
    {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.content_type.len = sizeof("application/problem+json") - 1;
    r->headers_out.content_type.data = (u_char *) "application/problem+json";

    return ngx_http_aigc_json(r, c->status, json);
}


ngx_int_t
ngx_http_aigc_json(ngx_http_request_t *r, ngx_uint_t status, json_t *json)
{
    ngx_str_t    body;
    const char  *type;

    if (ngx_http_aigc_json_dump(r->pool, json, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    type = r->headers_out.content_type.len
           ? (char *) r->headers_out.content_type.data
           : "application/json";

    return ngx_http_aigc_send(r, status, type, &body);
}


ngx_int_t
ngx_http_aigc_json_dump(ngx_pool_t *pool, json_t *json, ngx_str_t *text)
{
    ngx_int_t  rc;

    if (json == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    text->len = json_dumpb(json, NULL, 0, JSON_COMPACT);
    text->data = ngx_pnalloc(pool, text->len + 1);

    if (text->len && text->data
        && json_dumpb(json, (char *) text->data, text->len, JSON_COMPACT)
           == text->len)
    {
        rc = NGX_OK;
    }

    json_decref(json);

    return rc;
}


ngx_int_t
ngx_http_aigc_html(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *body,
    ngx_str_t *policy, time_t retry)
{
    if ((retry && ngx_http_aigc_retry_after(r, retry) != NGX_OK)
        || ngx_http_aigc_add_header(r, "Content-Security-Policy", policy)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_send(r, status, "text/html; charset=utf-8", body);
}


ngx_int_t
ngx_http_aigc_empty(ngx_http_request_t *r)
{
    static ngx_str_t  none = ngx_null_string;

    return ngx_http_aigc_send(r, NGX_HTTP_OK, "", &none);
}


static ngx_int_t
ngx_http_aigc_retry_after(ngx_http_request_t *r, time_t retry)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", retry) - value.data;

    return ngx_http_aigc_add_header(r, "Retry-After", &value);
}


static ngx_int_t
ngx_http_aigc_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_str_t *body)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aigc_send_header(r, status, type, body->len);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = (body->len != 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_aigc_send_header(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t len)
{
    ngx_uint_t  i;

    /* no other page gets it as an image or a script, or learns its URL */

    static struct {
        const char  *name;
        ngx_str_t    value;
    } headers[] = {
        { "Cache-Control", ngx_string("no-store") },
        { "X-Content-Type-Options", ngx_string("nosniff") },
        { "Cross-Origin-Resource-Policy", ngx_string("same-origin") },
        { "Referrer-Policy", ngx_string("no-referrer") }
    };

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (ngx_http_aigc_add_header(r, headers[i].name, &headers[i].value)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = len;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_aigc_redirect(ngx_http_request_t *r, ngx_str_t *location)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    ngx_str_set(&value, "no-store");

    if (ngx_http_aigc_add_header(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_clear_location(r);

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Location");
    h->value = *location;

    r->headers_out.location = h;

    return (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
           ? NGX_HTTP_MOVED_TEMPORARILY : NGX_HTTP_SEE_OTHER;
}


ngx_int_t
ngx_http_aigc_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_set_cookie(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *domain, time_t max_age)
{
    ngx_str_t                   line, none;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);

    if (ngx_aigc_cookie_build(r->pool, name, value, domain ? domain : &none,
                              mcf->secure, max_age, &line)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aigc_add_header(r, "Set-Cookie", &line);
}


json_t *
ngx_http_aigc_json_text(u_char *data, size_t len)
{
    json_t  *json;

    json = json_stringn((char *) data, len);

    return json ? json : json_string("");
}


ngx_int_t
ngx_http_aigc_not_allowed(ngx_http_request_t *r, const char *allow)
{
    ngx_str_t  value;

    value.data = (u_char *) allow;
    value.len = ngx_strlen(allow);

    if (ngx_http_aigc_add_header(r, "Allow", &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_METHOD_NOT_ALLOWED,
                                 NULL);
}
