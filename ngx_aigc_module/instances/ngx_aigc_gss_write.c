/*
 * instances/ngx_aigc_gss_write.c — the right to write a GameServerSet, and what
 * the API server's response means.
 */

#include "ngx_aigc_gss_write.h"


static void ngx_aigc_gss_write_unlock(ngx_aigc_zone_t *zone,
    ngx_aigc_gss_write_t *w, ngx_msec_t wait, int64_t generation);


ngx_int_t
ngx_aigc_gss_write_begin(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    uint32_t tmpl, ngx_msec_t time, ngx_log_t *log)
{
    w->tmpl = tmpl;
    ngx_str_null(&w->patch);

    w->lock = ngx_aigc_queue_lock(zone, tmpl, time);
    if (w->lock == 0) {
        return NGX_AGAIN;
    }

    w->pool = ngx_create_pool(16384, log);
    if (w->pool == NULL) {
        ngx_aigc_gss_write_unlock(zone, w, 0, 0);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_aigc_verdict_e
ngx_aigc_gss_write_answered(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_uint_t http, ngx_str_t *body, const char *error, ngx_log_t *log)
{
    ngx_uint_t           level, refused;
    ngx_aigc_status_t    status;
    ngx_aigc_verdict_e   verdict;

    verdict = ngx_aigc_verdict(w->pool, http, body, &status);

    ngx_aigc_queue_answered(zone, w->tmpl, w->lock, verdict, http);

    if (verdict == NGX_AIGC_WRITE_DONE) {
        w->failures = 0;
        ngx_aigc_gss_write_unlock(zone, w, w->shown, w->generation);
        return verdict;
    }

    ngx_aigc_count(zone, patches_failed);

    level = ngx_aigc_verdict_level(verdict);
    refused = (verdict == NGX_AIGC_WRITE_GONE
               || verdict == NGX_AIGC_WRITE_REFUSED);

    ngx_log_error(level, log, 0, "aigc: %s: %sstatus %ui%s%s%s%V%s", w->failed,
                  refused ? "the API server refuses it, " : "", http,
                  error ? ", " : "", error ? error : "",
                  status.message.len ? ": " : "", &status.message,
                  refused ? "" : ": trying again");

    /* when it was not this one's fault, others need not run into the same */

    w->failures++;

    ngx_aigc_gss_write_unlock(zone, w,
                              refused ? 0 : 30 * ngx_min(w->failures, 8)
                                            + ngx_random() % 60,
                              0);
    return verdict;
}


void
ngx_aigc_gss_write_end(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_msec_t wait)
{
    if (w->patch.len) {
        ngx_aigc_queue_answered(zone, w->tmpl, w->lock, NGX_AIGC_WRITE_UNSURE,
                                0);
    }

    ngx_aigc_gss_write_unlock(zone, w, wait, 0);
}


static void
ngx_aigc_gss_write_unlock(ngx_aigc_zone_t *zone, ngx_aigc_gss_write_t *w,
    ngx_msec_t wait, int64_t generation)
{
    ngx_pool_t  *pool;

    ngx_aigc_queue_unlock(zone, w->tmpl, w->lock, wait, generation);

    w->lock = 0;

    /* w may be in it */

    pool = w->pool;
    w->pool = NULL;

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
