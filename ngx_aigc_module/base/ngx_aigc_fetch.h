/*
 * base/ngx_aigc_fetch.h — HTTP calls by libcurl's multi interface on nginx's
 * event loop, which never block a worker: calls to the sign-in provider, in
 * every worker, and to Kubernetes, in worker 0.  A request calls Kubernetes by
 * a subrequest instead (kube/ngx_aigc_subrequest.h).
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
    ngx_str_t                body;      /* sent when len or method POST,
                                           PATCH */
    ngx_str_t                ca_file;   /* len 0: the system's */
    ngx_msec_t               timeout;   /* ms for all of it; 0: none */
    ngx_msec_t               connect_timeout;   /* ms */
    size_t                   max;       /* bytes of an answer that is kept */
    ngx_aigc_reserve_e       reserve;   /* the reserve of its connection */
    ngx_aigc_fetch_begin_pt  begin;     /* called when the headers have come, or
                                           NULL */
    ngx_aigc_fetch_data_pt   data;      /* takes the body; NULL: it is kept in
                                           answer */
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
                                        /* ends the call with error: done() */
    unsigned                 starved:1; /* it got no connection, and will end */
};


/*
 * Called in each worker, _init() before its first call and _exit() at its end.
 * duties is the number of connections to set aside for NGX_AIGC_RESERVE_DUTY.
 * NGX_OK; NGX_ERROR, which is logged.
 */
ngx_int_t ngx_aigc_fetch_init(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    ngx_uint_t duties);
void ngx_aigc_fetch_exit(void);

/*
 * Creates a call with a pool of its own; the caller fills it.  NULL: no
 * memory.
 */
ngx_aigc_fetch_t *ngx_aigc_fetch_create(ngx_log_t *log);

/*
 * Sets dst to value followed by more, which may be NULL, with a NUL behind it.
 * dst is from f->pool.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_fetch_text(ngx_aigc_fetch_t *f, ngx_str_t *dst,
    const char *value, ngx_str_t *more);

/*
 * Starts a call.  NGX_OK: done() will be called later, and then the call is
 * freed; NGX_ERROR: the call was freed, and done() is not called.
 */
ngx_int_t ngx_aigc_fetch_start(ngx_aigc_fetch_t *f);

/* For done(): returns the Date of the answer; 0: it has none. */
time_t ngx_aigc_fetch_date(ngx_aigc_fetch_t *f);

/* As data(): throws the body away, of a call whose status says it all. */
ngx_int_t ngx_aigc_fetch_drop(ngx_aigc_fetch_t *f, u_char *p, size_t len);

/* Ends and frees a call without done().  Its own data() must not call this. */
void ngx_aigc_fetch_cancel(ngx_aigc_fetch_t *f);

/*
 * Passes the bytes that data() has answered with NGX_AGAIN to data() again.
 * NGX_OK; NGX_ERROR: data() has given the call up, and the caller cancels it.
 */
ngx_int_t ngx_aigc_fetch_resume(ngx_aigc_fetch_t *f);


#endif /* _NGX_AIGC_FETCH_H_INCLUDED_ */
