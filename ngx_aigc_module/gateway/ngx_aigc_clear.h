/*
 * gateway/ngx_aigc_clear.h — the text of Clear-Site-Data (W3C Clear Site Data).
 */

#ifndef _NGX_AIGC_CLEAR_H_INCLUDED_
#define _NGX_AIGC_CLEAR_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Removes from value, in place, each item that is not a plain quoted word, the
 * wildcard "*" included, and "cookies" in upper or lower case.  Returns the
 * number of words that are left.
 */
ngx_uint_t ngx_aigc_clear_strip(ngx_str_t *value);


#endif /* _NGX_AIGC_CLEAR_H_INCLUDED_ */
