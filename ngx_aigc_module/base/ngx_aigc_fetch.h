/*
 * base/ngx_aigc_fetch.h — HTTP calls by libcurl's multi interface on nginx's
 * event loop.  Nothing here blocks a worker.  For Logto, in every worker, and
 * for the watches, in worker 0; what a request asks of Kubernetes goes by
 * subrequest instead.
 */

#ifndef _NGX_AIGC_FETCH_H_INCLUDED_
#define _NGX_AIGC_FETCH_H_INCLUDED_

#include "ngx_aigc_reserve.h"

#include "ngx_aigc_zone.h"


#define NGX_AIGC_FETCH_HEADERS_MAX  8


typedef struct ngx_aigc_fetch_s  ngx_aigc_fetch_t;

/* NGX_OK; NGX_AGAIN: the bytes were not taken, call again after resume;
   NGX_ERROR: give the call up. */
typedef ngx_int_t (*ngx_aigc_fetch_data_pt)(ngx_aigc_fetch_t *f, u_char *p,
    size_t len);
typedef void (*ngx_aigc_fetch_begin_pt)(ngx_aigc_fetch_t *f);
typedef void (*ngx_aigc_fetch_done_pt)(ngx_aigc_fetch_t *f);


struct ngx_aigc_fetch_s {
    ngx_pool_t              *pool;      /* lives as long as the call */
    ngx_log_t               *log;

    /* set by the caller, from pool; texts end with a NUL beyond len */
    const char              *method;    /* NULL: GET */
    ngx_str_t                url;
    ngx_str_t                headers[NGX_AIGC_FETCH_HEADERS_MAX];
    ngx_uint_t               nheaders;
    ngx_str_t                body;      /* sent when len or method POST, PATCH */
    ngx_str_t                ca_file;   /* len 0: the system's */
    ngx_msec_t               timeout;   /* ms for all of it; 0: none */
    ngx_msec_t               connect_timeout;   /* ms */
    size_t                   max;       /* bytes of an answer that is kept */
    ngx_aigc_reserve_e       reserve;   /* whose connections it may use */
    ngx_aigc_fetch_begin_pt  begin;     /* NULL, or: the headers are there */
    ngx_aigc_fetch_data_pt   data;      /* NULL: the answer is kept */
    ngx_aigc_fetch_done_pt   done;      /* called once, unless cancelled */
    void                    *ctx;

    /* the answer */
    ngx_uint_t               status;    /* HTTP; 0: there was none */
    ngx_str_t                answer;    /* kept bytes */
    const char              *error;     /* NULL, or why it failed, in words */
    ngx_uint_t               large;     /* … because the answer is over max */

    void                    *easy;      /* CURL */
    void                    *list;      /* struct curl_slist */
    void                    *multi;     /* CURLM; NULL: not under way */
    ngx_queue_t              queue;     /* of all that are */
    void                   (*end)(ngx_aigc_fetch_t *f, const char *error);
                                        /* it ends, as error says: done() */
    unsigned                 starved:1; /* it has no connection, and will end */
};


/*
 * For each worker: before the first call, and at its end.  duties: connections
 * that are set aside for NGX_AIGC_RESERVE_DUTY.  NGX_OK or NGX_ERROR (logged).
 */
ngx_int_t ngx_aigc_fetch_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    ngx_uint_t duties);
void ngx_aigc_fetch_exit(void);

/* A call with a pool of its own, to be filled.  NULL: no memory. */
ngx_aigc_fetch_t *ngx_aigc_fetch_create(ngx_log_t *log);

/*
 * Sets a text from pool, with a NUL behind it: value + more (more may be NULL).
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_fetch_text(ngx_aigc_fetch_t *f, ngx_str_t *dst,
    const char *value, ngx_str_t *more);

/*
 * Starts it.  NGX_OK: done() will be called, later, then the call is freed;
 * NGX_ERROR: it was freed at once, done() is not called.
 */
ngx_int_t ngx_aigc_fetch_start(ngx_aigc_fetch_t *f);

/* In done(): the date that the answer bears; 0: none. */
time_t ngx_aigc_fetch_date(ngx_aigc_fetch_t *f);

/* Ends a call without done(); not from its own data(). */
void ngx_aigc_fetch_cancel(ngx_aigc_fetch_t *f);

/*
 * After data() said NGX_AGAIN: data() gets those bytes now.  NGX_ERROR: it gave
 * the call up, which is still there, for the caller to cancel.
 */
ngx_int_t ngx_aigc_fetch_resume(ngx_aigc_fetch_t *f);


#endif /* _NGX_AIGC_FETCH_H_INCLUDED_ */
