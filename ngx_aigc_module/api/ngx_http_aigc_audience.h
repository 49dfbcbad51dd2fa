/*
 * api/ngx_http_aigc_audience.h — an audience: all event streams of one user in
 * this worker, which get the same stream messages.  It keeps what was last
 * sent of each instance and template, and the messages that are to be sent.
 * Memory comes from the heap, not from a pool: a stream may live for ever.
 */

#ifndef _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_
#define _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_table.h"


/* A reference-counted text: several streams send it, each at its own pace. */
typedef struct {
    ngx_uint_t                 refs;
    size_t                     len;
    size_t                     size;    /* capacity of data */
    u_char                     data[1];
} ngx_http_aigc_text_t;


typedef struct {
    ngx_str_node_t             node;    /* user; first member, for its tree */
    ngx_queue_t                streams; /* owned by the caller */
    ngx_uint_t                 n;       /* number of streams */
    ngx_uint_t                 since;   /* pass in which the first one came */
    ngx_queue_t                items;   /* sent to the streams */
    ngx_queue_t                changed; /* caller's queue of those with news */
    ngx_http_aigc_text_t      *news;    /* messages to be sent, or NULL */
    ngx_http_aigc_text_t      *list;    /* cached JSON of items, or NULL */
} ngx_http_aigc_audience_t;


/* An instance or a template as it was last sent. */
typedef struct ngx_http_aigc_item_s  ngx_http_aigc_item_t;

struct ngx_http_aigc_item_s {
    ngx_queue_t                queue;   /* in audience->items */
    ngx_http_aigc_audience_t  *audience;
    ngx_http_aigc_item_t     **place;   /* the pointer to this item */
    ngx_str_t                  ns;
    ngx_str_t                  name;
    ngx_int_t                  id;      /* -1: a template */
    ngx_str_t                  json;
};


/* Creates an empty text of size bytes with one reference.  NULL: no memory. */
ngx_http_aigc_text_t *ngx_http_aigc_text_create(size_t size);

/* Drops one reference; the last one frees the text.  text may be NULL. */
void ngx_http_aigc_text_release(ngx_http_aigc_text_t *text);


void ngx_http_aigc_audience_init(ngx_http_aigc_audience_t *audience);

/* Frees the items and texts, but not the struct. */
void ngx_http_aigc_audience_clear(ngx_http_aigc_audience_t *audience);

/*
 * Appends a stream message to the news: version is its id, json its data.
 * NGX_OK; NGX_ERROR: no memory, nothing was added.
 */
ngx_int_t ngx_http_aigc_audience_message(ngx_http_aigc_audience_t *audience,
    ngx_atomic_uint_t version, const char *event, ngx_str_t *json);

/* Removes audience from the queue of those with news, and drops the news. */
void ngx_http_aigc_audience_quiet(ngx_http_aigc_audience_t *audience);

/*
 * Builds a text: before, the JSON of all items separated by commas, after.  The
 * caller gets its one reference.  NULL: no memory.
 */
ngx_http_aigc_text_t *ngx_http_aigc_audience_list(
    ngx_http_aigc_audience_t *audience, const char *before,
    const char *after);


/*
 * Copies item into *place and frees the item that was there.  queue and place
 * of the original are ignored.  NGX_OK; NGX_ERROR: no memory, nothing changed.
 */
ngx_int_t ngx_http_aigc_item_put(ngx_http_aigc_item_t *item,
    ngx_http_aigc_item_t **place);

/* Frees item and sets its place to NULL. */
void ngx_http_aigc_item_free(ngx_http_aigc_item_t *item);

/* 1: both are the same instance or template of the same audience; else 0. */
ngx_uint_t ngx_http_aigc_item_is(ngx_http_aigc_item_t *item,
    ngx_http_aigc_item_t *other);

/* 1: the audience has another item of the same instance; else 0. */
ngx_uint_t ngx_http_aigc_item_twice(ngx_http_aigc_item_t *item);


#endif /* _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_ */
