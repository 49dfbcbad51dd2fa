/*
 * api/ngx_http_aigc_audience.h — those who are told the same things: all event
 * streams of one user in this worker.  What they have been told, and the news
 * for them.  Memory is the process's, freed piece by piece: a stream may live
 * for ever.
 */

#ifndef _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_
#define _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_table.h"


/* Text that several streams may be sending, each at its own pace. */
typedef struct {
    ngx_uint_t                 refs;
    size_t                     len;
    size_t                     size;    /* of data */
    u_char                     data[1];
} ngx_http_aigc_text_t;


typedef struct {
    ngx_str_node_t             node;    /* the user; first, for its tree */
    ngx_queue_t                streams; /* the caller's */
    ngx_uint_t                 n;       /* streams that have joined */
    ngx_queue_t                items;   /* what they have been told of */
    ngx_queue_t                changed; /* the caller's: those with news */
    ngx_http_aigc_text_t      *news;    /* events to be sent, or NULL */
    ngx_http_aigc_text_t      *list;    /* of items as JSON, when it is known */
} ngx_http_aigc_audience_t;


/* An instance or a template as it was told. */
typedef struct ngx_http_aigc_item_s  ngx_http_aigc_item_t;

struct ngx_http_aigc_item_s {
    ngx_queue_t                queue;   /* of its audience */
    ngx_http_aigc_audience_t  *audience;
    ngx_http_aigc_item_t     **place;   /* what points here */
    ngx_str_t                  ns;
    ngx_str_t                  name;
    ngx_int_t                  id;      /* -1: a template */
    ngx_str_t                  json;
};


/* An empty text for size bytes, with one reference.  NULL: no memory. */
ngx_http_aigc_text_t *ngx_http_aigc_text_create(size_t size);

/* Gives one reference back; the last one frees it.  text may be NULL. */
void ngx_http_aigc_text_release(ngx_http_aigc_text_t *text);


void ngx_http_aigc_audience_init(ngx_http_aigc_audience_t *audience);

/* Frees items and texts; not the struct. */
void ngx_http_aigc_audience_clear(ngx_http_aigc_audience_t *audience);

/*
 * Adds an event with this JSON and the version as its id to the news.  NGX_OK
 * or NGX_ERROR: no memory, nothing was added.
 */
ngx_int_t ngx_http_aigc_audience_say(ngx_http_aigc_audience_t *audience,
    ngx_atomic_uint_t version, const char *event, ngx_str_t *json);

/* Takes audience out of the queue of those with news, and drops the news. */
void ngx_http_aigc_audience_quiet(ngx_http_aigc_audience_t *audience);

/*
 * before, the items' JSON separated by commas, after; one reference for the
 * caller.  NULL: no memory.
 */
ngx_http_aigc_text_t *ngx_http_aigc_audience_list(
    ngx_http_aigc_audience_t *audience, const char *before,
    const char *after);


/*
 * Puts a copy of item, whose queue and place are not used, into place; what was
 * there is freed.  NGX_OK or NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_item_put(ngx_http_aigc_item_t *item,
    ngx_http_aigc_item_t **place);

/* Frees item; its place is NULL then. */
void ngx_http_aigc_item_free(ngx_http_aigc_item_t *item);

/* 1: the same instance or template, of the same audience; 0. */
ngx_uint_t ngx_http_aigc_item_is(ngx_http_aigc_item_t *item,
    ngx_http_aigc_item_t *other);

/* 1: the audience has been told of it in another item, too; 0. */
ngx_uint_t ngx_http_aigc_item_twice(ngx_http_aigc_item_t *item);


#endif /* _NGX_HTTP_AIGC_AUDIENCE_H_INCLUDED_ */
