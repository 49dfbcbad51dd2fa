/*
 * ngx_http_aigc_check.c — what nginx itself may be told elsewhere, and must not
 * beside this module.
 */

#include "ngx_http_aigc_directives.h"

#include "kube/ngx_aigc_watch.h"


/*
 * OpenResty's patches add fields to structs of nginx's.  Their headers define
 * HAVE_NGX_UPSTREAM_TIMEOUT_FIELDS, and their core module has the directive
 * "no_error_pages"; ingress-nginx' nginx has both, too.
 */
char *
ngx_http_aigc_check_tree(ngx_conf_t *cf)
{
    ngx_uint_t      patched;
    ngx_command_t  *cmd;

#ifdef HAVE_NGX_UPSTREAM_TIMEOUT_FIELDS
    static ngx_uint_t  built_for_patched = 1;
#else
    static ngx_uint_t  built_for_patched = 0;
#endif

    patched = 0;

    for (cmd = ngx_http_core_module.commands; cmd->name.len; cmd++) {
        if (ngx_strcmp(cmd->name.data, "no_error_pages") == 0) {
            patched = 1;
        }
    }

    if (patched == built_for_patched) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "this nginx was built %s OpenResty's patches, and "
                       "ngx_http_aigc_module %s them: build the module in the "
                       "source tree of this very nginx, with the arguments "
                       "that \"nginx -V\" prints",
                       patched ? "with" : "without",
                       patched ? "without" : "with");

    return NGX_CONF_ERROR;
}


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
                               "\"%s\" stands beside \"%s\": clients "
                               "could send X_Forwarded_User, which many an "
                               "application takes for X-Forwarded-User: "
                               "remove it from every server",
                               cscf->underscores_in_headers
                               ? "underscores_in_headers on"
                               : "ignore_invalid_headers off",
                               mcf->guard ? "aigc_guard" : "aigc_access");
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_aigc_check_connections(ngx_cycle_t *cycle)
{
    ngx_uint_t                  own;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aigc_module);

    if (mcf == NULL || mcf->zone == NULL) {
        return NGX_OK;
    }

    own = ngx_http_aigc_duties(mcf) + NGX_AIGC_RESERVE_CALLS;

    if (cycle->connection_n < 2 * own) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "\"worker_connections\" %ui are too few: the gateway "
                      "keeps %ui of them for its own calls: set at least %ui",
                      cycle->connection_n, own, 2 * own);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_aigc_duties(ngx_http_aigc_main_conf_t *mcf)
{
    return ngx_aigc_watch_number(mcf->k8s) + NGX_AIGC_RESERVE_DUTIES;
}
