/*
 * oidc/ngx_aigc_rotation_turn.h — whose turn it is to use a session's refresh
 * token.  Of several gateways only one may send it: a strict provider ends the
 * grant when an old one comes a second time.  So a gateway claims the session's
 * entry in the Secret, by a patch that fails if another one was first, and
 * writes the new token over its claim.
 *
 *   claim: patch → done
 *          the entry is another one → read it → claimed: wait for the watch
 *                                             → free: patch again
 *   read:  read the entry → done
 *   write: patch → done; the entry is another one → read it → patch again,
 *          unless it is newer
 *
 * A claim runs out: whoever dies in here holds up nobody for long.  A cluster
 * that refuses, or fails three times, holds up nobody either: the renewal goes
 * on without a claim, as with one gateway.
 */

#ifndef _NGX_AIGC_ROTATION_TURN_H_INCLUDED_
#define _NGX_AIGC_ROTATION_TURN_H_INCLUDED_

#include <ngx_event.h>

#include "ngx_aigc_rotation.h"
#include "ngx_aigc_rotation_secret.h"


#define NGX_AIGC_ROTATION_CLAIM  20     /* s that a claim holds: longer than a
                                           call to the provider takes */
#define NGX_AIGC_ROTATION_AGAIN  250    /* ms between two looks into the zone
                                           while another gateway has it */
#define NGX_AIGC_ROTATION_LOOKS  8      /* looks, until the Secret is read: the
                                           zone has no claim of who has no
                                           token, nor that it has gone */


typedef enum {
    NGX_AIGC_ROTATION_TURN_CLAIM = 0,
    NGX_AIGC_ROTATION_TURN_WRITE,
    NGX_AIGC_ROTATION_TURN_READ,
    NGX_AIGC_ROTATION_TURN_RELEASE
} ngx_aigc_rotation_turn_e;


typedef struct ngx_aigc_rotation_turn_s  ngx_aigc_rotation_turn_t;

typedef void (*ngx_aigc_rotation_turn_pt)(ngx_aigc_rotation_turn_t *turn);

struct ngx_aigc_rotation_turn_s {

    /* set by the caller */
    ngx_aigc_zone_t            *zone;
    ngx_pool_t                 *pool;   /* lives longer than the turn */
    u_char                      key[NGX_AIGC_ROTATION_KEY_LEN];
    time_t                      until;  /* end of the session */
    ngx_aigc_rotation_turn_pt   handler;    /* called once, at the end, perhaps
                                               before the call returns */
    void                       *data;

    /* the outcome */
    ngx_str_t                   was;    /* the entry in the Secret, as far as it
                                           is known; len 0: none */
    unsigned                    claimed:1;  /* was is our claim */

    /* private */
    ngx_aigc_rotation_turn_e    what;
    unsigned                    bare:1; /* the Secret has no data */
    ngx_uint_t                  tries;
    ngx_uint_t                  fails;
    ngx_uint_t                  looks;
    ngx_msec_t                  begun;
    ngx_str_t                   now;    /* the entry that is being written */
    ngx_aigc_fetch_t           *fetch;
    ngx_event_t                 timer;  /* keeps an exiting worker */
};


/*
 * Claims the session: waits for another gateway's claim to end, but not for
 * longer than a claim holds.
 */
void ngx_aigc_rotation_claim(ngx_aigc_rotation_turn_t *turn);

/* Reads the session's entry into the zone, before the watch has. */
void ngx_aigc_rotation_read(ngx_aigc_rotation_turn_t *turn);

/*
 * Writes now in the place of what turn->was is, and nobody waits for it: a new
 * token (WRITE), which the zone has as PENDING, or the end of a claim (RELEASE;
 * now->len 0: the entry goes).  All of it is copied.
 */
void ngx_aigc_rotation_write(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_rotation_turn_e what, ngx_str_t *now);


#endif /* _NGX_AIGC_ROTATION_TURN_H_INCLUDED_ */
