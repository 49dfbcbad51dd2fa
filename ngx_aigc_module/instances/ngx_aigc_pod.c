/*
 * instances/ngx_aigc_pod.c — Pods.  Why one does not start is in
 * ngx_aigc_reason.c.
 */

#include "ngx_aigc_pod.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_objects.h"
#include "ngx_aigc_reason.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_KRUISE_GROUP    "apps.kruise.io/"


static ngx_str_t ngx_aigc_pod_owner(json_t *meta, ngx_str_t *gss);
static ngx_uint_t ngx_aigc_pod_ready(json_t *status);
static ngx_int_t ngx_aigc_pod_ip(ngx_pool_t *pool, json_t *status,
    ngx_str_t *out);


ngx_int_t
ngx_aigc_pod_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_pod_t *pod = value;

    json_t     *meta, *status;
    ngx_int_t   rc;
    ngx_str_t   deadline, owner, revision;

    ngx_memzero(pod, sizeof(ngx_aigc_pod_t));

    rc = ngx_aigc_object_read(pool, object, NGX_AIGC_PVC_MAX, &pod->ns,
                              &pod->name, &pod->gss, &pod->uid);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_id_of_name(&pod->name, &pod->gss, &pod->id) != NGX_OK) {
        return NGX_DECLINED;
    }

    meta = json_object_get(object, "metadata");
    status = json_object_get(object, "status");

    deadline = ngx_aigc_json_text(meta, "deletionTimestamp");

    if (deadline.len) {
        pod->deleting = 1;
        pod->deadline = ngx_max(ngx_aigc_time_read(&deadline), 0);
    }

    pod->failed = ngx_aigc_json_is(status, "phase", "Failed");
    pod->ready = ngx_aigc_pod_ready(status);

    owner = ngx_aigc_pod_owner(meta, &pod->gss);
    revision = ngx_aigc_json_text(json_object_get(meta, "labels"),
                                  NGX_AIGC_LABEL_REVISION);

    /* half a revision is another one */

    if (ngx_aigc_text_check(&revision, NGX_AIGC_REVISION_MAX) != NGX_OK) {
        ngx_str_null(&revision);
    }

    if (ngx_aigc_text_copy(pool, &revision, revision.len, &pod->revision)
        != NGX_OK
        || ngx_aigc_text_copy(pool, &owner, owner.len, &pod->owner) != NGX_OK
        || ngx_aigc_pod_ip(pool, status, &pod->ip) != NGX_OK
        || ngx_aigc_json_copy(pool, status, "startTime",
                              NGX_AIGC_POD_START_MAX, &pod->start)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_reason_read(pool, status, pod);
}


/*
 * An owner's kind and name can be written by whoever creates a pod, so this
 * tells a pod that was made by hand, or by something else, from kruise's own;
 * it is no proof against somebody who means harm.
 */
static ngx_str_t
ngx_aigc_pod_owner(json_t *meta, ngx_str_t *gss)
{
    size_t      i;
    json_t     *owners, *owner;
    ngx_str_t   version, name, uid;

    owners = json_object_get(meta, "ownerReferences");

    json_array_foreach(owners, i, owner) {

        version = ngx_aigc_json_text(owner, "apiVersion");
        name = ngx_aigc_json_text(owner, "name");
        uid = ngx_aigc_json_text(owner, "uid");

        if (json_is_true(json_object_get(owner, "controller"))
            && ngx_aigc_json_is(owner, "kind", "StatefulSet")
            && version.len > sizeof(NGX_AIGC_KRUISE_GROUP) - 1
            && ngx_memcmp(version.data, NGX_AIGC_KRUISE_GROUP,
                          sizeof(NGX_AIGC_KRUISE_GROUP) - 1) == 0
            && ngx_aigc_text_eq(&name, gss)
            && ngx_aigc_text_check(&uid, NGX_AIGC_UID_MAX) == NGX_OK)
        {
            return uid;
        }
    }

    ngx_str_null(&uid);

    return uid;
}


/*
 * A pod that has ended may keep its conditions and its address for as long as
 * the object is there, while the address is free for others: only one that runs
 * is ready.
 */
static ngx_uint_t
ngx_aigc_pod_ready(json_t *status)
{
    size_t   i;
    json_t  *conditions, *item;

    if (!ngx_aigc_json_is(status, "phase", "Running")) {
        return 0;
    }

    conditions = json_object_get(status, "conditions");

    json_array_foreach(conditions, i, item) {

        if (ngx_aigc_json_is(item, "type", "Ready")) {
            return ngx_aigc_json_is(item, "status", "True");
        }
    }

    return 0;
}


/*
 * Requests go where this says: a literal address or nothing.  The unspecified
 * one is no pod's, and a connection to it ends at this machine.
 */
static ngx_int_t
ngx_aigc_pod_ip(ngx_pool_t *pool, json_t *status, ngx_str_t *out)
{
    ngx_str_t        ip;
    ngx_uint_t       good;
    struct in_addr   in;
    struct in6_addr  in6;

    ngx_str_null(out);

    ip = ngx_aigc_json_text(status, "podIP");

    if (ip.len == 0) {
        return NGX_OK;
    }

    /* JSON strings end with a NUL, and hold none */

    if (inet_pton(AF_INET, (char *) ip.data, &in) == 1) {
        good = (in.s_addr != INADDR_ANY);

    } else if (inet_pton(AF_INET6, (char *) ip.data, &in6) == 1) {
        good = !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6);

    } else {
        good = 0;
    }

    return good ? ngx_aigc_text_copy(pool, &ip, ip.len, out) : NGX_OK;
}
