/*
 * logto/ngx_aigc_mirror_scan.c — what a page of users says.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_mirror_scan.h"
#include "ngx_aigc_gone.h"
#include "ngx_aigc_mirror.h"

#include "base/ngx_aigc_text.h"


static void ngx_aigc_mirror_scan_suspended(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, ngx_str_t *sub, json_t *item);


void
ngx_aigc_mirror_scan_begin(ngx_aigc_mirror_scan_t *scan)
{
    if (scan->on || !ngx_aigc_reached(scan->next)) {
        return;
    }

    scan->on = 1;
    scan->number++;
    ngx_aigc_backoff_reset(&scan->backoff);
    scan->retry = ngx_current_msec;

    ngx_aigc_pages_init(&scan->pages);
}


ngx_uint_t
ngx_aigc_mirror_scan_due(ngx_aigc_mirror_scan_t *scan)
{
    return scan->on && ngx_aigc_reached(scan->retry);
}


void
ngx_aigc_mirror_scan_user(ngx_aigc_mirror_scan_t *scan,
    ngx_aigc_mirror_users_t *users, json_t *item)
{
    json_t                  *custom, *entries;
    ngx_int_t                rc;
    ngx_str_t                sub;
    ngx_aigc_entry_diff_t    diff;
    ngx_aigc_mirror_user_t  *user;

    sub = ngx_aigc_json_text(item, "id");
    custom = json_object_get(item, "customData");

    if (ngx_aigc_text_check(&sub, NGX_AIGC_SUB_MAX) != NGX_OK) {
        return;
    }

    user = ngx_aigc_mirror_user(users, &sub, 0);

    if (user) {
        user->scan = scan->number;
        user->gone = 0;
    }

    ngx_aigc_mirror_scan_suspended(users, user, &sub, item);

    if (!json_is_object(custom)) {
        return;
    }

    entries = ngx_aigc_mirror_user_entries(users, user);

    rc = entries ? ngx_aigc_entry_diff(custom, entries, ngx_aigc_mirror_stale,
                                       users, &diff)
                 : NGX_ERROR;

    json_decref(entries);

    if (rc == NGX_DECLINED) {

        if (user) {
            ngx_aigc_mirror_user_settled(users, user, user->wanted);
        }

        return;
    }

    if (rc == NGX_OK) {
        ngx_aigc_entry_diff_free(&diff);
    }

    /* by itself, read anew: what a page says may be old */

    if (users->pending < NGX_AIGC_MIRROR_QUEUE) {
        user = ngx_aigc_mirror_user(users, &sub, 1);
    }

    if (user) {
        user->scan = scan->number;
        ngx_aigc_mirror_user_stale(users, user);
    }
}


/*
 * Whoever has neither an instance nor a session that may be left is nobody's
 * business here: a tenant may have any number of suspended users.
 */
static void
ngx_aigc_mirror_scan_suspended(ngx_aigc_mirror_users_t *users,
    ngx_aigc_mirror_user_t *user, ngx_str_t *sub, json_t *item)
{
    time_t      signed_in;
    ngx_uint_t  owns;

    if (ngx_aigc_gone_suspended(item, &signed_in) != NGX_OK) {
        return;
    }

    owns = (user && user->first != NGX_AIGC_NONE);

    if (owns || signed_in + ngx_aigc_gone_lifetime > ngx_time()) {
        ngx_aigc_gone(users->zone, sub, NGX_AIGC_GONE_SUSPENDED, signed_in,
                      owns ? ngx_aigc_mirror_user_runs(users, user) : 0,
                      users->log);
    }
}


void
ngx_aigc_mirror_scan_next(ngx_aigc_mirror_scan_t *scan,
    ngx_aigc_mirror_users_t *users, ngx_aigc_management_e result, size_t n)
{
    if (ngx_aigc_pages_next(&scan->pages, result, n, users->log) == NGX_OK
        && scan->pages.at < NGX_AIGC_MIRROR_SCAN_MAX)
    {
        return;
    }

    /* who owns something and stood on no page is asked for alone */

    ngx_aigc_mirror_users_unlisted(users, scan->number);
    ngx_aigc_mirror_users_seen(users);

    scan->on = 0;
    scan->next = ngx_current_msec + NGX_AIGC_MIRROR_SCAN * 1000;
}
