/*
 * instances/ngx_aigc_annotation.h — every annotation that the gateway reads or
 * writes, in one list.  To add one: a line below, an entry in docs/reference.md
 * (t/reference.t compares both); code names it by ngx_aigc_annotation(NAME).
 */

#ifndef _NGX_AIGC_ANNOTATION_H_INCLUDED_
#define _NGX_AIGC_ANNOTATION_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/* what an instance is and whose; its id follows */
#define NGX_AIGC_ANNOTATION         "instance.aigc-gateway.io/"


/* X(NAME, annotation, object's kind, read by the gateway, written by it) */
#define NGX_AIGC_ANNOTATIONS(X)                                               \
    X(INSTANCE, NGX_AIGC_ANNOTATION, "GameServerSet", 1, 1)                   \
    X(TOP, "aigc-gateway.io/top", "GameServerSet", 1, 1)                      \
    X(ASIDE, "aigc-gateway.io/set-aside", "GameServerSet", 1, 1)              \
    X(TITLE, "aigc-gateway.io/title", "GameServerSet", 1, 0)                  \
    X(DESCRIPTION, "aigc-gateway.io/description", "GameServerSet", 1, 0)      \
    X(ICON, "aigc-gateway.io/icon", "GameServerSet", 1, 0)                    \
    X(LIMIT, "aigc-gateway.io/max-instances", "GameServerSet", 1, 0)          \
    X(DISKS, "aigc-gateway.io/disks", "GameServerSet", 1, 0)                  \
    X(RESERVE_IDS, "game.kruise.io/reserve-ids", "GameServerSet", 1, 0)       \
    X(OWNER, "aigc-gateway.io/owner", "PersistentVolumeClaim", 1, 1)          \
    X(STRAY, "aigc-gateway.io/stray", "PersistentVolumeClaim", 1, 1)


typedef enum {
#define NGX_AIGC_ANNOTATION_ENUM(id, name, object, read, written)             \
    NGX_AIGC_ANNOTATION_##id,
    NGX_AIGC_ANNOTATIONS(NGX_AIGC_ANNOTATION_ENUM)
#undef NGX_AIGC_ANNOTATION_ENUM
    NGX_AIGC_NANNOTATIONS
} ngx_aigc_annotation_e;


typedef struct {
    const char  *name;
    const char  *object;
    ngx_uint_t   read;
    ngx_uint_t   written;
} ngx_aigc_annotation_t;


extern const ngx_aigc_annotation_t  ngx_aigc_annotations[];

/* Its name, a C string: ngx_aigc_annotation(TOP). */
#define ngx_aigc_annotation(id)                                               \
    ngx_aigc_annotations[NGX_AIGC_ANNOTATION_##id].name


#endif /* _NGX_AIGC_ANNOTATION_H_INCLUDED_ */
