/*
 * instances/ngx_aigc_owner_ref.c — one entry of metadata.ownerReferences.
 */

#include "ngx_aigc_owner_ref.h"
#include "ngx_aigc_ids.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_OWNER_REFS   "/metadata/ownerReferences"
#define NGX_AIGC_GSS_GROUP    "game.kruise.io/"
#define NGX_AIGC_GSS_VERSION  NGX_AIGC_GSS_GROUP "v1alpha1"
#define NGX_AIGC_GSS_KIND     "GameServerSet"


static ngx_uint_t ngx_aigc_owner_ref_is(json_t *item, ngx_str_t *gss);
static void ngx_aigc_owner_ref_put_test(ngx_aigc_writer_t *w, ngx_str_t *uid);


ngx_int_t
ngx_aigc_owner_ref_read(ngx_pool_t *pool, json_t *meta, ngx_str_t *gss,
    ngx_aigc_owner_ref_t *ref)
{
    size_t      i;
    json_t     *list, *item;
    ngx_str_t   uid;

    ngx_memzero(ref, sizeof(ngx_aigc_owner_ref_t));

    list = json_object_get(meta, "ownerReferences");

    ref->list = (json_array_size(list) != 0);

    json_array_foreach(list, i, item) {

        if (i == NGX_AIGC_OWNER_REFS_MAX) {
            break;
        }

        if (!ngx_aigc_owner_ref_is(item, gss)) {
            continue;
        }

        uid = ngx_aigc_json_text(item, "uid");

        if (ngx_aigc_text_check(&uid, NGX_AIGC_UID_MAX) != NGX_OK) {
            continue;
        }

        ref->index = i;
        ref->ours = !json_is_true(json_object_get(item, "controller"));

        return ngx_aigc_text_copy(pool, &uid, uid.len, &ref->uid);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_aigc_owner_ref_is(json_t *item, ngx_str_t *gss)
{
    ngx_str_t  version, kind, name;

    version = ngx_aigc_json_text(item, "apiVersion");
    kind = ngx_aigc_json_text(item, "kind");
    name = ngx_aigc_json_text(item, "name");

    return version.len > sizeof(NGX_AIGC_GSS_GROUP) - 1
           && ngx_memcmp(version.data, NGX_AIGC_GSS_GROUP,
                         sizeof(NGX_AIGC_GSS_GROUP) - 1) == 0
           && ngx_aigc_text_is(&kind, NGX_AIGC_GSS_KIND)
           && ngx_aigc_text_eq(&name, gss);
}


/* blockOwnerDeletion would need a right on the set's finalizers */

ngx_int_t
ngx_aigc_owner_ref_add(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_aigc_owner_ref_t *ref, ngx_str_t *gss, ngx_str_t *gss_uid,
    ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);

    ngx_aigc_owner_ref_put_test(&w, uid);

    if (ref->list) {
        ngx_aigc_put_literal(&w, "{\"op\":\"add\",\"path\":\""
                                 NGX_AIGC_OWNER_REFS "/-\",\"value\":");

    } else {
        ngx_aigc_put_literal(&w, "{\"op\":\"test\",\"path\":\""
                                 NGX_AIGC_OWNER_REFS "\",\"value\":null},"
                                 "{\"op\":\"add\",\"path\":\""
                                 NGX_AIGC_OWNER_REFS "\",\"value\":[");
    }

    ngx_aigc_put_literal(&w, "{\"apiVersion\":\"" NGX_AIGC_GSS_VERSION "\","
                             "\"kind\":\"" NGX_AIGC_GSS_KIND "\",\"name\":");
    ngx_aigc_put_string(&w, gss);
    ngx_aigc_put_literal(&w, ",\"uid\":");
    ngx_aigc_put_string(&w, gss_uid);
    ngx_aigc_put_literal(&w, ",\"blockOwnerDeletion\":false}");

    if (!ref->list) {
        ngx_aigc_put_literal(&w, "]");
    }

    ngx_aigc_put_literal(&w, "}]");

    return ngx_aigc_writer_text(&w, out);
}


ngx_int_t
ngx_aigc_owner_ref_remove(ngx_pool_t *pool, ngx_str_t *uid,
    ngx_aigc_owner_ref_t *ref, ngx_str_t *out)
{
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);

    ngx_aigc_owner_ref_put_test(&w, uid);

    ngx_aigc_put_literal(&w, "{\"op\":\"test\",\"path\":\""
                             NGX_AIGC_OWNER_REFS "/");
    ngx_aigc_put_int(&w, ref->index);
    ngx_aigc_put_literal(&w, "/uid\",\"value\":");
    ngx_aigc_put_string(&w, &ref->uid);
    ngx_aigc_put_literal(&w, "},{\"op\":\"remove\",\"path\":\""
                             NGX_AIGC_OWNER_REFS "/");
    ngx_aigc_put_int(&w, ref->index);
    ngx_aigc_put_literal(&w, "\"}]");

    return ngx_aigc_writer_text(&w, out);
}


static void
ngx_aigc_owner_ref_put_test(ngx_aigc_writer_t *w, ngx_str_t *uid)
{
    ngx_aigc_put_literal(w, "[{\"op\":\"test\",\"path\":\"/metadata/uid\","
                            "\"value\":");
    ngx_aigc_put_string(w, uid);
    ngx_aigc_put_literal(w, "},");
}
