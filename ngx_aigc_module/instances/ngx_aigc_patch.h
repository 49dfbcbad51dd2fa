/*
 * instances/ngx_aigc_patch.h — the one patch that writes a GameServerSet:
 * always all of what the gateway owns in it.
 */

#ifndef _NGX_AIGC_PATCH_H_INCLUDED_
#define _NGX_AIGC_PATCH_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#include "ngx_aigc_annotation.h"


/*
 * One change of one annotation inside a patch.
 */
typedef struct {
    ngx_int_t         id;
    ngx_str_t         before;           /* raw; len 0: must be absent */
    ngx_str_t         after;            /* raw; len 0: is removed */
} ngx_aigc_change_t;

typedef struct {
    ngx_str_t         uid;
    int64_t           generation;
    int64_t           observed;         /* -1: not tested */
    ngx_int_t         current;          /* currentReplicas, -1: not tested */
    ngx_str_t         reserve_ids;      /* tested when test_reserve_ids */
    unsigned          test_reserve_ids:1;
    unsigned          has_annotations:1;
    unsigned          has_reserve:1;    /* of no consequence: "add" replaces */

    ngx_int_t        *running;          /* ids running afterwards, sorted */
    ngx_uint_t        nrunning;
    ngx_int_t        *aside;            /* ids set aside, sorted: none runs */
    ngx_uint_t        naside;
    unsigned          has_aside:1;      /* some were before */
    ngx_int_t         top;              /* highest id ever used, -1: none */
    ngx_aigc_change_t *changes;         /* an id at most once */
    ngx_uint_t        nchanges;
} ngx_aigc_patch_t;


/*
 * Builds the JSON Patch (RFC 6902): tests first, then the changed annotations,
 * aigc-gateway.io/top and /set-aside, spec.replicas and
 * spec.reserveGameServerIds — always the whole truth.  A test of an absent
 * annotation is written with "value": null (without the key the API server
 * drops the connection).  out is allocated from pool.  NGX_OK; NGX_DECLINED:
 * it contradicts itself (a running or changed id above top, or top above the
 * bound; running not sorted and unique; something before where there are no
 * annotations); NGX_ERROR.
 */
ngx_int_t ngx_aigc_patch_build(ngx_pool_t *pool, ngx_aigc_patch_t *patch,
    ngx_str_t *out);


#endif /* _NGX_AIGC_PATCH_H_INCLUDED_ */
