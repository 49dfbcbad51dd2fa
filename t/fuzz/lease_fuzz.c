/*
 * t/fuzz/lease_fuzz.c — the Lease.  The lines are Leases as they are read, one
 * after another, each a second later; at the end this gateway takes the last.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "kube/ngx_aigc_election.h"


static void lease_written(fuzz_t *f, ngx_aigc_election_t *e, json_t *lease);


FUZZ(lease)
{
    json_t               *lease, *spec;
    ngx_str_t             text, holder;
    ngx_msec_t            now;
    ngx_aigc_election_t   e;
    ngx_aigc_election_e   what;

    ngx_memzero(&e, sizeof(ngx_aigc_election_t));
    ngx_str_set(&e.identity, "gateway-1");

    now = 1000000;
    lease = NULL;

    while (fuzz_more(f)) {
        text = fuzz_line(f);
        lease = fuzz_json(f, &text, JSON_DECODE_ANY);

        spec = json_object_get(lease, "spec");
        holder = ngx_aigc_json_text(spec, "holderIdentity");

        what = ngx_aigc_election_observe(&e, lease, now);

        must(e.holder_len <= NGX_AIGC_HOLDER_MAX);
        must((what == NGX_AIGC_ELECTION_OURS)
             == ngx_aigc_text_eq(&holder, &e.identity));

        /* somebody else's is never free at its first sight */

        must(what != NGX_AIGC_ELECTION_FREE || holder.len == 0
             || now - e.since >= NGX_AIGC_LEASE_DURATION);

        now += 1000;
    }

    lease_written(f, &e, lease);
}


static void
lease_written(fuzz_t *f, ngx_aigc_election_t *e, json_t *lease)
{
    json_t      *out, *spec;
    ngx_str_t    ns, name, time;
    ngx_time_t   at;

    ns = fuzz_text(f, "default");
    name = fuzz_text(f, "aigc");

    ngx_memzero(&at, sizeof(ngx_time_t));
    at.sec = 1700000000;
    at.msec = 7;

    out = ngx_aigc_election_lease(e, lease, &ns, &name, &at, 0);
    must(out != NULL || (lease && !json_is_object(lease)));

    if (out == NULL) {
        return;
    }

    (void) fuzz_own(f, out);

    spec = json_object_get(out, "spec");
    time = ngx_aigc_json_text(spec, "renewTime");
    must(time.len == 27
         && ngx_memcmp(time.data, "2023-11-14T22:13:20.007000Z", 27) == 0);
    must(ngx_aigc_json_int(spec, "leaseTransitions", 0, NGX_MAX_INT32_VALUE,
                           0)
         >= 0);

    /* what this one has written is its own, and free when it lets go */

    must(ngx_aigc_election_observe(e, out, 1) == NGX_AIGC_ELECTION_OURS);

    out = ngx_aigc_election_lease(e, out, &ns, &name, &at, 1);
    must(out != NULL);
    (void) fuzz_own(f, out);

    must(ngx_aigc_election_observe(e, out, 2) == NGX_AIGC_ELECTION_FREE);
}
