/*
 * oidc/ngx_aigc_rotation_read.c — the text of the Secret goes into the zone,
 * slice by slice; which of its entries can go is found on the way.
 */

#include "ngx_aigc_rotation_store.h"

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_scan.h"


#define NGX_AIGC_ROTATION_SLICE  128    /* entries of a pass */
#define NGX_AIGC_ROTATION_PAST   64     /* entries that are removed at once */
#define NGX_AIGC_ROTATION_LATE   60     /* s that clocks may differ by */


typedef struct {
    time_t                  rank;
    u_char                  key[NGX_AIGC_ROTATION_KEY_LEN];
} ngx_aigc_rotation_old_t;

typedef struct {
    ngx_aigc_scan_walk_t      walk;     /* of its "data" */
    size_t                    bytes;
    ngx_uint_t                entries;
    ngx_uint_t                n;
    ngx_aigc_rotation_old_t   old[NGX_AIGC_ROTATION_PAST];  /* the lowest
                                                               ranks */

    /* of the last reading */
    ngx_uint_t                npast;
    u_char                    past[NGX_AIGC_ROTATION_PAST
                                   * NGX_AIGC_ROTATION_KEY_LEN];
} ngx_aigc_rotation_reading_t;


static ngx_int_t ngx_aigc_rotation_begin(ngx_aigc_zone_t *zone,
    ngx_str_t *text);
static void ngx_aigc_rotation_entry(ngx_aigc_zone_t *zone, ngx_str_t *name,
    ngx_str_t *value);
static void ngx_aigc_rotation_rank(u_char *key,
    ngx_aigc_rotation_t *rotation);
static void ngx_aigc_rotation_whole(void);


static ngx_aigc_rotation_reading_t  ngx_aigc_rotation_reading;


ngx_int_t
ngx_aigc_rotation_take(ngx_aigc_zone_t *zone, ngx_str_t *text,
    ngx_uint_t more, uint32_t mark, ngx_log_t *log)
{
    ngx_int_t                     rc;
    ngx_str_t                     name, value;
    ngx_uint_t                    i;
    ngx_aigc_rotation_reading_t  *r;

    if (!more) {
        return ngx_aigc_rotation_begin(zone, text);
    }

    r = &ngx_aigc_rotation_reading;

    for (i = 0; i < NGX_AIGC_ROTATION_SLICE; i++) {

        rc = ngx_aigc_scan_next(&r->walk, &name, &value);

        if (rc == NGX_DONE) {
            ngx_aigc_rotation_whole();
            ngx_aigc_rotation_heard(zone);
            return NGX_OK;
        }

        if (rc != NGX_OK || r->walk.array) {
            return NGX_ERROR;
        }

        ngx_aigc_rotation_entry(zone, &name, &value);
    }

    return NGX_AGAIN;
}


/* NGX_OK: it has no entries; NGX_AGAIN; NGX_ERROR */
static ngx_int_t
ngx_aigc_rotation_begin(ngx_aigc_zone_t *zone, ngx_str_t *text)
{
    ngx_aigc_rotation_reading_t  *r;

    ngx_aigc_scan_t  data[] = { { "data", ngx_null_string } };

    r = &ngx_aigc_rotation_reading;

    r->bytes = 0;
    r->entries = 0;
    r->n = 0;
    r->npast = 0;

    if (text->len && ngx_aigc_scan(text, data, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (data[0].value.len == 0) {
        ngx_aigc_rotation_heard(zone);
        return NGX_OK;
    }

    ngx_aigc_scan_walk(&r->walk, &data[0].value);

    return NGX_AGAIN;
}


static void
ngx_aigc_rotation_entry(ngx_aigc_zone_t *zone, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char                key[NGX_AIGC_ROTATION_KEY_LEN];
    u_char                buf[NGX_AIGC_ROTATION_TEXT_MAX];
    ngx_str_t             text;
    ngx_aigc_rotation_t   rotation;

    text.data = buf;

    if (ngx_aigc_rotation_key_parse(name, key) != NGX_OK
        || ngx_aigc_rotation_value(value, &text) != NGX_OK
        || ngx_aigc_rotation_parse(&text, &rotation) != NGX_OK)
    {
        return;
    }

    ngx_aigc_rotation_reading.entries++;
    ngx_aigc_rotation_reading.bytes += name->len + text.len;

    ngx_aigc_rotation_rank(key, &rotation);

    if (ngx_time() < rotation.until) {
        ngx_aigc_rotation_put(zone, key, &text, NGX_AIGC_ROTATION_SEEN);
    }
}


/*
 * Among the first to go, in their order: sessions that are over, then those
 * that were renewed, or claimed for it, the longest time ago.
 */
static void
ngx_aigc_rotation_rank(u_char *key, ngx_aigc_rotation_t *rotation)
{
    time_t                        rank;
    ngx_uint_t                    i;
    ngx_aigc_rotation_reading_t  *r;

    r = &ngx_aigc_rotation_reading;

    rank = (ngx_time() < rotation->until + NGX_AIGC_ROTATION_LATE)
           ? ngx_max(rotation->exp, rotation->claim) : 0;

    if (r->n == NGX_AIGC_ROTATION_PAST) {

        if (rank >= r->old[r->n - 1].rank) {
            return;
        }

        r->n--;
    }

    for (i = r->n; i && rank < r->old[i - 1].rank; i--) {
        r->old[i] = r->old[i - 1];
    }

    r->old[i].rank = rank;
    ngx_memcpy(r->old[i].key, key, NGX_AIGC_ROTATION_KEY_LEN);
    r->n++;
}


/* Sessions that are over go, and when there are too many, the next ones. */
static void
ngx_aigc_rotation_whole(void)
{
    ngx_uint_t                    i, over;
    ngx_aigc_rotation_reading_t  *r;

    r = &ngx_aigc_rotation_reading;

    over = (r->entries > NGX_AIGC_ROTATION_MAX)
           ? r->entries - NGX_AIGC_ROTATION_MAX : 0;

    if (r->bytes > NGX_AIGC_ROTATION_BYTES) {
        over = NGX_AIGC_ROTATION_PAST;
    }

    for (i = 0; i < r->n; i++) {

        if (i >= over && r->old[i].rank) {
            break;
        }

        ngx_memcpy(&r->past[i * NGX_AIGC_ROTATION_KEY_LEN], r->old[i].key,
                   NGX_AIGC_ROTATION_KEY_LEN);
    }

    r->npast = i;
}


ngx_uint_t
ngx_aigc_rotation_past(u_char **keys)
{
    *keys = ngx_aigc_rotation_reading.past;

    return ngx_aigc_rotation_reading.npast;
}
