/*
 * api/ngx_http_aigc_audience.c — texts, items and news.
 */

#include "ngx_http_aigc_audience.h"


ngx_http_aigc_text_t *
ngx_http_aigc_text_create(size_t size)
{
    ngx_http_aigc_text_t  *text;

    text = ngx_alloc(offsetof(ngx_http_aigc_text_t, data) + size,
                     ngx_cycle->log);
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;
    text->len = 0;
    text->size = size;

    return text;
}


void
ngx_http_aigc_text_release(ngx_http_aigc_text_t *text)
{
    if (text && --text->refs == 0) {
        ngx_free(text);
    }
}


void
ngx_http_aigc_audience_init(ngx_http_aigc_audience_t *audience)
{
    ngx_memzero(audience, sizeof(ngx_http_aigc_audience_t));

    ngx_queue_init(&audience->streams);
    ngx_queue_init(&audience->items);
    ngx_queue_init(&audience->changed);
}


void
ngx_http_aigc_audience_clear(ngx_http_aigc_audience_t *audience)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&audience->items)) {
        q = ngx_queue_head(&audience->items);
        ngx_http_aigc_item_free(ngx_queue_data(q, ngx_http_aigc_item_t,
                                               queue));
    }

    ngx_http_aigc_audience_quiet(audience);

    ngx_http_aigc_text_release(audience->list);
    audience->list = NULL;
}


ngx_int_t
ngx_http_aigc_audience_message(ngx_http_aigc_audience_t *audience,
    ngx_atomic_uint_t version, const char *event, ngx_str_t *json)
{
    size_t                 len;
    ngx_http_aigc_text_t  *news, *more;

    news = audience->news;
    len = sizeof("id: \nevent: \ndata: \n\n") + NGX_ATOMIC_T_LEN
          + ngx_strlen(event) + json->len;

    if (news == NULL || news->size - news->len < len) {

        more = ngx_http_aigc_text_create(news ? 2 * news->size + len : len);
        if (more == NULL) {
            return NGX_ERROR;
        }

        if (news) {
            ngx_memcpy(more->data, news->data, news->len);
            more->len = news->len;
            ngx_http_aigc_text_release(news);
        }

        news = more;
        audience->news = news;
    }

    news->len = ngx_sprintf(news->data + news->len,
                            "id: %uA\nevent: %s\ndata: %V\n\n", version, event,
                            json)
                - news->data;

    return NGX_OK;
}


void
ngx_http_aigc_audience_quiet(ngx_http_aigc_audience_t *audience)
{
    ngx_queue_remove(&audience->changed);
    ngx_queue_init(&audience->changed);

    ngx_http_aigc_text_release(audience->news);
    audience->news = NULL;
}


ngx_http_aigc_text_t *
ngx_http_aigc_audience_list(ngx_http_aigc_audience_t *audience,
    const char *before, const char *after)
{
    u_char                *p;
    size_t                 len;
    ngx_queue_t           *q;
    ngx_http_aigc_text_t  *text;
    ngx_http_aigc_item_t  *item;

    len = ngx_strlen(before) + ngx_strlen(after);

    for (q = ngx_queue_head(&audience->items);
         q != ngx_queue_sentinel(&audience->items);
         q = ngx_queue_next(q))
    {
        item = ngx_queue_data(q, ngx_http_aigc_item_t, queue);
        len += item->json.len + 1;
    }

    text = ngx_http_aigc_text_create(len);
    if (text == NULL) {
        return NULL;
    }

    p = ngx_cpymem(text->data, before, ngx_strlen(before));

    for (q = ngx_queue_head(&audience->items);
         q != ngx_queue_sentinel(&audience->items);
         q = ngx_queue_next(q))
    {
        item = ngx_queue_data(q, ngx_http_aigc_item_t, queue);

        if (q != ngx_queue_head(&audience->items)) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, item->json.data, item->json.len);
    }

    p = ngx_cpymem(p, after, ngx_strlen(after));

    text->len = p - text->data;

    return text;
}


ngx_int_t
ngx_http_aigc_item_put(ngx_http_aigc_item_t *item,
    ngx_http_aigc_item_t **place)
{
    u_char                *p;
    ngx_http_aigc_item_t  *new;

    new = ngx_alloc(sizeof(ngx_http_aigc_item_t) + item->ns.len
                    + item->name.len + item->json.len,
                    ngx_cycle->log);
    if (new == NULL) {
        return NGX_ERROR;
    }

    if (*place) {
        ngx_http_aigc_item_free(*place);
    }

    *new = *item;
    p = (u_char *) (new + 1);

    new->ns.data = p;
    p = ngx_cpymem(p, item->ns.data, item->ns.len);

    new->name.data = p;
    p = ngx_cpymem(p, item->name.data, item->name.len);

    new->json.data = p;
    ngx_memcpy(p, item->json.data, item->json.len);

    new->place = place;
    *place = new;

    ngx_queue_insert_tail(&new->audience->items, &new->queue);

    ngx_http_aigc_text_release(new->audience->list);
    new->audience->list = NULL;

    return NGX_OK;
}


void
ngx_http_aigc_item_free(ngx_http_aigc_item_t *item)
{
    ngx_http_aigc_text_release(item->audience->list);
    item->audience->list = NULL;

    *item->place = NULL;

    ngx_queue_remove(&item->queue);
    ngx_free(item);
}


ngx_uint_t
ngx_http_aigc_item_is(ngx_http_aigc_item_t *item, ngx_http_aigc_item_t *other)
{
    return item->audience == other->audience
           && item->id == other->id
           && ngx_aigc_text_eq(&item->ns, &other->ns)
           && ngx_aigc_text_eq(&item->name, &other->name);
}


ngx_uint_t
ngx_http_aigc_item_twice(ngx_http_aigc_item_t *item)
{
    ngx_queue_t           *q;
    ngx_http_aigc_item_t  *other;

    for (q = ngx_queue_head(&item->audience->items);
         q != ngx_queue_sentinel(&item->audience->items);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_http_aigc_item_t, queue);

        if (other != item && ngx_http_aigc_item_is(other, item)) {
            return 1;
        }
    }

    return 0;
}
