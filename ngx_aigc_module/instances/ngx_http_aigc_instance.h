/*
 * instances/ngx_http_aigc_instance.h — an instance, and a template, as people
 * and programs see them.
 */

#ifndef _NGX_HTTP_AIGC_INSTANCE_H_INCLUDED_
#define _NGX_HTTP_AIGC_INSTANCE_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_table.h"

#include <jansson.h>


#define NGX_HTTP_AIGC_LACKING      30   /* s that a pod, or OKG's network, may
                                           be awaited without a word of why */


/*
 * "pending", "starting", "ready", "failing", "stopping", "released", …
 *
 * "ready": who opens it now is let in.  Where this nginx routes instances that
 * is its pod's matter alone; where an Ingress leads there, OKG must have made
 * that as well.
 */
const char *ngx_http_aigc_instance_state(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record);

/* How far its pod has come: "waiting", "scheduled", "prepared". */
const char *ngx_http_aigc_instance_progress(ngx_aigc_record_t *record);

/* The time after which it has a reason without any event; 0: none. */
time_t ngx_http_aigc_instance_late(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record);

/*
 * Why it is not ready: a word for programs and a sentence, the record's own or
 * from pool; precedence as in instances/ngx_aigc_reason.h.  "Terminating": the
 * pod should be gone by now, and is not, or an uninstall waits for its end;
 * "StuckTerminating": it will not go without an administrator. "NoPod",
 * "NetworkNotReady": OKG has not made it for a while, and nobody says why;
 * "NoAddress": the pod that is there may not be led to. NGX_OK; NGX_DECLINED:
 * it is ready, or nobody says why not; NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_instance_reason(ngx_http_aigc_main_conf_t *mcf,
    ngx_pool_t *pool, ngx_aigc_record_t *record, ngx_str_t *code,
    ngx_str_t *text);

/*
 * An instance of the API as JSON.  pool is for what is needed on the way.
 * NULL: no memory.
 */
json_t *ngx_http_aigc_instance_json(ngx_http_aigc_main_conf_t *mcf,
    ngx_pool_t *pool, ngx_aigc_record_t *record);

/* A template likewise, for those that are not being deleted. */
json_t *ngx_http_aigc_template_json(ngx_aigc_template_t *tmpl);

/* The whole answer; 202 carries Location. */
ngx_int_t ngx_http_aigc_instance_reply(ngx_http_request_t *r,
    ngx_uint_t status, ngx_aigc_record_t *record);


#endif /* _NGX_HTTP_AIGC_INSTANCE_H_INCLUDED_ */
