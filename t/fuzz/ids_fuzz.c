/*
 * t/fuzz/ids_fuzz.c — reserve lists, in both of OKG's notations, and names that
 * end with an id.  The first line is a name, the second a GameServerSet's, the
 * rest a list.
 */

#include "fuzz.h"
#include "instances/ngx_aigc_ids.h"


static void ids_list(fuzz_t *f, ngx_array_t *ids);


FUZZ(ids)
{
    json_t       *list;
    ngx_int_t     id;
    ngx_str_t     name, gss, text, again;
    ngx_uint_t    bad, bad_json;
    ngx_array_t   ids, same;

    name = fuzz_line(f);
    gss = fuzz_line(f);
    text = fuzz_rest(f);

    if (ngx_aigc_id_of_name(&name, &gss, &id) == NGX_OK) {
        again = fuzz_fmt(f, "%V-%i", &gss, id);
        must(fuzz_eq(&again, &name));
    }

    if (ngx_aigc_name_check(&name, NGX_AIGC_PVC_MAX) == NGX_OK) {
        must(name.len > 0 && name.len <= NGX_AIGC_PVC_MAX);
        must(fuzz_plain(&name) && memchr(name.data, '/', name.len) == NULL);
    }

    must(ngx_aigc_ids_from_text(f->pool, &text, &ids, &bad) == NGX_OK);
    ids_list(f, &ids);

    list = fuzz_json(f, &text, JSON_DECODE_ANY);

    must(ngx_aigc_ids_from_json(f->pool, list, &ids, &bad_json) == NGX_OK);
    must(bad_json <= json_array_size(list) + 1);
    ids_list(f, &ids);

    /* one string of a JSON list is one entry of a text */

    if (memchr(text.data, ',', text.len ? text.len : 1) != NULL) {
        return;
    }

    list = fuzz_own(f, json_pack("[s%]", text.data, text.len));

    if (list) {
        must(ngx_aigc_ids_from_text(f->pool, &text, &ids, &bad) == NGX_OK);
        must(ngx_aigc_ids_from_json(f->pool, list, &same, &bad_json)
             == NGX_OK);
        must(ngx_aigc_ids_equal(&ids, &same) == NGX_OK);
        must(bad == bad_json || text.len == 0);
    }
}


/* Sorted, unique, within the bound; written and read again it is the same. */
static void
ids_list(fuzz_t *f, ngx_array_t *ids)
{
    ngx_int_t    *id;
    ngx_str_t     text;
    ngx_uint_t    i, bad;
    ngx_array_t   again;

    id = ids->elts;

    for (i = 0; i < ids->nelts; i++) {
        must(id[i] >= 0 && id[i] <= NGX_AIGC_ID_MAX);
        must(i == 0 || id[i] > id[i - 1]);
        must(ids->nelts > 100 || ngx_aigc_ids_has(ids, id[i]));
    }

    must(!ngx_aigc_ids_has(ids, -1));
    must(ngx_aigc_ids_text(f->pool, ids, &text) == NGX_OK);
    must(ngx_aigc_ids_from_text(f->pool, &text, &again, &bad) == NGX_OK);
    must(bad == 0);
    must(ngx_aigc_ids_equal(ids, &again) == NGX_OK);
}
