/*
 * kube/ngx_aigc_election.h — who may lead, from what a Lease
 * (coordination.k8s.io/v1) shows over time (pure; no I/O, no clock of its own).
 *
 * Rules as Kubernetes' own controllers have them: clocks are not compared.  A
 * Lease that somebody holds is free once it has not changed for its duration,
 * as seen from here; a holder that cannot renew it stops before that.
 */

#ifndef _NGX_AIGC_ELECTION_H_INCLUDED_
#define _NGX_AIGC_ELECTION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>


#define NGX_AIGC_LEASE_DURATION      15000  /* ms unchanged: it is free */
#define NGX_AIGC_LEASE_DURATION_MAX  60000  /* ms, whatever the Lease says */
#define NGX_AIGC_LEASE_DEADLINE      10000  /* ms after the last renewal was
                                               sent: it is led no longer */
#define NGX_AIGC_LEASE_RETRY         2000   /* ms between two renewals */
#define NGX_AIGC_LEASE_GAP           5000   /* ms: of a longer time between two
                                               looks only that much counts */
#define NGX_AIGC_HOLDER_MAX          128    /* bytes that are looked at */


typedef enum {
    NGX_AIGC_ELECTION_WAIT = 0,         /* somebody else leads, or may */
    NGX_AIGC_ELECTION_FREE,             /* may be taken */
    NGX_AIGC_ELECTION_OURS              /* we are the holder: renew */
} ngx_aigc_election_e;


/* What one candidate has seen; all zero at first, but for identity. */
typedef struct {
    ngx_str_t         identity;         /* ours; no more than HOLDER_MAX */
    ngx_msec_t        since;            /* the Lease is as it is since then */
    ngx_msec_t        last;             /* the last look */
    uint32_t          mark;             /* of what it was then */
    unsigned          seen:1;           /* somebody else's: since, mark count */
    unsigned          late:1;           /* WAIT, for we have not looked for
                                           too long: read it once more */
    uint16_t          holder_len;       /* who holds it; 0: nobody */
    u_char            holder[NGX_AIGC_HOLDER_MAX];
} ngx_aigc_election_t;


/*
 * Takes in the Lease as it was read at now (ms of a clock that only goes
 * forward); NULL: there is none.  Whatever it holds, there is an answer:
 * - no Lease, and nobody was seen to hold it: FREE at once;
 * - released, as a holder does it (no holder, a duration of 1 s): FREE at once;
 * - our identity: OURS;
 * - else it is FREE when it has been so for its duration, of which at least
 *   LEASE_DURATION and at most LEASE_DURATION_MAX count.  So it is for a Lease
 *   that disappears and for one that was edited: its holder may not have
 *   noticed yet.
 * Who has not looked for longer than LEASE_GAP (stopped, starved, without an
 * answer) does not know what went on meanwhile: only LEASE_GAP of that counts
 * as the holder's silence, and the answer is WAIT.  Where both were stopped
 * together the holder so has its time to renew.
 */
ngx_aigc_election_e ngx_aigc_election_look(ngx_aigc_election_t *e,
    json_t *lease, ngx_msec_t now);

/*
 * The Lease to write, from the one that was read (changed in place; NULL: a new
 * one of that namespace and name).  What others have put into its metadata
 * stays, resourceVersion above all: the API server takes one of two writes.
 * at: the wall clock.  release: nobody holds it any more.
 * A new reference, or NULL: no memory, or it is no object.
 */
json_t *ngx_aigc_election_lease(ngx_aigc_election_t *e, json_t *lease,
    ngx_str_t *ns, ngx_str_t *name, ngx_time_t *at, ngx_uint_t release);


#endif /* _NGX_AIGC_ELECTION_H_INCLUDED_ */
