/*
 * logto/ngx_aigc_logto.h — what "aigc_logto" says beyond an OpenID provider:
 * the Management API and the webhook.
 */

#ifndef _NGX_AIGC_LOGTO_H_INCLUDED_
#define _NGX_AIGC_LOGTO_H_INCLUDED_

#include "oidc/ngx_aigc_provider.h"


#define NGX_AIGC_MANAGEMENT_RESOURCE  "https://default.logto.app/api"


struct ngx_aigc_logto_s {
    ngx_aigc_provider_t  provider;
    ngx_str_t            endpoint;      /* no "/" at the end */
    ngx_str_t            m2m_app_id;
    ngx_str_t            m2m_app_secret;
    ngx_str_t            m2m_resource;  /* the Management API's indicator */
    ngx_str_t            webhook_key;   /* len 0: no webhook */
    ngx_flag_t           custom_data;   /* is it read and written at all? */
};

typedef struct ngx_aigc_logto_s  ngx_aigc_logto_t;


#endif /* _NGX_AIGC_LOGTO_H_INCLUDED_ */
