/*
 * base/ngx_aigc_timer.h — timers that belong to no connection.
 */

#ifndef _NGX_AIGC_TIMER_H_INCLUDED_
#define _NGX_AIGC_TIMER_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * Prepares ev, which must not be armed, for ngx_add_timer().  A cancelable
 * timer does not keep a worker alive that shuts down.
 */
void ngx_aigc_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_uint_t cancelable, ngx_log_t *log);

/* Has ev fire in ms at the latest: earlier, if it is armed for that already. */
void ngx_aigc_timer_within(ngx_event_t *ev, ngx_msec_t ms);

/* Disarms ev if it is armed. */
void ngx_aigc_timer_stop(ngx_event_t *ev);


#endif /* _NGX_AIGC_TIMER_H_INCLUDED_ */
