/*
 * logto/ngx_http_aigc_adopt_run.h — a run of adoption: its state, and its
 * steps. For adoption's own files.
 *
 *   users, page by page → the list → not confirmed: that is the answer
 *     → stamp the disks → the table shows it → one patch a template → the table
 *     shows it → the answer
 *
 * Each step tests what it builds on, so an end in the middle leaves nothing
 * wrong: the next run takes up the rest.
 */

#ifndef _NGX_HTTP_AIGC_ADOPT_RUN_H_INCLUDED_
#define _NGX_HTTP_AIGC_ADOPT_RUN_H_INCLUDED_

#include "ngx_http_aigc_adopt.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_http_aigc_code.h"

#include "ngx_aigc_pages.h"
#include "instances/ngx_aigc_gss_write.h"


#define NGX_HTTP_AIGC_ADOPT_TIME    300000  /* ms for all of it */
#define NGX_HTTP_AIGC_ADOPT_POLL    50      /* ms between looks at the table */
#define NGX_HTTP_AIGC_ADOPT_SHOWN   10000   /* ms for the table to show it */
#define NGX_HTTP_AIGC_ADOPT_CALL    6000    /* ms for a call to Kubernetes */
#define NGX_HTTP_AIGC_ADOPT_LOCK    (NGX_HTTP_AIGC_ADOPT_CALL + 1000)


typedef enum {
    NGX_HTTP_AIGC_ADOPT_READ = 0,       /* users, from Logto */
    NGX_HTTP_AIGC_ADOPT_STAMP,          /* disk after disk */
    NGX_HTTP_AIGC_ADOPT_STAMPED,        /* until the table shows it */
    NGX_HTTP_AIGC_ADOPT_WRITE,          /* template after template */
    NGX_HTTP_AIGC_ADOPT_WRITTEN         /* until the table shows it */
} ngx_http_aigc_adopt_phase_e;

typedef struct {
    ngx_http_aigc_adopt_phase_e   phase;
    ngx_http_aigc_adopt_list_t    list;
    ngx_pool_t                   *pool; /* the list's */
    ngx_str_t                     confirm;
    ngx_msec_t                    started;
    ngx_msec_t                    since;    /* of this phase */
    void                        (*step)(ngx_http_request_t *r);

    ngx_aigc_management_t        *call;
    ngx_aigc_pages_t              pages;

    ngx_aigc_fetch_t             *fetch;
    ngx_uint_t                    item; /* of list.adopt: the next */
    ngx_uint_t                    last; /* … and the first after this patch */
    uint32_t                      disk; /* slot: the next of item's; NONE */
    ngx_aigc_gss_write_t          write;    /* of item's template */
} ngx_http_aigc_adopt_t;


/*
 * Begins a run, which finalizes r.  confirm: the digest of the list, or empty:
 * only the list is wanted.  NGX_OK; NGX_ERROR: there is none.
 */
ngx_int_t ngx_http_aigc_adopt_begin(ngx_http_request_t *r,
    ngx_str_t *confirm);

/*
 * In the request's own context.  wait: a step again in ms milliseconds; go:
 * does the next phase from the first item on.
 */
void ngx_http_aigc_adopt_wait(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_msec_t ms);
void ngx_http_aigc_adopt_go(ngx_http_request_t *r, ngx_http_aigc_adopt_t *a,
    ngx_http_aigc_adopt_phase_e phase);

/* The end of the request; detail as of ngx_http_aigc_problem(). */
void ngx_http_aigc_adopt_failed(ngx_http_request_t *r,
    ngx_http_aigc_code_e code, const char *detail);

/* The next disk without an owner; the next template. */
void ngx_http_aigc_adopt_stamp(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);
void ngx_http_aigc_adopt_write(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);

/* NGX_OK: the table shows what STAMPED or WRITTEN waits for; NGX_AGAIN. */
ngx_int_t ngx_http_aigc_adopt_shown(ngx_http_request_t *r,
    ngx_http_aigc_adopt_t *a);


#endif /* _NGX_HTTP_AIGC_ADOPT_RUN_H_INCLUDED_ */
