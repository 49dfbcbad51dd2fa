/*
 * http/ngx_http_aigc_waiting.c — the waiting page.
 */

#include "ngx_http_aigc_waiting.h"
#include "ngx_http_aigc_decide.h"
#include "ngx_http_aigc_headers.h"
#include "ngx_http_aigc_instance.h"
#include "ngx_http_aigc_reply.h"


static ngx_int_t ngx_http_aigc_waiting_page(ngx_http_request_t *r,
    ngx_aigc_record_t *record);
static ngx_int_t ngx_http_aigc_waiting_why(ngx_pool_t *pool,
    ngx_aigc_record_t *record, ngx_str_t *why);
static ngx_int_t ngx_http_aigc_waiting_json(ngx_http_request_t *r,
    const char *state, ngx_str_t *why);
static ngx_int_t ngx_http_aigc_escape(ngx_pool_t *pool, u_char *data,
    size_t len, ngx_str_t *out);


static const char  *ngx_http_aigc_waiting_words[][2] = {
    { "pending", "It waits for its pod." },
    { "starting", "It is starting." },
    { "failing", "It does not start." },
    { "stopping", "It is stopping." },
    { "released", "It is released: start it on the dashboard." },
    { "uninstalling", "It is being uninstalled." },
    { NULL, "It is not ready." }
};


ngx_int_t
ngx_http_aigc_waiting(ngx_http_request_t *r, ngx_aigc_record_t *record)
{
    ngx_str_t                   ns, name;
    ngx_aigc_record_t           whole;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_fixed_get(&record->ns, &ns);
    ngx_aigc_fixed_get(&record->name, &name);

    if (ngx_aigc_table_by_id(mcf->zone, &ns, &name, record->id, &whole)
        != NGX_OK)
    {
        /* gone since, or just written */

        return ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_NOT_READY);
    }

    return ngx_http_aigc_waiting_page(r, &whole);
}


static ngx_int_t
ngx_http_aigc_waiting_page(ngx_http_request_t *r, ngx_aigc_record_t *record)
{
    ngx_str_t                   body, name, why, reason;
    ngx_uint_t                  i;
    const char                 *state;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            page = ngx_string(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta http-equiv=\"refresh\" content=\"3\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<title>%V</title></head><body><main><h1>%V, instance %D</h1>"
        "<p id=\"state\">%s</p><p id=\"reason\">%V</p>"
        "<p><a href=\"%V/\">Dashboard</a></p></main></body></html>\n");

    state = ngx_http_aigc_instance_state(record);

    if (ngx_http_aigc_waiting_why(r->pool, record, &why) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_is_navigation(r) != NGX_OK) {
        return ngx_http_aigc_waiting_json(r, state, &why);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    for (i = 0; ngx_http_aigc_waiting_words[i][0]; i++) {
        if (ngx_strcmp(ngx_http_aigc_waiting_words[i][0], state) == 0) {
            break;
        }
    }

    if (ngx_http_aigc_escape(r->pool, record->name.data, record->name.len,
                             &name) != NGX_OK
        || ngx_http_aigc_escape(r->pool, why.data, why.len, &reason)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = page.len + 2 * name.len + reason.len + mcf->origin.len + 128;
    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ngx_snprintf(body.data, body.len, (char *) page.data,
                            &name, &name, record->id,
                            ngx_http_aigc_waiting_words[i][1], &reason,
                            &mcf->origin)
               - body.data;

    return ngx_http_aigc_page(r, NGX_HTTP_SERVICE_UNAVAILABLE, &body,
                              NGX_HTTP_AIGC_RETRY);
}


/* "Unschedulable: 0/3 nodes are available", or "" */
static ngx_int_t
ngx_http_aigc_waiting_why(ngx_pool_t *pool, ngx_aigc_record_t *record,
    ngx_str_t *why)
{
    ngx_int_t  rc;
    ngx_str_t  code, text;

    ngx_str_null(why);

    rc = ngx_http_aigc_instance_reason(pool, record, &code, &text);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    why->data = ngx_pnalloc(pool, code.len + 2 + text.len);
    if (why->data == NULL) {
        return NGX_ERROR;
    }

    why->len = ngx_sprintf(why->data, "%V%s%V", &code, text.len ? ": " : "",
                           &text)
               - why->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_waiting_json(ngx_http_request_t *r, const char *state,
    ngx_str_t *why)
{
    u_char      *p;
    ngx_str_t    detail;

    detail.len = sizeof("The instance is not ready: uninstalling. ")
                 + why->len;
    detail.data = ngx_pnalloc(r->pool, detail.len + 1);
    if (detail.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_snprintf(detail.data, detail.len,
                     "The instance is not ready: %s. %V", state, why);
    *p = '\0';

    return ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, "not-ready",
                                 (char *) detail.data, NGX_HTTP_AIGC_RETRY);
}


static ngx_int_t
ngx_http_aigc_escape(ngx_pool_t *pool, u_char *data, size_t len,
    ngx_str_t *out)
{
    out->len = len + ngx_escape_html(NULL, data, len);
    out->data = ngx_pnalloc(pool, out->len);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_escape_html(out->data, data, len);

    return NGX_OK;
}
