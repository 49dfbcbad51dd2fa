/*
 * api/ngx_http_aigc_tell.c — what was told against what there is.
 */

#include "ngx_http_aigc_tell.h"
#include "base/ngx_http_aigc_reply.h"


static ngx_int_t ngx_http_aigc_tell_gone(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_item_t *item);
static ngx_int_t ngx_http_aigc_tell_moved(ngx_aigc_zone_t *zone,
    ngx_http_aigc_item_t *item);
static ngx_int_t ngx_http_aigc_tell_message(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_audience_t *audience, const char *event, ngx_str_t *json);


ngx_int_t
ngx_http_aigc_tell(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_item_t **place, ngx_http_aigc_item_t *now)
{
    ngx_int_t              rc;
    ngx_http_aigc_item_t  *old;

    old = *place;

    if (old && (now->audience == NULL || !ngx_http_aigc_item_is(old, now))) {

        rc = ngx_http_aigc_tell_gone(teller, old);
        if (rc != NGX_OK) {
            return rc;
        }

        old = NULL;
    }

    /* a counter moves more often than what is shown changes */

    if (now->audience == NULL
        || (old && ngx_aigc_text_eq(&old->json, &now->json)))
    {
        return NGX_OK;
    }

    rc = ngx_http_aigc_tell_message(teller, now->audience,
                                    now->id < 0 ? "template" : "instance",
                                    &now->json);
    if (rc != NGX_OK) {
        return rc;
    }

    return (ngx_http_aigc_item_put(now, place) == NGX_OK) ? NGX_OK : NGX_AGAIN;
}


/*
 * Says that what was in a slot is gone, unless it only has another slot now.
 * While the table is listed again, what is missing has only not been listed
 * yet.
 */
static ngx_int_t
ngx_http_aigc_tell_gone(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_item_t *item)
{
    json_t      *key;
    ngx_int_t    rc;
    ngx_str_t    json;
    const char  *event;

    if (ngx_aigc_table_holes(teller->zone)) {
        return NGX_AGAIN;
    }

    if (ngx_http_aigc_item_twice(item)) {
        ngx_http_aigc_item_free(item);
        return NGX_OK;
    }

    if (ngx_http_aigc_tell_moved(teller->zone, item) != NGX_DECLINED) {
        return NGX_AGAIN;
    }

    if (item->id < 0) {
        event = "template-gone";
        key = json_pack("{s:o, s:o}",
                        "namespace", ngx_http_aigc_json_str(&item->ns),
                        "name", ngx_http_aigc_json_str(&item->name));

    } else {
        event = "instance-gone";
        key = json_pack("{s:o, s:o, s:i}",
                        "namespace", ngx_http_aigc_json_str(&item->ns),
                        "template", ngx_http_aigc_json_str(&item->name),
                        "id", (int) item->id);
    }

    if (ngx_http_aigc_json_dump(teller->pool, key, &json) != NGX_OK) {
        return NGX_AGAIN;
    }

    rc = ngx_http_aigc_tell_message(teller, item->audience, event, &json);

    if (rc == NGX_OK) {
        ngx_http_aigc_item_free(item);
    }

    return rc;
}


/*
 * Does the table hold it in another slot, for the same audience?  NGX_OK;
 * NGX_DECLINED; NGX_BUSY.
 */
static ngx_int_t
ngx_http_aigc_tell_moved(ngx_aigc_zone_t *zone, ngx_http_aigc_item_t *item)
{
    ngx_int_t             rc;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    if (item->id < 0) {
        rc = ngx_aigc_table_template(zone, &item->ns, &item->name, &tmpl,
                                     NULL);

        return (rc == NGX_OK && tmpl.deleting) ? NGX_DECLINED : rc;
    }

    rc = ngx_aigc_table_by_id(zone, &item->ns, &item->name, item->id,
                              &record);

    return (rc == NGX_OK
            && !ngx_aigc_fixed_eq(&record.owner, &item->audience->node.str))
           ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_http_aigc_tell_message(ngx_http_aigc_teller_t *teller,
    ngx_http_aigc_audience_t *audience, const char *event, ngx_str_t *json)
{
    if (ngx_http_aigc_audience_message(audience, teller->version, event, json)
        != NGX_OK)
    {
        return NGX_AGAIN;
    }

    if (audience != &teller->all && ngx_queue_empty(&audience->changed)) {
        ngx_queue_insert_tail(&teller->changed, &audience->changed);
    }

    return NGX_OK;
}
