/*
 * instances/ngx_aigc_gss.c — a GameServerSet as the gateway reads it: what is
 * wanted, what is there, and whose it is.
 */

#include "ngx_aigc_gss.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_patch.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static ngx_int_t ngx_aigc_gss_read_meta(ngx_pool_t *pool, json_t *object,
    ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_read_scale(ngx_pool_t *pool, json_t *object,
    ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_read_annotations(ngx_pool_t *pool,
    json_t *annotations, ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_read_max(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss);
static ngx_uint_t ngx_aigc_gss_stray(json_t *list);
static ngx_int_t ngx_aigc_gss_read_aside(ngx_pool_t *pool,
    json_t *annotations, ngx_aigc_gss_t *gss);
static void ngx_aigc_gss_read_disks(json_t *annotations, ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_read_claims(ngx_pool_t *pool,
    json_t *annotations, ngx_aigc_gss_t *gss);
static ngx_int_t ngx_aigc_gss_claim_id(const char *key, size_t len);
static int ngx_libc_cdecl ngx_aigc_gss_cmp_claims(const void *one,
    const void *two);


ngx_int_t
ngx_aigc_gss_read(ngx_pool_t *pool, json_t *object, void *value)
{
    ngx_aigc_gss_t *gss = value;

    json_t     *annotations;
    ngx_int_t   rc;

    ngx_memzero(gss, sizeof(ngx_aigc_gss_t));

    rc = ngx_aigc_gss_read_meta(pool, object, gss);
    if (rc != NGX_OK) {
        return rc;
    }

    annotations = json_object_get(json_object_get(object, "metadata"),
                                  "annotations");

    if (ngx_aigc_gss_read_scale(pool, object, gss) != NGX_OK
        || ngx_aigc_gss_read_network(pool, json_object_get(object, "spec"),
                                     gss)
           != NGX_OK
        || ngx_aigc_gss_read_annotations(pool, annotations, gss) != NGX_OK
        || ngx_aigc_gss_read_update(pool,
                          json_object_get(json_object_get(object, "spec"),
                                          "updateStrategy"), gss)
           != NGX_OK
        || ngx_aigc_gss_read_show(pool, object, gss) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_gss_read_meta(ngx_pool_t *pool, json_t *object, ngx_aigc_gss_t *gss)
{
    json_t     *meta;
    ngx_str_t   kind, ns, name, uid, version;

    kind = ngx_aigc_json_text(object, "kind");

    if (kind.len && !ngx_aigc_text_is(&kind, "GameServerSet")) {
        return NGX_DECLINED;
    }

    meta = json_object_get(object, "metadata");

    ns = ngx_aigc_json_text(meta, "namespace");
    name = ngx_aigc_json_text(meta, "name");
    uid = ngx_aigc_json_text(meta, "uid");
    version = ngx_aigc_json_text(meta, "resourceVersion");

    if (ngx_aigc_name_check(&ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&name, NGX_AIGC_NAME_MAX) != NGX_OK
        || ngx_aigc_text_check(&uid, NGX_AIGC_UID_MAX) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (version.len > NGX_AIGC_UID_MAX) {
        version.len = 0;                /* half of it is another version */
    }

    if (ngx_aigc_text_copy(pool, &ns, ns.len, &gss->ns) != NGX_OK
        || ngx_aigc_text_copy(pool, &name, name.len, &gss->name) != NGX_OK
        || ngx_aigc_text_copy(pool, &uid, uid.len, &gss->uid) != NGX_OK
        || ngx_aigc_text_copy(pool, &version, version.len, &gss->version)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    gss->generation = ngx_aigc_json_int(meta, "generation", 0,
                                        NGX_MAX_INT_T_VALUE, 0);
    gss->deleting = ngx_aigc_json_text(meta, "deletionTimestamp").len ? 1 : 0;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_gss_read_scale(ngx_pool_t *pool, json_t *object, ngx_aigc_gss_t *gss)
{
    json_t     *spec, *status, *reserve;
    ngx_int_t   rc;

    spec = json_object_get(object, "spec");
    status = json_object_get(object, "status");

    gss->replicas = ngx_aigc_json_int(spec, "replicas", 0,
                                      NGX_MAX_INT32_VALUE, 0);

    gss->observed = ngx_aigc_json_int(status, "observedGeneration", 0,
                                      NGX_MAX_INT_T_VALUE, -1);
    gss->current = ngx_aigc_json_int(status, "currentReplicas", 0,
                                     NGX_MAX_INT32_VALUE, -1);

    reserve = json_object_get(spec, "reserveGameServerIds");

    rc = ngx_aigc_ids_from_json(pool, reserve, &gss->reserve,
                                &gss->reserve_bad);

    gss->reserve_stray = ngx_aigc_gss_stray(reserve);
    gss->reserve_bad -= gss->reserve_stray;

    return rc;
}


/*
 * OKG 1.0 takes "x" and "7-5" as the end of the whole list, but not -1: that
 * one it keeps for ever, and it stands for no pod.
 */

static ngx_uint_t
ngx_aigc_gss_stray(json_t *list)
{
    size_t       i;
    json_t      *item;
    ngx_uint_t   n;

    n = 0;

    json_array_foreach(list, i, item) {
        n += (json_is_integer(item)
              && (json_integer_value(item) < 0
                  || json_integer_value(item) > NGX_AIGC_ID_MAX));
    }

    return n;
}


static ngx_int_t
ngx_aigc_gss_read_annotations(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss)
{
    json_t     *reserve_ids;
    ngx_str_t   top;

    gss->has_annotations = json_is_object(annotations) ? 1 : 0;

    top = ngx_aigc_json_text(annotations, ngx_aigc_annotation(TOP));
    gss->top = ngx_aigc_id_parse(&top);

    if (gss->top == NGX_ERROR) {
        gss->top = -1;
    }

    ngx_aigc_gss_read_disks(annotations, gss);

    reserve_ids = json_object_get(annotations,
                                  ngx_aigc_annotation(RESERVE_IDS));
    gss->has_reserve_ids = json_is_string(reserve_ids) ? 1 : 0;

    if (ngx_aigc_json_copy(pool, annotations,
                           ngx_aigc_annotation(RESERVE_IDS),
                           NGX_AIGC_RESERVE_IDS_MAX, &gss->reserve_ids)
        != NGX_OK
        || ngx_aigc_gss_read_max(pool, annotations, gss) != NGX_OK
        || ngx_aigc_gss_read_aside(pool, annotations, gss) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_gss_read_claims(pool, annotations, gss);
}


/* what is no id there is nobody: it runs as the others do */

static ngx_int_t
ngx_aigc_gss_read_aside(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss)
{
    ngx_str_t   text;
    ngx_uint_t  bad;

    text = ngx_aigc_json_text(annotations, ngx_aigc_annotation(ASIDE));

    gss->has_aside = (text.len != 0);

    return ngx_aigc_ids_from_text(pool, &text, &gss->aside, &bad);
}


/* A limit that cannot be read is one all the same: nothing more until then. */

static ngx_int_t
ngx_aigc_gss_read_max(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss)
{
    json_t     *value;
    ngx_int_t   max;

    gss->max = NGX_AIGC_INSTANCES_DEFAULT;

    value = json_object_get(annotations, ngx_aigc_annotation(LIMIT));
    if (value == NULL) {
        return NGX_OK;
    }

    max = ngx_atoi((u_char *) json_string_value(value),
                   json_string_length(value));

    if (max == NGX_ERROR || max > NGX_AIGC_INSTANCES_MAX) {
        gss->max = 0;

        return ngx_aigc_gss_blame(pool, gss, ngx_aigc_annotation(LIMIT), value,
                                  "is not a number from 0 to "
                                  ngx_value(NGX_AIGC_INSTANCES_MAX));
    }

    gss->max = max;

    return NGX_OK;
}


/* what does not clearly say "delete" keeps them */

static void
ngx_aigc_gss_read_disks(json_t *annotations, ngx_aigc_gss_t *gss)
{
    ngx_str_t  text;

    if (json_object_get(annotations, ngx_aigc_annotation(DISKS)) == NULL) {
        return;
    }

    text = ngx_aigc_json_text(annotations, ngx_aigc_annotation(DISKS));

    if (ngx_aigc_text_is(&text, "delete")) {
        gss->disks_delete = 1;

    } else if (!ngx_aigc_text_is(&text, "retain")) {
        gss->disks_bad = 1;
    }
}


static ngx_int_t
ngx_aigc_gss_read_claims(ngx_pool_t *pool, json_t *annotations,
    ngx_aigc_gss_t *gss)
{
    json_t            *value;
    ngx_int_t          id;
    ngx_str_t          raw;
    ngx_uint_t         n;
    const char        *key;
    ngx_aigc_claim_t  *claim;

    n = 0;

    json_object_foreach(annotations, key, value) {
        if (ngx_aigc_gss_claim_id(key, ngx_strlen(key)) != NGX_ERROR) {
            n++;
        }
    }

    if (n > NGX_AIGC_CLAIMS_READ) {
        n = NGX_AIGC_CLAIMS_READ;

        if (ngx_aigc_gss_blame(pool, gss, "metadata", NULL,
                               "has too many instance annotations")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_array_init(&gss->claims, pool, n ? n : 1,
                       sizeof(ngx_aigc_claim_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    json_object_foreach(annotations, key, value) {

        id = ngx_aigc_gss_claim_id(key, ngx_strlen(key));
        if (id == NGX_ERROR) {
            continue;
        }

        if (gss->claims.nelts == n) {
            break;
        }

        claim = ngx_array_push(&gss->claims);
        if (claim == NULL) {
            return NGX_ERROR;
        }

        ngx_str_null(&raw);

        if (json_is_string(value)) {
            raw.data = (u_char *) json_string_value(value);
            raw.len = json_string_length(value);
        }

        if (ngx_aigc_claim_read(pool, id, &raw, claim) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (gss->claims.nelts > 1) {
        ngx_qsort(gss->claims.elts, gss->claims.nelts,
                  sizeof(ngx_aigc_claim_t), ngx_aigc_gss_cmp_claims);
    }

    return NGX_OK;
}


/* "instance.aigc-gateway.io/7": 7; any other annotation: NGX_ERROR */

static ngx_int_t
ngx_aigc_gss_claim_id(const char *key, size_t len)
{
    ngx_str_t  digits;

    static const size_t  prefix = sizeof(NGX_AIGC_ANNOTATION) - 1;

    if (len <= prefix || ngx_memcmp(key, NGX_AIGC_ANNOTATION, prefix) != 0) {
        return NGX_ERROR;
    }

    digits.data = (u_char *) key + prefix;
    digits.len = len - prefix;

    return ngx_aigc_id_parse(&digits);
}


static int ngx_libc_cdecl
ngx_aigc_gss_cmp_claims(const void *one, const void *two)
{
    const ngx_aigc_claim_t  *a, *b;

    a = one;
    b = two;

    return (a->id > b->id) - (a->id < b->id);
}
