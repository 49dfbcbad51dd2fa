/*
 * instances/ngx_aigc_annotation.c — the table of annotations.
 */

#include "ngx_aigc_annotation.h"


const ngx_aigc_annotation_t  ngx_aigc_annotations[] = {
#define NGX_AIGC_ANNOTATION_LINE(id, name, object, read, written)             \
    { name, object, read, written },
    NGX_AIGC_ANNOTATIONS(NGX_AIGC_ANNOTATION_LINE)
#undef NGX_AIGC_ANNOTATION_LINE
};
