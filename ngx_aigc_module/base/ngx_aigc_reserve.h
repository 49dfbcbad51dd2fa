/*
 * base/ngx_aigc_reserve.h — connections of nginx's that clients cannot take.
 *
 * Each of libcurl's sockets needs one of the worker's connections.  Clients can
 * use up all of these, with half-sent requests say; a control plane without
 * connections would lose its Lease and its view of the cluster.  So each worker
 * sets some aside when it starts, apart from nginx's free list, and gets them
 * back when libcurl is done with them.
 *
 * There are two reserves, so that calls that clients cause, such as a sign-in's
 * call to the provider, do not use up what the gateway's own duties need.
 */

#ifndef _NGX_AIGC_RESERVE_H_INCLUDED_
#define _NGX_AIGC_RESERVE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AIGC_RESERVE_CALLS    8     /* calls to the provider, in every
                                           worker */
#define NGX_AIGC_RESERVE_DUTIES   12    /* worker 0 besides its watches: Lease,
                                           revocations written, refresh tokens
                                           removed, the provider's keys, the
                                           leader's tasks */


typedef enum {
    NGX_AIGC_RESERVE_CALL = 0,          /* what a client causes */
    NGX_AIGC_RESERVE_DUTY,              /* what the gateway does by itself */
    NGX_AIGC_RESERVES
} ngx_aigc_reserve_e;


/*
 * Sets n connections aside, at the start of a worker.  NGX_OK, or NGX_ERROR:
 * there are too few of them (logged).
 */
ngx_int_t ngx_aigc_reserve_set(ngx_cycle_t *cycle, ngx_aigc_reserve_e which,
    ngx_uint_t n);

/*
 * A connection for a descriptor, as ngx_get_connection() gives it, with data
 * set to what _free() needs: from that reserve, else from nginx's free list.
 * Closes no client's connection to get one.  NULL: there is none, which is not
 * logged.
 */
ngx_connection_t *ngx_aigc_reserve_get(ngx_aigc_reserve_e which,
    ngx_socket_t s, ngx_log_t *log);

/*
 * Returns a connection, whose events are not active any more, to the reserve or
 * to nginx's free list, wherever it came from.
 */
void ngx_aigc_reserve_free(ngx_connection_t *c);


#endif /* _NGX_AIGC_RESERVE_H_INCLUDED_ */
