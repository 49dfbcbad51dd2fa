/*
 * instances/ngx_aigc_given.c — in doubt, an id is somebody's.
 */

#include "ngx_aigc_given.h"
#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_patch.h"
#include "base/ngx_aigc_text.h"

#include <jansson.h>


ngx_int_t
ngx_aigc_given(ngx_str_t *text, ngx_str_t *uid, ngx_int_t id, time_t created,
    ngx_int_t *top)
{
    u_char      key[sizeof(NGX_AIGC_ANNOTATION) + NGX_INT_T_LEN];
    json_t     *root, *meta, *annotations;
    time_t      birth;
    ngx_str_t   have, value;
    ngx_int_t   rc;

    *ngx_snprintf(key, sizeof(key) - 1, NGX_AIGC_ANNOTATION "%i", id) = '\0';

    root = json_loadb((char *) text->data, text->len, 0, NULL);
    meta = json_object_get(root, "metadata");
    annotations = json_object_get(meta, "annotations");

    have = ngx_aigc_json_text(meta, "uid");

    value = ngx_aigc_json_text(meta, "creationTimestamp");
    birth = ngx_aigc_time_read(&value);

    value = ngx_aigc_json_text(annotations, ngx_aigc_annotation(TOP));
    *top = ngx_aigc_id_parse(&value);

    rc = (*top >= 0
          && have.len && ngx_aigc_text_eq(&have, uid)
          && json_object_get(meta, "deletionTimestamp") == NULL
          && birth > 0 && birth <= created
          && json_object_get(annotations, (char *) key) == NULL)
         ? NGX_DECLINED : NGX_OK;

    json_decref(root);

    return rc;
}
