/*
 * logto/ngx_http_aigc_webhook.h — POST /webhook: Logto tells that a user has
 * been deleted or suspended.  The user's sessions end on every gateway, and the
 * leader releases the user's instances.  Signed with the key of "aigc_logto
 * webhook_key_file=".
 *
 *   200  taken, or an event that ends nothing
 *   400  not understood;  403  wrong signature;  404  there is no key
 *   413  over NGX_AIGC_WEBHOOK_MAX bytes
 */

#ifndef _NGX_HTTP_AIGC_WEBHOOK_H_INCLUDED_
#define _NGX_HTTP_AIGC_WEBHOOK_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"


ngx_int_t ngx_http_aigc_webhook_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_AIGC_WEBHOOK_H_INCLUDED_ */
