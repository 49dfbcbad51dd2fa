/*
 * ngx_http_aigc_check.c — what nginx itself may be told elsewhere, and must not
 * beside "aigc_access".
 */

#include "ngx_http_aigc_directives.h"


char *
ngx_http_aigc_check_names(ngx_conf_t *cf, ngx_http_aigc_main_conf_t *mcf)
{
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t    *cscf, **server;
    ngx_http_core_main_conf_t   *cmcf;

    if (!mcf->guards) {
        return NGX_CONF_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    server = cmcf->servers.elts;

    /* header lines are read before it is known which server they are for */

    for (i = 0; i < cmcf->servers.nelts; i++) {

        cscf = server[i]->ctx->srv_conf[ngx_http_core_module.ctx_index];

        if (cscf->underscores_in_headers || !cscf->ignore_invalid_headers) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" stands beside \"aigc_access\": clients "
                               "could send X_Forwarded_User, which many an "
                               "application takes for X-Forwarded-User: "
                               "remove it from every server",
                               cscf->underscores_in_headers
                               ? "underscores_in_headers on"
                               : "ignore_invalid_headers off");
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
