/*
 * t/fuzz/gss_fuzz.c — a GameServerSet: what is read keeps to its bounds, and
 * the patch that says the same again can be built and read.
 */

#include "fuzz.h"
#include "instances/ngx_aigc_gss.h"
#include "instances/ngx_aigc_host.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_patch.h"


static void gss_claims(fuzz_t *f, ngx_aigc_gss_t *gss);
static void gss_patch(fuzz_t *f, ngx_aigc_gss_t *gss);


FUZZ(gss)
{
    json_t          *object;
    ngx_str_t        text, host;
    ngx_aigc_gss_t   gss;

    text = fuzz_rest(f);
    object = fuzz_json(f, &text, JSON_DECODE_ANY);

    if (ngx_aigc_gss_read(f->pool, object, &gss) != NGX_OK) {
        return;
    }

    must(gss.name.len > 0 && gss.name.len <= NGX_AIGC_NAME_MAX);
    must(gss.ns.len > 0 && gss.ns.len <= NGX_AIGC_NS_MAX);
    must(gss.uid.len > 0 && gss.uid.len <= NGX_AIGC_UID_MAX);
    must(gss.generation >= 0 && gss.observed >= -1);
    must(gss.replicas >= 0 && gss.current >= -1);
    must(gss.top >= -1 && gss.top <= NGX_AIGC_ID_MAX);
    must(gss.max <= NGX_AIGC_INSTANCES_MAX);
    must(gss.reserve_bad <= text.len && gss.reserve_stray <= text.len);
    must(fuzz_plain(&gss.misconfigured) && fuzz_plain(&gss.rolls));
    must(fuzz_plain(&gss.title) && fuzz_plain(&gss.icon));
    must(fuzz_plain(&gss.image) && fuzz_plain(&gss.gpu));

    if (gss.host.len) {
        must(ngx_aigc_host_expand(f->pool, &gss.host, 7, &host) == NGX_OK);
        must(ngx_aigc_host_match(&gss.host, &host) == 7);
    }

    gss_claims(f, &gss);
    gss_patch(f, &gss);
}


static void
gss_claims(fuzz_t *f, ngx_aigc_gss_t *gss)
{
    ngx_uint_t         i;
    ngx_aigc_claim_t  *claim;

    claim = gss->claims.elts;

    for (i = 0; i < gss->claims.nelts; i++) {
        must(claim[i].id >= 0 && claim[i].id <= NGX_AIGC_ID_MAX);
        must(i == 0 || claim[i].id > claim[i - 1].id);
        must(claim[i].owner.len <= NGX_AIGC_SUB_MAX);
    }
}


/* All that are reserved here run: a patch of any such set is whole. */
static void
gss_patch(fuzz_t *f, ngx_aigc_gss_t *gss)
{
    json_t            *root;
    ngx_int_t         *id;
    ngx_str_t          out;
    ngx_aigc_patch_t   patch;
    ngx_aigc_change_t  change;

    ngx_memzero(&patch, sizeof(ngx_aigc_patch_t));
    ngx_memzero(&change, sizeof(ngx_aigc_change_t));

    id = gss->reserve.elts;

    patch.uid = gss->uid;
    patch.generation = gss->generation;
    patch.observed = gss->observed;
    patch.current = gss->current;
    patch.has_annotations = 1;
    patch.reserve_ids = gss->reserve_ids;
    patch.test_reserve_ids = gss->has_reserve_ids;
    patch.running = id;
    patch.nrunning = ngx_min(gss->reserve.nelts, 100);
    patch.top = patch.nrunning ? id[patch.nrunning - 1] : 0;
    patch.changes = &change;
    patch.nchanges = 1;

    change.id = patch.top;
    change.after = gss->title.len ? gss->title : gss->uid;

    must(ngx_aigc_patch_build(f->pool, &patch, &out) == NGX_OK);

    root = fuzz_json(f, &out, JSON_REJECT_DUPLICATES);
    must(json_array_size(root) >= 7);

    root = json_object_get(json_array_get(root, json_array_size(root) - 1),
                           "value");
    must(json_array_size(root)
         == (size_t) patch.top + 1 - patch.nrunning);
}
