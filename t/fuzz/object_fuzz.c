/*
 * t/fuzz/object_fuzz.c — the objects that are watched, beside GameServerSets:
 * GameServers, disks, pods, workloads, warnings.  The input is one of them; a
 * reader never takes another's for its own name.
 */

#include "fuzz.h"
#include "instances/ngx_aigc_ids.h"
#include "instances/ngx_aigc_objects.h"
#include "instances/ngx_aigc_pod.h"
#include "instances/ngx_aigc_workload.h"


static void object_id(fuzz_t *f, ngx_str_t *name, ngx_str_t *gss,
    ngx_int_t id);
static void object_disk(fuzz_t *f, ngx_aigc_pvc_t *pvc);
static void object_patch(fuzz_t *f, ngx_str_t *patch);


FUZZ(object)
{
    json_t               *object;
    ngx_str_t             text;
    ngx_aigc_gs_t         gs;
    ngx_aigc_pvc_t        pvc;
    ngx_aigc_pod_t        pod;
    ngx_aigc_warning_t    warning;
    ngx_aigc_workload_t   workload;

    text = fuzz_rest(f);
    object = fuzz_json(f, &text, JSON_DECODE_ANY);

    if (ngx_aigc_gs_read(f->pool, object, &gs) == NGX_OK) {
        object_id(f, &gs.name, &gs.gss, gs.id);
        must(gs.state <= NGX_AIGC_GS_DELETING);
    }

    if (ngx_aigc_pod_read(f->pool, object, &pod) == NGX_OK) {
        object_id(f, &pod.name, &pod.gss, pod.id);
        must(pod.revision.len <= NGX_AIGC_REVISION_MAX);
        must(pod.reason_code.len <= NGX_AIGC_REASON_CODE_MAX);
        must(pod.reason.len <= NGX_AIGC_REASON_TEXT_MAX);
        must(fuzz_plain(&pod.reason_code) && fuzz_plain(&pod.reason));
        must(pod.start.len <= NGX_AIGC_POD_START_MAX);
        must(pod.ip.len == 0
             || ngx_inet_addr(pod.ip.data, pod.ip.len) != INADDR_NONE
             || memchr(pod.ip.data, ':', pod.ip.len) != NULL);
    }

    if (ngx_aigc_pvc_read(f->pool, object, &pvc) == NGX_OK) {
        object_disk(f, &pvc);
    }

    if (ngx_aigc_workload_read(f->pool, object, &workload) == NGX_OK) {
        must(workload.gss.len > 0 && workload.gss.len <= NGX_AIGC_NAME_MAX);
        must(fuzz_plain(&workload.why));
    }

    if (ngx_aigc_warning_read(f->pool, object, &warning) == NGX_OK) {
        must(warning.id >= -1 && warning.id <= NGX_AIGC_ID_MAX);
        must(warning.gss.len > 0 && warning.gss.len <= NGX_AIGC_NAME_MAX);
        must(fuzz_plain(&warning.code) && fuzz_plain(&warning.text));
    }
}


static void
object_id(fuzz_t *f, ngx_str_t *name, ngx_str_t *gss, ngx_int_t id)
{
    ngx_str_t  made;

    made = fuzz_fmt(f, "%V-%i", gss, id);
    must(fuzz_eq(&made, name));
    must(id >= 0 && id <= NGX_AIGC_ID_MAX);
}


static void
object_disk(fuzz_t *f, ngx_aigc_pvc_t *pvc)
{
    ngx_str_t  out;

    must(pvc->id >= 0 && pvc->id <= NGX_AIGC_ID_MAX);
    must(pvc->name.len <= NGX_AIGC_PVC_MAX);
    must(pvc->version.len <= NGX_AIGC_VERSION_MAX);
    must(pvc->created >= 0);
    must(pvc->owner.len == 0 || fuzz_plain(&pvc->owner)
         || fuzz_eq(&pvc->owner,
                    &(ngx_str_t) ngx_string(NGX_AIGC_OWNER_UNREADABLE)));

    must(ngx_aigc_pvc_stamp(f->pool, pvc, &pvc->gss, &out) == NGX_OK);
    object_patch(f, &out);
    must(ngx_aigc_pvc_stray(f->pool, pvc, &pvc->uid, &out) == NGX_OK);
    object_patch(f, &out);
    must(ngx_aigc_owner_ref_add(f->pool, &pvc->uid, &pvc->ref, &pvc->gss,
                                &pvc->uid, &out)
         == NGX_OK);
    object_patch(f, &out);

    if (pvc->ref.uid.len) {
        must(pvc->ref.index < NGX_AIGC_OWNER_REFS_MAX);
        must(ngx_aigc_owner_ref_remove(f->pool, &pvc->uid, &pvc->ref, &out)
             == NGX_OK);
        object_patch(f, &out);
    }
}


/* A JSON Patch, each of whose tests has a value. */
static void
object_patch(fuzz_t *f, ngx_str_t *patch)
{
    size_t   i;
    json_t  *root, *op;

    root = fuzz_json(f, patch, JSON_REJECT_DUPLICATES);
    must(json_array_size(root) > 1);

    json_array_foreach(root, i, op) {
        must(json_is_string(json_object_get(op, "path")));
        must(json_object_get(op, "value")
             || ngx_strcmp(json_string_value(json_object_get(op, "op")),
                           "remove")
                == 0);
    }
}
