/*
 * oidc/ngx_aigc_flight.h — single flight for the renewal of a session: one
 * flight per session, shared by all workers, so that the provider is asked
 * only once, however many requests wait.  The outcome is kept for a while, for
 * requests that still send the old cookie.  join and end hold the zone's lock
 * while they use the flights.  A request whose token is good never calls them.
 *
 * FREE → CALLING (its leader asks the provider) → RENEWED, REFUSED or FAILED.
 * After a backoff any worker may retry a FAILED flight.  A flight whose leader
 * has died is retried at once: the provider accepts a rotated refresh token for
 * 3 s more, and revokes the whole grant if it comes later.
 */

#ifndef _NGX_AIGC_FLIGHT_H_INCLUDED_
#define _NGX_AIGC_FLIGHT_H_INCLUDED_

#include "ngx_aigc_token.h"             /* NGX_AIGC_DIGEST_LEN */
#include "base/ngx_aigc_zone.h"

#include "ngx_aigc_session.h"


#define NGX_AIGC_FLIGHT_CALL     60000  /* ms: longer than any call takes, and
                                           the wait for other gateways before
                                           it */
#define NGX_AIGC_FLIGHT_KEEP     60000  /* ms that RENEWED, REFUSED are kept */
#define NGX_AIGC_FLIGHTS_MAX     512    /* slots: a renewal looks at all of them
                                           with the zone's lock held */
#define NGX_AIGC_FLIGHT_BACKOFF  1000   /* ms until a FAILED one is tried
                                           again, doubled up to … */
#define NGX_AIGC_FLIGHT_BACKOFF_MAX  16000


typedef enum {
    NGX_AIGC_FLIGHT_FREE = 0,
    NGX_AIGC_FLIGHT_CALLING,
    NGX_AIGC_FLIGHT_RENEWED,
    NGX_AIGC_FLIGHT_REFUSED,            /* the session is over */
    NGX_AIGC_FLIGHT_FAILED              /* the provider could not say */
} ngx_aigc_flight_state_e;


/* In the zone. */
typedef struct {
    ngx_atomic_t                 state;     /* ngx_aigc_flight_state_e */
    ngx_atomic_t                 ticket;    /* of who leads, or has led */
    ngx_pid_t                    leader;
    ngx_uint_t                   fails;     /* in a row */
    ngx_msec_t                   until;     /* CALLING: its leader is lost then;
                                               FAILED: tried again from then;
                                               else: forgotten then */
    time_t                       before;    /* end of the token to be renewed */
    time_t                       after;     /* RENEWED: of the new one */
    u_char                       digest[NGX_AIGC_DIGEST_LEN];
    ngx_aigc_fixed_t(NGX_AIGC_SESSION_COOKIE_MAX) cookie;  /* RENEWED: sealed */
} ngx_aigc_flight_slot_t;


extern ngx_aigc_part_t  ngx_aigc_flight_part;


/* As one request sees it. */
typedef struct {
    ngx_aigc_flight_state_e      state;     /* FREE: nobody asks, no room */
    ngx_uint_t                   lead;      /* CALLING: by the caller, who ends
                                               it by ngx_aigc_flight_end() */
    uint32_t                     slot;
    ngx_atomic_uint_t            ticket;
    ngx_uint_t                   fails;
    ngx_str_t                    cookie;    /* RENEWED: from pool */
} ngx_aigc_flight_t;


/*
 * Joins the flight of the session known by digest, whose token ends at before.
 * Where nobody leads it, and no outcome for such a token is kept: with lead,
 * leads it; without, the state is FREE.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_flight_join(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    u_char *digest, time_t before, ngx_uint_t lead,
    ngx_aigc_flight_t *flight);

/* NGX_OK: still CALLING; NGX_DECLINED: call join again.  Takes no lock. */
ngx_int_t ngx_aigc_flight_wait(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket);

/*
 * For the leader: ends its flight as RENEWED (cookie is the new one, after the
 * end of its token), REFUSED or FAILED.  Does nothing if another worker has
 * taken the flight over.
 */
void ngx_aigc_flight_end(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_atomic_uint_t ticket, ngx_aigc_flight_state_e state,
    ngx_str_t *cookie, time_t after);


#endif /* _NGX_AIGC_FLIGHT_H_INCLUDED_ */
