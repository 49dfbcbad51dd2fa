/*
 * t/fuzz/claim_fuzz.c — the annotation that says whose an instance is.  Both of
 * its readers, the quick one and jansson, read the same; what is written is
 * read back.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "instances/ngx_aigc_claim.h"
#include "instances/ngx_aigc_ids.h"


static void claim_same(ngx_aigc_claim_t *a, ngx_aigc_claim_t *b);


FUZZ(claim)
{
    json_t            *root;
    ngx_str_t          raw, text;
    ngx_aigc_claim_t   claim, again, slow;

    raw = fuzz_rest(f);

    must(ngx_aigc_claim_read(f->pool, 7, &raw, &claim) == NGX_OK);
    must(claim.id == 7 && claim.state != NGX_AIGC_NO_STATE);
    must(claim.raw.len <= NGX_AIGC_ANNOTATION_MAX);

    /* with a blank in front only jansson reads it, without duplicates */

    if (raw.len < NGX_AIGC_ANNOTATION_MAX) {
        text = fuzz_fmt(f, " %V", &raw);
        must(ngx_aigc_claim_read(f->pool, 7, &text, &slow) == NGX_OK);
        claim_same(&claim, &slow);
    }

    if (claim.state == NGX_AIGC_UNREADABLE) {
        must(claim.owner.len == 0 && claim.gss.len == 0);
        return;
    }

    must(claim.owner.len > 0 && claim.owner.len <= NGX_AIGC_SUB_MAX);
    must(claim.gss.len > 0 && claim.gss.len <= NGX_AIGC_UID_MAX);
    must(fuzz_plain(&claim.owner) && fuzz_plain(&claim.gss));
    must(claim.since_sec >= 0);

    root = fuzz_json(f, &raw, JSON_REJECT_DUPLICATES);
    must(ngx_aigc_json_is(root, "owner",
                          (char *) fuzz_fmt(f, "%V%Z", &claim.owner).data));

    must(ngx_aigc_claim_write(f->pool, &claim) == NGX_OK);
    must(ngx_aigc_claim_read(f->pool, 7, &claim.raw, &again) == NGX_OK);
    claim_same(&claim, &again);
}


static void
claim_same(ngx_aigc_claim_t *a, ngx_aigc_claim_t *b)
{
    must(a->state == b->state);
    must(fuzz_eq(&a->owner, &b->owner));
    must(fuzz_eq(&a->since, &b->since));
    must(fuzz_eq(&a->gss, &b->gss));
    must(a->since_sec == b->since_sec);
    must(a->keep == b->keep);
}
