/* t/unit/unit_json.c — JSON in tests. */

#include "unit_json.h"


static void unit_json_cleanup(void *data);
static json_t *unit_json_keep(unit_t *u, json_t *root);
static ngx_int_t unit_json_op(json_t *object, json_t *op);
static ngx_int_t unit_json_array_op(json_t *array, const char *name,
    const char *last, json_t *value, json_t *there);
static json_t *unit_json_find(json_t *object, const char *path,
    json_t **parent, char *last, size_t size);


json_t *
unit_json(unit_t *u, const char *text)
{
    size_t     i;
    ngx_str_t  copy;

    copy = unit_str(u, text);

    for (i = 0; i < copy.len; i++) {
        if (copy.data[i] == '\'') {
            copy.data[i] = '"';
        }
    }

    return unit_json_bytes(u, &copy);
}


json_t *
unit_json_bytes(unit_t *u, ngx_str_t *text)
{
    json_t        *root;
    json_error_t   err;

    root = json_loadb((char *) text->data, text->len,
                      JSON_REJECT_DUPLICATES, &err);

    if (!ok(u, root != NULL)) {
        unit_note("%s at %d of %.*s", err.text, err.position,
                  (int) ngx_min(text->len, 200), text->data);
        root = json_object();
    }

    return unit_json_keep(u, root);
}


static json_t *
unit_json_keep(unit_t *u, json_t *root)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(u->pool, 0);
    if (cln == NULL) {
        abort();
    }

    cln->handler = unit_json_cleanup;
    cln->data = root;

    return root;
}


static void
unit_json_cleanup(void *data)
{
    json_decref(data);
}


json_t *
unit_json_patch(unit_t *u, json_t *object, ngx_str_t *patch)
{
    size_t   i;
    json_t  *ops, *op, *copy;

    ops = unit_json_bytes(u, patch);
    copy = unit_json_keep(u, json_deep_copy(object));

    if (!ok(u, json_is_array(ops))) {
        return NULL;
    }

    json_array_foreach(ops, i, op) {
        if (unit_json_op(copy, op) != NGX_OK) {
            return NULL;
        }
    }

    return copy;
}


static ngx_int_t
unit_json_op(json_t *object, json_t *op)
{
    char         last[256];
    json_t      *parent, *value, *there;
    const char  *name, *path;

    name = json_string_value(json_object_get(op, "op"));
    path = json_string_value(json_object_get(op, "path"));
    value = json_object_get(op, "value");

    if (name == NULL || path == NULL) {
        return NGX_ERROR;
    }

    there = unit_json_find(object, path, &parent, last, sizeof(last));

    if (strcmp(name, "test") == 0) {

        if (value == NULL) {
            return NGX_ERROR;
        }

        if (json_is_null(value)) {
            return (there == NULL || json_is_null(there)) ? NGX_OK : NGX_ERROR;
        }

        return (there && json_equal(there, value)) ? NGX_OK : NGX_ERROR;
    }

    if (parent == NULL) {
        return NGX_ERROR;
    }

    if (json_is_array(parent)) {
        return unit_json_array_op(parent, name, last, value, there);
    }

    if (strcmp(name, "add") == 0 && value) {
        return json_object_set(parent, last, value) == 0 ? NGX_OK : NGX_ERROR;
    }

    if (strcmp(name, "remove") == 0 && there) {
        return json_object_del(parent, last) == 0 ? NGX_OK : NGX_ERROR;
    }

    return NGX_ERROR;
}


static ngx_int_t
unit_json_array_op(json_t *array, const char *name, const char *last,
    json_t *value, json_t *there)
{
    if (strcmp(name, "add") == 0 && value && strcmp(last, "-") == 0) {
        return json_array_append(array, value) == 0 ? NGX_OK : NGX_ERROR;
    }

    if (strcmp(name, "remove") == 0 && there) {
        return json_array_remove(array, atoi(last)) == 0 ? NGX_OK : NGX_ERROR;
    }

    return NGX_ERROR;
}


/* what path (RFC 6901) names, and the object or array that it is in */

static json_t *
unit_json_find(json_t *object, const char *path, json_t **parent, char *last,
    size_t size)
{
    size_t  n;

    *parent = NULL;

    while (*path == '/') {
        path++;

        for (n = 0; *path && *path != '/' && n < size - 1; n++, path++) {

            if (*path == '~' && (path[1] == '0' || path[1] == '1')) {
                last[n] = (path[1] == '0') ? '~' : '/';
                path++;

            } else {
                last[n] = *path;
            }
        }

        last[n] = '\0';

        *parent = (json_is_object(object) || json_is_array(object)) ? object
                                                                   : NULL;
        object = json_is_array(object) ? json_array_get(object, atoi(last))
                                       : json_object_get(object, last);
    }

    return object;
}


ngx_uint_t
unit_random(uint32_t *seed, ngx_uint_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;

    return *seed % n;
}
