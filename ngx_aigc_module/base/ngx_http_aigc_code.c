/*
 * base/ngx_http_aigc_code.c — the table of problem codes.
 */

#include "ngx_http_aigc_code.h"


static const ngx_http_aigc_code_t  ngx_http_aigc_codes[] = {
#define NGX_HTTP_AIGC_CODE_LINE(name, text, status, retry, api, detail)       \
    { ngx_string(text), status, retry, NGX_HTTP_AIGC_CODE_##api, detail },
    NGX_HTTP_AIGC_CODES(NGX_HTTP_AIGC_CODE_LINE)
#undef NGX_HTTP_AIGC_CODE_LINE
};


const ngx_http_aigc_code_t *
ngx_http_aigc_code(ngx_http_aigc_code_e code)
{
    return &ngx_http_aigc_codes[code];
}
