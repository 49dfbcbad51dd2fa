/*
 * api/ngx_http_aigc_api_events.c — GET /api/v1/events: the caller's instances
 * and the templates, as Server-Sent Events.  The stream ends with the session
 * or token that opened it, or at its revocation: who comes back is judged anew.
 */

#include "ngx_http_aigc_api.h"
#include "ngx_http_aigc_events.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_aigc_provider.h"
#include "gateway/ngx_http_aigc_held.h"


static ngx_int_t ngx_http_aigc_api_events_until(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, time_t *until);
static ngx_int_t ngx_http_aigc_api_events_header(ngx_http_request_t *r);


void
ngx_http_aigc_api_events(ngx_http_request_t *r, ngx_http_aigc_call_t *call)
{
    time_t     until;
    ngx_int_t  rc;

    if (ngx_http_aigc_call_synced(r) != NGX_OK) {
        return;
    }

    switch (ngx_http_aigc_events_room(&call->user.sub)) {

    case NGX_OK:
        break;

    case NGX_BUSY:
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_TOO_MANY_STREAMS,
                                  NULL));
        return;

    default:
        ngx_http_finalize_request(r,
            ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_STREAMS_FULL, NULL));
        return;
    }

    if (ngx_http_aigc_api_events_until(r, &call->user, &until) != NGX_OK
        || ngx_http_aigc_held_add(r, NULL, &call->user) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_aigc_api_events_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (ngx_http_aigc_events_listen(r, &call->user.sub, until) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


/* When what the caller has shown is good no longer. */
static ngx_int_t
ngx_http_aigc_api_events_until(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, time_t *until)
{
    time_t                      session;
    ngx_int_t                   rc;
    ngx_pool_t                 *pool;
    ngx_aigc_jwt_t              jwt;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    /*
     * It has been verified: here it is only read, and not into the request's
     * pool, which stays as long as the stream.
     */

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_aigc_jwt_read(pool, &user->token, mcf->provider->claims, &jwt);

    ngx_destroy_pool(pool);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    *until = jwt.exp + NGX_HTTP_AIGC_SKEW;

    /* let in by grace, with Logto away: to be judged again now and then */

    if (*until <= ngx_time()) {
        *until = ngx_time() + NGX_HTTP_AIGC_EVENTS_GRACE;
    }

    if (user->credential == NGX_HTTP_AIGC_COOKIE) {
        session = user->session.start + mcf->lifetime;
        *until = ngx_min(*until, session);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_api_events_header(ngx_http_request_t *r)
{
    ngx_str_t                  value;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_str_set(&value, "no-store");

    if (ngx_http_aigc_add_header(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "no");          /* for an nginx in front of this one */

    if (ngx_http_aigc_add_header(r, "X-Accel-Buffering", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "nosniff");

    if (ngx_http_aigc_add_header(r, "X-Content-Type-Options", &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

#if (NGX_HTTP_GZIP)

    /* 256 KB of a compressor's memory a stream, whatever gzip_types says */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(r->connection) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}
