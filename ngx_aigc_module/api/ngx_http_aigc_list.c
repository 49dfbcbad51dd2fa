/*
 * api/ngx_http_aigc_list.c — piece after piece of a long response.
 */

#include "ngx_http_aigc_list.h"
#include "ngx_http_aigc_stream.h"
#include "base/ngx_http_aigc_wait.h"
#include "base/ngx_http_aigc_reply.h"


#define NGX_HTTP_AIGC_LIST_SIGNS  128   /* bytes between items: names, too */


static void ngx_http_aigc_list_cleanup(void *data);
static void ngx_http_aigc_list_drained(ngx_http_aigc_stream_t *stream);
static void ngx_http_aigc_list_step(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_list_render(ngx_http_aigc_list_t *list,
    ngx_http_aigc_text_t *text);
static ngx_int_t ngx_http_aigc_list_item(ngx_http_aigc_list_t *list);


void
ngx_http_aigc_list(ngx_http_request_t *r, ngx_http_aigc_list_part_t *parts,
    void *data)
{
    ngx_int_t                rc;
    ngx_pool_cleanup_t      *cln;
    ngx_http_aigc_list_t    *list;
    ngx_http_aigc_stream_t  *stream;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_aigc_list_t));
    if (cln == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    list = cln->data;
    ngx_memzero(list, sizeof(ngx_http_aigc_list_t));

    list->request = r;
    list->data = data;
    list->part = parts;
    list->pool = ngx_create_pool(16384, r->connection->log);

    if (list->pool == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    cln->handler = ngx_http_aigc_list_cleanup;

    rc = ngx_http_aigc_send_header(r, NGX_HTTP_OK, "application/json", -1);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_aigc_finish(r, rc);
        return;
    }

    stream = ngx_http_aigc_stream_create(r, ngx_http_aigc_list_drained);

    if (stream == NULL) {
        ngx_http_aigc_finish(r, NGX_ERROR);
        return;
    }

    stream->data = list;

    if (ngx_http_aigc_wait(r, NGX_HTTP_AIGC_LIST_PAUSE,
                           ngx_http_aigc_list_step)
        != NGX_OK)
    {
        ngx_http_aigc_finish(r, NGX_ERROR);
    }
}


static void
ngx_http_aigc_list_cleanup(void *data)
{
    ngx_http_aigc_list_t  *list = data;

    ngx_destroy_pool(list->pool);
}


static void
ngx_http_aigc_list_drained(ngx_http_aigc_stream_t *stream)
{
    ngx_http_aigc_list_step(stream->request);
}


/* The next piece, by the timer or when the last one has gone out. */
static void
ngx_http_aigc_list_step(ngx_http_request_t *r)
{
    ngx_int_t                rc, more;
    ngx_http_aigc_list_t    *list;
    ngx_http_aigc_text_t    *text;
    ngx_http_aigc_stream_t  *stream;

    stream = ngx_http_aigc_stream_of(r);
    list = stream->data;

    text = ngx_http_aigc_text_create(ngx_max(NGX_HTTP_AIGC_LIST_PIECE,
                                             list->rest.len
                                             + 2 * NGX_HTTP_AIGC_LIST_SIGNS));
    if (text == NULL) {
        ngx_http_aigc_finish(r, NGX_ERROR);
        return;
    }

    more = ngx_http_aigc_list_render(list, text);

    rc = (more == NGX_ERROR) ? NGX_ERROR : NGX_OK;

    if (rc == NGX_OK && text->len) {
        rc = ngx_http_aigc_stream_send(stream, text, NULL);
    }

    ngx_http_aigc_text_release(text);

    if (rc == NGX_ERROR) {
        ngx_http_aigc_finish(r, NGX_ERROR);
        return;
    }

    if (more == NGX_DONE) {
        ngx_http_aigc_finish(r, ngx_http_send_special(r, NGX_HTTP_LAST));
        return;
    }

    if (rc == NGX_AGAIN) {
        return;                         /* …_drained() goes on */
    }

    if (ngx_http_aigc_wait(r, NGX_HTTP_AIGC_LIST_PAUSE,
                           ngx_http_aigc_list_step)
        != NGX_OK)
    {
        ngx_http_aigc_finish(r, NGX_ERROR);
    }
}


/* NGX_OK: there is more to come; NGX_DONE; NGX_ERROR */
static ngx_int_t
ngx_http_aigc_list_render(ngx_http_aigc_list_t *list,
    ngx_http_aigc_text_t *text)
{
    ngx_int_t   rc;
    ngx_uint_t  steps;

    for (steps = 0; steps < NGX_HTTP_AIGC_LIST_STEPS; steps++) {

        if (!list->begun) {
            text->len = ngx_sprintf(text->data + text->len, "%s\"%s\":[",
                                    list->first ? "," : "{", list->part->name)
                        - text->data;
            list->begun = 1;
            list->first = 1;
        }

        if (list->rest.len == 0) {

            rc = ngx_http_aigc_list_item(list);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_AGAIN) {
                continue;
            }

            if (rc == NGX_DONE) {
                text->data[text->len++] = ']';

                if ((++list->part)->name == NULL) {
                    text->data[text->len++] = '}';
                    return NGX_DONE;
                }

                list->at = 0;
                list->n = 0;
                list->begun = 0;

                continue;
            }
        }

        if (list->rest.len + NGX_HTTP_AIGC_LIST_SIGNS
            > text->size - text->len)
        {
            return NGX_OK;
        }

        if (list->n++) {
            text->data[text->len++] = ',';
        }

        ngx_memcpy(text->data + text->len, list->rest.data, list->rest.len);
        text->len += list->rest.len;

        list->rest.len = 0;
        ngx_reset_pool(list->pool);
    }

    return NGX_OK;
}


/* The next item, as text, into rest.  As next(), or NGX_ERROR. */
static ngx_int_t
ngx_http_aigc_list_item(ngx_http_aigc_list_t *list)
{
    json_t     *item;
    ngx_int_t   rc;

    rc = list->part->next(list, &item);

    return (rc == NGX_OK) ? ngx_http_aigc_json_dump(list->pool, item,
                                                    &list->rest)
                          : rc;
}
