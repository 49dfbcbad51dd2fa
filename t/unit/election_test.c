/* kube/ngx_aigc_election.h: who may lead. */

#include "unit.h"
#include "unit_json.h"
#include "kube/ngx_aigc_election.h"


#define LEASE(holder, duration, renew)                                        \
    "{'metadata': {'name': 'l', 'resourceVersion': '7'}, 'spec':"             \
    " {'holderIdentity': '" holder "', 'leaseDurationSeconds': " duration ","  \
    " 'acquireTime': 'a', 'renewTime': '" renew "', 'leaseTransitions': 3}}"

#define WAIT  NGX_AIGC_ELECTION_WAIT
#define FREE  NGX_AIGC_ELECTION_FREE
#define OURS  NGX_AIGC_ELECTION_OURS


static const char  *none;
static const char  *other = LEASE("other", "15", "1");
static const char  *before;             /* what was seen last */


static ngx_aigc_election_e
look_once(unit_t *u, ngx_aigc_election_t *e, const char *text, ngx_msec_t now)
{
    before = text;

    return ngx_aigc_election_observe(e, text ? unit_json(u, text) : NULL, now);
}


/* As a candidate does: every two seconds until now, when it is text. */
static ngx_aigc_election_e
look(unit_t *u, ngx_aigc_election_t *e, const char *text, ngx_msec_t now)
{
    while (e->seen
           && (ngx_msec_int_t) (now - e->last) > NGX_AIGC_LEASE_RETRY)
    {
        (void) look_once(u, e, before, e->last + NGX_AIGC_LEASE_RETRY);
    }

    return look_once(u, e, text, now);
}


static void
start(unit_t *u, ngx_aigc_election_t *e)
{
    ngx_memzero(e, sizeof(ngx_aigc_election_t));

    e->identity = unit_str(u, "me");
}


static void
election_free(unit_t *u)
{
    ngx_aigc_election_t  e;

    start(u, &e);

    is_int(u, look(u, &e, none, 0), FREE);
    is_int(u, e.holder_len, 0);

    /* released, as its holder does */

    is_int(u, look(u, &e, LEASE("", "1", "1"), 5), FREE);

    /* ours, and then gone: nobody else was seen */

    is_int(u, look(u, &e, LEASE("me", "15", "1"), 5), OURS);
    is_int(u, e.holder_len, 2);
    is_int(u, look(u, &e, none, 6), FREE);
}


static void
election_held(unit_t *u)
{
    ngx_aigc_election_t  e;

    start(u, &e);

    is_int(u, look(u, &e, other, 1000), WAIT);
    is_int(u, e.holder_len, 5);
    is_int(u, look(u, &e, other, 15999), WAIT);

    /* a renewal, the same time again, and one that was seen late */

    is_int(u, look(u, &e, LEASE("other", "15", "2"), 15999), WAIT);
    is_int(u, look(u, &e, LEASE("other", "15", "2"), 30998), WAIT);
    is_int(u, look(u, &e, LEASE("other", "15", "2"), 30999), FREE);

    /* what is no renewal */

    start(u, &e);

    is_int(u, look(u, &e, other, 0), WAIT);
    is_int(u, look(u, &e, "{'metadata': {'name': 'l', 'labels': {'a': 'b'},"
                          " 'resourceVersion': '8'}, 'spec':"
                          " {'holderIdentity': 'other', 'acquireTime': 'a',"
                          " 'leaseDurationSeconds': 15, 'renewTime': '1',"
                          " 'leaseTransitions': 3}}", 15000), FREE);

    /* the clock's wrap */

    start(u, &e);

    is_int(u, look(u, &e, other, (ngx_msec_t) -5000), WAIT);
    is_int(u, look(u, &e, other, 9999), WAIT);
    is_int(u, look(u, &e, other, 10000), FREE);
}


/* who does not look cannot tell that nothing has changed */

static void
election_late(unit_t *u)
{
    ngx_aigc_election_t  e;

    start(u, &e);

    /* stopped for a minute: five seconds of it count, and it looks again */

    is_int(u, look_once(u, &e, other, 1000), WAIT);
    is_int(u, e.late, 0);
    is_int(u, look_once(u, &e, other, 3000), WAIT);
    is_int(u, look_once(u, &e, other, 63000), WAIT);
    is_int(u, e.late, 1);
    is_int(u, look_once(u, &e, other, 63010), WAIT);
    is_int(u, e.late, 0);

    is_int(u, look(u, &e, other, 70999), WAIT);
    is_int(u, look(u, &e, other, 71000), FREE);

    /* as long as counts, and a millisecond more */

    start(u, &e);

    is_int(u, look_once(u, &e, other, 0), WAIT);
    is_int(u, look_once(u, &e, other, 5000), WAIT);
    is_int(u, e.late, 0);
    is_int(u, look_once(u, &e, other, 10001), WAIT);
    is_int(u, e.late, 1);
    is_int(u, look_once(u, &e, other, 15000), WAIT);
    is_int(u, look_once(u, &e, other, 15001), FREE);

    /* stopped when its time was over, even: first it looks again */

    start(u, &e);

    is_int(u, look(u, &e, other, 0), WAIT);
    is_int(u, look(u, &e, other, 14000), WAIT);
    is_int(u, look_once(u, &e, other, 90000), WAIT);
    is_int(u, e.late, 1);
    is_int(u, look_once(u, &e, other, 90010), FREE);

    /* it was renewed meanwhile */

    start(u, &e);

    is_int(u, look(u, &e, other, 0), WAIT);
    is_int(u, look(u, &e, other, 14000), WAIT);
    is_int(u, look_once(u, &e, LEASE("other", "15", "2"), 90000), WAIT);
    is_int(u, e.late, 0);
    is_int(u, look(u, &e, LEASE("other", "15", "2"), 104999), WAIT);
    is_int(u, look(u, &e, LEASE("other", "15", "2"), 105000), FREE);
}


/* who held it may not have noticed: nobody leads beside him */

static void
election_surprise(unit_t *u)
{
    ngx_uint_t            i;
    ngx_aigc_election_t   e;

    static const char  *cases[] = {
        NULL,
        "{}",
        "{'spec': null}",
        "{'spec': 7}",
        "{'spec': []}",
        "{'spec': {}}",
        "{'spec': {'holderIdentity': 7}}",
        "{'spec': {'holderIdentity': ''}}",
        LEASE("", "15", "1"),
        LEASE("", "0", "1"),
        LEASE("", "-1", "1"),
        LEASE("", "'1'", "1"),
        LEASE("ME", "1", "1"),
        LEASE("mee", "1", "1"),
        LEASE("m", "1", "1"),
        LEASE("other", "1", "5"),
        LEASE("other", "null", "5"),
        LEASE("other", "99999999999999", "5")
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        start(u, &e);

        is_int(u, look(u, &e, other, 0), WAIT);

        if (!is_int(u, look(u, &e, cases[i], 14999), WAIT)
            || !is_int(u, look(u, &e, cases[i], 29998), WAIT)
            || !is_int(u, look(u, &e, cases[i], 14999 + 60000), FREE))
        {
            unit_note("%s", cases[i] ? cases[i] : "none");
        }
    }
}


static void
election_bounds(unit_t *u)
{
    u_char                text[1024];
    u_char                name[512];
    ngx_aigc_election_t   e;

    start(u, &e);

    is_int(u, look(u, &e, LEASE("other", "1000000", "1"), 0), WAIT);
    is_int(u, look(u, &e, LEASE("other", "1000000", "1"), 59999), WAIT);
    is_int(u, look(u, &e, LEASE("other", "1000000", "1"), 60000), FREE);

    /* a holder's name that does not fit, cut between characters */

    ngx_memset(name, 'x', sizeof(name));
    ngx_memcpy(name + NGX_AIGC_HOLDER_MAX - 1, "\xc3\xa9", 2);
    name[sizeof(name) - 1] = '\0';

    *ngx_snprintf(text, sizeof(text) - 1,
                  "{'spec': {'holderIdentity': '%s'}}", name) = '\0';

    is_int(u, look(u, &e, (char *) text, 0), WAIT);
    is_int(u, e.holder_len, NGX_AIGC_HOLDER_MAX - 1);
}


static json_t *
write_one(unit_t *u, ngx_aigc_election_t *e, const char *lease,
    ngx_uint_t release)
{
    json_t      *json;
    ngx_str_t    ns, name;
    ngx_time_t   at;

    ngx_memzero(&at, sizeof(ngx_time_t));

    at.sec = 1767323045;
    at.msec = 7;
    ns = unit_str(u, "space");
    name = unit_str(u, "lease");

    json = ngx_aigc_election_lease(e, lease ? unit_json(u, lease) : NULL,
                                   &ns, &name, &at, release);

    ok(u, json != NULL);

    return json;
}


static ngx_uint_t
spec_is(json_t *json, const char *key, const char *want)
{
    const char  *value;

    value = json_string_value(json_object_get(json_object_get(json, "spec"),
                                              key));

    return value && ngx_strcmp(value, want) == 0;
}


static int64_t
spec_int(json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(json, "spec"),
                                              key));
}


static void
election_write(unit_t *u)
{
    json_t               *json, *meta;
    ngx_aigc_election_t   e;

    start(u, &e);

    json = write_one(u, &e, NULL, 0);
    meta = json_object_get(json, "metadata");

    is_int(u, ngx_strcmp(json_string_value(json_object_get(meta, "name")),
                         "lease"), 0);
    is_int(u, ngx_strcmp(json_string_value(json_object_get(meta, "namespace")),
                         "space"), 0);
    ok(u, spec_is(json, "holderIdentity", "me"));
    ok(u, spec_is(json, "acquireTime", "2026-01-02T03:04:05.007000Z"));
    ok(u, spec_is(json, "renewTime", "2026-01-02T03:04:05.007000Z"));
    is_int(u, spec_int(json, "leaseDurationSeconds"), 15);
    is_int(u, spec_int(json, "leaseTransitions"), 0);
    json_decref(json);

    /* a renewal: when it was taken stays, and so does the metadata */

    json = write_one(u, &e, LEASE("me", "9", "1"), 0);
    meta = json_object_get(json, "metadata");

    is_int(u, ngx_strcmp(json_string_value(json_object_get(meta,
                                                       "resourceVersion")),
                         "7"), 0);
    ok(u, spec_is(json, "acquireTime", "a"));
    ok(u, spec_is(json, "renewTime", "2026-01-02T03:04:05.007000Z"));
    is_int(u, spec_int(json, "leaseDurationSeconds"), 15);
    is_int(u, spec_int(json, "leaseTransitions"), 3);
    json_decref(json);

    /* taken from somebody else */

    json = write_one(u, &e, LEASE("other", "15", "1"), 0);

    ok(u, spec_is(json, "holderIdentity", "me"));
    ok(u, spec_is(json, "acquireTime", "2026-01-02T03:04:05.007000Z"));
    is_int(u, spec_int(json, "leaseTransitions"), 4);
    json_decref(json);

    /* given up: free at once, for whoever reads it */

    json = write_one(u, &e, LEASE("me", "15", "1"), 1);

    ok(u, spec_is(json, "holderIdentity", ""));
    is_int(u, spec_int(json, "leaseDurationSeconds"), 1);

    e.identity = unit_str(u, "you");
    is_int(u, ngx_aigc_election_observe(&e, json, 0), FREE);
    json_decref(json);
}


static void
election_write_garbage(unit_t *u)
{
    json_t               *json;
    ngx_uint_t            i;
    ngx_aigc_election_t   e;

    static const char  *cases[] = {
        "{}", "{'spec': null}", "{'spec': []}", "{'spec': 'x'}",
        "{'spec': {'holderIdentity': [], 'leaseTransitions': 'x'}}",
        "{'spec': {'leaseTransitions': -5, 'acquireTime': {}}}",
        "{'spec': {'leaseTransitions': 2147483647}}",
        "{'spec': {'leaseTransitions': 99999999999999}}"
    };

    start(u, &e);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json = write_one(u, &e, cases[i], 0);

        is_int(u, ngx_aigc_election_observe(&e, json, 0), OURS);
        is_int(u, spec_int(json, "leaseTransitions"), 0);
        json_decref(json);
    }
}


unit_test_t  election_tests[] = {
    { "a Lease that nobody holds", election_free },
    { "a Lease that somebody holds, until it stands still", election_held },
    { "a Lease at which nobody looked for a while", election_late },
    { "a Lease that changes in another way", election_surprise },
    { "bounds", election_bounds },
    { "what is written", election_write },
    { "what is written over garbage", election_write_garbage },
    { NULL, NULL }
};
