/*
 * oidc/ngx_http_aigc_signature_limit.c — leaky buckets, as in nginx's
 * limit_req.
 */

#include "ngx_http_aigc_signature_limit.h"


static ngx_msec_t *ngx_http_aigc_bucket_of(
    ngx_http_aigc_signature_limit_t *limit, ngx_http_request_t *r);
static ngx_uint_t ngx_http_aigc_bucket_full(ngx_msec_t due,
    ngx_msec_t pause);
static void ngx_http_aigc_bucket_add(ngx_msec_t *due, ngx_msec_t pause);


ngx_int_t
ngx_http_aigc_signature_limit_check(ngx_http_aigc_signature_limit_t *limit,
    ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    if (ngx_http_aigc_bucket_full(limit->due, limit->pause)
        || ngx_http_aigc_bucket_full(*ngx_http_aigc_bucket_of(limit, r),
                                     NGX_HTTP_AIGC_BUCKET_SOURCE))
    {
        mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
        ngx_aigc_count(mcf->zone, forged_deferred);

        return NGX_BUSY;
    }

    return NGX_OK;
}


void
ngx_http_aigc_signature_limit_count(ngx_http_aigc_signature_limit_t *limit,
    ngx_http_request_t *r)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);
    ngx_aigc_count(mcf->zone, forged);

    ngx_http_aigc_bucket_add(&limit->due, limit->pause);
    ngx_http_aigc_bucket_add(ngx_http_aigc_bucket_of(limit, r),
                             NGX_HTTP_AIGC_BUCKET_SOURCE);
}


static ngx_uint_t
ngx_http_aigc_bucket_full(ngx_msec_t due, ngx_msec_t pause)
{
    return ngx_aigc_share_taken(due, ngx_current_msec,
                                NGX_HTTP_AIGC_BUCKET_BURST * pause)
           > (NGX_HTTP_AIGC_BUCKET_BURST - 1) * pause;
}


static void
ngx_http_aigc_bucket_add(ngx_msec_t *due, ngx_msec_t pause)
{
    ngx_msec_t  most, taken;

    most = NGX_HTTP_AIGC_BUCKET_BURST * pause;
    taken = ngx_aigc_share_taken(*due, ngx_current_msec, most) + pause;

    *due = ngx_current_msec + ngx_min(taken, most);
}


/* An IPv6 address counts as its /64, which is what one host gets. */
static ngx_msec_t *
ngx_http_aigc_bucket_of(ngx_http_aigc_signature_limit_t *limit,
    ngx_http_request_t *r)
{
    size_t            len;
    u_char           *addr;
    uint32_t          hash;
    struct sockaddr  *sa;

    sa = r->connection->sockaddr;

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        addr = ((struct sockaddr_in6 *) sa)->sin6_addr.s6_addr;
        len = 8;
        break;
#endif

    case AF_INET:
        addr = (u_char *) &((struct sockaddr_in *) sa)->sin_addr;
        len = 4;
        break;

    default:
        return &limit->sources[0];
    }

    hash = ngx_murmur_hash2(addr, len);

    return &limit->sources[hash % NGX_HTTP_AIGC_BUCKET_SOURCES];
}
