/*
 * instances/ngx_aigc_workload.c — Advanced StatefulSets, and warnings about
 * what becomes of pods.
 */

#include "ngx_aigc_workload.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static ngx_int_t ngx_aigc_revision_copy(ngx_pool_t *pool, json_t *object,
    const char *key, ngx_str_t *out);
static ngx_str_t ngx_aigc_workload_owner(json_t *meta, ngx_str_t *name);
static ngx_int_t ngx_aigc_workload_refused(ngx_pool_t *pool, json_t *status,
    ngx_aigc_workload_t *workload);
static ngx_int_t ngx_aigc_warning_pod(ngx_pool_t *pool, json_t *involved,
    ngx_str_t *name, ngx_aigc_warning_t *warning);
static ngx_int_t ngx_aigc_warning_gss(ngx_pool_t *pool, json_t *involved,
    ngx_aigc_warning_t *warning);
static ngx_int_t ngx_aigc_warning_unmade(ngx_str_t *code, ngx_str_t *text,
    ngx_str_t *pod);
static ngx_str_t ngx_aigc_why(json_t *object);
static u_char *ngx_aigc_after(u_char *p, u_char *last, const char *word);
static time_t ngx_aigc_warning_time(json_t *object);


/* half a revision is another one */

static ngx_int_t
ngx_aigc_revision_copy(ngx_pool_t *pool, json_t *object, const char *key,
    ngx_str_t *out)
{
    ngx_str_t  revision;

    revision = ngx_aigc_json_text(object, key);

    if (ngx_aigc_text_check(&revision, NGX_AIGC_REVISION_MAX) != NGX_OK) {
        ngx_str_null(out);
        return NGX_OK;
    }

    return ngx_aigc_text_copy(pool, &revision, revision.len, out);
}


ngx_int_t
ngx_aigc_workload_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_workload_t *workload = value;

    json_t     *meta;
    ngx_str_t   ns, name, uid, owner;

    ngx_memzero(workload, sizeof(ngx_aigc_workload_t));

    meta = json_object_get(object, "metadata");

    ns = ngx_aigc_json_text(meta, "namespace");
    name = ngx_aigc_json_text(meta, "name");
    uid = ngx_aigc_json_text(meta, "uid");
    owner = ngx_aigc_workload_owner(meta, &name);

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&name, NGX_AIGC_NAME_MAX) != NGX_OK
        || ngx_aigc_text_check(&uid, NGX_AIGC_UID_MAX) != NGX_OK
        || ngx_aigc_text_check(&owner, NGX_AIGC_UID_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_text_copy(pool, &ns, ns.len, &workload->ns) != NGX_OK
        || ngx_aigc_text_copy(pool, &name, name.len, &workload->gss) != NGX_OK
        || ngx_aigc_text_copy(pool, &uid, uid.len, &workload->uid) != NGX_OK
        || ngx_aigc_text_copy(pool, &owner, owner.len, &workload->owner)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_aigc_workload_refused(pool, json_object_get(object, "status"),
                                  workload)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_revision_copy(pool, json_object_get(object, "status"),
                                  "updateRevision", &workload->revision);
}


/* kruise says it for as long as it lasts (from 1.5 on; events, always) */

static ngx_int_t
ngx_aigc_workload_refused(ngx_pool_t *pool, json_t *status,
    ngx_aigc_workload_t *workload)
{
    size_t      i;
    json_t     *conditions, *item;
    ngx_str_t   why;

    conditions = json_object_get(status, "conditions");

    json_array_foreach(conditions, i, item) {

        if (ngx_aigc_json_is(item, "type", "FailedCreatePod")
            && ngx_aigc_json_is(item, "status", "True"))
        {
            workload->refused = 1;

            why = ngx_aigc_why(item);

            return ngx_aigc_text_copy(pool, &why, NGX_AIGC_REASON_TEXT_MAX,
                                      &workload->why);
        }
    }

    return NGX_OK;
}


/* the uid of the GameServerSet of that name that it belongs to; len 0: none */

static ngx_str_t
ngx_aigc_workload_owner(json_t *meta, ngx_str_t *name)
{
    size_t      i;
    json_t     *owners, *owner;
    ngx_str_t   uid, text;

    ngx_str_null(&uid);

    owners = json_object_get(meta, "ownerReferences");

    json_array_foreach(owners, i, owner) {

        text = ngx_aigc_json_text(owner, "name");

        if (ngx_aigc_json_is(owner, "kind", "GameServerSet")
            && ngx_aigc_text_eq(&text, name))
        {
            return ngx_aigc_json_text(owner, "uid");
        }
    }

    return uid;
}


ngx_int_t
ngx_aigc_warning_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_warning_t *warning = value;

    json_t     *involved;
    ngx_int_t   rc;
    ngx_str_t   code, name, text;

    ngx_memzero(warning, sizeof(ngx_aigc_warning_t));

    involved = json_object_get(object, "involvedObject");
    code = ngx_aigc_json_text(object, "reason");

    if (!ngx_aigc_json_is(object, "type", "Warning")
        || ngx_aigc_text_check(&code, NGX_AIGC_REASON_CODE_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    text = ngx_aigc_json_text(object, "message");

    if (ngx_aigc_json_is(involved, "kind", "Pod")) {
        name = ngx_aigc_json_text(involved, "name");
        rc = ngx_aigc_warning_pod(pool, involved, &name, warning);

    } else if (ngx_aigc_json_is(involved, "kind", "StatefulSet")
               && ngx_aigc_warning_unmade(&code, &text, &name) == NGX_OK)
    {
        text = ngx_aigc_why(object);
        warning->unmade = 1;
        rc = ngx_aigc_warning_pod(pool, involved, &name, warning);

    } else if (ngx_aigc_json_is(involved, "kind", "GameServerSet")) {
        rc = ngx_aigc_warning_gss(pool, involved, warning);

    } else {
        rc = NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    warning->time = ngx_aigc_warning_time(object);

    if (ngx_aigc_text_copy(pool, &code, code.len, &warning->code) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_aigc_text_copy(pool, &text, NGX_AIGC_REASON_TEXT_MAX,
                              &warning->text);
}


/* which pod it is about: the last "-" of its name is before the id */

static ngx_int_t
ngx_aigc_warning_pod(ngx_pool_t *pool, json_t *involved, ngx_str_t *name,
    ngx_aigc_warning_t *warning)
{
    ngx_str_t  ns, uid, gss;

    ns = ngx_aigc_json_text(involved, "namespace");
    uid = ngx_aigc_json_text(involved, "uid");

    if (warning->unmade) {
        uid.len = 0;                    /* the workload's */
    }

    gss = *name;

    while (gss.len && gss.data[gss.len - 1] != '-') {
        gss.len--;
    }

    if (gss.len) {
        gss.len--;
    }

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&gss, NGX_AIGC_NAME_MAX) != NGX_OK
        || uid.len > NGX_AIGC_UID_MAX
        || ngx_aigc_id_of_name(name, &gss, &warning->id) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_text_copy(pool, &ns, ns.len, &warning->ns) != NGX_OK
        || ngx_aigc_text_copy(pool, &gss, gss.len, &warning->gss) != NGX_OK
        || ngx_aigc_text_copy(pool, &uid, uid.len, &warning->pod_uid)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_warning_gss(ngx_pool_t *pool, json_t *involved,
    ngx_aigc_warning_t *warning)
{
    ngx_str_t  ns, name, uid;

    ns = ngx_aigc_json_text(involved, "namespace");
    name = ngx_aigc_json_text(involved, "name");
    uid = ngx_aigc_json_text(involved, "uid");

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&name, NGX_AIGC_NAME_MAX) != NGX_OK
        || ngx_aigc_text_check(&uid, NGX_AIGC_UID_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    warning->id = -1;

    if (ngx_aigc_text_copy(pool, &ns, ns.len, &warning->ns) != NGX_OK
        || ngx_aigc_text_copy(pool, &name, name.len, &warning->gss) != NGX_OK
        || ngx_aigc_text_copy(pool, &uid, uid.len, &warning->pod_uid)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * "create Pod sd-7 in StatefulSet sd failed error: …", "create Claim data-sd-7
 * for Pod sd-7 in …", either after "(combined from similar events): ".
 */

static ngx_int_t
ngx_aigc_warning_unmade(ngx_str_t *code, ngx_str_t *text, ngx_str_t *pod)
{
    u_char  *last;

    if (!ngx_aigc_text_is(code, "FailedCreate")) {
        return NGX_DECLINED;
    }

    last = text->data + text->len;

    pod->data = ngx_aigc_after(text->data, last, " Pod ");
    if (pod->data == NULL) {
        return NGX_DECLINED;
    }

    pod->len = 0;

    while (pod->data + pod->len < last && pod->data[pod->len] != ' ') {
        pod->len++;
    }

    return NGX_OK;
}


/* its message, without who says it of what */

static ngx_str_t
ngx_aigc_why(json_t *object)
{
    u_char     *p;
    ngx_str_t   text;

    text = ngx_aigc_json_text(object, "message");

    p = ngx_aigc_after(text.data, text.data + text.len, " error: ");

    if (p) {
        text.len -= p - text.data;
        text.data = p;
    }

    return text;
}


/* what stands behind word, or NULL */

static u_char *
ngx_aigc_after(u_char *p, u_char *last, const char *word)
{
    size_t  len;

    len = ngx_strlen(word);

    for ( /* void */ ; p && last - p >= (ssize_t) len; p++) {
        if (ngx_memcmp(p, word, len) == 0) {
            return p + len;
        }
    }

    return NULL;
}


/* of a series, the last time; the newer events API leaves lastTimestamp out */

static time_t
ngx_aigc_warning_time(json_t *object)
{
    time_t      t, last;
    ngx_str_t   texts[4];
    ngx_uint_t  i;

    texts[0] = ngx_aigc_json_text(json_object_get(object, "series"),
                                  "lastObservedTime");
    texts[1] = ngx_aigc_json_text(object, "lastTimestamp");
    texts[2] = ngx_aigc_json_text(object, "eventTime");
    texts[3] = ngx_aigc_json_text(json_object_get(object, "metadata"),
                                  "creationTimestamp");

    last = 0;

    for (i = 0; i < 4; i++) {
        t = ngx_aigc_time_read(&texts[i]);
        last = ngx_max(last, t);
    }

    return last;
}
