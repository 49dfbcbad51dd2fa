/*
 * logto/ngx_aigc_mirror_scan.h — the leader's walk over all users of Logto,
 * page by page: whose custom data is stale, who is suspended, who is not there
 * any more.  For the mirror's own files; the calls are theirs.
 */

#ifndef _NGX_AIGC_MIRROR_SCAN_H_INCLUDED_
#define _NGX_AIGC_MIRROR_SCAN_H_INCLUDED_

#include "ngx_aigc_mirror_users.h"
#include "ngx_aigc_pages.h"


typedef struct {
    ngx_uint_t               on;
    ngx_aigc_pages_t         pages;
    uint32_t                 number;    /* of this walk */
    ngx_msec_t               next;      /* walk: ngx_current_msec */
    ngx_uint_t               turn;      /* a page and a user, by turns */
    ngx_msec_t               retry;     /* a page failed: ngx_current_msec */
    ngx_aigc_backoff_t       backoff;
} ngx_aigc_mirror_scan_t;


/* Begins a walk when it is time. */
void ngx_aigc_mirror_scan_begin(ngx_aigc_mirror_scan_t *scan);

/* Not 0: a page is to be read now. */
ngx_uint_t ngx_aigc_mirror_scan_due(ngx_aigc_mirror_scan_t *scan);

/* One user of a page. */
void ngx_aigc_mirror_scan_user(ngx_aigc_mirror_scan_t *scan,
    ngx_aigc_mirror_users_t *users, json_t *item);

/* After a page: with OK its n users, or TOO_LARGE. */
void ngx_aigc_mirror_scan_next(ngx_aigc_mirror_scan_t *scan,
    ngx_aigc_mirror_users_t *users, ngx_aigc_management_e result, size_t n);


#endif /* _NGX_AIGC_MIRROR_SCAN_H_INCLUDED_ */
