/*
 * oidc/ngx_aigc_revocation_read.c — the text of the ConfigMap goes into the
 * zone, slice by slice.
 */

#include "ngx_aigc_revocation_store.h"

#include "base/ngx_aigc_scan.h"


#define NGX_AIGC_REVOCATION_SLICE  1024 /* entries of a pass, … */
#define NGX_AIGC_REVOCATION_TAKEN  256  /* … taken in under one lock */


typedef struct {
    ngx_aigc_scan_walk_t    walk;       /* of its "data" */
    uint32_t                mark;
    uint32_t                listed;     /* the last list that named it */
    ngx_uint_t              n;          /* parsed, and not taken in yet */
    ngx_aigc_revocation_t   list[NGX_AIGC_REVOCATION_TAKEN];
} ngx_aigc_revocation_reading_t;


static ngx_int_t ngx_aigc_revocation_begin(ngx_aigc_zone_t *zone,
    ngx_str_t *text);
static ngx_int_t ngx_aigc_revocation_slice(ngx_aigc_zone_t *zone,
    ngx_log_t *log);
static ngx_int_t ngx_aigc_revocation_entry(ngx_aigc_zone_t *zone);
static ngx_uint_t ngx_aigc_revocation_rest(ngx_aigc_zone_t *zone,
    ngx_log_t *log);


static ngx_aigc_revocation_reading_t  ngx_aigc_revocation_reading;


ngx_int_t
ngx_aigc_revocation_take(ngx_aigc_zone_t *zone, ngx_str_t *text,
    ngx_uint_t more, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t  rc;

    rc = more ? ngx_aigc_revocation_slice(zone, log)
              : ngx_aigc_revocation_begin(zone, text);

    if (rc == NGX_OK) {
        ngx_aigc_revocation_whole(zone, ngx_aigc_revocation_reading.mark);
        ngx_aigc_revocation_again();

        ngx_aigc_revocation_reading.listed = mark;
    }

    return rc;
}


/* A list that has not named it: there is none, which is as an empty one. */
void
ngx_aigc_revocation_listed(ngx_aigc_zone_t *zone, uint32_t mark)
{
    ngx_str_t  none = ngx_null_string;

    if (ngx_aigc_revocation_reading.listed != mark) {
        (void) ngx_aigc_revocation_take(zone, &none, 0, mark, NULL);
    }
}


/* NGX_OK: it has no entries; NGX_AGAIN; NGX_ERROR */
static ngx_int_t
ngx_aigc_revocation_begin(ngx_aigc_zone_t *zone, ngx_str_t *text)
{
    ngx_aigc_revocation_reading_t  *r;

    ngx_aigc_scan_t  data[] = { { "data", ngx_null_string } };

    r = &ngx_aigc_revocation_reading;

    if (text->len && ngx_aigc_scan(text, data, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    r->mark = ngx_aigc_revocation_read(zone);
    r->n = 0;

    if (data[0].value.len == 0) {
        return NGX_OK;
    }

    ngx_aigc_scan_walk(&r->walk, &data[0].value);

    return NGX_AGAIN;
}


/* NGX_OK: that was all; NGX_AGAIN: more in the next pass; NGX_ERROR */
static ngx_int_t
ngx_aigc_revocation_slice(ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    rc = NGX_OK;

    for (n = 0; rc == NGX_OK && n < NGX_AIGC_REVOCATION_SLICE; n++) {

        rc = ngx_aigc_revocation_entry(zone);

        if (ngx_aigc_revocation_reading.n == NGX_AIGC_REVOCATION_TAKEN
            && ngx_aigc_revocation_rest(zone, log))
        {
            return NGX_AGAIN;
        }
    }

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    if (rc != NGX_DONE) {
        return NGX_ERROR;
    }

    return ngx_aigc_revocation_rest(zone, log) ? NGX_AGAIN : NGX_OK;
}


/* The next one into the list, if it is one of ours; as ngx_aigc_scan_next(). */
static ngx_int_t
ngx_aigc_revocation_entry(ngx_aigc_zone_t *zone)
{
    ngx_int_t                       rc;
    ngx_str_t                       name, value;
    ngx_aigc_revocation_t          *revocation;
    ngx_aigc_revocation_reading_t  *r;

    r = &ngx_aigc_revocation_reading;

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

    revocation = &r->list[r->n];

    switch (ngx_aigc_revocation_parse(&name, &value, revocation)) {

    case NGX_OK:
        r->n++;
        break;

    case NGX_DONE:
        ngx_aigc_revocation_floor(zone, ngx_aigc_when_time(revocation->when));
        break;

    default:
        break;
    }

    return NGX_OK;
}


/* Takes in the list; how many of it are left for another pass. */
static ngx_uint_t
ngx_aigc_revocation_rest(ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_uint_t                      n;
    ngx_aigc_revocation_reading_t  *r;

    r = &ngx_aigc_revocation_reading;

    n = ngx_aigc_revocation_seen(zone, r->list, r->n, r->mark, log);

    r->n -= n;

    ngx_memmove(r->list, &r->list[n], r->n * sizeof(ngx_aigc_revocation_t));

    return r->n;
}
