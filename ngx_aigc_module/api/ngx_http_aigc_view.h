/*
 * api/ngx_http_aigc_view.h — what this worker's event streams have been told
 * of the table, and what there is to tell them.  It knows nothing of requests.
 *
 * A pass looks at the slots whose sequence counter has moved, renders what has
 * changed once, and leaves it as news for those whom it is about: an instance
 * for its owner's audience, a template for everybody.  A snapshot is made of
 * the same texts, so snapshot and news of an audience are one history.
 */

#ifndef _NGX_HTTP_AIGC_VIEW_H_INCLUDED_
#define _NGX_HTTP_AIGC_VIEW_H_INCLUDED_

#include "ngx_http_aigc_audience.h"


/*
 * The view of this process, which has one.  open: NGX_OK, also when it is open
 * already; NGX_ERROR: no memory.  close: nobody has joined any more.
 */
ngx_int_t ngx_http_aigc_view_open(ngx_http_aigc_main_conf_t *mcf);
void ngx_http_aigc_view_close(void);

/* The streams of sub that have joined. */
ngx_uint_t ngx_http_aigc_view_count(ngx_str_t *sub);

/*
 * One more stream of sub in the open view: its audience, or NULL: no memory.
 * The next pass finds what is sub's.  leave: the last one frees the audience.
 */
ngx_http_aigc_audience_t *ngx_http_aigc_view_join(ngx_str_t *sub);
void ngx_http_aigc_view_leave(ngx_http_aigc_audience_t *audience);

/*
 * Looks at the table; cheap when it has not changed.  A pass over a large table
 * is made in slices, with news after each.  NGX_OK; NGX_BUSY: call it again in
 * the next turn of the event loop; NGX_AGAIN: the view may lack something (a
 * half-written slot, a table that is being listed again after its writer died,
 * no memory): call it again soon.
 */
ngx_int_t ngx_http_aigc_view_update(void);

/*
 * News of the last slice: everybody's, or NULL; the queue of audiences that
 * have news of their own (by changed).  forget: all has been told.
 */
ngx_http_aigc_text_t *ngx_http_aigc_view_news(void);
ngx_queue_t *ngx_http_aigc_view_changed(void);
void ngx_http_aigc_view_forget(void);

/*
 * The two halves of a snapshot event: first is everybody's, second this
 * audience's.  Each has a reference for the caller.  NGX_OK; NGX_DECLINED: no
 * pass that began after it has joined is complete; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_view_snapshot(ngx_http_aigc_audience_t *audience,
    ngx_http_aigc_text_t **first, ngx_http_aigc_text_t **second);


#endif /* _NGX_HTTP_AIGC_VIEW_H_INCLUDED_ */
