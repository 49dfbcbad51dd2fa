/*
 * instances/ngx_aigc_patch.c — the one patch that writes a GameServerSet.
 *
 * Written by hand, not through a JSON tree: it lists every id that is not
 * running, and under load it is built for each write.
 */

#include "ngx_aigc_patch.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_PATH_ANNOTATIONS  "/metadata/annotations"


static ngx_int_t ngx_aigc_patch_check(ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put_tests(ngx_aigc_writer_t *w,
    ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put_change_test(ngx_aigc_writer_t *w,
    ngx_aigc_change_t *change);
static void ngx_aigc_patch_put_changes(ngx_aigc_writer_t *w,
    ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put_annotations(ngx_aigc_writer_t *w,
    ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put_aside(ngx_aigc_writer_t *w,
    ngx_aigc_patch_t *patch);
static void ngx_aigc_patch_put_path(ngx_aigc_writer_t *w, ngx_int_t id);
static void ngx_aigc_patch_put_spec(ngx_aigc_writer_t *w,
    ngx_aigc_patch_t *patch);


ngx_int_t
ngx_aigc_patch_build(ngx_pool_t *pool, ngx_aigc_patch_t *patch, ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    if (ngx_aigc_patch_check(patch) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_aigc_writer_init(&w, pool);
    ngx_aigc_patch_put(&w, patch);

    return ngx_aigc_writer_text(&w, out);
}


static ngx_int_t
ngx_aigc_patch_check(ngx_aigc_patch_t *patch)
{
    ngx_int_t           last;
    ngx_uint_t          i;
    ngx_aigc_change_t  *change;

    if (patch->uid.len == 0
        || patch->top < -1 || patch->top > NGX_AIGC_ID_MAX
        || (patch->test_reserve_ids && !patch->has_annotations)
        || (patch->naside && !patch->has_annotations))
    {
        return NGX_DECLINED;
    }

    last = -1;

    for (i = 0; i < patch->nrunning; i++) {
        if (patch->running[i] <= last || patch->running[i] > patch->top) {
            return NGX_DECLINED;
        }

        last = patch->running[i];
    }

    for (i = 0; i < patch->nchanges; i++) {
        change = &patch->changes[i];

        if (change->id < 0 || change->id > patch->top
            || (change->before.len && !patch->has_annotations))
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static void
ngx_aigc_patch_put(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_aigc_put_literal(w, "[");

    ngx_aigc_patch_put_tests(w, patch);

    if (patch->has_annotations) {
        ngx_aigc_patch_put_changes(w, patch);

    } else {
        ngx_aigc_patch_put_annotations(w, patch);
    }

    ngx_aigc_patch_put_spec(w, patch);

    ngx_aigc_put_literal(w, "]");
}


static void
ngx_aigc_patch_put_tests(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_uint_t  i;

    ngx_aigc_put_literal(w, "{\"op\":\"test\",\"path\":\"/metadata/uid\","
                            "\"value\":");
    ngx_aigc_put_string(w, &patch->uid);
    ngx_aigc_put_literal(w, "},");

    ngx_aigc_put_literal(w, "{\"op\":\"test\","
                            "\"path\":\"/metadata/generation\",\"value\":");
    ngx_aigc_put_int(w, patch->generation);
    ngx_aigc_put_literal(w, "},");

    if (patch->observed >= 0) {
        ngx_aigc_put_literal(w, "{\"op\":\"test\","
                                "\"path\":\"/status/observedGeneration\","
                                "\"value\":");
        ngx_aigc_put_int(w, patch->observed);
        ngx_aigc_put_literal(w, "},");
    }

    if (patch->current >= 0) {
        ngx_aigc_put_literal(w, "{\"op\":\"test\","
                                "\"path\":\"/status/currentReplicas\","
                                "\"value\":");
        ngx_aigc_put_int(w, patch->current);
        ngx_aigc_put_literal(w, "},");
    }

    if (patch->test_reserve_ids) {
        ngx_aigc_put_literal(w, "{\"op\":\"test\",\"path\":\""
                                NGX_AIGC_PATH_ANNOTATIONS "/");
        ngx_aigc_put_pointer(w, ngx_aigc_annotation(RESERVE_IDS));
        ngx_aigc_put_literal(w, "\",\"value\":");
        ngx_aigc_put_string(w, &patch->reserve_ids);
        ngx_aigc_put_literal(w, "},");
    }

    if (!patch->has_annotations) {
        ngx_aigc_put_literal(w, "{\"op\":\"test\",\"path\":\""
                                NGX_AIGC_PATH_ANNOTATIONS
                                "\",\"value\":null},");
        return;
    }

    for (i = 0; i < patch->nchanges; i++) {
        ngx_aigc_patch_put_change_test(w, &patch->changes[i]);
    }
}


static void
ngx_aigc_patch_put_change_test(ngx_aigc_writer_t *w, ngx_aigc_change_t *change)
{
    ngx_aigc_put_literal(w, "{\"op\":\"test\",");
    ngx_aigc_patch_put_path(w, change->id);
    ngx_aigc_put_literal(w, ",\"value\":");

    if (change->before.len) {
        ngx_aigc_put_string(w, &change->before);

    } else {
        ngx_aigc_put_literal(w, "null");
    }

    ngx_aigc_put_literal(w, "},");
}


static void
ngx_aigc_patch_put_changes(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_uint_t          i;
    ngx_aigc_change_t  *change;

    for (i = 0; i < patch->nchanges; i++) {
        change = &patch->changes[i];

        if (change->after.len) {
            ngx_aigc_put_literal(w, "{\"op\":\"add\",");
            ngx_aigc_patch_put_path(w, change->id);
            ngx_aigc_put_literal(w, ",\"value\":");
            ngx_aigc_put_string(w, &change->after);
            ngx_aigc_put_literal(w, "},");

        } else if (change->before.len) {
            ngx_aigc_put_literal(w, "{\"op\":\"remove\",");
            ngx_aigc_patch_put_path(w, change->id);
            ngx_aigc_put_literal(w, "},");
        }
    }

    if (patch->top >= 0) {
        ngx_aigc_put_literal(w, "{\"op\":\"add\",\"path\":\""
                                NGX_AIGC_PATH_ANNOTATIONS "/");
        ngx_aigc_put_pointer(w, ngx_aigc_annotation(TOP));
        ngx_aigc_put_literal(w, "\",\"value\":\"");
        ngx_aigc_put_int(w, patch->top);
        ngx_aigc_put_literal(w, "\"},");
    }

    if (patch->naside || patch->has_aside) {
        ngx_aigc_patch_put_aside(w, patch);
    }
}


/* empty rather than removed: "remove" fails where a hand was quicker */

static void
ngx_aigc_patch_put_aside(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_uint_t  i;

    ngx_aigc_put_literal(w, "{\"op\":\"add\",\"path\":\""
                            NGX_AIGC_PATH_ANNOTATIONS "/");
    ngx_aigc_put_pointer(w, ngx_aigc_annotation(ASIDE));
    ngx_aigc_put_literal(w, "\",\"value\":\"");

    for (i = 0; i < patch->naside; i++) {

        if (i) {
            ngx_aigc_put_literal(w, ",");
        }

        ngx_aigc_put_int(w, patch->aside[i]);
    }

    ngx_aigc_put_literal(w, "\"},");
}


/* there are none yet: all of them in one object */

static void
ngx_aigc_patch_put_annotations(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_uint_t          i;
    const char         *name;
    ngx_aigc_change_t  *change;

    if (patch->top < 0) {
        return;
    }

    ngx_aigc_put_literal(w, "{\"op\":\"add\",\"path\":\""
                            NGX_AIGC_PATH_ANNOTATIONS "\",\"value\":{");

    for (i = 0; i < patch->nchanges; i++) {
        change = &patch->changes[i];

        if (change->after.len) {
            ngx_aigc_put_literal(w, "\"" NGX_AIGC_ANNOTATION);
            ngx_aigc_put_int(w, change->id);
            ngx_aigc_put_literal(w, "\":");
            ngx_aigc_put_string(w, &change->after);
            ngx_aigc_put_literal(w, ",");
        }
    }

    name = ngx_aigc_annotation(TOP);

    ngx_aigc_put_literal(w, "\"");
    ngx_aigc_put(w, (u_char *) name, ngx_strlen(name));
    ngx_aigc_put_literal(w, "\":\"");
    ngx_aigc_put_int(w, patch->top);
    ngx_aigc_put_literal(w, "\"}},");
}


/* as a JSON pointer: "~1" is the slash of the annotation's name */

static void
ngx_aigc_patch_put_path(ngx_aigc_writer_t *w, ngx_int_t id)
{
    ngx_aigc_put_literal(w, "\"path\":\"" NGX_AIGC_PATH_ANNOTATIONS "/");
    ngx_aigc_put_pointer(w, NGX_AIGC_ANNOTATION);
    ngx_aigc_put_int(w, id);
    ngx_aigc_put_literal(w, "\"");
}


static void
ngx_aigc_patch_put_spec(ngx_aigc_writer_t *w, ngx_aigc_patch_t *patch)
{
    ngx_int_t   id;
    ngx_uint_t  next, first;

    ngx_aigc_put_literal(w, "{\"op\":\"add\",\"path\":\"/spec/replicas\","
                            "\"value\":");
    ngx_aigc_put_int(w, patch->nrunning);
    ngx_aigc_put_literal(w, "},{\"op\":\"add\","
                            "\"path\":\"/spec/reserveGameServerIds\","
                            "\"value\":[");

    next = 0;
    first = 1;

    for (id = 0; id <= patch->top; id++) {

        if (next < patch->nrunning && patch->running[next] == id) {
            next++;
            continue;
        }

        if (!first) {
            ngx_aigc_put_literal(w, ",");
        }

        first = 0;

        ngx_aigc_put_int(w, id);
    }

    ngx_aigc_put_literal(w, "]}");
}
