/*
 * http/ngx_http_aigc_api.c — the way of a call to its verb.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_challenge.h"
#include "ngx_http_aigc_decide.h"
#include "ngx_http_aigc_headers.h"
#include "ngx_http_aigc_renew.h"
#include "ngx_http_aigc_reply.h"

#include "core/ngx_aigc_ids.h"


/*
 * A path is matched segment by segment: "ns", "name" and "id" stand for any
 * value of that kind.
 */
typedef struct {
    ngx_uint_t              method;
    const char             *path[7];
    ngx_http_aigc_verb_pt   verb;
} ngx_http_aigc_route_t;


static ngx_http_aigc_route_t  ngx_http_aigc_routes[] = {
    { NGX_HTTP_GET, { "me" }, ngx_http_aigc_api_me },
    { NGX_HTTP_GET, { "events" }, ngx_http_aigc_api_events },
    { NGX_HTTP_GET, { "templates" }, ngx_http_aigc_api_templates },
    { NGX_HTTP_POST, { "templates", "ns", "name", "install" },
      ngx_http_aigc_api_install },
    { NGX_HTTP_GET, { "instances" }, ngx_http_aigc_api_instances },
    { NGX_HTTP_GET, { "instances", "ns", "name", "id" },
      ngx_http_aigc_api_instance },
    { NGX_HTTP_DELETE, { "instances", "ns", "name", "id" },
      ngx_http_aigc_api_uninstall },
    { NGX_HTTP_POST, { "instances", "ns", "name", "id", "start" },
      ngx_http_aigc_api_start },
    { NGX_HTTP_POST, { "instances", "ns", "name", "id", "release" },
      ngx_http_aigc_api_release },
    { NGX_HTTP_POST, { "instances", "ns", "name", "id", "restart" },
      ngx_http_aigc_api_restart },
    { NGX_HTTP_POST, { "instances", "ns", "name", "id", "update" },
      ngx_http_aigc_api_update },
    { NGX_HTTP_GET, { "admin", "instances" },
      ngx_http_aigc_api_admin_instances },
    { NGX_HTTP_POST, { "admin", "instances", "ns", "name", "id", "release" },
      ngx_http_aigc_api_admin_release },
    { NGX_HTTP_GET, { "admin", "status" }, ngx_http_aigc_api_admin_status },
    { NGX_HTTP_GET, { "admin", "users" }, ngx_http_aigc_api_admin_users },
    { NGX_HTTP_POST, { "admin", "adopt" }, ngx_http_aigc_api_admin_adopt },
    { 0, { NULL }, NULL }
};


typedef struct {
    ngx_http_aigc_call_t    call;
    ngx_http_aigc_verb_pt   verb;
} ngx_http_aigc_api_ctx_t;


static ngx_int_t ngx_http_aigc_api_route(ngx_http_request_t *r,
    ngx_http_aigc_api_ctx_t *api, ngx_uint_t *allowed);
static ngx_int_t ngx_http_aigc_api_refuse(ngx_http_request_t *r,
    ngx_uint_t allowed);
static ngx_int_t ngx_http_aigc_api_match(ngx_str_t *path, const char **pattern,
    ngx_http_aigc_call_t *call);
static ngx_int_t ngx_http_aigc_api_identify(ngx_http_request_t *r,
    ngx_http_aigc_call_t *call, ngx_int_t *answer);
static ngx_uint_t ngx_http_aigc_api_malformed(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);
static void ngx_http_aigc_api_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_aigc_api_read_body(ngx_http_request_t *r,
    json_t **body);
static void ngx_http_aigc_api_free_body(void *data);


ngx_int_t
ngx_http_aigc_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 allowed;
    ngx_http_aigc_ctx_t       *ctx;
    ngx_http_aigc_api_ctx_t   *api;

    ctx = ngx_http_aigc_get_ctx(r);
    api = ngx_pcalloc(r->pool, sizeof(ngx_http_aigc_api_ctx_t));

    if (ctx == NULL || api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aigc_api_identify(r, &api->call, &rc) != NGX_OK) {
        return rc;
    }

    ctx->user = api->call.who.sub;

    if (ngx_http_aigc_api_route(r, api, &allowed) != NGX_OK) {
        return ngx_http_aigc_api_refuse(r, allowed);
    }

    if (r->headers_in.content_length_n > NGX_HTTP_AIGC_BODY_MAX) {
        return ngx_http_aigc_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "body-too-large",
                                     "The body is too large.", 0);
    }

    ctx->handler = api;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_aigc_api_body);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


/* NGX_OK; NGX_DECLINED: refused, and *answer is what the handler returns */
static ngx_int_t
ngx_http_aigc_api_identify(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_int_t *answer)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    rc = ngx_http_aigc_identify_bound(r, &call->who);

    if (rc == NGX_DECLINED && call->who.expired) {
        rc = ngx_http_aigc_renew(r, &call->who);
    }

    if (rc == NGX_AGAIN && ngx_http_aigc_renew_wait(r) == NGX_OK) {
        r->main->count++;
        *answer = NGX_DONE;
        return NGX_DECLINED;
    }

    if (rc == NGX_ERROR || rc == NGX_AGAIN) {
        *answer = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_DECLINED;
    }

    if (rc == NGX_BUSY) {
        *answer = ngx_http_aigc_refuse(r, NGX_HTTP_AIGC_UNRENEWED);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK && call->who.busy) {
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

        *answer = ngx_http_aigc_refuse(r,
                                       ngx_aigc_zone_synced(mcf->zone)
                                       == NGX_OK ? NGX_HTTP_AIGC_BUSY
                                                 : NGX_HTTP_AIGC_COLD);
        return NGX_DECLINED;
    }

    if (ngx_http_aigc_api_malformed(r, &call->who)) {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad-authorization",
                                        "The request has a malformed bearer "
                                        "token, or two.", 0);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_UNAUTHORIZED,
                                        "not-signed-in", "Sign in first.", 0);
        return NGX_DECLINED;
    }

    /* a cookie comes along with any page's request, a token does not */

    if (call->who.cookie && ngx_http_aigc_same_origin(r, NULL) != NGX_OK) {
        *answer = ngx_http_aigc_problem(r, NGX_HTTP_FORBIDDEN, "cross-origin",
                                        "The request comes from a page of "
                                        "another origin.", 0);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * What cannot be a token, or one in the query beside the header's (RFC 6750 2,
 * 3.1).  A session's request needs neither.
 */
static ngx_uint_t
ngx_http_aigc_api_malformed(ngx_http_request_t *r, ngx_http_aigc_who_t *who)
{
    ngx_str_t             value;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_aigc_get_ctx(r);

    if (ctx && (who->bearer || ctx->challenge != NGX_HTTP_AIGC_NO_TOKEN)
        && ngx_http_arg(r, (u_char *) "access_token", 12, &value) == NGX_OK)
    {
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INVALID_REQUEST,
                                     "token in header and query");
    }

    return ctx && ctx->challenge == NGX_HTTP_AIGC_INVALID_REQUEST;
}


/* NGX_DECLINED: *allowed is the methods of the path, or 0: no such path */
static ngx_int_t
ngx_http_aigc_api_route(ngx_http_request_t *r, ngx_http_aigc_api_ctx_t *api,
    ngx_uint_t *allowed)
{
    ngx_str_t               path;
    ngx_uint_t              method;
    ngx_http_aigc_route_t  *route;

    static ngx_str_t        prefix = ngx_string("/api/v1/");

    *allowed = 0;

    if (r->uri.len <= prefix.len
        || ngx_memcmp(r->uri.data, prefix.data, prefix.len) != 0)
    {
        return NGX_DECLINED;
    }

    path.data = r->uri.data + prefix.len;
    path.len = r->uri.len - prefix.len;

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (route = ngx_http_aigc_routes; route->verb; route++) {

        if (ngx_http_aigc_api_match(&path, route->path, &api->call)
            != NGX_OK)
        {
            continue;
        }

        if (route->method == method) {
            api->verb = route->verb;
            return NGX_OK;
        }

        *allowed |= route->method;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_aigc_api_refuse(ngx_http_request_t *r, ngx_uint_t allowed)
{
    u_char      *p, *allow;
    ngx_uint_t   i;

    static struct {
        ngx_uint_t   method;
        const char  *names;
    } methods[] = {
        { NGX_HTTP_GET, "GET, HEAD" },
        { NGX_HTTP_POST, "POST" },
        { NGX_HTTP_DELETE, "DELETE" },
    };

    if (allowed == 0) {
        return ngx_http_aigc_problem(r, NGX_HTTP_NOT_FOUND, "not-found",
                                     "There is no such call.", 0);
    }

    allow = ngx_pnalloc(r->pool, sizeof("GET, HEAD, POST, DELETE"));
    if (allow == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = allow;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (allowed & methods[i].method) {
            p = ngx_sprintf(p, "%s%s", p == allow ? "" : ", ",
                            methods[i].names);
        }
    }

    *p = '\0';

    return ngx_http_aigc_not_allowed(r, (char *) allow);
}


static ngx_int_t
ngx_http_aigc_api_match(ngx_str_t *path, const char **pattern,
    ngx_http_aigc_call_t *call)
{
    u_char      *p, *last, *end;
    ngx_str_t    segment;
    ngx_uint_t   i;

    p = path->data;
    last = path->data + path->len;

    call->id = NGX_ERROR;

    for (i = 0; pattern[i]; i++) {

        end = ngx_strlchr(p, last, '/');

        segment.data = p;
        segment.len = (end ? end : last) - p;

        if (ngx_strcmp(pattern[i], "ns") == 0) {
            call->ns = segment;

        } else if (ngx_strcmp(pattern[i], "name") == 0) {
            call->name = segment;

        } else if (ngx_strcmp(pattern[i], "id") == 0) {
            call->id = ngx_aigc_id_parse(&segment);

        } else if (segment.len != ngx_strlen(pattern[i])
                   || ngx_memcmp(segment.data, pattern[i], segment.len) != 0)
        {
            return NGX_DECLINED;
        }

        if (end == NULL) {
            return pattern[i + 1] ? NGX_DECLINED : NGX_OK;
        }

        p = end + 1;
    }

    return NGX_DECLINED;
}


static void
ngx_http_aigc_api_body(ngx_http_request_t *r)
{
    ngx_http_aigc_ctx_t      *ctx;
    ngx_http_aigc_api_ctx_t  *api;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aigc_module);
    api = ctx->handler;
    ctx->handler = NULL;

    switch (ngx_http_aigc_api_read_body(r, &api->call.body)) {

    case NGX_OK:
        api->verb(r, &api->call);
        return;

    case NGX_DECLINED:
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_BAD_REQUEST, "bad-json",
                                  "The body is not a JSON object.", 0));
        return;

    default: /* NGX_ERROR */
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
}


/* NGX_OK: *body is the object, or NULL: no body; NGX_DECLINED; NGX_ERROR */
static ngx_int_t
ngx_http_aigc_api_read_body(ngx_http_request_t *r, json_t **body)
{
    size_t               len;
    u_char              *p, text[NGX_HTTP_AIGC_BODY_MAX];
    ngx_buf_t           *b;
    ngx_chain_t         *cl;
    ngx_pool_cleanup_t  *cln;

    *body = NULL;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    p = text;

    /* a chunked body comes in several buffers */

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        len = b->last - b->pos;

        if (b->in_file || len > (size_t) (text + sizeof(text) - p)) {
            return NGX_DECLINED;
        }

        if (len) {
            p = ngx_cpymem(p, b->pos, len);
        }
    }

    if (p == text) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    *body = json_loadb((char *) text, p - text, JSON_REJECT_DUPLICATES, NULL);

    cln->handler = ngx_http_aigc_api_free_body;
    cln->data = *body;

    return json_is_object(*body) ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_aigc_api_free_body(void *data)
{
    json_decref(data);
}


ngx_uint_t
ngx_http_aigc_is_admin(ngx_http_request_t *r, ngx_aigc_jwt_t *jwt)
{
    ngx_str_t                  *role, *wanted;
    ngx_uint_t                  i;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    wanted = &mcf->logto->admin_role;
    role = jwt->roles.elts;

    for (i = 0; i < jwt->roles.nelts; i++) {
        if (role[i].len == wanted->len
            && ngx_memcmp(role[i].data, wanted->data, wanted->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_aigc_call_admin(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    ngx_aigc_jwt_t  jwt;

    /* it has been verified: here it is only read */

    if (ngx_aigc_jwt_parse(r->pool, &call->who.token, &jwt) == NGX_OK
        && ngx_http_aigc_is_admin(r, &jwt))
    {
        return NGX_OK;
    }

    if (call->who.bearer) {
        ngx_http_aigc_challenge_note(r, NGX_HTTP_AIGC_INSUFFICIENT_SCOPE,
                                     "administrators only");
    }

    ngx_http_finalize_request(r,
        ngx_http_aigc_problem(r, NGX_HTTP_FORBIDDEN, "not-admin",
                              "This call is for administrators.", 0));

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_aigc_call_synced(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_aigc_zone_synced(mcf->zone) == NGX_OK) {
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
        rc = ngx_http_aigc_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, "busy",
                                   "The gateway cannot say at this moment.",
                                   NGX_HTTP_AIGC_RETRY_COLD);

    } else {
        rc = ngx_http_aigc_problem(r, NGX_HTTP_NOT_FOUND, "not-found",
                                   "There is no such template or instance.",
                                   0);
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


ngx_int_t
ngx_http_aigc_call_anyones(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_aigc_record_t *record)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = (call->id < 0) ? NGX_DECLINED
                        : ngx_aigc_table_by_id(mcf->zone, &call->ns,
                                               &call->name, call->id, record);

    return (rc == NGX_OK && record->state != NGX_AIGC_NO_STATE)
           ? NGX_OK : ngx_http_aigc_call_refuse(r, rc);
}


ngx_int_t
ngx_http_aigc_call_instance(ngx_http_request_t *r, ngx_http_aigc_call_t *call,
    ngx_aigc_record_t *record)
{
    if (ngx_http_aigc_call_anyones(r, call, record) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (record->owner.len == 0
        || !ngx_aigc_fixed_eq(&record->owner, &call->who.sub))
    {
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_FORBIDDEN, "not-owner",
                                  "This instance belongs to somebody else.",
                                  0));
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_call_running(ngx_http_request_t *r, ngx_aigc_record_t *record)
{
    ngx_int_t  rc;

    switch (record->state) {

    case NGX_AIGC_RUNNING:
        return NGX_OK;

    case NGX_AIGC_UNINSTALLING:
        rc = ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "uninstalling",
                                   "The instance is being uninstalled.", 0);
        break;

    default:
        rc = ngx_http_aigc_problem(r, NGX_HTTP_CONFLICT, "not-running",
                                   "The instance is released: start it.", 0);
        break;
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DECLINED;
}
