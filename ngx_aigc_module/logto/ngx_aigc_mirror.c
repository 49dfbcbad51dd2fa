/*
 * logto/ngx_aigc_mirror.c — which call comes next, and what its answer means.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_mirror.h"
#include "ngx_aigc_gone.h"
#include "ngx_aigc_mirror_scan.h"

#include "base/ngx_aigc_timer.h"
#include "kube/ngx_aigc_leader.h"


static ngx_int_t ngx_aigc_mirror_begin(void);
static void ngx_aigc_mirror_arm(ngx_msec_t wait);
static void ngx_aigc_mirror_timer(ngx_event_t *ev);
static ngx_int_t ngx_aigc_mirror_may(void);
static ngx_int_t ngx_aigc_mirror_page(void);
static void ngx_aigc_mirror_page_done(void *data,
    ngx_aigc_management_e result, json_t *json);
static ngx_int_t ngx_aigc_mirror_read(ngx_aigc_mirror_user_t *user);
static void ngx_aigc_mirror_read_done(void *data,
    ngx_aigc_management_e result, json_t *json);
static ngx_int_t ngx_aigc_mirror_write(ngx_aigc_mirror_user_t *user,
    json_t *custom);
static void ngx_aigc_mirror_write_done(void *data,
    ngx_aigc_management_e result, json_t *json);
static void ngx_aigc_mirror_forget(ngx_aigc_mirror_user_t *user);
static void ngx_aigc_mirror_worked(void);
static void ngx_aigc_mirror_failed(ngx_aigc_mirror_user_t *user,
    ngx_aigc_management_e result);
static void ngx_aigc_mirror_busy(ngx_aigc_mirror_user_t *user);


static ngx_aigc_kubernetes_t    *ngx_aigc_mirror_k8s;
static ngx_aigc_logto_t         *ngx_aigc_mirror_logto;
static ngx_aigc_zone_t          *ngx_aigc_mirror_zone;
static ngx_log_t                *ngx_aigc_mirror_log;
static ngx_event_t               ngx_aigc_mirror_event;

static ngx_uint_t                ngx_aigc_mirror_running;
static ngx_aigc_mirror_users_t   ngx_aigc_mirror_users;
static ngx_aigc_mirror_scan_t    ngx_aigc_mirror_scan;
static ngx_aigc_management_t    *ngx_aigc_mirror_call;
static uint64_t                  ngx_aigc_mirror_sum;   /* being written */
static ngx_msec_t                ngx_aigc_mirror_next;  /* ngx_current_msec */
static ngx_uint_t                ngx_aigc_mirror_row;   /* failures in a row */
static ngx_aigc_backoff_t        ngx_aigc_mirror_denied;
static ngx_aigc_seldom_t         ngx_aigc_mirror_said;


void
ngx_aigc_mirror_init(ngx_aigc_kubernetes_t *k8s, ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_aigc_mirror_k8s = k8s;
    ngx_aigc_mirror_logto = logto;
    ngx_aigc_mirror_zone = zone;
    ngx_aigc_mirror_log = log;

    ngx_aigc_timer_init(&ngx_aigc_mirror_event, ngx_aigc_mirror_timer, 1, log);
}


void
ngx_aigc_mirror(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log)
{
    if (ngx_aigc_mirror_logto == NULL || !ngx_aigc_mirror_logto->custom_data
        || ngx_aigc_mirror_begin() != NGX_OK)
    {
        return;
    }

    if (ngx_aigc_mirror_users_refresh(&ngx_aigc_mirror_users,
                                      NGX_AIGC_MIRROR_LOOK)
        != NGX_OK)
    {
        ngx_aigc_mirror_arm(1);
    }

    ngx_aigc_mirror_scan_begin(&ngx_aigc_mirror_scan);

    if (ngx_aigc_mirror_scan.on || ngx_aigc_mirror_users.pending) {
        ngx_aigc_mirror_arm(1);
    }
}


static ngx_int_t
ngx_aigc_mirror_begin(void)
{
    if (ngx_aigc_mirror_running) {
        return NGX_OK;
    }

    if (ngx_aigc_mirror_users_init(&ngx_aigc_mirror_users, ngx_aigc_mirror_k8s,
                                   ngx_aigc_mirror_zone, ngx_aigc_mirror_log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&ngx_aigc_mirror_scan, sizeof(ngx_aigc_mirror_scan_t));
    ngx_aigc_mirror_scan.next = ngx_current_msec;

    ngx_aigc_mirror_running = 1;
    ngx_aigc_mirror_row = 0;
    ngx_aigc_backoff_reset(&ngx_aigc_mirror_denied);
    ngx_aigc_mirror_next = ngx_current_msec;

    return NGX_OK;
}


void
ngx_aigc_mirror_stop(void)
{
    if (!ngx_aigc_mirror_running) {
        return;
    }

    ngx_aigc_mirror_running = 0;

    if (ngx_aigc_mirror_call) {
        ngx_aigc_management_cancel(ngx_aigc_mirror_call);
        ngx_aigc_mirror_call = NULL;
    }

    ngx_aigc_timer_stop(&ngx_aigc_mirror_event);

    ngx_aigc_mirror_users_free(&ngx_aigc_mirror_users);
}


static void
ngx_aigc_mirror_arm(ngx_msec_t wait)
{
    if (ngx_aigc_mirror_call == NULL) {
        ngx_aigc_timer_within(&ngx_aigc_mirror_event, wait);
    }
}


/* One call, if it is time; the reconciler's pass comes back in any case. */
static void
ngx_aigc_mirror_timer(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_msec_t               later;
    ngx_msec_int_t           wait;
    ngx_aigc_mirror_user_t  *user;

    if (ngx_aigc_mirror_may() != NGX_OK) {
        ngx_aigc_mirror_stop();
        return;
    }

    if (ngx_aigc_mirror_call
        || ngx_aigc_sync_complete(ngx_aigc_mirror_zone) != NGX_OK
        || ngx_aigc_table_holes(ngx_aigc_mirror_zone))
    {
        return;
    }

    wait = (ngx_msec_int_t) (ngx_aigc_mirror_next - ngx_current_msec);

    if (wait > 0) {
        ngx_aigc_mirror_arm(wait);
        return;
    }

    if (ngx_aigc_mirror_users_refresh(&ngx_aigc_mirror_users,
                                      NGX_AIGC_MIRROR_LOOK)
        != NGX_OK)
    {
        ngx_aigc_mirror_arm(1);
        return;
    }

    user = ngx_aigc_mirror_users_next(&ngx_aigc_mirror_users, &later);

    ngx_aigc_mirror_scan.turn = !ngx_aigc_mirror_scan.turn;

    if (ngx_aigc_mirror_scan_due(&ngx_aigc_mirror_scan)
        && (user == NULL || ngx_aigc_mirror_scan.turn))
    {
        user = NULL;
        rc = ngx_aigc_mirror_page();

    } else if (user) {
        rc = ngx_aigc_mirror_read(user);

    } else {

        if (later) {
            ngx_aigc_mirror_arm(later);
        }

        return;
    }

    ngx_aigc_mirror_next = ngx_current_msec + NGX_AIGC_MIRROR_PACE;

    if (rc != NGX_OK) {
        ngx_aigc_mirror_failed(user, NGX_AIGC_MANAGEMENT_UNAVAILABLE);
    }
}


/* NGX_OK while this process is the writer of a gateway that leads. */
static ngx_int_t
ngx_aigc_mirror_may(void)
{
    return (ngx_aigc_zone_is_writer(ngx_aigc_mirror_zone) == NGX_OK
            && ngx_aigc_leader_leads(ngx_aigc_mirror_zone) == NGX_OK)
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_aigc_mirror_page(void)
{
    ngx_aigc_mirror_call =
        ngx_aigc_pages_read(&ngx_aigc_mirror_scan.pages, ngx_aigc_mirror_logto,
                            ngx_aigc_mirror_zone, ngx_aigc_mirror_page_done,
                            NULL, ngx_aigc_mirror_log);

    return ngx_aigc_mirror_call ? NGX_OK : NGX_ERROR;
}


static void
ngx_aigc_mirror_page_done(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    size_t   i;
    json_t  *item;

    ngx_aigc_mirror_call = NULL;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:
        ngx_aigc_mirror_worked();
        ngx_aigc_backoff_reset(&ngx_aigc_mirror_scan.backoff);

        if (ngx_aigc_mirror_users_refresh(&ngx_aigc_mirror_users,
                                          NGX_AIGC_MIRROR_ALL)
            != NGX_OK)
        {
            break;                      /* the same page again, soon */
        }

        json_array_foreach(json, i, item) {
            ngx_aigc_mirror_scan_user(&ngx_aigc_mirror_scan,
                                      &ngx_aigc_mirror_users, item);
        }

        ngx_aigc_mirror_scan_next(&ngx_aigc_mirror_scan,
                                  &ngx_aigc_mirror_users, result,
                                  json_array_size(json));
        break;

    case NGX_AIGC_MANAGEMENT_TOO_LARGE:
        ngx_aigc_mirror_scan_next(&ngx_aigc_mirror_scan,
                                  &ngx_aigc_mirror_users, result, 0);
        break;

    default:
        ngx_aigc_mirror_users_seen(&ngx_aigc_mirror_users);
        ngx_aigc_mirror_failed(NULL, result);
        break;
    }

    ngx_aigc_mirror_arm(1);
}


static ngx_int_t
ngx_aigc_mirror_read(ngx_aigc_mirror_user_t *user)
{
    ngx_aigc_mirror_call =
        ngx_aigc_management_custom_data(ngx_aigc_mirror_logto,
                                        ngx_aigc_mirror_zone, &user->sn.str,
                                        ngx_aigc_mirror_read_done, user,
                                        ngx_aigc_mirror_log);

    if (ngx_aigc_mirror_call == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_mirror_users.current = user;

    return NGX_OK;
}


static void
ngx_aigc_mirror_read_done(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    ngx_aigc_mirror_user_t *user = data;

    ngx_int_t  rc;

    ngx_aigc_mirror_call = NULL;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:
        user->gone = 0;

        rc = ngx_aigc_mirror_write(user, json);

        if (rc == NGX_OK) {
            return;                     /* user stays the current one */
        }

        ngx_aigc_mirror_users.current = NULL;

        if (rc == NGX_DECLINED) {
            ngx_aigc_mirror_worked();
            ngx_aigc_mirror_user_settled(&ngx_aigc_mirror_users, user,
                                         ngx_aigc_mirror_sum);
        } else {
            ngx_aigc_mirror_busy(user);
        }

        break;

    case NGX_AIGC_MANAGEMENT_NOT_FOUND:
        ngx_aigc_mirror_users.current = NULL;
        ngx_aigc_mirror_forget(user);
        break;

    default:
        ngx_aigc_mirror_users.current = NULL;
        ngx_aigc_mirror_failed(user, result);
        break;
    }

    ngx_aigc_mirror_arm(1);
}


/*
 * custom: as just read.  NGX_OK: the write is under way; NGX_DECLINED: there is
 * nothing to write; NGX_ERROR: not now.
 */
static ngx_int_t
ngx_aigc_mirror_write(ngx_aigc_mirror_user_t *user, json_t *custom)
{
    json_t                 *entries;
    ngx_int_t               rc;
    ngx_aigc_entry_diff_t   diff;

    if (ngx_aigc_mirror_users_refresh(&ngx_aigc_mirror_users,
                                      NGX_AIGC_MIRROR_ALL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    entries = ngx_aigc_mirror_user_entries(&ngx_aigc_mirror_users, user);
    if (entries == NULL) {
        return NGX_ERROR;
    }

    ngx_aigc_mirror_sum = user->wanted;

    rc = ngx_aigc_entry_diff(custom, entries, ngx_aigc_mirror_stale,
                             &ngx_aigc_mirror_users, &diff);

    json_decref(entries);

    if (rc != NGX_OK) {
        return rc;
    }

    if (json_object_size(diff.drop) == 0) {
        ngx_aigc_mirror_call =
            ngx_aigc_management_merge(ngx_aigc_mirror_logto,
                                      ngx_aigc_mirror_zone, &user->sn.str,
                                      diff.set, ngx_aigc_mirror_write_done,
                                      user, ngx_aigc_mirror_log);

    } else if (ngx_aigc_entry_apply(custom, &diff) == NGX_OK) {
        ngx_aigc_mirror_call =
            ngx_aigc_management_replace(ngx_aigc_mirror_logto,
                                        ngx_aigc_mirror_zone, &user->sn.str,
                                        custom, ngx_aigc_mirror_write_done,
                                        user, ngx_aigc_mirror_log);
    }

    ngx_aigc_entry_diff_free(&diff);

    return ngx_aigc_mirror_call ? NGX_OK : NGX_ERROR;
}


static void
ngx_aigc_mirror_write_done(void *data, ngx_aigc_management_e result,
    json_t *json)
{
    ngx_aigc_mirror_user_t *user = data;

    ngx_aigc_mirror_call = NULL;
    ngx_aigc_mirror_users.current = NULL;

    switch (result) {

    case NGX_AIGC_MANAGEMENT_OK:
        ngx_aigc_mirror_worked();
        ngx_aigc_count(ngx_aigc_mirror_zone, mirror_writes);
        ngx_aigc_mirror_user_settled(&ngx_aigc_mirror_users, user,
                                     ngx_aigc_mirror_sum);
        break;

    case NGX_AIGC_MANAGEMENT_NOT_FOUND:
        ngx_aigc_mirror_forget(user);
        break;

    default:
        ngx_aigc_mirror_failed(user, result);
        break;
    }

    ngx_aigc_mirror_arm(1);
}


/* Whoever is deleted at Logto has no custom data, and is to have nothing. */
static void
ngx_aigc_mirror_forget(ngx_aigc_mirror_user_t *user)
{
    if (user->first != NGX_AIGC_NONE) {
        ngx_aigc_gone(ngx_aigc_mirror_zone, &user->sn.str,
                      NGX_AIGC_GONE_DELETED, 0,
                      ngx_aigc_mirror_user_runs(&ngx_aigc_mirror_users, user),
                      ngx_aigc_mirror_log);
    }

    user->gone = 1;

    ngx_aigc_mirror_worked();
    ngx_aigc_mirror_user_settled(&ngx_aigc_mirror_users, user, user->wanted);
}


static void
ngx_aigc_mirror_worked(void)
{
    ngx_aigc_mirror_row = 0;
    ngx_aigc_backoff_reset(&ngx_aigc_mirror_denied);
}


/* user NULL: it was a page */
static void
ngx_aigc_mirror_failed(ngx_aigc_mirror_user_t *user,
    ngx_aigc_management_e result)
{
    ngx_msec_t           wait;
    ngx_aigc_backoff_t  *backoff;

    backoff = user ? &user->backoff : &ngx_aigc_mirror_scan.backoff;

    ngx_aigc_count(ngx_aigc_mirror_zone, mirror_errors);

    if (ngx_aigc_seldom(&ngx_aigc_mirror_said, NGX_AIGC_MIRROR_SAID)) {
        ngx_log_error(NGX_LOG_WARN, ngx_aigc_mirror_log, 0,
                      "aigc: users' custom data at Logto is behind: %s; %ui "
                      "wait", ngx_aigc_management_text(result),
                      ngx_aigc_mirror_users.pending);
    }

    switch (result) {

    case NGX_AIGC_MANAGEMENT_DENIED:

        /* nobody's call will do better */

        wait = ngx_aigc_backoff_next(&ngx_aigc_mirror_denied,
                                     NGX_AIGC_MIRROR_DENIED,
                                     NGX_AIGC_MIRROR_DENIED_MAX);
        ngx_aigc_mirror_next = ngx_current_msec + wait;

        if (user) {
            ngx_aigc_mirror_user_later(&ngx_aigc_mirror_users, user, 0);
        }

        return;

    case NGX_AIGC_MANAGEMENT_UNAVAILABLE:

        if (++ngx_aigc_mirror_row >= NGX_AIGC_MIRROR_ROW) {
            ngx_aigc_mirror_next = ngx_current_msec + NGX_AIGC_MIRROR_AWAY;
        }

        wait = ngx_aigc_backoff_next(backoff, NGX_AIGC_MIRROR_USER,
                                     NGX_AIGC_MIRROR_USER_MAX);
        break;

    default:
        wait = ngx_aigc_backoff_next(backoff, NGX_AIGC_MIRROR_GARBAGE,
                                     NGX_AIGC_MIRROR_GARBAGE_MAX);
        break;
    }

    if (user) {
        ngx_aigc_mirror_user_later(&ngx_aigc_mirror_users, user, wait);

    } else {
        ngx_aigc_mirror_scan.retry = ngx_current_msec + wait;
    }
}


/* The table moves, or there is no memory: it is nobody's fault. */
static void
ngx_aigc_mirror_busy(ngx_aigc_mirror_user_t *user)
{
    ngx_aigc_mirror_user_later(&ngx_aigc_mirror_users, user,
                               NGX_AIGC_MIRROR_BUSY);
}
