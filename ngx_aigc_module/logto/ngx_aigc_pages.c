/*
 * logto/ngx_aigc_pages.c — where a walk over all users goes on.
 */

#include "ngx_aigc_pages.h"


void
ngx_aigc_pages_init(ngx_aigc_pages_t *pages)
{
    pages->at = 0;
    pages->size = NGX_AIGC_MANAGEMENT_PAGE;
}


ngx_aigc_management_t *
ngx_aigc_pages_read(ngx_aigc_pages_t *pages, ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_aigc_management_pt done, void *data,
    ngx_log_t *log)
{
    return ngx_aigc_management_users(logto, zone,
                                     pages->at / pages->size + 1, pages->size,
                                     done, data, log);
}


ngx_int_t
ngx_aigc_pages_next(ngx_aigc_pages_t *pages, ngx_aigc_management_e result,
    size_t n, ngx_log_t *log)
{
    if (result == NGX_AIGC_MANAGEMENT_TOO_LARGE) {

        if (pages->size > 1) {
            pages->size /= 10;
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aigc: user %ui of Logto's list has more custom data "
                      "than %d bytes: left out",
                      pages->at + 1, NGX_AIGC_MANAGEMENT_ANSWER);

    } else if (n < pages->size) {
        return NGX_DONE;
    }

    pages->at += pages->size;

    if (pages->at % NGX_AIGC_MANAGEMENT_PAGE == 0) {
        pages->size = NGX_AIGC_MANAGEMENT_PAGE;
    }

    return NGX_OK;
}
