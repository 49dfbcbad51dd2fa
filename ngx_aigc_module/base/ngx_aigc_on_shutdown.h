/*
 * base/ngx_aigc_on_shutdown.h — calls a handler when a worker's graceful
 * shutdown begins, while its event loop still runs.
 */

#ifndef _NGX_AIGC_ON_SHUTDOWN_H_INCLUDED_
#define _NGX_AIGC_ON_SHUTDOWN_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * handler is called once, at QUIT or a reload; not at TERM, nor with
 * "master_process off".  One handler per worker.  NGX_OK or NGX_ERROR (logged).
 */
ngx_int_t ngx_aigc_on_shutdown(ngx_cycle_t *cycle, void (*handler)(void));

/* Frees a file descriptor; to be called before the worker exits. */
void ngx_aigc_on_shutdown_free(void);


#endif /* _NGX_AIGC_ON_SHUTDOWN_H_INCLUDED_ */
