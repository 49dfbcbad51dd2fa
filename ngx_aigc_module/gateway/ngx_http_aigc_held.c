/*
 * gateway/ngx_http_aigc_held.c — the ring, and its timer.
 */

#include "ngx_http_aigc_held.h"

#include "base/ngx_aigc_timer.h"


typedef struct {
    ngx_queue_t           queue;
    ngx_http_request_t   *request;
    ngx_aigc_zone_t      *zone;
    time_t                end;          /* of the session */
    ngx_aigc_subject_t    subject;
    ngx_str_t             user;
    ngx_str_t             ns;
    ngx_str_t             name;         /* len 0: of no instance */
    ngx_int_t             id;
    ngx_atomic_uint_t     revocations;  /* the version it was held against */
    uint32_t              slot;         /* of its record, */
    ngx_atomic_uint_t     seq;          /* as that was */
    unsigned              closing:1;
} ngx_http_aigc_held_t;


static void ngx_http_aigc_held_cleanup(void *data);
static void ngx_http_aigc_held_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_aigc_held_same(ngx_http_aigc_held_t *held);
static const char *ngx_http_aigc_held_check(ngx_http_aigc_held_t *held);
static const char *ngx_http_aigc_held_record(ngx_http_aigc_held_t *held);
static void ngx_http_aigc_held_close(ngx_http_aigc_held_t *held,
    const char *why);


static ngx_queue_t        ngx_http_aigc_held_all;      /* first: longest ago */
static ngx_uint_t         ngx_http_aigc_held_n;
static ngx_uint_t         ngx_http_aigc_held_left;  /* of this round */
static ngx_event_t        ngx_http_aigc_held_event;


ngx_int_t
ngx_http_aigc_held_add(ngx_http_request_t *r, ngx_aigc_record_t *record,
    ngx_http_aigc_user_t *user)
{
    ngx_event_t                *ev;
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_held_t       *held;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx == NULL || ctx->held) {
        return ctx ? NGX_OK : NGX_ERROR;
    }

    held = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_held_t));
    cln = ngx_http_cleanup_add(r->main, 0);

    if (held == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    if (record) {
        /* as in the context, "ns/name/id" */

        held->id = record->id;
        held->ns.len = record->ns.len;
        held->ns.data = ctx->instance.data;
        held->name.len = record->name.len;
        held->name.data = ctx->instance.data + record->ns.len + 1;
    }

    held->request = r->main;
    held->zone = mcf->zone;
    held->user = user->sub;
    held->subject = user->subject;
    held->end = record ? user->subject.start + mcf->lifetime
                       : NGX_MAX_TIME_T_VALUE;

    /* the first look is a whole one, whatever came in between */

    held->seq = NGX_AIGC_SEQ_NONE;

    cln->handler = ngx_http_aigc_held_cleanup;
    cln->data = held;
    ctx->held = 1;

    ev = &ngx_http_aigc_held_event;

    if (ev->handler == NULL) {
        ngx_queue_init(&ngx_http_aigc_held_all);
        ngx_aigc_timer_init(ev, ngx_http_aigc_held_timer, 1, ngx_cycle->log);
    }

    ngx_queue_insert_tail(&ngx_http_aigc_held_all, &held->queue);
    ngx_http_aigc_held_n++;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_AIGC_HELD_EVERY);
    }

    return NGX_OK;
}


static void
ngx_http_aigc_held_cleanup(void *data)
{
    ngx_http_aigc_held_t *held = data;

    ngx_queue_remove(&held->queue);
    ngx_http_aigc_held_n--;
}


static void
ngx_http_aigc_held_timer(ngx_event_t *ev)
{
    ngx_uint_t             work;
    const char            *why;
    ngx_queue_t           *q;
    ngx_http_aigc_held_t  *held;

    if (ngx_queue_empty(&ngx_http_aigc_held_all)) {
        ngx_http_aigc_held_left = 0;
        return;
    }

    if (ngx_http_aigc_held_left == 0) {
        ngx_http_aigc_held_left = ngx_http_aigc_held_n;
    }

    work = 0;

    while (ngx_http_aigc_held_left && work < NGX_HTTP_AIGC_HELD_WORK) {

        /* nothing is taken out of the ring here: closing is posted */

        q = ngx_queue_head(&ngx_http_aigc_held_all);
        held = ngx_queue_data(q, ngx_http_aigc_held_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_aigc_held_all, q);

        ngx_http_aigc_held_left--;
        work++;

        if (ngx_http_aigc_held_same(held)) {
            continue;
        }

        work += NGX_HTTP_AIGC_HELD_LOOKUP;
        why = ngx_http_aigc_held_check(held);

        if (why) {
            ngx_http_aigc_held_close(held, why);
        }
    }

    ngx_add_timer(ev, ngx_http_aigc_held_left ? NGX_HTTP_AIGC_HELD_SOON
                                              : NGX_HTTP_AIGC_HELD_EVERY);
}


/* Nothing that decides on it has changed since it was looked up. */
static ngx_uint_t
ngx_http_aigc_held_same(ngx_http_aigc_held_t *held)
{
    return held->closing
           || (held->end > ngx_time()
               && held->revocations == ngx_aigc_revocation_version(held->zone)
               && (held->name.len == 0
                   || held->seq == ngx_aigc_table_record_seq(held->zone,
                                                             held->slot)));
}


/* Why it has to end, or NULL. */
static const char *
ngx_http_aigc_held_check(ngx_http_aigc_held_t *held)
{
    ngx_atomic_uint_t  version;

    if (held->end <= ngx_time()) {
        return "its session is over";
    }

    if (held->revocations != ngx_aigc_revocation_version(held->zone)) {

        if (ngx_aigc_revocation_check(held->zone, &held->subject, &version)
            != NGX_OK)
        {
            return "its session was revoked";
        }

        held->revocations = version;
    }

    return ngx_http_aigc_held_record(held);
}


/* As the access phase would see it now, but for a pod that is not ready. */
static const char *
ngx_http_aigc_held_record(ngx_http_aigc_held_t *held)
{
    ngx_int_t           rc;
    ngx_aigc_record_t   record;

    if (held->name.len == 0
        || held->seq == ngx_aigc_table_record_seq(held->zone, held->slot))
    {
        return NULL;
    }

    rc = ngx_aigc_table_slot(held->zone, &held->ns, &held->name, held->id,
                             &record, &held->slot);

    if (rc == NGX_BUSY
        || (rc != NGX_OK && ngx_aigc_table_whole(held->zone) != NGX_OK))
    {
        return NULL;                    /* with the next look */
    }

    if (rc != NGX_OK) {
        return "its instance is gone";
    }

    held->seq = record.seq;

    if (!ngx_aigc_fixed_eq(&record.owner, &held->user)
        || record.collision || record.disk == NGX_AIGC_DISK_FOREIGN)
    {
        return "its instance is not its user's any more";
    }

    if (record.state != NGX_AIGC_RUNNING) {
        return "its instance was released";
    }

    return NULL;
}


/* nginx's own way to end a request from outside: its handler sees c->close */
static void
ngx_http_aigc_held_close(ngx_http_aigc_held_t *held, const char *why)
{
    ngx_connection_t  *c;

    c = held->request->connection;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "aigc: a connection of \"%V\" to %V/%V/%i is closed: %s",
                  &held->user, &held->ns, &held->name, held->id, why);

    ngx_aigc_count(held->zone, closed);

    held->closing = 1;
    c->close = 1;

    ngx_post_event(c->write, &ngx_posted_events);
}
