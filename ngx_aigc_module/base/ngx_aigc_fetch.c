/*
 * base/ngx_aigc_fetch.c — a call and its answer.  How libcurl comes by its
 * sockets' events is in ngx_aigc_fetch_loop.c.
 */

#include "ngx_aigc_fetch.h"
#include "ngx_aigc_fetch_loop.h"

#include "ngx_aigc_elapsed.h"


#define NGX_AIGC_FETCH_SAY  1000        /* ms between two lines */

/*
 * A watch may be silent for minutes.  Load balancers and NATs in front of an
 * API server forget a connection that is, the hastiest after 30 s or so, and
 * tell nobody: probes come sooner than that, and a peer that is gone is noticed
 * by the system's count of probes at this distance, not by its own 75 s.
 */
#define NGX_AIGC_FETCH_KEEPIDLE   20L   /* s without a byte, then probes */
#define NGX_AIGC_FETCH_KEEPINTVL  10L   /* s between two of them */


static ngx_int_t ngx_aigc_fetch_setup(ngx_aigc_fetch_t *f);
static size_t ngx_aigc_fetch_write(char *p, size_t size, size_t n, void *data);
static size_t ngx_aigc_fetch_header(char *p, size_t size, size_t n,
    void *data);
static void ngx_aigc_fetch_status(ngx_aigc_fetch_t *f);
static void ngx_aigc_fetch_end(ngx_aigc_fetch_t *f, const char *error);
static void ngx_aigc_fetch_free(ngx_aigc_fetch_t *f);


ngx_aigc_fetch_t *
ngx_aigc_fetch_create(ngx_log_t *log)
{
    ngx_pool_t        *pool;
    ngx_aigc_fetch_t  *f;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NULL;
    }

    f = ngx_pcalloc(pool, sizeof(ngx_aigc_fetch_t));
    if (f == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    f->pool = pool;
    f->log = log;
    f->connect_timeout = 5000;
    f->end = ngx_aigc_fetch_end;

    return f;
}


ngx_int_t
ngx_aigc_fetch_text(ngx_aigc_fetch_t *f, ngx_str_t *dst, const char *value,
    ngx_str_t *more)
{
    u_char  *p;
    size_t   len;

    len = ngx_strlen(value);

    dst->len = len + (more ? more->len : 0);
    dst->data = ngx_pnalloc(f->pool, dst->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(dst->data, value, len);

    if (more && more->len) {
        p = ngx_cpymem(p, more->data, more->len);
    }

    *p = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_aigc_fetch_start(ngx_aigc_fetch_t *f)
{
    const char  *why;

    static ngx_aigc_seldom_t  said;

    if (ngx_aigc_fetch_setup(f) != NGX_OK) {
        why = "libcurl has no memory";
        ngx_aigc_fetch_starve(f);

    } else {
        why = ngx_aigc_fetch_join(f);
    }

    if (why == NULL) {
        return NGX_OK;
    }

    if (ngx_aigc_seldom(&said, NGX_AIGC_FETCH_SAY)) {
        ngx_log_error(NGX_LOG_ERR, f->log, 0,
                      "aigc: a call to \"%V\" could not be started: %s",
                      &f->url, why);
    }

    ngx_aigc_fetch_free(f);

    return NGX_ERROR;
}


static ngx_int_t
ngx_aigc_fetch_setup(ngx_aigc_fetch_t *f)
{
    CURL               *easy;
    ngx_uint_t          i;
    struct curl_slist  *list, *next;

    easy = curl_easy_init();
    if (easy == NULL) {
        return NGX_ERROR;
    }

    f->easy = easy;
    list = NULL;

    for (i = 0; i < f->nheaders; i++) {
        next = curl_slist_append(list, (char *) f->headers[i].data);
        if (next == NULL) {
            curl_slist_free_all(list);
            return NGX_ERROR;
        }

        list = next;
    }

    f->list = list;

    if (f->data == NULL) {
        f->answer.data = ngx_pnalloc(f->pool, f->max + 1);
        if (f->answer.data == NULL) {
            return NGX_ERROR;
        }
    }

#define ngx_aigc_setopt(option, value)                                        \
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) {                  \
        return NGX_ERROR;                                                     \
    }

    ngx_aigc_setopt(CURLOPT_URL, (char *) f->url.data);
    ngx_aigc_setopt(CURLOPT_PRIVATE, f);
    ngx_aigc_setopt(CURLOPT_NOSIGNAL, 1L);

    /* a resolver thread that hangs is left behind, not waited for */
    ngx_aigc_setopt(CURLOPT_QUICK_EXIT, 1L);

    ngx_aigc_setopt(CURLOPT_PROTOCOLS_STR, "http,https");
    ngx_aigc_setopt(CURLOPT_FOLLOWLOCATION, 0L);
    ngx_aigc_setopt(CURLOPT_PROXY, "");
    ngx_aigc_setopt(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPALIVE, 1L);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPIDLE, NGX_AIGC_FETCH_KEEPIDLE);
    ngx_aigc_setopt(CURLOPT_TCP_KEEPINTVL, NGX_AIGC_FETCH_KEEPINTVL);
    ngx_aigc_setopt(CURLOPT_CONNECTTIMEOUT_MS, (long) f->connect_timeout);
    ngx_aigc_setopt(CURLOPT_TIMEOUT_MS, (long) f->timeout);
    ngx_aigc_setopt(CURLOPT_HTTPHEADER, list);
    ngx_aigc_setopt(CURLOPT_CLOSESOCKETFUNCTION, ngx_aigc_fetch_close);
    ngx_aigc_setopt(CURLOPT_WRITEFUNCTION, ngx_aigc_fetch_write);
    ngx_aigc_setopt(CURLOPT_WRITEDATA, f);

    if (f->begin) {
        ngx_aigc_setopt(CURLOPT_HEADERFUNCTION, ngx_aigc_fetch_header);
        ngx_aigc_setopt(CURLOPT_HEADERDATA, f);
    }

    if (f->ca_file.len) {
        ngx_aigc_setopt(CURLOPT_CAINFO, (char *) f->ca_file.data);
    }

    if (f->body.len || f->method) {
        ngx_aigc_setopt(CURLOPT_POSTFIELDSIZE, (long) f->body.len);
        ngx_aigc_setopt(CURLOPT_POSTFIELDS,
                        f->body.len ? (char *) f->body.data : "");
    }

    if (f->method) {
        ngx_aigc_setopt(CURLOPT_CUSTOMREQUEST, f->method);
    }

#undef ngx_aigc_setopt

    return NGX_OK;
}


time_t
ngx_aigc_fetch_date(ngx_aigc_fetch_t *f)
{
    time_t               date;
    struct curl_header  *h;

    if (curl_easy_header(f->easy, "Date", 0, CURLH_HEADER, -1, &h)
        != CURLHE_OK)
    {
        return 0;
    }

    date = curl_getdate(h->value, NULL);

    return (date > 0) ? date : 0;
}


ngx_int_t
ngx_aigc_fetch_drop(ngx_aigc_fetch_t *f, u_char *p, size_t len)
{
    return NGX_OK;
}


void
ngx_aigc_fetch_cancel(ngx_aigc_fetch_t *f)
{
    ngx_aigc_fetch_leave(f);
    ngx_aigc_fetch_free(f);
}


static void
ngx_aigc_fetch_end(ngx_aigc_fetch_t *f, const char *error)
{
    if (f->error == NULL) {
        f->error = error;
    }

    ngx_aigc_fetch_leave(f);

    f->done(f);

    ngx_aigc_fetch_free(f);
}


/* libcurl does not end a transfer whose bytes are refused in here */
ngx_int_t
ngx_aigc_fetch_resume(ngx_aigc_fetch_t *f)
{
    return curl_easy_pause(f->easy, CURLPAUSE_CONT) == CURLE_OK ? NGX_OK
                                                                : NGX_ERROR;
}


static void
ngx_aigc_fetch_free(ngx_aigc_fetch_t *f)
{
    if (f->easy) {
        curl_easy_cleanup(f->easy);
    }

    if (f->list) {
        curl_slist_free_all(f->list);
    }

    ngx_destroy_pool(f->pool);
}


static size_t
ngx_aigc_fetch_write(char *p, size_t size, size_t n, void *data)
{
    ngx_aigc_fetch_t *f = data;

    size_t  len;

    len = size * n;

    if (f->data) {

        ngx_aigc_fetch_status(f);

        switch (f->data(f, (u_char *) p, len)) {

        case NGX_OK:
            return len;

        case NGX_AGAIN:
            return CURL_WRITEFUNC_PAUSE;

        default:
            return 0;
        }
    }

    if (len > f->max - f->answer.len) {
        f->error = "the answer is too large";
        f->large = 1;
        return 0;
    }

    ngx_memcpy(f->answer.data + f->answer.len, p, len);
    f->answer.len += len;

    return len;
}


/* line by line; the empty one is the end, of a 1xx answer, too */
static size_t
ngx_aigc_fetch_header(char *p, size_t size, size_t n, void *data)
{
    ngx_aigc_fetch_t *f = data;

    if (size * n <= 2) {
        f->status = 0;
        ngx_aigc_fetch_status(f);

        if (f->status >= 200) {
            f->begin(f);
        }
    }

    return size * n;
}


static void
ngx_aigc_fetch_status(ngx_aigc_fetch_t *f)
{
    long  status;

    if (f->status == 0
        && curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status)
           == CURLE_OK)
    {
        f->status = status;
    }
}
