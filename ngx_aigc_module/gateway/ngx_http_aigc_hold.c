/*
 * gateway/ngx_http_aigc_hold.c — the ring, and its timer.
 */

#include "ngx_http_aigc_hold.h"

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
} ngx_http_aigc_hold_t;


static void ngx_http_aigc_hold_cleanup(void *data);
static void ngx_http_aigc_hold_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_aigc_hold_same(ngx_http_aigc_hold_t *hold);
static const char *ngx_http_aigc_hold_check(ngx_http_aigc_hold_t *hold);
static const char *ngx_http_aigc_hold_record(ngx_http_aigc_hold_t *hold);
static void ngx_http_aigc_hold_close(ngx_http_aigc_hold_t *hold,
    const char *why);


static ngx_queue_t        ngx_http_aigc_holds;      /* first: longest ago */
static ngx_uint_t         ngx_http_aigc_hold_n;
static ngx_uint_t         ngx_http_aigc_hold_left;  /* of this round */
static ngx_event_t        ngx_http_aigc_hold_event;


ngx_int_t
ngx_http_aigc_hold(ngx_http_request_t *r, ngx_aigc_record_t *record,
    ngx_http_aigc_who_t *who)
{
    ngx_event_t                *ev;
    ngx_http_cleanup_t         *cln;
    ngx_http_aigc_ctx_t        *ctx;
    ngx_http_aigc_hold_t       *hold;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx == NULL || ctx->held) {
        return ctx ? NGX_OK : NGX_ERROR;
    }

    hold = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_hold_t));
    cln = ngx_http_cleanup_add(r->main, 0);

    if (hold == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    if (record) {
        /* as in the context, "ns/name/id" */

        hold->id = record->id;
        hold->ns.len = record->ns.len;
        hold->ns.data = ctx->instance.data;
        hold->name.len = record->name.len;
        hold->name.data = ctx->instance.data + record->ns.len + 1;
    }

    hold->request = r->main;
    hold->zone = mcf->zone;
    hold->user = who->sub;
    hold->subject = who->subject;
    hold->end = record ? who->subject.start + mcf->lifetime
                       : NGX_MAX_TIME_T_VALUE;

    /* the first look is a whole one, whatever came in between */

    hold->seq = NGX_AIGC_SEQ_NONE;

    cln->handler = ngx_http_aigc_hold_cleanup;
    cln->data = hold;
    ctx->held = 1;

    ev = &ngx_http_aigc_hold_event;

    if (ev->handler == NULL) {
        ngx_queue_init(&ngx_http_aigc_holds);
        ngx_aigc_timer_init(ev, ngx_http_aigc_hold_timer, 1, ngx_cycle->log);
    }

    ngx_queue_insert_tail(&ngx_http_aigc_holds, &hold->queue);
    ngx_http_aigc_hold_n++;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_AIGC_HOLD_EVERY);
    }

    return NGX_OK;
}


static void
ngx_http_aigc_hold_cleanup(void *data)
{
    ngx_http_aigc_hold_t *hold = data;

    ngx_queue_remove(&hold->queue);
    ngx_http_aigc_hold_n--;
}


static void
ngx_http_aigc_hold_timer(ngx_event_t *ev)
{
    ngx_uint_t             work;
    const char            *why;
    ngx_queue_t           *q;
    ngx_http_aigc_hold_t  *hold;

    if (ngx_queue_empty(&ngx_http_aigc_holds)) {
        ngx_http_aigc_hold_left = 0;
        return;
    }

    if (ngx_http_aigc_hold_left == 0) {
        ngx_http_aigc_hold_left = ngx_http_aigc_hold_n;
    }

    work = 0;

    while (ngx_http_aigc_hold_left && work < NGX_HTTP_AIGC_HOLD_WORK) {

        /* nothing is taken out of the ring here: closing is posted */

        q = ngx_queue_head(&ngx_http_aigc_holds);
        hold = ngx_queue_data(q, ngx_http_aigc_hold_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_aigc_holds, q);

        ngx_http_aigc_hold_left--;
        work++;

        if (ngx_http_aigc_hold_same(hold)) {
            continue;
        }

        work += NGX_HTTP_AIGC_HOLD_LOOK;
        why = ngx_http_aigc_hold_check(hold);

        if (why) {
            ngx_http_aigc_hold_close(hold, why);
        }
    }

    ngx_add_timer(ev, ngx_http_aigc_hold_left ? NGX_HTTP_AIGC_HOLD_SOON
                                              : NGX_HTTP_AIGC_HOLD_EVERY);
}


/* Nothing that decides on it has changed since it was looked up. */
static ngx_uint_t
ngx_http_aigc_hold_same(ngx_http_aigc_hold_t *hold)
{
    return hold->closing
           || (hold->end > ngx_time()
               && hold->revocations == ngx_aigc_revocation_version(hold->zone)
               && (hold->name.len == 0
                   || hold->seq == ngx_aigc_table_record_seq(hold->zone,
                                                             hold->slot)));
}


/* Why it has to end, or NULL. */
static const char *
ngx_http_aigc_hold_check(ngx_http_aigc_hold_t *hold)
{
    ngx_atomic_uint_t  version;

    if (hold->end <= ngx_time()) {
        return "its session is over";
    }

    if (hold->revocations != ngx_aigc_revocation_version(hold->zone)) {

        if (ngx_aigc_revocation_check(hold->zone, &hold->subject, &version)
            != NGX_OK)
        {
            return "its session was revoked";
        }

        hold->revocations = version;
    }

    return ngx_http_aigc_hold_record(hold);
}


/* As the access phase would see it now, but for a pod that is not ready. */
static const char *
ngx_http_aigc_hold_record(ngx_http_aigc_hold_t *hold)
{
    ngx_int_t           rc;
    ngx_aigc_record_t   record;

    if (hold->name.len == 0
        || hold->seq == ngx_aigc_table_record_seq(hold->zone, hold->slot))
    {
        return NULL;
    }

    rc = ngx_aigc_table_slot(hold->zone, &hold->ns, &hold->name, hold->id,
                             &record, &hold->slot);

    if (rc == NGX_BUSY
        || (rc != NGX_OK && ngx_aigc_table_whole(hold->zone) != NGX_OK))
    {
        return NULL;                    /* with the next look */
    }

    if (rc != NGX_OK) {
        return "its instance is gone";
    }

    hold->seq = record.seq;

    if (!ngx_aigc_fixed_eq(&record.owner, &hold->user)
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
ngx_http_aigc_hold_close(ngx_http_aigc_hold_t *hold, const char *why)
{
    ngx_connection_t  *c;

    c = hold->request->connection;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "aigc: a connection of \"%V\" to %V/%V/%i is closed: %s",
                  &hold->user, &hold->ns, &hold->name, hold->id, why);

    ngx_aigc_count(hold->zone, closed);

    hold->closing = 1;
    c->close = 1;

    ngx_post_event(c->write, &ngx_posted_events);
}
