/*
 * api/ngx_http_aigc_call.c — the steps that the calls share: who may, whose
 * instance, in which state.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_challenge.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_provider.h"
#include "gateway/ngx_http_aigc_decide.h"


static ngx_int_t ngx_http_aigc_call_admin(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
static ngx_int_t ngx_http_aigc_call_instance(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call);
static ngx_int_t ngx_http_aigc_call_refuse(ngx_http_request_t *r,
    ngx_int_t rc);


void
ngx_http_aigc_call(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    if (call->route->may == NGX_HTTP_AIGC_ADMIN
        && ngx_http_aigc_call_admin(r, call) != NGX_OK)
    {
        return;
    }

    if (call->route->from && ngx_http_aigc_call_instance(r, call) != NGX_OK) {
        return;
    }

    call->route->verb(r, call);
}


ngx_uint_t
ngx_http_aigc_is_admin(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt)
{
    ngx_str_t                  *role, *wanted;
    ngx_uint_t                  i;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    wanted = &mcf->provider->admin_role;
    role = jwt->roles.elts;

    for (i = 0; i < jwt->roles.nelts; i++) {
        if (ngx_aigc_text_eq(&role[i], wanted)) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_aigc_call_admin(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_jwt_t              jwt;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /* it has been verified: here it is only read */

    if (ngx_aigc_jwt_read(r->pool, &call->user.token, mcf->provider->claims,
                          &jwt)
        == NGX_OK
        && ngx_http_aigc_is_admin(r, &jwt))
    {
        return NGX_OK;
    }

    if (call->user.credential == NGX_HTTP_AIGC_BEARER) {
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INSUFFICIENT_SCOPE,
                                     "administrators only", NULL);
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_ADMIN, NULL));

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_call_synced(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_sync_complete(mcf->zone) == NGX_OK) {
        return NGX_OK;
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_COLD));

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_call_refuse(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_BUSY) {
        rc = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_BUSY,
                                   "The gateway cannot say at this moment.");

    } else {
        rc = ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_NOT_FOUND, NULL);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_call_template(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    uint32_t *slot)
{
    ngx_int_t                   rc;
    ngx_aigc_template_t         tmpl;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_aigc_table_template(mcf->zone, &call->ns, &call->name, &tmpl,
                                 slot);

    return (rc == NGX_OK) ? NGX_OK : ngx_http_aigc_call_refuse(r, rc);
}


static ngx_int_t
ngx_http_aigc_call_instance(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_int_t                   rc;
    ngx_aigc_record_t          *record;
    ngx_http_aigc_code_e        code;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return NGX_DECLINED;
    }

    record = ngx_palloc(r->pool, sizeof(ngx_aigc_record_t));
    if (record == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NGX_DECLINED;
    }

    rc = (call->id < 0) ? NGX_DECLINED
                        : ngx_aigc_table_by_id(mcf->zone, &call->ns,
                                               &call->name, call->id, record);

    if (rc != NGX_OK || record->state == NGX_AIGC_NO_STATE) {
        return ngx_http_aigc_call_refuse(r, rc);
    }

    if (call->route->may == NGX_HTTP_AIGC_OWNER
        && (record->owner.len == 0
            || !ngx_aigc_fixed_eq(&record->owner, &call->user.sub)))
    {
        code = NGX_HTTP_AIGC_CODE_NOT_OWNER;

    } else if (record->owner.len == 0) {
        code = NGX_HTTP_AIGC_CODE_UNREADABLE_ANNOTATION;

    } else if (call->route->from & (1 << record->state)) {
        call->record = record;
        return NGX_OK;

    } else {
        code = (record->state == NGX_AIGC_UNINSTALLING)
               ? NGX_HTTP_AIGC_CODE_UNINSTALLING
               : NGX_HTTP_AIGC_CODE_NOT_RUNNING;
    }

    ngx_http_finalize_request(r, ngx_http_aigc_problem(r, code, NULL));

    return NGX_DECLINED;
}
