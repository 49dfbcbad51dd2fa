/*
 * base/ngx_aigc_timer.c — timers that belong to no connection.
 */

#include "ngx_aigc_timer.h"


/* nginx's debug log prints the fd of the connection that ev->data points to. */
static ngx_connection_t  ngx_aigc_timer_connection = {
    .fd = (ngx_socket_t) -1
};


void
ngx_aigc_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_uint_t cancelable, ngx_log_t *log)
{
    ngx_memzero(ev, sizeof(ngx_event_t));

    ev->handler = handler;
    ev->data = &ngx_aigc_timer_connection;
    ev->log = log;
    ev->cancelable = cancelable;
}


void
ngx_aigc_timer_stop(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }
}
