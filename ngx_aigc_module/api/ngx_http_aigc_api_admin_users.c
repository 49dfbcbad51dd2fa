/*
 * api/ngx_http_aigc_api_admin_users.c — GET /api/v1/admin/users: who owns
 * instances and disks, and who that is at Logto.
 *
 *   the table, some slots at a time → few owners: Logto is asked for each;
 *   many: its users are read page by page, then asked for those not found
 *
 * Logto is asked within bounds and one call at a time; whom it has not told of
 * by then, or when it is away, is "unknown", and the response is sent.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_list.h"
#include "ngx_http_aigc_owners.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"

#include "logto/ngx_aigc_pages.h"


#define NGX_HTTP_AIGC_USERS_TIME  10000 /* ms for Logto */


typedef enum {
    NGX_HTTP_AIGC_USERS_COUNT = 0,      /* the table */
    NGX_HTTP_AIGC_USERS_PAGES,
    NGX_HTTP_AIGC_USERS_SINGLE
} ngx_http_aigc_users_phase_e;

typedef struct {
    ngx_http_request_t           *request;
    ngx_http_aigc_users_phase_e   phase;
    ngx_http_aigc_owners_t        owners;
    ngx_msec_t                    started;
    ngx_aigc_management_t        *call; /* under way */
    ngx_aigc_pages_t              pages;
    ngx_uint_t                    item; /* of owners.list: the next, … */
    ngx_uint_t                    asked;    /* … after so many calls */
    ngx_http_aigc_owner_t        *owner;    /* whom the call is about */
} ngx_http_aigc_users_t;


static void ngx_http_aigc_users_cleanup(void *data);
static void ngx_http_aigc_users_step(ngx_http_request_t *r);
static void ngx_http_aigc_users_wait(ngx_http_aigc_users_t *u, ngx_msec_t ms);
static void ngx_http_aigc_users_next(ngx_http_aigc_users_t *u);
static void ngx_http_aigc_users_ask(ngx_http_aigc_users_t *u);
static void ngx_http_aigc_users_done(void *data, ngx_aigc_management_e result,
    json_t *json);
static ngx_int_t ngx_http_aigc_users_page(ngx_http_aigc_users_t *u,
    ngx_aigc_management_e result, json_t *json);
static ngx_int_t ngx_http_aigc_users_single(ngx_http_aigc_users_t *u,
    ngx_aigc_management_e result, json_t *json);
static void ngx_http_aigc_users_reply(ngx_http_aigc_users_t *u);
static ngx_int_t ngx_http_aigc_users_item(ngx_http_aigc_list_t *list,
    json_t **item);


static ngx_http_aigc_list_part_t  ngx_http_aigc_users_parts[] = {
    { "users", ngx_http_aigc_users_item },
    { NULL, NULL }
};


void
ngx_http_aigc_api_admin_users(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call)
{
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_users_t      *u;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    u = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_users_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (u == NULL || cln == NULL
        || ngx_http_aigc_set_handler_ctx(r, ngx_http_aigc_users_t, u) != NGX_OK
        || ngx_http_aigc_owners_init(&u->owners, r->pool, mcf->zone) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    u->request = r;
    ngx_aigc_pages_init(&u->pages);

    cln->handler = ngx_http_aigc_users_cleanup;
    cln->data = u;

    /* Logto is not asked for one who does not wait for the response */

    r->read_event_handler = ngx_http_test_reading;

    ngx_http_aigc_users_step(r);
}


static void
ngx_http_aigc_users_cleanup(void *data)
{
    ngx_http_aigc_users_t *u = data;

    if (u->call) {
        ngx_aigc_management_cancel(u->call);
        u->call = NULL;
    }
}


/* At first, and by the timer, which also keeps an exiting worker alive. */
static void
ngx_http_aigc_users_step(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_aigc_users_t      *u;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    u = ngx_http_aigc_get_handler_ctx(r, ngx_http_aigc_users_t);

    if (u->phase != NGX_HTTP_AIGC_USERS_COUNT) {

        if (ngx_current_msec - u->started > NGX_HTTP_AIGC_USERS_TIME) {
            ngx_http_aigc_users_reply(u);

        } else {
            ngx_http_aigc_users_wait(u, 1000);
        }

        return;
    }

    rc = ngx_http_aigc_owners_scan(&u->owners);

    if (rc == NGX_AGAIN) {
        ngx_http_aigc_users_wait(u, NGX_HTTP_AIGC_LIST_PAUSE);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_aigc_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (mcf->logto == NULL || !mcf->logto->custom_data) {
        ngx_http_aigc_users_reply(u);
        return;
    }

    u->started = ngx_current_msec;
    u->phase = (u->owners.unknown > NGX_HTTP_AIGC_USERS_ASK)
               ? NGX_HTTP_AIGC_USERS_PAGES : NGX_HTTP_AIGC_USERS_SINGLE;

    ngx_http_aigc_users_next(u);
}


static void
ngx_http_aigc_users_wait(ngx_http_aigc_users_t *u, ngx_msec_t ms)
{
    if (ngx_http_aigc_wait(u->request, ms, ngx_http_aigc_users_step)
        != NGX_OK)
    {
        ngx_http_aigc_finish(u->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* The next call, or the response. */
static void
ngx_http_aigc_users_next(ngx_http_aigc_users_t *u)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(u->request, ngx_http_aigc_module);

    if (u->owners.unknown == 0
        || ngx_current_msec - u->started > NGX_HTTP_AIGC_USERS_TIME)
    {
        ngx_http_aigc_users_reply(u);
        return;
    }

    if (u->phase == NGX_HTTP_AIGC_USERS_PAGES) {
        u->call = ngx_aigc_pages_read(&u->pages, mcf->logto, mcf->zone,
                                      ngx_http_aigc_users_done, u,
                                      ngx_cycle->log);
    } else {
        ngx_http_aigc_users_ask(u);
    }

    if (u->call == NULL) {
        ngx_http_aigc_users_reply(u);
        return;
    }

    ngx_http_aigc_users_wait(u, 1000);
}


/* For the next one who is not known; no call: there is none, or no more. */
static void
ngx_http_aigc_users_ask(ngx_http_aigc_users_t *u)
{
    ngx_http_aigc_owner_t      **owner;
    ngx_http_aigc_main_conf_t   *mcf;

    mcf = ngx_http_get_module_main_conf(u->request, ngx_http_aigc_module);

    owner = u->owners.list.elts;

    while (u->item < u->owners.list.nelts
           && u->asked < NGX_HTTP_AIGC_USERS_ASK)
    {
        u->owner = owner[u->item++];

        if (u->owner->status != NGX_HTTP_AIGC_OWNER_UNKNOWN) {
            continue;
        }

        u->asked++;

        u->call = ngx_aigc_management_profile(mcf->logto, mcf->zone,
                                              &u->owner->sn.str,
                                              ngx_http_aigc_users_done, u,
                                              ngx_cycle->log);
        if (u->call) {
            return;
        }
    }
}


static void
ngx_http_aigc_users_done(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    ngx_http_aigc_users_t *u = data;

    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = u->request->connection;
    u->call = NULL;

    ngx_http_set_log_request(c->log, u->request);

    rc = (u->phase == NGX_HTTP_AIGC_USERS_PAGES)
         ? ngx_http_aigc_users_page(u, result, json)
         : ngx_http_aigc_users_single(u, result, json);

    switch (rc) {

    case NGX_OK:
        ngx_http_aigc_users_next(u);
        break;

    case NGX_DECLINED:
        ngx_log_error(NGX_LOG_WARN, c->log, 0,
                      "aigc: Logto's users could not be read: %s",
                      ngx_aigc_management_text(result));

        ngx_http_aigc_users_reply(u);
        break;

    default: /* NGX_ERROR */
        ngx_http_aigc_finish(u->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
        break;
    }

    ngx_http_run_posted_requests(c);
}


/* NGX_OK: go on; NGX_DECLINED: Logto does not say; NGX_ERROR: no memory */
static ngx_int_t
ngx_http_aigc_users_page(ngx_http_aigc_users_t *u,
    ngx_aigc_management_e result, json_t *json)
{
    size_t   i;
    json_t  *user;

    if (result != NGX_AIGC_MANAGEMENT_OK
        && result != NGX_AIGC_MANAGEMENT_TOO_LARGE)
    {
        return NGX_DECLINED;
    }

    json_array_foreach(json, i, user) {
        if (ngx_http_aigc_owners_user(&u->owners, user) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* who is on no page may have slipped between two: that is asked for */

    if (ngx_aigc_pages_next(&u->pages, result, json_array_size(json),
                            ngx_cycle->log)
        == NGX_DONE
        || u->pages.at >= NGX_HTTP_AIGC_USERS_READ)
    {
        u->phase = NGX_HTTP_AIGC_USERS_SINGLE;
    }

    return NGX_OK;
}


/* likewise */
static ngx_int_t
ngx_http_aigc_users_single(ngx_http_aigc_users_t *u,
    ngx_aigc_management_e result, json_t *json)
{
    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:
        return ngx_http_aigc_owners_user(&u->owners, json);

    case NGX_AIGC_MANAGEMENT_NOT_FOUND:
        ngx_http_aigc_owners_status(&u->owners, u->owner,
                                    NGX_HTTP_AIGC_OWNER_DELETED);
        return NGX_OK;

    case NGX_AIGC_MANAGEMENT_TOO_LARGE:
    case NGX_AIGC_MANAGEMENT_GARBAGE:
        return NGX_OK;                  /* of this user alone */

    default:
        return NGX_DECLINED;
    }
}


static void
ngx_http_aigc_users_reply(ngx_http_aigc_users_t *u)
{
    ngx_http_aigc_users_cleanup(u);

    ngx_http_aigc_list(u->request, ngx_http_aigc_users_parts, &u->owners);
}


static ngx_int_t
ngx_http_aigc_users_item(ngx_http_aigc_list_t *list, json_t **item)
{
    ngx_http_aigc_owner_t   **owner;
    ngx_http_aigc_owners_t   *owners;

    owners = list->data;

    if (list->at == owners->list.nelts) {
        return NGX_DONE;
    }

    owner = owners->list.elts;
    *item = ngx_http_aigc_owner_json(owner[list->at++]);

    return NGX_OK;
}
