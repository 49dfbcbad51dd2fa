/*
 * instances/ngx_aigc_host.h — the host names of a template's instances: a
 * pattern with one "<id>", as OKG expands it.
 */

#ifndef _NGX_AIGC_HOST_H_INCLUDED_
#define _NGX_AIGC_HOST_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "base/ngx_aigc_url.h"


/*
 * The pattern in text, lower case, from pool: a DNS name under every id.
 * NGX_OK; NGX_DECLINED: *why is what is wrong with it ("has no <id>");
 * NGX_ERROR.
 */
ngx_int_t ngx_aigc_host_pattern(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *pattern, const char **why);

/*
 * "instances<id>-cpu.example.com" with the id in place of the first "<id>".
 * NGX_OK, NGX_DECLINED (no "<id>", no id, or too long), NGX_ERROR.
 */
ngx_int_t ngx_aigc_host_expand(ngx_pool_t *pool, ngx_str_t *pattern,
    ngx_int_t id, ngx_str_t *out);

/* The id that a host has under pattern, or NGX_ERROR when it has none. */
ngx_int_t ngx_aigc_host_match(ngx_str_t *pattern, ngx_str_t *host);


#endif /* _NGX_AIGC_HOST_H_INCLUDED_ */
