/*
 * gateway/ngx_http_aigc_no_response.c — nginx's own 502 and 504 of an instance.
 */

#include "ngx_http_aigc_upstream_response.h"
#include "ngx_http_aigc_waiting.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"


#define NGX_HTTP_AIGC_NO_RESPONSE_AGAIN  3   /* s until the page asks again */


static ngx_uint_t ngx_http_aigc_has_no_response(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);
static ngx_int_t ngx_http_aigc_no_response_send(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx, ngx_uint_t status);


ngx_int_t
ngx_http_aigc_no_response(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_uint_t            status;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (!ngx_http_aigc_has_no_response(r, ctx)) {
        return NGX_DECLINED;
    }

    ctx->no_response = 1;
    status = r->err_status;

    /* of a response that was refused nothing stays */

    ngx_http_clean_header(r);

    rc = ngx_http_aigc_no_response_send(r, ctx, status);

    if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return NGX_ERROR;
    }

    /* header and body are out: nginx has nothing to add to them */

    r->header_only = 1;

    return rc;
}


/*
 * The upstream has been given up before it sent a header, and this is still
 * the location that passed the request on: an error_page of the administrator's
 * own leads to another.
 */
static ngx_uint_t
ngx_http_aigc_has_no_response(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx)
{
    return r == r->main
           && (r->err_status == NGX_HTTP_BAD_GATEWAY
               || r->err_status == NGX_HTTP_GATEWAY_TIME_OUT)
           && ctx && !ctx->no_response
           && ctx->passed_in && ctx->passed_in == r->loc_conf
           && r->upstream && r->upstream->cleanup == NULL
           && !r->upstream->header_sent;
}


static ngx_int_t
ngx_http_aigc_no_response_send(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx,
    ngx_uint_t status)
{
    ngx_uint_t                   form;
    ngx_http_aigc_page_t         page;
    ngx_http_aigc_code_e         code;
    const ngx_http_aigc_code_t  *c;

    code = (status == NGX_HTTP_BAD_GATEWAY) ? NGX_HTTP_AIGC_CODE_NO_ANSWER
                                            : NGX_HTTP_AIGC_CODE_LATE_ANSWER;

    if (ngx_http_aigc_is_person(r) != NGX_OK) {
        return ngx_http_aigc_problem(r, code, NULL);
    }

    c = ngx_http_aigc_code(code);
    form = (ngx_http_aigc_is_safe(r) != NGX_OK);

    ngx_memzero(&page, sizeof(ngx_http_aigc_page_t));

    page.status = c->status;
    page.id = (char *) c->text.data;
    page.words = ngx_http_aigc_problem_words(form ? "no-answer-form"
                                                  : page.id);
    page.retry = c->retry;

    if (!form) {
        page.busy = 1;
        page.again = NGX_HTTP_AIGC_NO_RESPONSE_AGAIN;
        page.now.data = (u_char *) c->detail;
        page.now.len = ngx_strlen(c->detail);
    }

    if (ngx_http_aigc_waiting_name(r, &ctx->instance, &page.name) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aigc_page(r, &page);
}
