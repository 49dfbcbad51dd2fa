/*
 * logto/ngx_aigc_entry.c — reading, making and comparing entries.
 */

#include "ngx_aigc_entry.h"
#include "base/ngx_aigc_text.h"
#include "instances/ngx_aigc_ids.h"


#define NGX_AIGC_ENTRY_KEY  (NGX_AIGC_NS_MAX + 1 + NGX_AIGC_NAME_MAX)


static ngx_uint_t ngx_aigc_entry_key_fits(const char *key,
    ngx_aigc_entry_t *entry);
static ngx_uint_t ngx_aigc_entry_before(ngx_aigc_entry_t *one,
    ngx_aigc_entry_t *two);
static ngx_int_t ngx_aigc_entry_missing(json_t *custom, json_t *entries,
    ngx_aigc_entry_diff_t *diff);
static ngx_int_t ngx_aigc_entry_spare(json_t *custom, json_t *entries,
    ngx_aigc_entry_stale_pt stale, void *data, ngx_aigc_entry_diff_t *diff);


ngx_int_t
ngx_aigc_entry_read(const char *key, json_t *value, ngx_aigc_entry_t *entry)
{
    json_t     *id;
    ngx_str_t   text;

    id = json_object_get(value, "ID");

    entry->ns = ngx_aigc_json_text(value, "Namespace");
    entry->name = ngx_aigc_json_text(value, "Name");

    if (id == NULL
        || ngx_aigc_name_check(&entry->ns, NGX_AIGC_NS_MAX) != NGX_OK
        || ngx_aigc_name_check(&entry->name, NGX_AIGC_NAME_MAX) != NGX_OK
        || !ngx_aigc_entry_key_fits(key, entry))
    {
        return NGX_DECLINED;
    }

    text = ngx_aigc_json_text(value, "ID");

    entry->id = ngx_aigc_id_parse(&text);

    entry->exact = (entry->id != NGX_ERROR
                    && json_is_string(json_object_get(value, "Type"))
                    && json_object_size(value) == 4);

    return NGX_OK;
}


static ngx_uint_t
ngx_aigc_entry_key_fits(const char *key, ngx_aigc_entry_t *entry)
{
    return ngx_strlen(key) == entry->ns.len + 1 + entry->name.len
           && ngx_memcmp(key, entry->ns.data, entry->ns.len) == 0
           && key[entry->ns.len] == '-'
           && ngx_memcmp(key + entry->ns.len + 1, entry->name.data,
                         entry->name.len)
              == 0;
}


ngx_int_t
ngx_aigc_entry_add(json_t *entries, ngx_aigc_entry_t *entry)
{
    u_char             key[NGX_AIGC_ENTRY_KEY + 1];
    u_char             id[NGX_INT_T_LEN + 1];
    json_t            *value;
    ngx_aigc_entry_t   other;

    if (entry->ns.len > NGX_AIGC_NS_MAX || entry->name.len > NGX_AIGC_NAME_MAX)
    {
        return NGX_ERROR;
    }

    *ngx_sprintf(key, "%V-%V", &entry->ns, &entry->name) = '\0';
    *ngx_sprintf(id, "%i", entry->id) = '\0';

    value = json_object_get(entries, (char *) key);

    if (value
        && ngx_aigc_entry_read((char *) key, value, &other) == NGX_OK
        && !ngx_aigc_entry_before(entry, &other))
    {
        return NGX_OK;
    }

    value = json_pack("{s:s, s:s%, s:s, s:s%}",
                      "ID", (char *) id,
                      "Name", (char *) entry->name.data, entry->name.len,
                      "Type", "",
                      "Namespace", (char *) entry->ns.data, entry->ns.len);

    return (json_object_set_new(entries, (char *) key, value) == 0)
           ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_aigc_entry_before(ngx_aigc_entry_t *one, ngx_aigc_entry_t *two)
{
    if (one->ns.len != two->ns.len) {
        return one->ns.len < two->ns.len;   /* they share a key: a prefix */
    }

    return one->id < two->id;
}


ngx_int_t
ngx_aigc_entry_diff(json_t *custom, json_t *entries,
    ngx_aigc_entry_stale_pt stale, void *data, ngx_aigc_entry_diff_t *diff)
{
    ngx_int_t  rc;

    diff->set = json_object();
    diff->drop = json_object();

    if (diff->set == NULL || diff->drop == NULL
        || ngx_aigc_entry_missing(custom, entries, diff) != NGX_OK
        || ngx_aigc_entry_spare(custom, entries, stale, data, diff) != NGX_OK)
    {
        rc = NGX_ERROR;

    } else {
        rc = (json_object_size(diff->set) || json_object_size(diff->drop))
             ? NGX_OK : NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        ngx_aigc_entry_diff_free(diff);
    }

    return rc;
}


static ngx_int_t
ngx_aigc_entry_missing(json_t *custom, json_t *entries,
    ngx_aigc_entry_diff_t *diff)
{
    json_t            *value;
    const char        *key;
    ngx_aigc_entry_t   is, want;

    json_object_foreach(entries, key, value) {

        if (ngx_aigc_entry_read(key, value, &want) != NGX_OK) {
            return NGX_ERROR;
        }

        /* the key says a lot, but not where the name begins */

        if (ngx_aigc_entry_read(key, json_object_get(custom, key), &is)
            == NGX_OK
            && is.exact && is.id == want.id && is.ns.len == want.ns.len)
        {
            continue;
        }

        if (json_object_set(diff->set, key, value) != 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_entry_spare(json_t *custom, json_t *entries,
    ngx_aigc_entry_stale_pt stale, void *data, ngx_aigc_entry_diff_t *diff)
{
    json_t            *value;
    const char        *key;
    ngx_uint_t         n;
    ngx_aigc_entry_t   entry;

    n = 0;

    json_object_foreach(custom, key, value) {

        if (json_object_get(entries, key)
            || ngx_aigc_entry_read(key, value, &entry) != NGX_OK
            || !entry.exact)
        {
            continue;
        }

        if (++n > NGX_AIGC_ENTRIES_MAX) {
            break;
        }

        if (stale(data, &entry) == NGX_OK
            && json_object_set_new(diff->drop, key, json_null()) != 0)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_aigc_entry_apply(json_t *custom, ngx_aigc_entry_diff_t *diff)
{
    json_t      *value;
    const char  *key;

    json_object_foreach(diff->drop, key, value) {
        (void) json_object_del(custom, key);
    }

    return (json_object_update(custom, diff->set) == 0) ? NGX_OK : NGX_ERROR;
}


void
ngx_aigc_entry_diff_free(ngx_aigc_entry_diff_t *diff)
{
    json_decref(diff->set);
    json_decref(diff->drop);

    diff->set = NULL;
    diff->drop = NULL;
}
