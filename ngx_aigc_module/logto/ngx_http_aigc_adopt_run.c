/*
 * logto/ngx_http_aigc_adopt_run.c — a run of adoption, from the users to the
 * answer.  What it writes is in ngx_http_aigc_adopt_write.c.
 */

#include "ngx_http_aigc_adopt_run.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"


static void ngx_http_aigc_adopt_cleanup(void *data);
static void ngx_http_aigc_adopt_step(ngx_http_request_t *r);
static void ngx_http_aigc_adopt_read(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
static void ngx_http_aigc_adopt_page(void *data, ngx_aigc_management_e result,
    json_t *json);
static void ngx_http_aigc_adopt_page_done(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a, ngx_aigc_management_e result, json_t *json);
static void ngx_http_aigc_adopt_listed(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);


ngx_int_t
ngx_http_aigc_adopt_begin(ngx_http_request_t *r, ngx_str_t *confirm)
{
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_adopt_t      *a;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    cln = ngx_http_cleanup_add(r, 0);
    a = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_adopt_t));

    if (cln == NULL || a == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_adopt_t, a)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    a->confirm = *confirm;
    a->write.failed = "an adoption was not taken";
    a->step = ngx_http_aigc_adopt_step;

    a->pool = ngx_create_pool(16384, r->connection->log);
    if (a->pool == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_aigc_adopt_cleanup;
    cln->data = a;

    a->started = ngx_current_msec;
    ngx_aigc_pages_init(&a->pages);

    if (ngx_http_aigc_adopt_init(&a->list, a->pool, mcf->zone) != NGX_OK) {
        return NGX_ERROR;
    }

    /* who does not wait for the answer does not want it done */

    r->read_event_handler = ngx_http_test_reading;

    ngx_http_aigc_adopt_read(r, a);

    return NGX_OK;
}


static void
ngx_http_aigc_adopt_cleanup(void *data)
{
    ngx_http_aigc_adopt_t *a = data;

    if (a->call) {
        ngx_aigc_management_cancel(a->call);
    }

    if (a->fetch) {
        ngx_aigc_fetch_cancel(a->fetch);
    }

    if (a->write.lock) {
        ngx_aigc_gss_write_end(a->list.zone, &a->write,
                               NGX_AIGC_GSS_WRITE_LOST);
    }

    ngx_http_aigc_adopt_free(&a->list);
    ngx_destroy_pool(a->pool);
}


/* By the timer, which also keeps an exiting worker alive. */
static void
ngx_http_aigc_adopt_step(ngx_http_request_t *r)
{
    ngx_http_aigc_adopt_t  *a;

    a = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_adopt_t);

    if (ngx_current_msec - a->started > NGX_HTTP_AIGC_ADOPT_TIME) {
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_TOO_SLOW, NULL);
        return;
    }

    if (a->call || a->fetch) {
        ngx_http_aigc_adopt_wait(r, a, 1000);
        return;
    }

    switch (a->phase) {

    case NGX_HTTP_AIGC_ADOPT_READ:
        ngx_http_aigc_adopt_read(r, a);
        return;

    case NGX_HTTP_AIGC_ADOPT_STAMP:
        ngx_http_aigc_adopt_stamp(r, a);
        return;

    case NGX_HTTP_AIGC_ADOPT_WRITE:
        ngx_http_aigc_adopt_write(r, a);
        return;

    default: /* STAMPED, WRITTEN */
        break;
    }

    if (ngx_http_aigc_adopt_shown(r, a) == NGX_OK) {

        if (a->phase == NGX_HTTP_AIGC_ADOPT_STAMPED) {
            ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_WRITE);
            return;
        }

        ngx_http_aigc_finish(r,
            ngx_http_aigc_json(r, NGX_HTTP_OK,
                               ngx_http_aigc_adopt_json(&a->list, "adopted",
                                                        0)));
        return;
    }

    if (ngx_current_msec - a->since > NGX_HTTP_AIGC_ADOPT_SHOWN) {

        if (a->phase == NGX_HTTP_AIGC_ADOPT_STAMPED) {
            ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_CHANGED_MEANWHILE,
                                       NULL);

        } else {
            ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_NOT_SHOWN_YET,
                                       NULL);
        }

        return;
    }

    ngx_http_aigc_adopt_wait(r, a, NGX_HTTP_AIGC_ADOPT_POLL);
}


static void
ngx_http_aigc_adopt_read(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (a->pages.at >= NGX_HTTP_AIGC_ADOPT_USERS) {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_TOO_MANY_USERS, NULL));
        return;
    }

    a->call = ngx_aigc_pages_read(&a->pages, mcf->logto, mcf->zone,
                                  ngx_http_aigc_adopt_page, r,
                                  ngx_cycle->log);

    if (a->call == NULL) {
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_LOGTO_UNAVAILABLE,
                                   NULL);
        return;
    }

    ngx_http_aigc_adopt_wait(r, a, 1000);
}


static void
ngx_http_aigc_adopt_page(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    ngx_http_request_t *r = data;

    ngx_connection_t       *c;
    ngx_http_aigc_adopt_t  *a;

    c = r->connection;
    a = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_adopt_t);

    a->call = NULL;

    ngx_http_set_log_request(c->log, r);

    ngx_http_aigc_adopt_page_done(r, a, result, json);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aigc_adopt_page_done(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_aigc_management_e result, json_t *json)
{
    size_t   i;
    json_t  *item;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:

        json_array_foreach(json, i, item) {
            if (ngx_http_aigc_adopt_user(&a->list, item) != NGX_OK) {
                ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
                return;
            }
        }

        break;

    case NGX_AIGC_MANAGEMENT_TOO_LARGE:
        break;

    default:
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "aigc: Logto's users could not be read: %s",
                      ngx_aigc_management_text(result));

        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_LOGTO_UNAVAILABLE,
                                   "Logto's users cannot be read: see the "
                                   "gateway's log.");
        return;
    }

    if (ngx_aigc_pages_next(&a->pages, result, json_array_size(json),
                            r->connection->log)
        == NGX_OK)
    {
        ngx_http_aigc_adopt_read(r, a);

    } else {
        ngx_http_aigc_adopt_listed(r, a);
    }
}


static void
ngx_http_aigc_adopt_listed(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    rc = (ngx_aigc_table_holes(mcf->zone)
          || ngx_aigc_table_whole(mcf->zone) != NGX_OK)
         ? NGX_BUSY : ngx_http_aigc_adopt_decide(&a->list);

    if (rc == NGX_BUSY) {
        ngx_http_aigc_adopt_failed(r, NGX_HTTP_AIGC_CODE_BUSY,
                                   "The gateway's view of the cluster is "
                                   "not whole at this moment.");
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (a->confirm.len == 0) {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_json(r, NGX_HTTP_OK,
                               ngx_http_aigc_adopt_json(&a->list, "adopt",
                                                        1)));
        return;
    }

    if (a->confirm.len != sizeof(a->list.confirm)
        || ngx_memcmp(a->confirm.data, a->list.confirm, a->confirm.len) != 0)
    {
        ngx_http_aigc_finish(r,
            ngx_http_aigc_problem_with(r, NGX_HTTP_AIGC_CODE_LIST_CHANGED, NULL,
                                       ngx_http_aigc_adopt_json(&a->list,
                                       "adopt", 1)));
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "aigc: an administrator adopts %ui instances",
                  a->list.adopt.nelts);

    ngx_http_aigc_adopt_go(r, a, NGX_HTTP_AIGC_ADOPT_STAMP);
}
