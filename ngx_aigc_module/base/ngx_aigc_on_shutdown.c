/*
 * base/ngx_aigc_on_shutdown.c — nginx tells idle connections, and nobody else,
 * that a worker shuts down: so this is one, of a descriptor on which nothing
 * happens.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_on_shutdown.h"


static void ngx_aigc_on_shutdown_begins(ngx_event_t *ev);


static ngx_connection_t  *ngx_aigc_on_shutdown_connection;
static void             (*ngx_aigc_on_shutdown_handler)(void);


ngx_int_t
ngx_aigc_on_shutdown(ngx_cycle_t *cycle, void (*handler)(void))
{
    ngx_fd_t           fd;
    ngx_connection_t  *c;

    fd = ngx_open_file("/dev/null", NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      ngx_open_file_n " \"/dev/null\" failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, cycle->log);

    if (c == NULL) {
        (void) ngx_close_file(fd);      /* only opened */
        return NGX_ERROR;
    }

    c->idle = 1;
    c->log = cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_aigc_on_shutdown_begins;

    ngx_aigc_on_shutdown_connection = c;
    ngx_aigc_on_shutdown_handler = handler;

    return NGX_OK;
}


static void
ngx_aigc_on_shutdown_begins(ngx_event_t *ev)
{
    ngx_aigc_on_shutdown_connection->idle = 0;

    ngx_aigc_on_shutdown_handler();
}


void
ngx_aigc_on_shutdown_free(void)
{
    ngx_fd_t           fd;
    ngx_connection_t  *c;

    c = ngx_aigc_on_shutdown_connection;

    if (c == NULL) {
        return;
    }

    fd = c->fd;

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    ngx_aigc_on_shutdown_connection = NULL;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_close_file_n " \"/dev/null\" failed");
    }
}
