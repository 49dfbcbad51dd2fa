/*
 * base/ngx_aigc_reserve.c — two free lists besides nginx's own.  A connection
 * is handed out by ngx_get_connection() itself, from a list of one, so that its
 * events, and the bit by which epoll tells old events from new, are as nginx
 * wants them in every version.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_reserve.h"


static ngx_connection_t *ngx_aigc_reserve_take(ngx_connection_t **list,
    ngx_socket_t s, ngx_log_t *log);


/* linked by data, as nginx's own list is */
static ngx_connection_t  *ngx_aigc_reserves[NGX_AIGC_RESERVES];


ngx_int_t
ngx_aigc_reserve_set(ngx_cycle_t *cycle, ngx_aigc_reserve_e which,
    ngx_uint_t n)
{
    ngx_connection_t  *c;

    if (n > cycle->free_connection_n) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "aigc: %ui of \"worker_connections\" are free, and %ui "
                      "are needed for the gateway's own calls: set more",
                      cycle->free_connection_n, n);
        return NGX_ERROR;
    }

    ngx_aigc_reserves[which] = NULL;

    while (n--) {
        c = cycle->free_connections;

        cycle->free_connections = c->data;
        cycle->free_connection_n--;

        c->data = ngx_aigc_reserves[which];
        ngx_aigc_reserves[which] = c;
    }

    return NGX_OK;
}


ngx_connection_t *
ngx_aigc_reserve_get(ngx_aigc_reserve_e which, ngx_socket_t s, ngx_log_t *log)
{
    ngx_cycle_t       *cycle;
    ngx_connection_t  *c;

    cycle = (ngx_cycle_t *) ngx_cycle;

    if (ngx_aigc_reserves[which]) {
        c = ngx_aigc_reserve_take(&ngx_aigc_reserves[which], s, log);

        if (c) {
            c->data = &ngx_aigc_reserves[which];
        }

        return c;
    }

    if (cycle->free_connections == NULL) {
        return NULL;
    }

    c = ngx_aigc_reserve_take(&cycle->free_connections, s, log);

    if (c) {
        c->data = NULL;
        cycle->free_connection_n--;
    }

    return c;
}


/*
 * The first one of list.  ngx_get_connection() would close idle clients when
 * few connections are left: not here, where libcurl is in the midst of its own.
 */
static ngx_connection_t *
ngx_aigc_reserve_take(ngx_connection_t **list, ngx_socket_t s, ngx_log_t *log)
{
    ngx_uint_t         n;
    ngx_cycle_t       *cycle;
    ngx_connection_t  *c, *rest, *kept;

    cycle = (ngx_cycle_t *) ngx_cycle;

    c = *list;
    rest = c->data;
    kept = cycle->free_connections;
    n = cycle->free_connection_n;

    c->data = NULL;
    cycle->free_connections = c;
    cycle->free_connection_n = cycle->connection_n + 1;

    if (ngx_get_connection(s, log) == NULL) {
        c->data = rest;                 /* its descriptor is too high */
        rest = c;
        c = NULL;
    }

    cycle->free_connections = kept;
    cycle->free_connection_n = n;
    *list = rest;

    return c;
}


void
ngx_aigc_reserve_free(ngx_connection_t *c)
{
    ngx_cycle_t        *cycle;
    ngx_connection_t  **list;

    cycle = (ngx_cycle_t *) ngx_cycle;
    list = c->data;

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    if (list == NULL) {
        return;
    }

    /* it is the first one of nginx's list now */

    cycle->free_connections = c->data;
    cycle->free_connection_n--;

    c->data = *list;
    *list = c;
}
