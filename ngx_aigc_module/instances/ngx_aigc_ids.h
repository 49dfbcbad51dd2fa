/*
 * instances/ngx_aigc_ids.h — sets of instance ids, and OKG's ways to write
 * them; the bounds of Kubernetes' names.
 */

#ifndef _NGX_AIGC_IDS_H_INCLUDED_
#define _NGX_AIGC_IDS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "base/ngx_aigc_bounds.h"


/*
 * Reads spec.reserveGameServerIds: absent (NULL), integers, strings "7" and
 * ranges "5-7", in any order, with repetitions (OKG v0.4 []int, v1.0
 * IntOrString).  What is no id ("x", -1, "7-5", above the bound) is skipped
 * and counted in *bad.  ids: ngx_int_t, sorted, unique, from pool.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_ids_from_json(ngx_pool_t *pool, json_t *list,
    ngx_array_t *ids, ngx_uint_t *bad);

/* The same for the annotation game.kruise.io/reserve-ids ("1,2,5-7", ""). */
ngx_int_t ngx_aigc_ids_from_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_array_t *ids, ngx_uint_t *bad);

/* Back: "1,2,5", as OKG writes it, without ranges.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_ids_text(ngx_pool_t *pool, ngx_array_t *ids,
    ngx_str_t *text);

/* For ngx_sort(): ngx_int_t, ascending. */
ngx_int_t ngx_aigc_id_cmp(const void *one, const void *two);

/* 1: id is among ids, which are sorted. */
ngx_uint_t ngx_aigc_ids_has(ngx_array_t *ids, ngx_int_t id);

/* NGX_OK when both hold the same ids; NGX_DECLINED. */
ngx_int_t ngx_aigc_ids_equal(ngx_array_t *a, ngx_array_t *b);

/*
 * Splits "<gss>-<id>" (a pod's or GameServer's name).  id: no sign, no leading
 * zero, within the bound.  NGX_OK or NGX_DECLINED.
 */
ngx_int_t ngx_aigc_id_of_name(ngx_str_t *name, ngx_str_t *gss, ngx_int_t *id);

/* Decimal digits as above, whole text.  The id, or NGX_ERROR. */
ngx_int_t ngx_aigc_id_parse(ngx_str_t *text);

/*
 * A name of a Kubernetes object, as the API server checks it (RFC 1123: a-z,
 * 0-9, "-" and "."), of 1 to max bytes: it needs no escape in a URL.
 * NGX_OK or NGX_DECLINED.
 */
ngx_int_t ngx_aigc_name_check(ngx_str_t *name, size_t max);


#endif /* _NGX_AIGC_IDS_H_INCLUDED_ */
