/*
 * kube/ngx_aigc_election.h — decides from a Lease (coordination.k8s.io/v1),
 * read again and again, whether this gateway may lead.  Pure: no I/O, no clock
 * of its own.
 *
 * The rules are those of Kubernetes' own controllers.  Clocks of two machines
 * are never compared: a candidate takes a Lease for free once it has seen it
 * unchanged for the Lease's duration.  A holder that cannot renew its Lease
 * stops leading before that time is over.
 */

#ifndef _NGX_AIGC_ELECTION_H_INCLUDED_
#define _NGX_AIGC_ELECTION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_LEASE_DURATION      15000  /* ms that a held Lease must stay
                                               unchanged to be free */
#define NGX_AIGC_LEASE_DEADLINE      10000  /* ms from the start of the last
                                               good renewal until the lead
                                               ends */
#define NGX_AIGC_LEASE_RETRY         2000   /* ms between two renewals */
#define NGX_AIGC_LEASE_GAP           5000   /* ms that count at most of the time
                                               between two reads */


typedef enum {
    NGX_AIGC_ELECTION_WAIT = 0,         /* somebody else leads, or may lead */
    NGX_AIGC_ELECTION_FREE,             /* the Lease may be taken */
    NGX_AIGC_ELECTION_OURS              /* this gateway holds it: renew it */
} ngx_aigc_election_e;


/*
 * What one candidate has seen of the Lease.  Zeroed at first, but for
 * identity.
 */
typedef struct {
    ngx_str_t         identity;         /* of this candidate, at most
                                           NGX_AIGC_HOLDER_MAX bytes */
    ngx_msec_t        since;            /* the Lease is unchanged since then */
    ngx_msec_t        last;             /* the last read */
    uint32_t          mark;             /* checksum of the Lease at that read */
    unsigned          seen:1;           /* somebody else's Lease was read: since
                                           and mark are valid */
    unsigned          late:1;           /* the answer is WAIT because the last
                                           read is too long ago: read it
                                           again */
    uint16_t          holder_len;       /* 0: nobody holds it */
    u_char            holder[NGX_AIGC_HOLDER_MAX];
} ngx_aigc_election_t;


/*
 * Decides on the Lease that was read at now, in ms of a monotonic clock; NULL:
 * there is none.
 * - No Lease, and nobody was seen to hold one: FREE at once.
 * - A released Lease (no holder, and a duration of 1 s): FREE at once.
 * - A Lease with our identity: OURS.
 * - Any other Lease: FREE once it is unchanged for its duration, which counts
 *   as at least LEASE_DURATION and at most LEASE_DURATION_MAX.  The same holds
 *   for a Lease that has disappeared or was edited by hand: its holder may not
 *   have noticed that yet.
 *
 * A candidate that has not read for longer than LEASE_GAP (it was stopped, had
 * no CPU, or got no answer) does not know whether the holder has renewed: only
 * LEASE_GAP of that time counts, and the answer is WAIT.  So a holder that was
 * stopped together with the candidate has time to renew.
 */
ngx_aigc_election_e ngx_aigc_election_observe(ngx_aigc_election_t *e,
    json_t *lease, ngx_msec_t now);

/*
 * Makes the Lease to be written from lease as it was read, which is changed in
 * place; lease NULL: a new one, with that namespace and name.  The rest of its
 * metadata stays, above all resourceVersion: of two candidates that write at
 * the same time the API server refuses one.  at is the wall clock.  release:
 * the new Lease has no holder.  Returns a new reference; NULL: no memory, or
 * lease is not an object.
 */
json_t *ngx_aigc_election_lease(ngx_aigc_election_t *e, json_t *lease,
    ngx_str_t *ns, ngx_str_t *name, ngx_time_t *at, ngx_uint_t release);


#endif /* _NGX_AIGC_ELECTION_H_INCLUDED_ */
