/*
 * kube/ngx_aigc_kubernetes.h — where the API server is and who we are there
 * (the directive aigc_kubernetes), and calls to it by libcurl.
 */

#ifndef _NGX_AIGC_KUBERNETES_H_INCLUDED_
#define _NGX_AIGC_KUBERNETES_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_fetch.h"

#include <jansson.h>

#include "base/ngx_aigc_url.h"

#include "ngx_aigc_write.h"


#define NGX_AIGC_SERVICEACCOUNT  "/var/run/secrets/kubernetes.io/serviceaccount"
#define NGX_AIGC_TOKEN_REREAD    10000  /* ms: the token rotates */
#define NGX_AIGC_API_KEPT        4      /* a worker's connections to the API
                                           server that wait for the next call */
#define NGX_AIGC_API_IDLE        60     /* s that one waits: the API server
                                           itself closes it after 90 */
#define NGX_AIGC_GSS_API         "/apis/game.kruise.io/v1alpha1/namespaces/"
#define NGX_AIGC_LEASE_NAME      "aigc-gateway"
#define NGX_AIGC_JSON_PATCH      "Content-Type: application/json-patch+json"

/*
 * The name of the gateway's writes: "kubectl apply --server-side" shows it when
 * it conflicts with one.
 */
#define NGX_AIGC_FIELD_MANAGER   "fieldManager=aigc-gateway"


typedef struct ngx_aigc_kubernetes_s {
    ngx_aigc_url_t   url;
    ngx_str_t        base;              /* scheme://host:port, no "/" */
    ngx_array_t      namespaces;        /* ngx_str_t; none: all of them */
    ngx_str_t        selector;          /* label selector of templates */
    ngx_str_t        token_file;        /* ends with a NUL */
    ngx_str_t        ca_file;           /* likewise */
    ngx_str_t        lease_ns;          /* the Lease of the leader */
    ngx_str_t        lease_name;
} ngx_aigc_kubernetes_t;


/*
 * The service account's token, read again when it is older than
 * NGX_AIGC_TOKEN_REREAD ms; the last good one when the file cannot be
 * read.  Static memory of this process.  len 0: there never was one.
 */
ngx_str_t *ngx_aigc_kubernetes_token(ngx_aigc_kubernetes_t *k8s,
    ngx_log_t *log);

/*
 * Write the path of a GameServerSet, of a PersistentVolumeClaim, or of the pod
 * of a GameServerSet to path, whose data has room for NGX_AIGC_PATH_MAX bytes.
 * No name is longer than Kubernetes allows.
 */
void ngx_aigc_kubernetes_gss(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *name);
void ngx_aigc_kubernetes_pvc(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *name);
void ngx_aigc_kubernetes_pod(ngx_str_t *path, ngx_str_t *ns, ngx_str_t *gss,
    ngx_int_t id);

/*
 * Creates a call to the API server.  path begins with "/" and may have a
 * query; that of a write has NGX_AIGC_FIELD_MANAGER in it.  content_type is
 * NULL without a body.  The caller sets the rest and starts it.  NULL: no
 * memory.
 */
ngx_aigc_fetch_t *ngx_aigc_kubernetes_call(ngx_aigc_kubernetes_t *k8s,
    const char *method, ngx_str_t *path, const char *content_type,
    ngx_log_t *log);

/*
 * Sets the body of a call that was not started yet to the text of json, whose
 * reference it takes over.  NGX_OK; NGX_ERROR: json is NULL, or no memory.
 */
ngx_int_t ngx_aigc_kubernetes_body(ngx_aigc_fetch_t *f, json_t *json);

/*
 * The verdict on a write that has ended; unless it is DONE it is logged, "aigc:
 * <failed>: status 500, <error>".
 */
ngx_aigc_verdict_e ngx_aigc_kubernetes_written(ngx_aigc_fetch_t *f,
    const char *failed);


#endif /* _NGX_AIGC_KUBERNETES_H_INCLUDED_ */
