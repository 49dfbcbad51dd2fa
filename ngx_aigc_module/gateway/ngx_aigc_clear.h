/*
 * gateway/ngx_aigc_clear.h — the text of Clear-Site-Data (W3C Clear Site Data).
 */

#ifndef _NGX_AIGC_CLEAR_H_INCLUDED_
#define _NGX_AIGC_CLEAR_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Cuts out of value, in place, what is not a plain quoted word, and "cookies"
 * in any case: the wildcard "*" is no word.  Returns how many words are left.
 */
ngx_uint_t ngx_aigc_clear_strip(ngx_str_t *value);


#endif /* _NGX_AIGC_CLEAR_H_INCLUDED_ */
