/*
 * core/ngx_aigc_gss.h — a GameServerSet as the gateway reads it, and the one
 * patch that writes it (pure; no request, no I/O).
 *
 * The truth is the set of instance annotations.  Everything else follows:
 * replicas = ids in state running; reserve = every id in 0..top that is not
 * running.  Source of the rule: OKG computeToScaleGs (v1.0.0), DESIGN 4.
 */

#ifndef _NGX_AIGC_GSS_H_INCLUDED_
#define _NGX_AIGC_GSS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "ngx_aigc_jwt.h"               /* NGX_AIGC_SUB_MAX */


#define NGX_AIGC_ANNOTATION         "instance.aigc-gateway.io/"
#define NGX_AIGC_ANNOTATION_TOP     "aigc-gateway.io/top"
#define NGX_AIGC_ANNOTATION_MAX     384     /* bytes of an instance's value */
#define NGX_AIGC_INSTANCES_DEFAULT  800     /* per template */
#define NGX_AIGC_INSTANCES_MAX      2500    /* fit the 256 KiB of annotations */


typedef enum {
    NGX_AIGC_NO_STATE = 0,              /* no annotation */
    NGX_AIGC_RUNNING,
    NGX_AIGC_RELEASED,
    NGX_AIGC_UNINSTALLING,
    NGX_AIGC_UNREADABLE                 /* an annotation that cannot be read:
                                           reserved, nobody's */
} ngx_aigc_state_e;


typedef struct {
    ngx_int_t         id;
    ngx_aigc_state_e  state;
    ngx_str_t         owner;            /* a Logto "sub" */
    ngx_str_t         since;            /* RFC 3339, as written */
    time_t            since_sec;
    ngx_str_t         gss;              /* uid of the set it was written for */
    ngx_str_t         raw;              /* the annotation's bytes */
} ngx_aigc_claim_t;


typedef struct {
    ngx_str_t         ns;
    ngx_str_t         name;
    ngx_str_t         uid;              /* metadata.uid */
    ngx_str_t         version;          /* metadata.resourceVersion */
    int64_t           generation;       /* metadata.generation */
    int64_t           observed;         /* status.observedGeneration, -1: none */
    ngx_int_t         replicas;         /* spec.replicas */
    ngx_int_t         current;          /* status.currentReplicas, -1: none */
    ngx_array_t       reserve;          /* ngx_int_t: spec.reserveGameServerIds */
    ngx_uint_t        reserve_bad;      /* entries that are no ids */
    ngx_str_t         reserve_ids;      /* annotation game.kruise.io/reserve-ids */
    unsigned          has_reserve_ids:1;
    unsigned          has_annotations:1;
    unsigned          deleting:1;       /* metadata.deletionTimestamp */

    ngx_array_t       claims;           /* ngx_aigc_claim_t, by id, unique */
    ngx_int_t         top;              /* annotation top, -1: none */

    /* spec.network, Kubernetes-Ingress: where an instance is reached */
    ngx_str_t         host;             /* with "<id>", lower case; len 0 */
    in_port_t         port;             /* 0: none */
    ngx_str_t         misconfigured;    /* why nobody can install; len 0: fine */

    /* what the dashboard shows; len 0: unknown */
    ngx_str_t         title;            /* annotation aigc-gateway.io/title */
    ngx_str_t         description;      /* …/description */
    ngx_str_t         icon;             /* …/icon, an http(s) or data:image URL */
    ngx_str_t         image;            /* the first container's */
    ngx_str_t         cpu;              /* limits, else requests */
    ngx_str_t         memory;
    ngx_str_t         gpu;              /* "1", "3Gi", "ecs.gn7i-c8g1.2xlarge" */
    ngx_str_t         gpu_kind;         /* "nvidia.com/gpu", … */
    ngx_str_t         disk;             /* sum or the first claim's request */
} ngx_aigc_gss_t;


/*
 * Reads a GameServerSet object.  Strings are allocated from pool.
 * NGX_OK; NGX_DECLINED: not a GameServerSet (no uid, no name, …); NGX_ERROR.
 */
ngx_int_t ngx_aigc_gss_read(ngx_pool_t *pool, json_t *object,
    ngx_aigc_gss_t *gss);

/*
 * Reads one annotation value into claim (raw, and the rest from it).  Never
 * fails for its content: what cannot be read is NGX_AIGC_UNREADABLE.
 * NGX_OK or NGX_ERROR (no memory).
 */
ngx_int_t ngx_aigc_claim_read(ngx_pool_t *pool, ngx_int_t id, ngx_str_t *raw,
    ngx_aigc_claim_t *claim);

/* The annotation's value from owner, state, since, gss; sets claim->raw. */
ngx_int_t ngx_aigc_claim_write(ngx_pool_t *pool, ngx_aigc_claim_t *claim);

/* "running", "released", "uninstalling", else "". */
ngx_str_t *ngx_aigc_state_name(ngx_aigc_state_e state);

/* RFC 3339 in UTC, seconds, to 20 bytes from pool; and back, -1 for bad. */
ngx_int_t ngx_aigc_time_write(ngx_pool_t *pool, time_t t, ngx_str_t *out);
time_t ngx_aigc_time_read(ngx_str_t *text);


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
    ngx_int_t         current;          /* status.currentReplicas, -1: not tested */
    ngx_str_t         reserve_ids;      /* tested when test_reserve_ids */
    unsigned          test_reserve_ids:1;
    unsigned          has_annotations:1;
    unsigned          has_reserve:1;    /* spec.reserveGameServerIds is there */

    ngx_int_t        *running;          /* ids running afterwards, sorted */
    ngx_uint_t        nrunning;
    ngx_int_t         top;              /* highest id ever used, -1: none */
    ngx_aigc_change_t *changes;
    ngx_uint_t        nchanges;
} ngx_aigc_patch_t;


/*
 * Builds the JSON Patch (RFC 6902): tests first, then the changed annotations,
 * aigc-gateway.io/top, spec.replicas and spec.reserveGameServerIds — always
 * the whole truth.  A test of an absent annotation is written with
 * "value": null (without the key the API server drops the connection).
 * out is allocated from pool.  NGX_OK; NGX_DECLINED: a running id above top;
 * NGX_ERROR.
 */
ngx_int_t ngx_aigc_patch_build(ngx_pool_t *pool, ngx_aigc_patch_t *patch,
    ngx_str_t *out);


/*
 * "instances<id>-cpu.example.com" with the id in place of the first "<id>".
 * NGX_OK, NGX_DECLINED (no "<id>", or too long), NGX_ERROR.
 */
ngx_int_t ngx_aigc_host_expand(ngx_pool_t *pool, ngx_str_t *pattern,
    ngx_int_t id, ngx_str_t *out);

/* The id that a host has under pattern, or NGX_ERROR when it has none. */
ngx_int_t ngx_aigc_host_match(ngx_str_t *pattern, ngx_str_t *host);


#endif /* _NGX_AIGC_GSS_H_INCLUDED_ */
