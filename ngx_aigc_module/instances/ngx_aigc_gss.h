/*
 * instances/ngx_aigc_gss.h — a GameServerSet as the gateway reads it (pure; no
 * request, no I/O).  What writes it is in ngx_aigc_patch.h.
 *
 * The truth is the set of instance annotations, and the list of those running
 * ones that are set aside because their pods cannot be made.  Everything else
 * follows: replicas = ids in state running and not set aside; reserve = every
 * other id in 0..top.  Source of the rule: OKG computeToScaleGs (v1.0.0).
 */

#ifndef _NGX_AIGC_GSS_H_INCLUDED_
#define _NGX_AIGC_GSS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "ngx_aigc_claim.h"
#include "base/ngx_aigc_bounds.h"


typedef struct {
    ngx_str_t         ns;
    ngx_str_t         name;
    ngx_str_t         uid;              /* metadata.uid */
    ngx_str_t         version;          /* metadata.resourceVersion */
    int64_t           generation;       /* metadata.generation */
    int64_t           observed;         /* status's, -1: none */
    ngx_int_t         replicas;         /* spec.replicas */
    ngx_int_t         current;          /* status.currentReplicas, -1: none */
    ngx_array_t       reserve;          /* ngx_int_t: spec's reserve list */
    ngx_uint_t        reserve_bad;      /* entries that are no ids … */
    ngx_uint_t        reserve_stray;    /* … and numbers that are none: OKG
                                           keeps them, they reserve nothing */
    ngx_str_t         reserve_ids;      /* annotation, OKG's own list */
    unsigned          has_reserve_ids:1;
    unsigned          has_annotations:1;
    unsigned          deleting:1;       /* metadata.deletionTimestamp */
    unsigned          disks_delete:1;   /* annotation …/disks: they go with
                                           the template */
    unsigned          disks_bad:1;      /* it is neither retain nor delete */

    ngx_array_t       aside;            /* ngx_int_t: annotation set-aside */
    unsigned          has_aside:1;

    ngx_array_t       claims;           /* ngx_aigc_claim_t, by id, unique */
    ngx_int_t         top;              /* annotation top, -1: none */
    ngx_uint_t        max;              /* claims of any state that it may have:
                                           annotation max-instances */

    /* spec.network, Kubernetes-Ingress: where an instance is reached */
    ngx_str_t         host;             /* with "<id>", lower case; len 0: none
                                           that could be used */
    in_port_t         port;             /* 0: none */
    ngx_str_t         misconfigured;    /* why not to install; len 0: fine */

    /* spec.updateStrategy: how running instances get another revision */
    ngx_str_t         rolls;            /* why it is not seamless, where an
                                           administrator may think that it is */
    unsigned          seamless:1;       /* when their users want */

    /* what the dashboard shows; len 0: unknown */
    ngx_str_t         title;            /* annotation aigc-gateway.io/title */
    ngx_str_t         description;      /* …/description */
    ngx_str_t         icon;             /* …/icon: http(s): or data:image */
    ngx_str_t         image;            /* the first container's */
    ngx_str_t         cpu;              /* limits, else requests */
    ngx_str_t         memory;
    ngx_str_t         gpu;              /* "1", "3Gi", "ecs.gn7i-c8g1.2xl" */
    ngx_str_t         gpu_kind;         /* "nvidia.com/gpu", … */
    ngx_str_t         disk;             /* sum or the first claim's request */
} ngx_aigc_gss_t;


/*
 * Reads a GameServerSet object.  Strings are allocated from pool.
 * NGX_OK; NGX_DECLINED: not a GameServerSet (no uid, no name, …); NGX_ERROR.
 */
ngx_int_t ngx_aigc_gss_read(ngx_pool_t *pool, json_t *object, void *value);

/*
 * A part of it, spec.network: host, port, and misconfigured where an instance
 * could not be reached, or never be made.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_gss_read_network(ngx_pool_t *pool, json_t *spec,
    ngx_aigc_gss_t *gss);

/*
 * For the readers: 'network Host "x.example.com" has no <id>'; the first reason
 * stays.  value: quoted when it is a string.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_gss_blame(ngx_pool_t *pool, ngx_aigc_gss_t *gss,
    const char *subject, json_t *value, const char *why);

/*
 * A part of it, spec.updateStrategy as OKG and kruise take it: seamless is type
 * OnDelete without a rollingUpdate block, or one that is paused with partition
 * 0.  A block makes OKG forget the type.  Source: OKG v1.0.0; seen in
 * t/cluster.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_gss_read_update(ngx_pool_t *pool, json_t *strategy,
    ngx_aigc_gss_t *gss);

/* A part of it: what the dashboard shows.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_gss_read_show(ngx_pool_t *pool, json_t *object,
    ngx_aigc_gss_t *gss);


#endif /* _NGX_AIGC_GSS_H_INCLUDED_ */
