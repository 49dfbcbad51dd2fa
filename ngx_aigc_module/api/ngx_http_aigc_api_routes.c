/*
 * api/ngx_http_aigc_api_routes.c — the calls of /api/v1, in one table.  To add
 * a call: a line here, its verb in ngx_http_aigc_api.h, its description in
 * docs/openapi.yaml; t/openapi.t compares both.
 */

#include "ngx_http_aigc_api.h"

#include "instances/ngx_aigc_ids.h"


/*
 * A path is matched segment by segment: those in braces stand for any value of
 * that kind.
 */
typedef struct {
    ngx_uint_t              method;
    const char             *path;
    ngx_http_aigc_verb_pt   verb;
} ngx_http_aigc_route_t;


static ngx_int_t ngx_http_aigc_api_match(ngx_str_t *path, const char *pattern,
    ngx_http_aigc_call_t *call);
static ngx_int_t ngx_http_aigc_api_segment(ngx_str_t *pattern,
    ngx_str_t *segment, ngx_http_aigc_call_t *call);


static ngx_http_aigc_route_t  ngx_http_aigc_routes[] = {
    { NGX_HTTP_GET, "/me", ngx_http_aigc_api_me },
    { NGX_HTTP_GET, "/events", ngx_http_aigc_api_events },
    { NGX_HTTP_GET, "/templates", ngx_http_aigc_api_templates },
    { NGX_HTTP_POST, "/templates/{namespace}/{template}/install",
      ngx_http_aigc_api_install },
    { NGX_HTTP_GET, "/instances", ngx_http_aigc_api_instances },
    { NGX_HTTP_GET, "/instances/{namespace}/{template}/{id}",
      ngx_http_aigc_api_instance },
    { NGX_HTTP_DELETE, "/instances/{namespace}/{template}/{id}",
      ngx_http_aigc_api_uninstall },
    { NGX_HTTP_POST, "/instances/{namespace}/{template}/{id}/start",
      ngx_http_aigc_api_start },
    { NGX_HTTP_POST, "/instances/{namespace}/{template}/{id}/release",
      ngx_http_aigc_api_release },
    { NGX_HTTP_POST, "/instances/{namespace}/{template}/{id}/restart",
      ngx_http_aigc_api_restart },
    { NGX_HTTP_POST, "/instances/{namespace}/{template}/{id}/update",
      ngx_http_aigc_api_update },
    { NGX_HTTP_GET, "/admin/instances", ngx_http_aigc_api_admin_instances },
    { NGX_HTTP_POST, "/admin/instances/{namespace}/{template}/{id}/release",
      ngx_http_aigc_api_admin_release },
    { NGX_HTTP_GET, "/admin/status", ngx_http_aigc_api_admin_status },
    { NGX_HTTP_GET, "/admin/users", ngx_http_aigc_api_admin_users },
    { NGX_HTTP_POST, "/admin/adopt", ngx_http_aigc_api_admin_adopt },
    { 0, NULL, NULL }
};


ngx_http_aigc_verb_pt
ngx_http_aigc_api_route(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_uint_t *allowed)
{
    ngx_str_t               path;
    ngx_uint_t              method;
    ngx_http_aigc_route_t  *route;

    static ngx_str_t        prefix = ngx_string("/api/v1");

    *allowed = 0;

    if (r->uri.len < prefix.len
        || ngx_memcmp(r->uri.data, prefix.data, prefix.len) != 0)
    {
        return NULL;
    }

    path.data = r->uri.data + prefix.len;
    path.len = r->uri.len - prefix.len;

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (route = ngx_http_aigc_routes; route->verb; route++) {

        if (ngx_http_aigc_api_match(&path, route->path, call) != NGX_OK) {
            continue;
        }

        if (route->method == method) {
            return route->verb;
        }

        *allowed |= route->method;
    }

    return NULL;
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
    json_t                 *list;
    ngx_http_aigc_route_t  *route;

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
