/*
 * http/ngx_http_aigc_instance.h — an instance, and a template, as people and
 * programs see them.
 */

#ifndef _NGX_HTTP_AIGC_INSTANCE_H_INCLUDED_
#define _NGX_HTTP_AIGC_INSTANCE_H_INCLUDED_

#include "ngx_http_aigc_conf.h"

#include "zone/ngx_aigc_table.h"

#include <jansson.h>


/* "pending", "starting", "ready", "failing", "stopping", "released", … */
const char *ngx_http_aigc_instance_state(ngx_aigc_record_t *record);

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
