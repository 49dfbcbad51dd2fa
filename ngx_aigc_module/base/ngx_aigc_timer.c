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
ngx_aigc_timer_within(ngx_event_t *ev, ngx_msec_t ms)
{
    if (ev->timer_set
        && (ngx_msec_int_t) (ev->timer.key - ngx_current_msec)
           <= (ngx_msec_int_t) ms)
    {
        return;
    }

    /* nginx does not move an armed timer by less than 300 ms */

    ngx_aigc_timer_stop(ev);
    ngx_add_timer(ev, ms);
}


void
ngx_aigc_timer_stop(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }
}
