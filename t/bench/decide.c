/*
 * t/bench/decide.c — how long the decision alone takes, within a worker: a
 * module that is loaded beside ours and calls it in a loop.
 *
 *   location = /_decide { aigc_bench_decide; }
 *
 * A request there, with an instance's host and a credential, is decided so many
 * times as its query says.  The answer, in ns for each: the decision, the look
 * for the host in the table, which is a part of it, and the empty loop.
 */

#include "gateway/ngx_http_aigc_decide.h"

#include <time.h>


#define ROUNDS  21                      /* the median of so many counts */


typedef void (*decide_pt)(ngx_http_request_t *r);


static char *decide_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t decide_handler(ngx_http_request_t *r);
static double decide_ns(ngx_http_request_t *r, ngx_uint_t n, decide_pt what);
static int decide_cmp(const void *one, const void *two);
static void decide_whole(ngx_http_request_t *r);
static void decide_host(ngx_http_request_t *r);
static void decide_nothing(ngx_http_request_t *r);


static ngx_http_aigc_decision_e  decision;


static ngx_command_t  decide_commands[] = {

    { ngx_string("aigc_bench_decide"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      decide_set,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  decide_ctx = {
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
};


ngx_module_t  decide_module = {
    NGX_MODULE_V1,
    &decide_ctx,
    decide_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};


/* what nginx looks for in a module that it loads */

ngx_module_t  *ngx_modules[] = { &decide_module, NULL };
char  *ngx_module_names[] = { "decide_module", NULL };
char  *ngx_module_order[] = { NULL };


static char *
decide_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = decide_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
decide_handler(ngx_http_request_t *r)
{
    double      whole, host, nothing;
    ngx_int_t   n;
    ngx_str_t   text, type;
    ngx_http_complex_value_t  cv;

    n = ngx_atoi(r->args.data, r->args.len);
    if (n <= 0) {
        return NGX_HTTP_BAD_REQUEST;
    }

    nothing = decide_ns(r, n, decide_nothing);
    host = decide_ns(r, n, decide_host);
    whole = decide_ns(r, n, decide_whole);

    text.data = ngx_pnalloc(r->pool, 256);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_snprintf(text.data, 256,
                            "decision=%V ns=%.1f host=%.1f loop=%.1f\n",
                            ngx_http_aigc_decision_name(decision), whole, host,
                            nothing)
               - text.data;

    ngx_str_set(&type, "text/plain");
    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = text;

    return ngx_http_send_response(r, NGX_HTTP_OK, &type, &cv);
}


/* n calls in ROUNDS parts; what they allocate is freed after each part. */
static double
decide_ns(ngx_http_request_t *r, ngx_uint_t n, decide_pt what)
{
    double            ns[ROUNDS];
    ngx_uint_t        i, round;
    ngx_pool_t       *pool, *own;
    struct timespec   begin, end;

    what(r);                            /* contexts are made here, once */

    own = r->pool;
    n = n / ROUNDS + 1;

    for (round = 0; round < ROUNDS; round++) {

        pool = ngx_create_pool(16384, r->connection->log);
        if (pool == NULL) {
            return 0;
        }

        r->pool = pool;

        clock_gettime(CLOCK_MONOTONIC, &begin);

        for (i = 0; i < n; i++) {
            what(r);
        }

        clock_gettime(CLOCK_MONOTONIC, &end);

        r->pool = own;
        ngx_destroy_pool(pool);

        ns[round] = ((end.tv_sec - begin.tv_sec) * 1e9
                     + (end.tv_nsec - begin.tv_nsec)) / n;
    }

    ngx_qsort(ns, ROUNDS, sizeof(double), decide_cmp);

    return ns[ROUNDS / 2];
}


static int
decide_cmp(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return (a > b) - (a < b);
}


static void
decide_whole(ngx_http_request_t *r)
{
    ngx_aigc_record_t     record;
    ngx_http_aigc_user_t  user;

    decision = ngx_http_aigc_decide(r, &r->headers_in.server, NULL, &record,
                                    &user);
}


static void
decide_host(ngx_http_request_t *r)
{
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    (void) ngx_aigc_table_by_host(mcf->zone, &r->headers_in.server, &record);
}


static void
decide_nothing(ngx_http_request_t *r)
{
    ngx_memory_barrier();
}
