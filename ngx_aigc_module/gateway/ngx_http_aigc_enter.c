/*
 * gateway/ngx_http_aigc_enter.c — the two redirects of an instance's host.
 */

#include "ngx_http_aigc_enter.h"
#include "ngx_http_aigc_decide.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"
#include "oidc/ngx_http_aigc_login.h"
#include "oidc/ngx_http_aigc_ticket.h"


static ngx_int_t ngx_http_aigc_own_url(ngx_http_request_t *r,
    ngx_str_t *url);
static ngx_uint_t ngx_http_aigc_is_in(ngx_http_request_t *r);


ngx_int_t
ngx_http_aigc_own_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    origin->len = mcf->gateway.scheme.len + 3 + r->headers_in.server.len
                  + mcf->port.len;
    origin->data = ngx_pnalloc(r->pool, origin->len);
    if (origin->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(origin->data, "%V://%V%V", &mcf->gateway.scheme,
                       &r->headers_in.server, &mcf->port);

    return NGX_OK;
}


/* The address of the very page, as the browser may be told it. */
static ngx_int_t
ngx_http_aigc_own_url(ngx_http_request_t *r, ngx_str_t *url)
{
    ngx_str_t  uri, origin;

    if (ngx_http_aigc_own_origin(r, &origin) != NGX_OK
        || ngx_aigc_url_escape_odd(r->pool, &r->unparsed_uri, &uri) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (uri.len == 0 || uri.data[0] != '/') {
        ngx_str_set(&uri, "/");
    }

    url->len = origin.len + uri.len;
    url->data = ngx_pnalloc(r->pool, url->len);
    if (url->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(url->data, "%V%V", &origin, &uri);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_to_sign_in(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   rd, nonce, escaped, location;
    ngx_http_aigc_main_conf_t  *mcf;

    static ngx_str_t            format =
                                    ngx_string("%V/sign-in?rd=%V&nonce=%V");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_own_url(r, &rd) != NGX_OK
        || ngx_http_aigc_ticket_nonce(r, &nonce) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* of one that is too long, /sign-in says so */

    rd.len = ngx_min(rd.len, ngx_http_aigc_login_rd_max(r) + 1);

    rc = (rd.len > NGX_AIGC_STATE_RD_MAX)
         ? ngx_aigc_url_encode_little(r->pool, &rd, &escaped)
         : ngx_aigc_url_encode(r->pool, &rd, &escaped);

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location.len = format.len + mcf->origin.len + escaped.len + nonce.len;
    location.data = ngx_pnalloc(r->pool, location.len);
    if (location.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location.len = ngx_sprintf(location.data, (char *) format.data,
                               &mcf->origin, &escaped, &nonce)
                   - location.data;

    return ngx_http_aigc_redirect(r, &location);
}


ngx_int_t
ngx_http_aigc_to_itself(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  url;

    if (ngx_http_aigc_own_url(r, &url) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_aigc_redirect(r, &url);

    return (rc == NGX_HTTP_INTERNAL_SERVER_ERROR)
           ? rc : NGX_HTTP_TEMPORARY_REDIRECT;
}


/*
 * A ticket that is shown again, or late, is no way round in circles: who is in
 * already goes on to the page, anybody else is asked to press a button.
 */
ngx_int_t
ngx_http_aigc_enter(ngx_http_request_t *r, ngx_str_t *ticket)
{
    ngx_int_t                   rc;
    ngx_str_t                   url;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    if (ngx_http_aigc_own_url(r, &url) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a redirect would lose what is sent */

    if (ngx_http_aigc_is_safe(r) == NGX_OK) {

        rc = ngx_http_aigc_ticket_redeem(r, &r->headers_in.server, ticket, 1);

        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (rc == NGX_OK || rc == NGX_DONE
            || (rc == NGX_DECLINED && ngx_http_aigc_is_in(r)))
        {
            return ngx_http_aigc_redirect(r, &url);
        }

        if (rc == NGX_BUSY) {
            ngx_aigc_count(mcf->zone, refused);

            return ngx_http_aigc_refuse_visitor(r, NGX_HTTP_AIGC_BUSY);
        }
    }

    ngx_aigc_count(mcf->zone, refused);

    return ngx_http_aigc_refusal_sign_in(r, NGX_HTTP_AIGC_CODE_TICKET_REFUSED,
                                         NULL, &url);
}


static ngx_uint_t
ngx_http_aigc_is_in(ngx_http_request_t *r)
{
    ngx_http_aigc_user_t     user;
    ngx_http_aigc_outcome_e  outcome;

    ngx_memzero(&user, sizeof(ngx_http_aigc_user_t));

    outcome = ngx_http_aigc_identify_instance(r, &r->headers_in.server, &user);

    return outcome == NGX_HTTP_AIGC_ID_SIGNED_IN
           || outcome == NGX_HTTP_AIGC_ID_RENEWING;
}
