/*
 * net/ngx_aigc_fetch_loop.h — libcurl's multi interface on the event loop.  For
 * fetch's own files; ngx_aigc_fetch_init() and _exit() are in ngx_aigc_fetch.h.
 */

#ifndef _NGX_AIGC_FETCH_LOOP_H_INCLUDED_
#define _NGX_AIGC_FETCH_LOOP_H_INCLUDED_

#include "ngx_aigc_fetch.h"

#include <curl/curl.h>


/* This worker's; NULL: before its start, and after its end. */
extern CURLM  *ngx_aigc_fetch_multi;


/* CURLOPT_CLOSESOCKETFUNCTION: nginx has to know. */
int ngx_aigc_fetch_close(void *data, curl_socket_t s);

/* Some calls may have ended: done() of each. */
void ngx_aigc_fetch_finished(void);


#endif /* _NGX_AIGC_FETCH_LOOP_H_INCLUDED_ */
