/*
 * instances/ngx_aigc_objects.c — GameServers and PersistentVolumeClaims.
 */

#include "ngx_aigc_objects.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_pod.h"
#include "base/ngx_aigc_text.h"


static ngx_aigc_gs_state_e ngx_aigc_gs_state(ngx_str_t *name);
static ngx_int_t ngx_aigc_pvc_id(ngx_str_t *name, ngx_str_t *gss,
    ngx_int_t *id);
static ngx_int_t ngx_aigc_pvc_owner(ngx_pool_t *pool, json_t *annotations,
    ngx_str_t *out);
static ngx_int_t ngx_aigc_pvc_text(ngx_pool_t *pool, json_t *object,
    const char *key, size_t max, ngx_str_t *out);
static ngx_int_t ngx_aigc_pvc_annotate(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc,
    const char *key, ngx_str_t *value, ngx_str_t *out);


ngx_int_t
ngx_aigc_gs_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_gs_t *gs = value;

    json_t     *status;
    ngx_int_t   rc;
    ngx_str_t   state, network;

    ngx_memzero(gs, sizeof(ngx_aigc_gs_t));

    rc = ngx_aigc_object_read(pool, object, NGX_AIGC_PVC_MAX, &gs->ns,
                              &gs->name, &gs->gss, &gs->uid);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_id_of_name(&gs->name, &gs->gss, &gs->id) != NGX_OK) {
        return NGX_DECLINED;
    }

    status = json_object_get(object, "status");

    state = ngx_aigc_json_text(status, "currentState");
    gs->state = ngx_aigc_gs_state(&state);

    if (ngx_aigc_json_text(json_object_get(object, "metadata"),
                           "deletionTimestamp").len)
    {
        gs->state = NGX_AIGC_GS_DELETING;
    }

    network = ngx_aigc_json_text(json_object_get(status, "networkStatus"),
                                 "currentNetworkState");

    gs->network_ready = ngx_aigc_text_is(&network, "Ready");

    return NGX_OK;
}


ngx_int_t
ngx_aigc_object_read(ngx_pool_t *pool, json_t *object, size_t max,
    ngx_str_t *ns, ngx_str_t *name, ngx_str_t *gss, ngx_str_t *uid)
{
    json_t     *meta;
    ngx_str_t   s, n, g, u;

    meta = json_object_get(object, "metadata");

    s = ngx_aigc_json_text(meta, "namespace");
    n = ngx_aigc_json_text(meta, "name");
    u = ngx_aigc_json_text(meta, "uid");
    g = ngx_aigc_json_text(json_object_get(meta, "labels"),
                           NGX_AIGC_LABEL_GSS);

    if (ngx_aigc_name_check(&s, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&n, max) != NGX_OK
        || ngx_aigc_name_check(&g, NGX_AIGC_NAME_MAX) != NGX_OK
        || ngx_aigc_text_check(&u, NGX_AIGC_UID_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_text_copy(pool, &s, s.len, ns) != NGX_OK
        || ngx_aigc_text_copy(pool, &n, n.len, name) != NGX_OK
        || ngx_aigc_text_copy(pool, &g, g.len, gss) != NGX_OK
        || ngx_aigc_text_copy(pool, &u, u.len, uid) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_aigc_gs_state_e
ngx_aigc_gs_state(ngx_str_t *name)
{
    ngx_uint_t  i;

    static struct {
        ngx_str_t            name;
        ngx_aigc_gs_state_e  state;
    } states[] = {
        { ngx_string("Creating"), NGX_AIGC_GS_CREATING },
        { ngx_string("Ready"), NGX_AIGC_GS_READY },
        { ngx_string("NotReady"), NGX_AIGC_GS_NOT_READY },
        { ngx_string("Crash"), NGX_AIGC_GS_CRASH },
        { ngx_string("Updating"), NGX_AIGC_GS_UPDATING },
        { ngx_string("PreUpdate"), NGX_AIGC_GS_UPDATING },
        { ngx_string("Deleting"), NGX_AIGC_GS_DELETING },
        { ngx_string("PreDelete"), NGX_AIGC_GS_DELETING }
    };

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (ngx_aigc_text_eq(name, &states[i].name)) {
            return states[i].state;
        }
    }

    return NGX_AIGC_GS_UNKNOWN;
}


ngx_int_t
ngx_aigc_pvc_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_pvc_t *pvc = value;

    json_t     *meta, *annotations;
    ngx_int_t   rc;
    ngx_str_t   created;

    ngx_memzero(pvc, sizeof(ngx_aigc_pvc_t));

    rc = ngx_aigc_object_read(pool, object, NGX_AIGC_PVC_MAX, &pvc->ns,
                              &pvc->name, &pvc->gss, &pvc->uid);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_aigc_pvc_id(&pvc->name, &pvc->gss, &pvc->id) != NGX_OK) {
        return NGX_DECLINED;
    }

    meta = json_object_get(object, "metadata");
    annotations = json_object_get(meta, "annotations");

    pvc->has_annotations = json_is_object(annotations) ? 1 : 0;
    pvc->deleting = ngx_aigc_json_text(meta, "deletionTimestamp").len ? 1 : 0;

    created = ngx_aigc_json_text(meta, "creationTimestamp");
    pvc->created = ngx_aigc_time_read(&created);

    if (pvc->created == -1) {
        pvc->created = 0;               /* older than any install */
    }

    if (ngx_aigc_owner_ref_read(pool, meta, &pvc->gss, &pvc->ref) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_aigc_pvc_text(pool, annotations, ngx_aigc_annotation(STRAY),
                          NGX_AIGC_UID_MAX, &pvc->stray)
        != NGX_OK
        || ngx_aigc_pvc_text(pool, meta, "resourceVersion",
                             NGX_AIGC_VERSION_MAX, &pvc->version)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_pvc_owner(pool, annotations, &pvc->owner);
}


/* what is too long, or no text, is none */

static ngx_int_t
ngx_aigc_pvc_text(ngx_pool_t *pool, json_t *object, const char *key,
    size_t max, ngx_str_t *out)
{
    ngx_str_t  text;

    text = ngx_aigc_json_text(object, key);

    if (ngx_aigc_text_check(&text, max) != NGX_OK) {
        ngx_str_null(out);
        return NGX_OK;
    }

    return ngx_aigc_text_copy(pool, &text, text.len, out);
}


/* "<claim>-<gss>-<id>" */

static ngx_int_t
ngx_aigc_pvc_id(ngx_str_t *name, ngx_str_t *gss, ngx_int_t *id)
{
    size_t     digits;
    ngx_str_t  tail;

    digits = 0;

    while (digits < name->len
           && name->data[name->len - digits - 1] >= '0'
           && name->data[name->len - digits - 1] <= '9')
    {
        digits++;
    }

    tail.len = gss->len + 1 + digits;

    if (name->len < tail.len + 2
        || name->data[name->len - tail.len - 1] != '-')
    {
        return NGX_DECLINED;
    }

    tail.data = name->data + name->len - tail.len;

    return ngx_aigc_id_of_name(&tail, gss, id);
}


/* an owner that cannot be read is somebody, and nobody that can sign in */

static ngx_int_t
ngx_aigc_pvc_owner(ngx_pool_t *pool, json_t *annotations, ngx_str_t *out)
{
    json_t     *value;
    ngx_str_t   owner;

    static ngx_str_t  unreadable = ngx_string(NGX_AIGC_OWNER_UNREADABLE);

    value = json_object_get(annotations, ngx_aigc_annotation(OWNER));

    if (value == NULL) {
        ngx_str_null(out);
        return NGX_OK;
    }

    owner = ngx_aigc_json_text(annotations, ngx_aigc_annotation(OWNER));

    if (ngx_aigc_text_check(&owner, NGX_AIGC_SUB_MAX) != NGX_OK) {
        *out = unreadable;
        return NGX_OK;
    }

    return ngx_aigc_text_copy(pool, &owner, owner.len, out);
}


ngx_int_t
ngx_aigc_pvc_stamp(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc, ngx_str_t *owner,
    ngx_str_t *out)
{
    return ngx_aigc_pvc_annotate(pool, pvc, ngx_aigc_annotation(OWNER),
                                 owner, out);
}


ngx_int_t
ngx_aigc_pvc_stray(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc, ngx_str_t *gss,
    ngx_str_t *out)
{
    return ngx_aigc_pvc_annotate(pool, pvc, ngx_aigc_annotation(STRAY),
                                 gss, out);
}


/* whatever is recorded, only where no owner is */

static ngx_int_t
ngx_aigc_pvc_annotate(ngx_pool_t *pool, ngx_aigc_pvc_t *pvc, const char *key,
    ngx_str_t *value, ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);

    ngx_aigc_put_literal(&w, "[{\"op\":\"test\",\"path\":\"/metadata/uid\","
                             "\"value\":");
    ngx_aigc_put_string(&w, &pvc->uid);
    ngx_aigc_put_literal(&w, "},");

    if (pvc->has_annotations) {
        ngx_aigc_put_literal(&w, "{\"op\":\"test\","
                                 "\"path\":\"/metadata/annotations/");
        ngx_aigc_put_pointer(&w, ngx_aigc_annotation(OWNER));
        ngx_aigc_put_literal(&w, "\",\"value\":null},{\"op\":\"add\","
                                 "\"path\":\"/metadata/annotations/");
        ngx_aigc_put_pointer(&w, key);
        ngx_aigc_put_literal(&w, "\",\"value\":");
        ngx_aigc_put_string(&w, value);
        ngx_aigc_put_literal(&w, "}]");

    } else {
        ngx_aigc_put_literal(&w, "{\"op\":\"test\","
                                 "\"path\":\"/metadata/annotations\","
                                 "\"value\":null},"
                                 "{\"op\":\"add\","
                                 "\"path\":\"/metadata/annotations\","
                                 "\"value\":{\"");
        ngx_aigc_put(&w, (u_char *) key, ngx_strlen(key));
        ngx_aigc_put_literal(&w, "\":");
        ngx_aigc_put_string(&w, value);
        ngx_aigc_put_literal(&w, "}}]");
    }

    return ngx_aigc_writer_text(&w, out);
}
