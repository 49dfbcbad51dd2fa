/*
 * logto/ngx_aigc_pages.h — all users of Logto, page by page.  Somebody whose
 * custom data is huge makes pages smaller, and is then left out alone: no user
 * can keep the gateway from reading the others.
 */

#ifndef _NGX_AIGC_PAGES_H_INCLUDED_
#define _NGX_AIGC_PAGES_H_INCLUDED_

#include "ngx_aigc_management.h"


typedef struct {
    ngx_uint_t   at;                    /* users before this page */
    ngx_uint_t   size;                  /* 100, 10 or 1: at is a multiple */
} ngx_aigc_pages_t;


void ngx_aigc_pages_init(ngx_aigc_pages_t *pages);

/* As ngx_aigc_management_users(), of the page that is next. */
ngx_aigc_management_t *ngx_aigc_pages_read(ngx_aigc_pages_t *pages,
    ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log);

/*
 * After a page: OK with its n users, or TOO_LARGE.  NGX_OK: there is another
 * one; NGX_DONE: it was the last.
 */
ngx_int_t ngx_aigc_pages_next(ngx_aigc_pages_t *pages,
    ngx_aigc_management_e result, size_t n, ngx_log_t *log);


#endif /* _NGX_AIGC_PAGES_H_INCLUDED_ */
