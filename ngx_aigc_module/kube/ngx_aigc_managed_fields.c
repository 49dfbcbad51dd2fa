/*
 * kube/ngx_aigc_managed_fields.c — a JSON text without its managedFields.
 */

#include "ngx_aigc_managed_fields.h"


static u_char *ngx_aigc_managed_fields_end(u_char *p, u_char *last);


void
ngx_aigc_managed_fields_empty(ngx_str_t *json)
{
    u_char  *p, *last, *out, *array, *end;

    /* inside a string its quotes would be escaped: this is a member's name */

    static const char  member[] = "\"managedFields\":[";

    p = json->data;
    last = p + json->len;
    out = p;

    for ( ;; ) {

        array = memmem(p, last - p, member, sizeof(member) - 1);
        if (array == NULL) {
            break;
        }

        array += sizeof(member) - 1;

        end = ngx_aigc_managed_fields_end(array, last);
        if (end == NULL) {
            break;
        }

        out = ngx_movemem(out, p, array - p);
        p = end;
    }

    if (out != p) {
        out = ngx_movemem(out, p, last - p);
        json->len = out - json->data;
    }
}


/* From behind an array's "[" to its "]"; NULL: it has none. */
static u_char *
ngx_aigc_managed_fields_end(u_char *p, u_char *last)
{
    ngx_uint_t  depth;

    depth = 1;

    for ( /* void */ ; p < last; p++) {

        switch (*p) {

        case '[':
        case '{':
            depth++;
            break;

        case ']':
        case '}':
            if (--depth == 0) {
                return p;
            }
            break;

        case '"':
            for (p++; p < last && *p != '"'; p++) {
                if (*p == '\\') {
                    p++;
                }
            }
            break;
        }
    }

    return NULL;
}
