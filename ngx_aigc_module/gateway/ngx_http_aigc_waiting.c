/*
 * gateway/ngx_http_aigc_waiting.c — the waiting page.
 */

#include "ngx_http_aigc_waiting.h"
#include "ngx_http_aigc_decide.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"
#include "instances/ngx_http_aigc_instance.h"


#define NGX_HTTP_AIGC_SOON   3      /* s until the page looks again */
#define NGX_HTTP_AIGC_LATER  10     /* s likewise, when nothing is under way:
                                       it was started elsewhere, perhaps */


static ngx_int_t ngx_http_aigc_waiting_show(ngx_http_request_t *r,
    ngx_aigc_record_t *record);
static ngx_int_t ngx_http_aigc_waiting_page(ngx_http_request_t *r,
    ngx_aigc_record_t *record, ngx_http_aigc_page_t *page);
static ngx_int_t ngx_http_aigc_waiting_detail(ngx_pool_t *pool,
    const char *state, ngx_http_aigc_page_t *page);


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

        return ngx_http_aigc_refuse_visitor(r, NGX_HTTP_AIGC_NOT_READY);
    }

    return ngx_http_aigc_waiting_show(r, &whole);
}


static ngx_int_t
ngx_http_aigc_waiting_show(ngx_http_request_t *r, ngx_aigc_record_t *record)
{
    ngx_int_t                   rc;
    const char                 *state;
    ngx_http_aigc_page_t        page;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(&page, sizeof(ngx_http_aigc_page_t));

    state = ngx_http_aigc_instance_state(mcf, record);

    rc = ngx_http_aigc_instance_reason(mcf, r->pool, record, &page.code,
                                       &page.text);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(&page.code);
        ngx_str_null(&page.text);
    }

    if (ngx_http_aigc_waiting_detail(r->pool, state, &page) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_is_person(r) != NGX_OK) {
        return ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_READY,
                                     (char *) page.now.data);
    }

    page.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    page.id = state;
    page.words = ngx_http_aigc_state_words(state);
    page.busy = (record->state == NGX_AIGC_RUNNING && page.code.len == 0)
                || record->pod_deleting;
    page.again = (record->state == NGX_AIGC_RUNNING) ? NGX_HTTP_AIGC_SOON
                                                     : NGX_HTTP_AIGC_LATER;
    page.retry = NGX_HTTP_AIGC_RETRY;

    if (ngx_http_aigc_waiting_page(r, record, &page) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_page(r, &page);
}


/* Its template's title, and the button of one that is released. */
static ngx_int_t
ngx_http_aigc_waiting_page(ngx_http_request_t *r, ngx_aigc_record_t *record,
    ngx_http_aigc_page_t *page)
{
    ngx_str_t                   ns, name;
    ngx_aigc_template_t        *tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_aigc_fixed_get(&record->ns, &ns);
    ngx_aigc_fixed_get(&record->name, &name);

    tmpl = ngx_palloc(r->pool, sizeof(ngx_aigc_template_t));
    if (tmpl == NULL) {
        return NGX_ERROR;
    }

    page->name = name;

    if (ngx_aigc_table_template(mcf->zone, &ns, &name, tmpl, NULL) == NGX_OK
        && tmpl->title.len)
    {
        ngx_aigc_fixed_get(&tmpl->title, &page->name);
    }

    if (record->state != NGX_AIGC_RELEASED) {
        return NGX_OK;
    }

    page->start.data = ngx_pnalloc(r->pool, ns.len + name.len + 2
                                            + NGX_INT32_LEN);
    if (page->start.data == NULL) {
        return NGX_ERROR;
    }

    page->start.len = ngx_sprintf(page->start.data, "%V/%V/%D", &ns, &name,
                                  record->id)
                      - page->start.data;

    return NGX_OK;
}


/* What a program gets: with a NUL behind it. */
static ngx_int_t
ngx_http_aigc_waiting_detail(ngx_pool_t *pool, const char *state,
    ngx_http_aigc_page_t *page)
{
    page->now.len = sizeof("The instance is not ready: uninstalling. : ")
                    + page->code.len + page->text.len;

    page->now.data = ngx_pnalloc(pool, page->now.len + 1);
    if (page->now.data == NULL) {
        return NGX_ERROR;
    }

    page->now.len = ngx_snprintf(page->now.data, page->now.len,
                                 "The instance is not ready: %s.%s%V%s%V",
                                 state, page->code.len ? " " : "", &page->code,
                                 page->text.len ? ": " : "", &page->text)
                    - page->now.data;

    page->now.data[page->now.len] = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_waiting_name(ngx_http_request_t *r, ngx_str_t *instance,
    ngx_str_t *name)
{
    u_char                     *slash, *last;
    ngx_str_t                   ns;
    ngx_aigc_template_t        *tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    last = instance->data + instance->len;
    slash = ngx_strlchr(instance->data, last, '/');

    if (slash == NULL) {
        *name = *instance;
        return NGX_OK;
    }

    ns.data = instance->data;
    ns.len = slash - instance->data;

    name->data = slash + 1;
    slash = ngx_strlchr(name->data, last, '/');
    name->len = (slash ? slash : last) - name->data;

    tmpl = ngx_palloc(r->pool, sizeof(ngx_aigc_template_t));
    if (tmpl == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_table_template(mcf->zone, &ns, name, tmpl, NULL) == NGX_OK
        && tmpl->title.len)
    {
        ngx_aigc_fixed_get(&tmpl->title, name);
    }

    return NGX_OK;
}
