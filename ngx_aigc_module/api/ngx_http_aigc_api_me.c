/*
 * api/ngx_http_aigc_api_me.c — GET /api/v1/ and /api/v1/me: what answers, and
 * who the caller is.
 */

#include "ngx_http_aigc_api.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_provider.h"


void
ngx_http_aigc_api_root(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_http_finalize_request(r,
        ngx_http_aigc_json(r, NGX_HTTP_OK,
                           json_pack("{s:s, s:s}",
                                     "version", NGX_HTTP_AIGC_VERSION,
                                     "nginx", NGINX_VERSION)));
}


void
ngx_http_aigc_api_me(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    json_t                     *roles;
    ngx_str_t                  *role;
    ngx_uint_t                  i;
    ngx_aigc_jwt_t              jwt;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /* it has been verified: here it is only read */

    if (ngx_aigc_jwt_read(r->pool, &call->user.token, mcf->provider->claims,
                          &jwt)
        != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    roles = json_array();
    role = jwt.roles.elts;

    for (i = 0; i < jwt.roles.nelts; i++) {
        (void) json_array_append_new(roles, ngx_http_aigc_json_str(&role[i]));
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_json(r, NGX_HTTP_OK,
                           json_pack("{s:o, s:o, s:o, s:b, s:I}",
                                     "user", ngx_http_aigc_json_str(&jwt.sub),
                                     "name", ngx_http_aigc_json_str(&jwt.name),
                                     "roles", roles,
                                     "admin", (int)
                                     ngx_http_aigc_is_admin(r, &jwt),
                                     "expires", (json_int_t) jwt.exp)));
}
