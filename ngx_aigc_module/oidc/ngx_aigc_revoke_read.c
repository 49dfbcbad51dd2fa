/*
 * oidc/ngx_aigc_revoke_read.c — the text of the ConfigMap goes into the zone.  It
 * is up to a megabyte, and comes whole with every change of a single entry: it
 * is walked through without being built, a bounded number of entries in one pass
 * of the event loop.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_revoke_read.h"
#include "ngx_aigc_revoke.h"

#include "base/ngx_aigc_loop_time.h"
#include "base/ngx_aigc_scan.h"


typedef struct {
    ngx_aigc_zone_t            *zone;
    ngx_log_t                  *log;
    ngx_aigc_revoke_read_pt     done;
    ngx_event_t                 more;
    ngx_str_t                   object;
    ngx_uint_t                  wrapped;    /* object is yet an array of it */
    ngx_uint_t                  begun;      /* walk is that of its "data" */
    ngx_aigc_scan_walk_t        walk;
    uint32_t                    mark;
    ngx_uint_t                  n;          /* parsed, and not taken in yet */
    ngx_aigc_revoked_t          list[NGX_AIGC_REVOKE_LOCK];
} ngx_aigc_revoke_reading_t;


static void ngx_aigc_revoke_read_more(ngx_event_t *ev);
static ngx_int_t ngx_aigc_revoke_read_begin(ngx_aigc_revoke_reading_t *r);
static ngx_int_t ngx_aigc_revoke_read_slice(ngx_aigc_revoke_reading_t *r);
static ngx_int_t ngx_aigc_revoke_read_entry(ngx_aigc_revoke_reading_t *r);
static ngx_uint_t ngx_aigc_revoke_read_take(ngx_aigc_revoke_reading_t *r);


static ngx_aigc_revoke_reading_t  ngx_aigc_revoke_reading;


void
ngx_aigc_revoke_read_init(ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_aigc_revoke_reading_t  *r;

    r = &ngx_aigc_revoke_reading;

    ngx_memzero(r, sizeof(ngx_aigc_revoke_reading_t));

    r->zone = zone;
    r->log = log;
    r->more.handler = ngx_aigc_revoke_read_more;
    r->more.data = r;
    r->more.log = log;
}


void
ngx_aigc_revoke_read(ngx_str_t *object, ngx_uint_t list,
    ngx_aigc_revoke_read_pt done)
{
    ngx_aigc_revoke_reading_t  *r;

    r = &ngx_aigc_revoke_reading;

    r->object = *object;
    r->wrapped = list;
    r->done = done;
    r->begun = 0;
    r->n = 0;

    ngx_post_event(&r->more, &ngx_posted_next_events);
}


ngx_uint_t
ngx_aigc_revoke_reads(void)
{
    return ngx_aigc_revoke_reading.more.posted;
}


void
ngx_aigc_revoke_read_stop(void)
{
    if (ngx_aigc_revoke_reading.more.posted) {
        ngx_delete_posted_event(&ngx_aigc_revoke_reading.more);
    }
}


static void
ngx_aigc_revoke_read_more(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_aigc_revoke_reading_t  *r;

    r = ev->data;

    if (ngx_aigc_zone_is_writer(r->zone) != NGX_OK) {
        return;                         /* ngx_aigc_revoke.c ends it all */
    }

    ngx_aigc_loop_time_begin();

    rc = r->begun ? ngx_aigc_revoke_read_slice(r)
                  : ngx_aigc_revoke_read_begin(r);

    if (rc == NGX_AGAIN) {
        ngx_post_event(&r->more, &ngx_posted_next_events);

    } else {
        r->done(rc);
    }

    ngx_aigc_loop_time_end(NGX_AIGC_LOOP_TIME_WATCH);
}


static ngx_int_t
ngx_aigc_revoke_read_begin(ngx_aigc_revoke_reading_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  name, object;

    ngx_aigc_scan_t  data[] = { { "data", ngx_null_string } };

    ngx_aigc_scan_walk(&r->walk, &r->object);

    if (r->wrapped) {

        /* of a list the only element; none is as one without data */

        rc = ngx_aigc_scan_next(&r->walk, &name, &object);

        if (!r->walk.array || (rc != NGX_OK && rc != NGX_DONE)) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_str_set(&object, "{}");
        }

        r->object = object;
        r->wrapped = 0;

        return NGX_AGAIN;
    }

    if (ngx_aigc_scan(&r->object, data, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    r->mark = ngx_aigc_revocation_read(r->zone);
    r->begun = 1;

    if (data[0].value.len == 0) {
        ngx_aigc_revocation_whole(r->zone, r->mark);
        return NGX_OK;
    }

    ngx_aigc_scan_walk(&r->walk, &data[0].value);

    return NGX_AGAIN;
}


/* NGX_OK: that was all; NGX_AGAIN: more in the next pass; NGX_ERROR */
static ngx_int_t
ngx_aigc_revoke_read_slice(ngx_aigc_revoke_reading_t *r)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    rc = NGX_OK;

    for (n = 0; rc == NGX_OK && n < NGX_AIGC_REVOKE_SLICE; n++) {

        rc = ngx_aigc_revoke_read_entry(r);

        if (r->n == NGX_AIGC_REVOKE_LOCK && ngx_aigc_revoke_read_take(r)) {
            return NGX_AGAIN;
        }
    }

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    if (rc != NGX_DONE) {
        return NGX_ERROR;
    }

    if (ngx_aigc_revoke_read_take(r)) {
        return NGX_AGAIN;
    }

    ngx_aigc_revocation_whole(r->zone, r->mark);

    return NGX_OK;
}


/* The next one into the list, if it is one of ours; as ngx_aigc_scan_next(). */
static ngx_int_t
ngx_aigc_revoke_read_entry(ngx_aigc_revoke_reading_t *r)
{
    ngx_int_t            rc;
    ngx_str_t            name, value;
    ngx_aigc_revoked_t  *revoked;

    rc = ngx_aigc_scan_next(&r->walk, &name, &value);

    if (rc != NGX_OK) {
        return rc;
    }

    if (r->walk.array || value.len < 2 || value.data[0] != '"') {
        return NGX_OK;
    }

    /* what has to be escaped is none of ours */

    value.data++;
    value.len -= 2;

    revoked = &r->list[r->n];

    switch (ngx_aigc_revoked_parse(&name, &value, revoked)) {

    case NGX_OK:
        r->n++;
        break;

    case NGX_DONE:
        ngx_aigc_revocation_floor(r->zone, ngx_aigc_when_time(revoked->when));
        break;

    default:
        break;
    }

    return NGX_OK;
}


/* How many of the list are left for another pass. */
static ngx_uint_t
ngx_aigc_revoke_read_take(ngx_aigc_revoke_reading_t *r)
{
    ngx_uint_t  n;

    n = ngx_aigc_revocation_seen(r->zone, r->list, r->n, r->mark, r->log);

    r->n -= n;

    ngx_memmove(r->list, &r->list[n], r->n * sizeof(ngx_aigc_revoked_t));

    return r->n;
}
