/*
 * core/ngx_aigc_workload.c — Advanced StatefulSets, and warnings about pods.
 */

#include "ngx_aigc_workload.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_text.h"


#define NGX_AIGC_OWNERS_MAX  16         /* ownerReferences looked at */


static ngx_int_t ngx_aigc_revision_copy(ngx_pool_t *pool, json_t *object,
    const char *key, ngx_str_t *out);
static ngx_str_t ngx_aigc_workload_owner(json_t *meta, ngx_str_t *name);
static ngx_int_t ngx_aigc_warning_pod(ngx_pool_t *pool, json_t *involved,
    ngx_aigc_warning_t *warning);
static time_t ngx_aigc_warning_time(json_t *object);
static ngx_uint_t ngx_aigc_word(json_t *object, const char *key,
    const char *word);


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
ngx_aigc_workload_read(ngx_pool_t *pool, json_t *object,
    ngx_aigc_workload_t *workload)
{
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

    return ngx_aigc_revision_copy(pool, json_object_get(object, "status"),
                                  "updateRevision", &workload->revision);
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

        if (i == NGX_AIGC_OWNERS_MAX) {
            break;
        }

        text = ngx_aigc_json_text(owner, "name");

        if (ngx_aigc_word(owner, "kind", "GameServerSet")
            && text.len == name->len
            && ngx_memcmp(text.data, name->data, text.len) == 0)
        {
            return ngx_aigc_json_text(owner, "uid");
        }
    }

    return uid;
}


ngx_int_t
ngx_aigc_warning_read(ngx_pool_t *pool, json_t *object,
    ngx_aigc_warning_t *warning)
{
    json_t     *involved;
    ngx_int_t   rc;
    ngx_str_t   code;

    ngx_memzero(warning, sizeof(ngx_aigc_warning_t));

    involved = json_object_get(object, "involvedObject");
    code = ngx_aigc_json_text(object, "reason");

    if (!ngx_aigc_word(object, "type", "Warning")
        || !ngx_aigc_word(involved, "kind", "Pod")
        || ngx_aigc_text_check(&code, NGX_AIGC_REASON_CODE_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_warning_pod(pool, involved, warning);
    if (rc != NGX_OK) {
        return rc;
    }

    warning->time = ngx_aigc_warning_time(object);

    if (ngx_aigc_text_copy(pool, &code, code.len, &warning->code) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_aigc_json_copy(pool, object, "message",
                              NGX_AIGC_REASON_TEXT_MAX, &warning->text);
}


/* which pod it is about: the last "-" of its name is before the id */

static ngx_int_t
ngx_aigc_warning_pod(ngx_pool_t *pool, json_t *involved,
    ngx_aigc_warning_t *warning)
{
    ngx_str_t  ns, name, uid, gss;

    ns = ngx_aigc_json_text(involved, "namespace");
    name = ngx_aigc_json_text(involved, "name");
    uid = ngx_aigc_json_text(involved, "uid");

    gss = name;

    while (gss.len && gss.data[gss.len - 1] != '-') {
        gss.len--;
    }

    if (gss.len) {
        gss.len--;
    }

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&gss, NGX_AIGC_NAME_MAX) != NGX_OK
        || uid.len > NGX_AIGC_UID_MAX
        || ngx_aigc_id_of_name(&name, &gss, &warning->id) != NGX_OK)
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


static ngx_uint_t
ngx_aigc_word(json_t *object, const char *key, const char *word)
{
    size_t     len;
    ngx_str_t  text;

    len = ngx_strlen(word);
    text = ngx_aigc_json_text(object, key);

    return text.len == len && ngx_memcmp(text.data, word, len) == 0;
}
