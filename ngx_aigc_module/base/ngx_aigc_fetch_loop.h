/*
 * base/ngx_aigc_fetch_loop.h — libcurl's multi interface on the event loop.
 * For fetch's own files; ngx_aigc_fetch_init() and _exit() are in
 * ngx_aigc_fetch.h.
 */

#ifndef _NGX_AIGC_FETCH_LOOP_H_INCLUDED_
#define _NGX_AIGC_FETCH_LOOP_H_INCLUDED_

#include "ngx_aigc_fetch.h"

#include <curl/curl.h>


/* NULL before ngx_aigc_fetch_init() and after ngx_aigc_fetch_exit(). */
extern CURLM  *ngx_aigc_fetch_multi;


/*
 * _join() adds f->easy to the multi handle; it returns NULL, or a text that
 * says why it could not.  _leave() removes it.
 */
const char *ngx_aigc_fetch_join(ngx_aigc_fetch_t *f);
void ngx_aigc_fetch_leave(ngx_aigc_fetch_t *f);

/* Ends f soon, because there is no connection or no memory for it. */
void ngx_aigc_fetch_starve(ngx_aigc_fetch_t *f);

/*
 * For CURLOPT_CLOSESOCKETFUNCTION: closes a socket of libcurl and frees nginx's
 * connection for it.
 */
int ngx_aigc_fetch_close(void *data, curl_socket_t s);


#endif /* _NGX_AIGC_FETCH_LOOP_H_INCLUDED_ */
