/*
 * base/ngx_aigc_fetch_loop.h — libcurl's multi interface on the event loop.  For
 * fetch's own files; ngx_aigc_fetch_init() and _exit() are in ngx_aigc_fetch.h.
 */

#ifndef _NGX_AIGC_FETCH_LOOP_H_INCLUDED_
#define _NGX_AIGC_FETCH_LOOP_H_INCLUDED_

#include "ngx_aigc_fetch.h"

#include <curl/curl.h>


/* This worker's; NULL: before its start, and after its end. */
extern CURLM  *ngx_aigc_fetch_multi;


/*
 * f->easy goes into the multi handle, and out of it; NULL: it went in, or why
 * not, in words.
 */
const char *ngx_aigc_fetch_join(ngx_aigc_fetch_t *f);
void ngx_aigc_fetch_leave(ngx_aigc_fetch_t *f);

/* f cannot go on for want of a connection, or of memory. */
void ngx_aigc_fetch_starve(ngx_aigc_fetch_t *f);

/* CURLOPT_CLOSESOCKETFUNCTION: nginx has to know. */
int ngx_aigc_fetch_close(void *data, curl_socket_t s);


#endif /* _NGX_AIGC_FETCH_LOOP_H_INCLUDED_ */
