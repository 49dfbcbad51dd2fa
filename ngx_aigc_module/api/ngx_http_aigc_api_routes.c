/*
 * api/ngx_http_aigc_api_routes.c — the calls of /api/v1, in one table.  To add
 * a call: a line here, its verb in ngx_http_aigc_api.h, its description in
 * docs/openapi.yaml; t/openapi.t compares both.
 */

#include "ngx_http_aigc_api.h"

#include "instances/ngx_aigc_ids.h"


#define TEMPLATE      "/templates/{namespace}/{template}"
#define INSTANCE      "/instances/{namespace}/{template}/{id}"

#define RUNNING       (1 << NGX_AIGC_RUNNING)
#define RELEASED      (1 << NGX_AIGC_RELEASED)
#define UNINSTALLING  (1 << NGX_AIGC_UNINSTALLING)


static ngx_int_t ngx_http_aigc_api_match(ngx_str_t *path, const char *pattern,
    ngx_http_aigc_call_t *call);
static ngx_int_t ngx_http_aigc_api_segment(ngx_str_t *pattern,
    ngx_str_t *segment, ngx_http_aigc_call_t *call);


/*
 * A path is matched segment by segment: those in braces stand for any value of
 * that kind.
 */
static const ngx_http_aigc_route_t  ngx_http_aigc_routes[] = {

    { NGX_HTTP_GET, "/", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_root, 0, 0 },

    { NGX_HTTP_GET, "/me", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_me, 0, 0 },

    { NGX_HTTP_GET, "/events", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_events, 0, 0 },

    { NGX_HTTP_GET, "/templates", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_templates, 0, 0 },

    { NGX_HTTP_POST, TEMPLATE "/install", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_install, NGX_AIGC_INSTALL, NGX_AIGC_RUNNING },

    { NGX_HTTP_GET, "/instances", NGX_HTTP_AIGC_USER, 0,
      ngx_http_aigc_api_instances, 0, 0 },

    { NGX_HTTP_GET, INSTANCE, NGX_HTTP_AIGC_OWNER,
      RUNNING|RELEASED|UNINSTALLING,
      ngx_http_aigc_api_instance, 0, 0 },

    { NGX_HTTP_DELETE, INSTANCE, NGX_HTTP_AIGC_OWNER,
      RUNNING|RELEASED|UNINSTALLING,
      ngx_http_aigc_api_uninstall, NGX_AIGC_UNINSTALL, NGX_AIGC_UNINSTALLING },

    { NGX_HTTP_POST, INSTANCE "/start", NGX_HTTP_AIGC_OWNER, RUNNING|RELEASED,
      ngx_http_aigc_api_write, NGX_AIGC_START, NGX_AIGC_RUNNING },

    { NGX_HTTP_POST, INSTANCE "/release", NGX_HTTP_AIGC_OWNER,
      RUNNING|RELEASED,
      ngx_http_aigc_api_write, NGX_AIGC_RELEASE, NGX_AIGC_RELEASED },

    { NGX_HTTP_POST, INSTANCE "/restart", NGX_HTTP_AIGC_OWNER, RUNNING,
      ngx_http_aigc_api_restart, 0, 0 },

    { NGX_HTTP_POST, INSTANCE "/update", NGX_HTTP_AIGC_OWNER, RUNNING,
      ngx_http_aigc_api_update, 0, 0 },

    { NGX_HTTP_GET, "/admin/instances", NGX_HTTP_AIGC_ADMIN, 0,
      ngx_http_aigc_api_admin_instances, 0, 0 },

    { NGX_HTTP_POST, "/admin" INSTANCE "/release", NGX_HTTP_AIGC_ADMIN,
      RUNNING|RELEASED,
      ngx_http_aigc_api_write, NGX_AIGC_RELEASE, NGX_AIGC_RELEASED },

    { NGX_HTTP_GET, "/admin/status", NGX_HTTP_AIGC_ADMIN, 0,
      ngx_http_aigc_api_admin_status, 0, 0 },

    { NGX_HTTP_GET, "/admin/users", NGX_HTTP_AIGC_ADMIN, 0,
      ngx_http_aigc_api_admin_users, 0, 0 },

    { NGX_HTTP_POST, "/admin/adopt", NGX_HTTP_AIGC_ADMIN, 0,
      ngx_http_aigc_api_admin_adopt, 0, 0 },

    { 0, NULL, 0, 0, NULL, 0, 0 }
};


ngx_int_t
ngx_http_aigc_api_route(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_uint_t *allowed)
{
    ngx_str_t                     path;
    ngx_uint_t                    method;
    const ngx_http_aigc_route_t  *route;

    static ngx_str_t              prefix = ngx_string("/api/v1");
    static ngx_str_t              root = ngx_string("/");

    *allowed = 0;

    if (r->uri.len < prefix.len
        || ngx_memcmp(r->uri.data, prefix.data, prefix.len) != 0)
    {
        return NGX_DECLINED;
    }

    path.data = r->uri.data + prefix.len;
    path.len = r->uri.len - prefix.len;

    if (path.len == 0) {
        path = root;
    }

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (route = ngx_http_aigc_routes; route->verb; route++) {

        if (ngx_http_aigc_api_match(&path, route->path, call) != NGX_OK) {
            continue;
        }

        if (route->method == method) {
            call->route = route;
            return NGX_OK;
        }

        *allowed |= route->method;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_api_match(ngx_str_t *path, const char *pattern,
    ngx_http_aigc_call_t *call)
{
    u_char     *p, *last;
    ngx_str_t   want, have;

    p = path->data;
    last = p + path->len;

    call->id = NGX_ERROR;

    /* both begin with a "/", as each of their segments does */

    while (*pattern) {

        if (p == last || *p != '/') {
            return NGX_DECLINED;
        }

        want.data = (u_char *) ++pattern;
        want.len = strcspn(pattern, "/");
        pattern += want.len;

        have.data = ++p;

        while (p < last && *p != '/') {
            p++;
        }

        have.len = p - have.data;

        if (ngx_http_aigc_api_segment(&want, &have, call) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return (p == last) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_api_segment(ngx_str_t *pattern, ngx_str_t *segment,
    ngx_http_aigc_call_t *call)
{
    static ngx_str_t  ns = ngx_string("{namespace}");
    static ngx_str_t  name = ngx_string("{template}");
    static ngx_str_t  id = ngx_string("{id}");

    if (ngx_aigc_text_eq(pattern, &ns)) {
        call->ns = *segment;

    } else if (ngx_aigc_text_eq(pattern, &name)) {
        call->name = *segment;

    } else if (ngx_aigc_text_eq(pattern, &id)) {
        call->id = ngx_aigc_id_parse(segment);

    } else if (!ngx_aigc_text_eq(pattern, segment)) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


json_t *
ngx_http_aigc_api_routes(void)
{
    json_t                       *list;
    const ngx_http_aigc_route_t  *route;

    list = json_array();

    for (route = ngx_http_aigc_routes; route->verb; route++) {
        (void) json_array_append_new(list,
            json_pack("{s:s, s:s}",
                      "method", route->method == NGX_HTTP_GET ? "GET"
                                : route->method == NGX_HTTP_POST ? "POST"
                                                                 : "DELETE",
                      "path", route->path));
    }

    return list;
}
