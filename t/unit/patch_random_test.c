/* instances/ngx_aigc_patch.h: random claims, read back; and what a patch costs. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_patch.h"


#define PATCH_TOP  40                   /* ids of the random rounds */


/*
 * A set with random claims, of which random ones change: afterwards it reads
 * back as it was wanted, and OKG's rule holds.
 */

typedef struct {
    ngx_aigc_state_e   before[PATCH_TOP];
    ngx_aigc_state_e   after[PATCH_TOP];
    ngx_str_t          raw_before[PATCH_TOP];
    ngx_str_t          raw_after[PATCH_TOP];
} patch_model_t;


static ngx_str_t
patch_claim(unit_t *u, ngx_int_t id, ngx_aigc_state_e state)
{
    ngx_aigc_claim_t  claim;

    ngx_memzero(&claim, sizeof(claim));

    if (state == NGX_AIGC_NO_STATE) {
        return claim.raw;
    }

    claim.id = id;
    claim.state = state;
    claim.owner = unit_str(u, "user \"~1/~0\"");
    claim.since = unit_str(u, "2026-01-02T03:04:05Z");
    claim.gss = unit_str(u, "uid-1");

    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_OK);

    return claim.raw;
}


static json_t *
patch_random_set(unit_t *u, patch_model_t *m, uint32_t *seed)
{
    char        key[64];
    json_t     *set, *annotations;
    ngx_int_t   id;

    set = unit_json(u, "{'kind': 'GameServerSet', 'metadata': {'name': 'sd',"
                       " 'namespace': 'default', 'uid': 'uid-1',"
                       " 'generation': 9}, 'spec': {'replicas': 77,"
                       " 'reserveGameServerIds': ['5-7', 'x']}}");

    annotations = json_object();

    for (id = 0; id < PATCH_TOP; id++) {
        m->before[id] = unit_random(seed, 4);
        m->raw_before[id] = patch_claim(u, id, m->before[id]);

        m->after[id] = unit_random(seed, 3) ? m->before[id]
                                            : unit_random(seed, 4);
        m->raw_after[id] = patch_claim(u, id, m->after[id]);

        if (m->raw_before[id].len == 0) {
            continue;
        }

        (void) snprintf(key, sizeof(key), NGX_AIGC_ANNOTATION "%d", (int) id);

        if (json_object_set_new(annotations, key,
                                json_stringn((char *) m->raw_before[id].data,
                                             m->raw_before[id].len))
            != 0)
        {
            abort();
        }
    }

    if (json_object_size(annotations)) {
        if (json_object_set_new(json_object_get(set, "metadata"),
                                "annotations", annotations)
            != 0)
        {
            abort();
        }

    } else {
        json_decref(annotations);
    }

    return set;
}


static void
patch_check_set(unit_t *u, json_t *set, patch_model_t *m, ngx_int_t top)
{
    size_t             i;
    json_t            *list, *item;
    ngx_int_t          id, n;
    ngx_uint_t         reserved[PATCH_TOP], claims;
    ngx_aigc_gss_t     gss;
    ngx_aigc_claim_t  *claim;

    is_int(u, ngx_aigc_gss_read(u->pool, set, &gss), NGX_OK);

    is_int(u, gss.top, top);
    is_int(u, gss.reserve_bad, 0);

    claim = gss.claims.elts;
    claims = 0;
    n = 0;

    for (id = 0; id < PATCH_TOP; id++) {
        n += (m->after[id] == NGX_AIGC_RUNNING);

        if (m->after[id] == NGX_AIGC_NO_STATE) {
            continue;
        }

        if (!ok(u, claims < gss.claims.nelts)) {
            return;
        }

        is_int(u, claim[claims].id, id);
        is_int(u, claim[claims].state, m->after[id]);
        claims++;
    }

    is_int(u, gss.claims.nelts, claims);
    is_int(u, gss.replicas, n);

    /* OKG takes the smallest ids that are not reserved: those that run */

    ngx_memzero(reserved, sizeof(reserved));

    list = json_object_get(json_object_get(set, "spec"),
                           "reserveGameServerIds");

    json_array_foreach(list, i, item) {
        ok(u, json_is_integer(item));
        id = json_integer_value(item);

        if (ok(u, id >= 0 && id <= top)) {
            reserved[id]++;
        }
    }

    for (id = 0; id <= top; id++) {
        is_int(u, reserved[id], m->after[id] != NGX_AIGC_RUNNING);
    }
}


static void
patch_random(unit_t *u)
{
    json_t             *set, *after;
    uint32_t            seed;
    ngx_int_t           id, running[PATCH_TOP];
    ngx_str_t           text;
    ngx_uint_t          round, failed;
    patch_model_t       m;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   changes[PATCH_TOP];

    seed = 20260102;

    for (round = 0; round < 200; round++) {

        set = patch_random_set(u, &m, &seed);
        failed = u->failed;

        ngx_memzero(&patch, sizeof(patch));
        ngx_memzero(changes, sizeof(changes));

        patch.uid = unit_str(u, "uid-1");
        patch.generation = 9;
        patch.observed = -1;
        patch.current = -1;
        patch.has_annotations = json_object_get(
                                    json_object_get(set, "metadata"),
                                    "annotations")
                                != NULL;
        patch.running = running;
        patch.changes = changes;
        patch.top = PATCH_TOP - 1;

        for (id = 0; id < PATCH_TOP; id++) {

            if (m.after[id] == NGX_AIGC_RUNNING) {
                running[patch.nrunning++] = id;
            }

            if (m.after[id] != m.before[id]) {
                changes[patch.nchanges].id = id;
                changes[patch.nchanges].before = m.raw_before[id];
                changes[patch.nchanges].after = m.raw_after[id];
                patch.nchanges++;
            }
        }

        is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);

        after = unit_json_patch(u, set, &text);

        if (ok(u, after != NULL)) {
            patch_check_set(u, after, &m, patch.top);
        }

        /* a second time it does not go: what changed is no more as before */

        if (after && patch.nchanges) {
            ok(u, unit_json_patch(u, after, &text) == NULL);
        }

        if (u->failed != failed) {
            unit_note("round %d: %.*s", (int) round, (int) text.len,
                      text.data);
            return;
        }
    }
}


static void
patch_costs(unit_t *u)
{
    double              usec;
    json_t             *ops;
    ngx_int_t           id, *running;
    ngx_str_t           text;
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    ngx_aigc_patch_t    patch;
    ngx_aigc_change_t   change;

    ngx_memzero(&patch, sizeof(patch));

    patch.uid = unit_str(u, "uid-1");
    patch.generation = 5;
    patch.observed = 5;
    patch.current = 1;
    patch.reserve_ids = unit_str(u, "1,2");
    patch.test_reserve_ids = 1;
    patch.has_annotations = 1;

    running = ngx_palloc(u->pool, 800 * sizeof(ngx_int_t));

    for (id = 0; id < 800; id++) {
        running[id] = 2 * id;
    }

    ngx_memzero(&change, sizeof(change));
    change.id = 1;
    change.after = patch_claim(u, 1, NGX_AIGC_RUNNING);

    patch.running = running;
    patch.nrunning = 800;
    patch.top = 1599;
    patch.changes = &change;
    patch.nchanges = 1;

    usec = unit_usec();

    for (i = 0; i < 100; i++) {
        pool = ngx_create_pool(4096, u->log);
        is_int(u, ngx_aigc_patch_build(pool, &patch, &text), NGX_OK);

        if (i == 99) {
            usec = (unit_usec() - usec) / 100;
            ops = unit_json_bytes(u, &text);
            ok(u, json_array_size(ops) == 10);
        }

        ngx_destroy_pool(pool);
    }

    unit_note("a patch for 800 of 1600 ids: %.1f us", usec);

    running[0] = 1;                     /* the widest reserve list */
    patch.nrunning = 1;
    patch.top = NGX_AIGC_ID_MAX;

    usec = unit_usec();
    is_int(u, ngx_aigc_patch_build(u->pool, &patch, &text), NGX_OK);
    unit_note("a patch for 100000 ids: %.0f us, %d bytes",
              unit_usec() - usec, (int) text.len);

    ok(u, text.len < 700000);
}


unit_test_t  patch_random_tests[] = {
    { "random claims: replicas and reserve follow", patch_random },
    { "costs", patch_costs },
    { NULL, NULL }
};
