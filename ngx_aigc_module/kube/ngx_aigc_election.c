/*
 * kube/ngx_aigc_election.c — reading and writing a Lease.
 */

#include "ngx_aigc_election.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static uint32_t ngx_aigc_election_mark(json_t *spec);
static ngx_msec_t ngx_aigc_election_duration(json_t *spec);
static ngx_int_t ngx_aigc_election_spec(ngx_aigc_election_t *e, json_t *spec,
    ngx_time_t *at, ngx_uint_t release);
static json_t *ngx_aigc_election_time(ngx_time_t *at);


ngx_aigc_election_e
ngx_aigc_election_observe(ngx_aigc_election_t *e, json_t *lease, ngx_msec_t now)
{
    json_t      *spec;
    uint32_t     mark;
    ngx_str_t    holder;
    ngx_msec_t   gap;

    gap = now - e->last;
    e->last = now;
    e->late = 0;

    if (lease == NULL && !e->seen) {
        e->holder_len = 0;
        return NGX_AIGC_ELECTION_FREE;
    }

    spec = json_object_get(lease, "spec");
    holder = ngx_aigc_json_text(spec, "holderIdentity");

    if (ngx_aigc_text_eq(&holder, &e->identity)) {
        e->seen = 0;
        e->holder_len = (uint16_t) holder.len;
        ngx_memcpy(e->holder, holder.data, holder.len);

        return NGX_AIGC_ELECTION_OURS;
    }

    e->holder_len = (uint16_t) ngx_aigc_text_cut(holder.data, holder.len,
                                                 NGX_AIGC_HOLDER_MAX);
    if (e->holder_len) {
        ngx_memcpy(e->holder, holder.data, e->holder_len);
    }

    if (holder.len == 0
        && ngx_aigc_json_int(spec, "leaseDurationSeconds", 1, 1, 0) == 1)
    {
        e->seen = 0;
        return NGX_AIGC_ELECTION_FREE;
    }

    mark = ngx_aigc_election_mark(spec);

    if (!e->seen || e->mark != mark) {
        e->seen = 1;
        e->mark = mark;
        e->since = now;

    } else if (gap > NGX_AIGC_LEASE_GAP) {
        e->since += gap - NGX_AIGC_LEASE_GAP;
        e->late = 1;

        return NGX_AIGC_ELECTION_WAIT;
    }

    return ((ngx_msec_int_t) (now - e->since)
            >= (ngx_msec_int_t) ngx_aigc_election_duration(spec))
           ? NGX_AIGC_ELECTION_FREE : NGX_AIGC_ELECTION_WAIT;
}


/*
 * Of all that a renewal changes, and of nothing else: a label that somebody
 * sets now and then must not keep a dead holder's Lease.
 */
static uint32_t
ngx_aigc_election_mark(json_t *spec)
{
    ngx_str_t  text[3];
    uint32_t   crc;

    text[0] = ngx_aigc_json_text(spec, "holderIdentity");
    text[1] = ngx_aigc_json_text(spec, "acquireTime");
    text[2] = ngx_aigc_json_text(spec, "renewTime");

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, text[0].data, text[0].len);
    ngx_crc32_update(&crc, (u_char *) "\n", 1);
    ngx_crc32_update(&crc, text[1].data, text[1].len);
    ngx_crc32_update(&crc, (u_char *) "\n", 1);
    ngx_crc32_update(&crc, text[2].data, text[2].len);
    ngx_crc32_final(crc);

    return crc;
}


static ngx_msec_t
ngx_aigc_election_duration(json_t *spec)
{
    int64_t  seconds;

    seconds = ngx_aigc_json_int(spec, "leaseDurationSeconds",
                                NGX_AIGC_LEASE_DURATION / 1000,
                                NGX_MAX_INT32_VALUE,
                                NGX_AIGC_LEASE_DURATION / 1000);

    return (ngx_msec_t) ngx_min(seconds, NGX_AIGC_LEASE_DURATION_MAX / 1000)
           * 1000;
}


json_t *
ngx_aigc_election_lease(ngx_aigc_election_t *e, json_t *lease, ngx_str_t *ns,
    ngx_str_t *name, ngx_time_t *at, ngx_uint_t release)
{
    json_t  *spec;

    if (lease) {
        json_incref(lease);

    } else {
        lease = json_pack("{s:s, s:s, s:{s:s%, s:s%}}",
                          "apiVersion", "coordination.k8s.io/v1",
                          "kind", "Lease",
                          "metadata",
                          "namespace", ns->data, ns->len,
                          "name", name->data, name->len);
    }

    spec = json_object_get(lease, "spec");

    if (!json_is_object(spec)) {
        spec = json_object();

        if (json_object_set_new(lease, "spec", spec) != 0) {
            json_decref(lease);
            return NULL;
        }
    }

    if (ngx_aigc_election_spec(e, spec, at, release) != NGX_OK) {
        json_decref(lease);
        return NULL;
    }

    return lease;
}


static ngx_int_t
ngx_aigc_election_spec(ngx_aigc_election_t *e, json_t *spec, ngx_time_t *at,
    ngx_uint_t release)
{
    int64_t     transitions;
    ngx_str_t   holder;
    ngx_uint_t  same;

    static ngx_str_t  nobody = ngx_string("");

    holder = ngx_aigc_json_text(spec, "holderIdentity");

    same = ngx_aigc_text_eq(&holder, &e->identity);

    if (!same) {
        transitions = ngx_aigc_json_int(spec, "leaseTransitions", 0,
                                        NGX_AIGC_TRANSITIONS_MAX - 1, -1);

        if (json_object_set_new(spec, "leaseTransitions",
                                json_integer(transitions + 1)) != 0
            || json_object_set_new(spec, "acquireTime",
                                   ngx_aigc_election_time(at)) != 0)
        {
            return NGX_ERROR;
        }
    }

    holder = release ? nobody : e->identity;

    if (json_object_set_new(spec, "holderIdentity",
                            json_stringn((char *) holder.data, holder.len))
        != 0
        || json_object_set_new(spec, "leaseDurationSeconds",
                               json_integer(release ? 1
                                            : NGX_AIGC_LEASE_DURATION / 1000))
           != 0
        || json_object_set_new(spec, "renewTime", ngx_aigc_election_time(at))
           != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* A MicroTime: RFC 3339 with exactly six digits behind the point. */
static json_t *
ngx_aigc_election_time(ngx_time_t *at)
{
    u_char    buf[sizeof("1970-01-01T00:00:00.000000Z")], *p;
    ngx_tm_t  tm;

    ngx_gmtime(at->sec, &tm);

    p = ngx_snprintf(buf, sizeof(buf), "%04d-%02d-%02dT%02d:%02d:%02d.%03M000Z",
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec, at->msec);

    return json_stringn((char *) buf, p - buf);
}
