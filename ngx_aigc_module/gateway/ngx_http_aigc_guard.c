/*
 * gateway/ngx_http_aigc_guard.c — which requests are for instances, where no
 * "aigc_access" says so.
 */

#include "ngx_http_aigc_guard.h"

#include "base/ngx_http_aigc_headers.h"
#include "instances/ngx_aigc_host.h"
#include "instances/ngx_aigc_table.h"


static ngx_int_t ngx_http_aigc_misdirected(ngx_http_request_t *r,
    ngx_http_aigc_main_conf_t *mcf);
static ngx_int_t ngx_http_aigc_guarded(ngx_http_aigc_main_conf_t *mcf,
    ngx_str_t *host);
static ngx_uint_t ngx_http_aigc_of_template(ngx_aigc_zone_t *zone,
    ngx_str_t *host);
static ngx_uint_t ngx_http_aigc_plain_host(ngx_str_t *value,
    ngx_str_t *server);


ngx_int_t
ngx_http_aigc_guard_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (!mcf->guard || r != r->main) {
        return NGX_DECLINED;
    }

    if (r->host_start && ngx_http_aigc_host_agrees(r, 1) != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "aigc: a request's target and its Host header name "
                      "different hosts: it is refused");

        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_http_aigc_misdirected(r, mcf);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "aigc: an instance's server is asked for another host: it "
                  "is refused");

    return (rc == NGX_OK) ? NGX_HTTP_MISDIRECTED_REQUEST
                          : NGX_HTTP_SERVICE_UNAVAILABLE;
}


/*
 * An address' default server also serves hosts that no server names.  As
 * ngx_http_aigc_guarded(), of the server's name; NGX_DECLINED, too: it is r's
 * host.
 */
static ngx_int_t
ngx_http_aigc_misdirected(ngx_http_request_t *r,
    ngx_http_aigc_main_conf_t *mcf)
{
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    return ngx_aigc_text_eq(&cscf->server_name, &r->headers_in.server)
           ? NGX_DECLINED
           : ngx_http_aigc_guarded(mcf, &cscf->server_name);
}


ngx_uint_t
ngx_http_aigc_got_past(ngx_http_request_t *r, ngx_uint_t allowed)
{
    ngx_http_aigc_loc_conf_t   *lcf;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_aigc_module);

    if (!mcf->guard || lcf->access) {
        return 0;
    }

    return (!allowed && ngx_http_aigc_guards(r))
           || ngx_http_aigc_misdirected(r, mcf) != NGX_DECLINED;
}


ngx_uint_t
ngx_http_aigc_guards(ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    return mcf->guard
           && ngx_http_aigc_guarded(mcf, &r->headers_in.server)
              != NGX_DECLINED;
}


/*
 * NGX_OK: host is an instance's, or could be one of a template's; NGX_AGAIN: it
 * lies in the instances' domain, and the table does not know yet; NGX_DECLINED:
 * it is somebody else's.
 */
static ngx_int_t
ngx_http_aigc_guarded(ngx_http_aigc_main_conf_t *mcf, ngx_str_t *host)
{
    ngx_aigc_record_t  record;

    if (host->len == 0 || ngx_aigc_text_eq(host, &mcf->gateway.host)) {
        return NGX_DECLINED;
    }

    if (ngx_aigc_table_by_host(mcf->zone, host, &record) != NGX_DECLINED) {
        return NGX_OK;
    }

    /* a server's name with "*" is that of many hosts */

    if (host->data[0] == '*'
        || ngx_aigc_host_within(host, &mcf->domain) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_aigc_sync_complete(mcf->zone) != NGX_OK
        || ngx_aigc_table_whole(mcf->zone) != NGX_OK)
    {
        return NGX_AGAIN;
    }

    return ngx_http_aigc_of_template(mcf->zone, host) ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_aigc_of_template(ngx_aigc_zone_t *zone, ngx_str_t *host)
{
    uint32_t             slot;
    ngx_str_t            pattern;
    ngx_aigc_template_t  tmpl;

    for (slot = 0;
         ngx_aigc_table_next_template(zone, &slot, &tmpl) == NGX_OK;
         slot++)
    {
        ngx_aigc_fixed_get(&tmpl.host, &pattern);

        if (ngx_aigc_host_match(&pattern, host) != NGX_ERROR) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_aigc_host_agrees(ngx_http_request_t *r, ngx_uint_t known)
{
    ngx_str_t                host;
    ngx_table_elt_t         *h;
    ngx_http_aigc_header_t   state;

    if (r->headers_in.server.len == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(&state, sizeof(ngx_http_aigc_header_t));

    while ((h = ngx_http_aigc_header_next(r, "host", &state))) {

        if (known
            && ngx_http_aigc_plain_host(&h->value, &r->headers_in.server))
        {
            continue;
        }

        if (ngx_aigc_host_normalize(r->pool, &h->value, &host) != NGX_OK
            || host.len != r->headers_in.server.len
            || ngx_strncasecmp(host.data, r->headers_in.server.data, host.len)
               != 0)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* As browsers send it: the very bytes of the server's name, and a port. */
static ngx_uint_t
ngx_http_aigc_plain_host(ngx_str_t *value, ngx_str_t *server)
{
    u_char     *port, *last;
    ngx_int_t   n;

    if (value->len < server->len
        || ngx_memcmp(value->data, server->data, server->len) != 0)
    {
        return 0;
    }

    port = value->data + server->len;
    last = value->data + value->len;

    if (port == last) {
        return 1;
    }

    if (*port++ != ':') {
        return 0;
    }

    n = ngx_atoi(port, last - port);

    return n > 0 && n <= 65535 && *port != '0';
}
