/*
 * gateway/ngx_http_aigc_upstream.c — from a decision to an address.  Fails
 * closed: without an "allow" of aigc_access for this very request there is no
 * address.
 */

#include "ngx_http_aigc_upstream.h"
#include "ngx_http_aigc_cache.h"
#include "ngx_http_aigc_upstream_response.h"

#include "instances/ngx_aigc_table.h"


static ngx_int_t ngx_http_aigc_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_aigc_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_aigc_get_peer(ngx_peer_connection_t *pc, void *data);
static ngx_uint_t ngx_http_aigc_repeatable(ngx_http_request_t *r);
static ngx_uint_t ngx_http_aigc_same_pod(ngx_http_request_t *r,
    ngx_http_aigc_ctx_t *ctx);
static ngx_int_t ngx_http_aigc_connect(ngx_peer_connection_t *pc);
static void ngx_http_aigc_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);


/* of the server that nobody connects to */
static ngx_str_t  ngx_http_aigc_placeholder = ngx_string("aigc_instances");


char *
ngx_http_aigc_instances(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_addr_t                    *addr;
    struct sockaddr_in            *sin;
    ngx_http_upstream_server_t    *server;
    ngx_http_aigc_main_conf_t     *mcf;
    ngx_http_upstream_srv_conf_t  *us;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);
    us = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    if (us->peer.init_upstream == ngx_http_aigc_init_upstream) {
        return "is duplicate";
    }

    if (us->peer.init_upstream) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aigc_instances\" comes after another balancer: "
                           "let it be the first in its upstream block");
        return NGX_CONF_ERROR;
    }

    mcf->used = 1;
    mcf->upstreams++;

    us->peer.init_upstream = ngx_http_aigc_init_upstream;
    us->flags = NGX_HTTP_UPSTREAM_CREATE;

    /* nginx wants a server in every upstream; nobody connects to this one */

    server = ngx_array_push(us->servers);
    addr = ngx_pcalloc(cf->pool, sizeof(ngx_addr_t));
    sin = ngx_pcalloc(cf->pool, sizeof(struct sockaddr_in));

    if (server == NULL || addr == NULL || sin == NULL) {
        return NGX_CONF_ERROR;
    }

    sin->sin_family = AF_INET;
    sin->sin_port = htons(1);
    sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    addr->sockaddr = (struct sockaddr *) sin;
    addr->socklen = sizeof(struct sockaddr_in);
    addr->name = ngx_http_aigc_placeholder;

    ngx_memzero(server, sizeof(ngx_http_upstream_server_t));
    server->name = addr->name;
    server->addrs = addr;
    server->naddrs = 1;
    server->weight = 1;

    return NGX_CONF_OK;
}


/* By its first server: "keepalive" takes the place of the functions. */
ngx_uint_t
ngx_http_aigc_is_instances(ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_upstream_server_t  *server;

    if (us == NULL || us->servers == NULL || us->servers->nelts == 0) {
        return 0;
    }

    server = us->servers->elts;

    return server[0].name.data == ngx_http_aigc_placeholder.data;
}


ngx_uint_t
ngx_http_aigc_to_instances(ngx_http_request_t *r)
{
    ngx_str_t                       *host;
    ngx_uint_t                       i;
    ngx_http_upstream_t             *u;
    ngx_http_upstream_srv_conf_t   **us;
    ngx_http_upstream_main_conf_t   *umcf;

    u = r->upstream;

    if (u->conf->upstream || u->resolved == NULL) {
        return ngx_http_aigc_is_instances(u->conf->upstream);
    }

    /* the pass is to a name in variables: as nginx will look for it */

    host = &u->resolved->host;
    umcf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);
    us = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (us[i]->host.len == host->len
            && ngx_strncasecmp(us[i]->host.data, host->data, host->len) == 0
            && ngx_http_aigc_is_instances(us[i]))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_aigc_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aigc_module);

    /* a balancer that came later would have replaced this function */

    mcf->balanced++;

    /* what the placeholder needs, where "zone" stands in the block, too */

    if (ngx_http_upstream_init_round_robin(cf, us) != NGX_OK) {
        return NGX_ERROR;
    }

    us->peer.init = ngx_http_aigc_init_peer;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL || ctx->decision != NGX_HTTP_AIGC_ALLOW
        || ctx->socklen == 0)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aigc: upstream \"%V\" is used without \"aigc_access "
                      "on\" in this location: nothing is passed", &us->host);
        return NGX_ERROR;
    }

    /* an auth_request that leads to a pod would show it the session */

    if (!ctx->stripped) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aigc: upstream \"%V\" is used by a subrequest of the "
                      "access phase, as auth_request makes one, which still "
                      "holds the user's credentials: nothing is passed",
                      &us->host);
        return NGX_ERROR;
    }

    if (ngx_http_aigc_cache_check(r) != NGX_OK) {
        return NGX_ERROR;
    }

    r->upstream->peer.data = r;
    r->upstream->peer.get = ngx_http_aigc_get_peer;
    r->upstream->peer.free = ngx_http_aigc_free_peer;
    r->upstream->peer.tries = 1;

    ctx->tried = 0;
    ctx->passed_in = r->loc_conf;

    ngx_http_aigc_skip_informational(r, ctx);

    return NGX_OK;
}


/*
 * A pod may close a kept connection just as the next request is sent on it.
 * nginx then asks for a peer again, once ("proxy_next_upstream error").  What
 * may not, or cannot, be sent twice never goes on a kept connection.
 */
static ngx_int_t
ngx_http_aigc_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_request_t *r = data;

    ngx_uint_t            kept;
    ngx_http_aigc_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_aigc_module);

    if (ctx == NULL || ctx->decision != NGX_HTTP_AIGC_ALLOW) {
        return NGX_ERROR;
    }

    pc->cached = 0;
    pc->connection = NULL;
    pc->name = &ctx->address;

    /* a body that is read first may take its time */

    if ((ctx->tried || ctx->decided != ngx_current_msec)
        && !ngx_http_aigc_same_pod(r, ctx))
    {
        return NGX_BUSY;
    }

    pc->sockaddr = ctx->sockaddr;
    pc->socklen = ctx->socklen;

    kept = !ctx->tried && ngx_http_aigc_repeatable(r);
    ctx->tried = 1;

    return kept ? NGX_OK : ngx_http_aigc_connect(pc);
}


/*
 * RFC 9110 9.2.2: without side effects of a second time; and the body, if any,
 * is in memory: one that is passed on as it comes is gone once it was sent.
 */
static ngx_uint_t
ngx_http_aigc_repeatable(ngx_http_request_t *r)
{
    return (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_PUT
                         |NGX_HTTP_DELETE|NGX_HTTP_OPTIONS))
           && !r->request_body_no_buffering;
}


/*
 * Between the decision and a connection lies a request's body, where nginx
 * buffers it, or a first attempt, whose end may be that of its pod: the address
 * is still the instance's, and the instance its user's.
 */
static ngx_uint_t
ngx_http_aigc_same_pod(ngx_http_request_t *r, ngx_http_aigc_ctx_t *ctx)
{
    ngx_aigc_record_t           record;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return ngx_aigc_table_by_host(mcf->zone, &r->headers_in.server, &record)
           == NGX_OK
           && record.state == NGX_AIGC_RUNNING
           && record.routed
           && !record.collision
           && ngx_aigc_fixed_eq(&record.owner, &ctx->user)
           && record.socklen == ctx->socklen
           && ngx_memcmp(&record.addr, ctx->sockaddr, ctx->socklen) == 0;
}


/*
 * A connection of its own: "keepalive" around us looks for a kept one only
 * after NGX_OK, and takes what is connected already, or on its way, as it is.
 */
static ngx_int_t
ngx_http_aigc_connect(ngx_peer_connection_t *pc)
{
    ngx_int_t              rc;
    ngx_event_get_peer_pt  get;

    get = pc->get;
    pc->get = ngx_event_get_peer;

    rc = ngx_event_connect_peer(pc);

    pc->get = get;

    return (rc == NGX_OK) ? NGX_DONE : rc;
}


static void
ngx_http_aigc_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_request_t *r = data;

    if (pc->tries) {
        pc->tries--;
    }

    /* nginx repeats what failed on a kept connection, half a response or not */

    if (r->upstream->state && r->upstream->state->bytes_received) {
        pc->cached = 0;
    }
}
