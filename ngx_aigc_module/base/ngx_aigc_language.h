/*
 * base/ngx_aigc_language.h — which language a browser wants to read, of those
 * that the module's own pages have (RFC 9110, Accept-Language).
 */

#ifndef _NGX_AIGC_LANGUAGE_H_INCLUDED_
#define _NGX_AIGC_LANGUAGE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_AIGC_ENGLISH = 0,
    NGX_AIGC_CHINESE,
    NGX_AIGC_LANGUAGES
} ngx_aigc_language_e;


/*
 * Returns the language that has the highest weight in header, the value of an
 * Accept-Language header; of equal weights the first one; English if the header
 * names neither.  The value may be malformed.
 */
ngx_aigc_language_e ngx_aigc_language(ngx_str_t *header);


#endif /* _NGX_AIGC_LANGUAGE_H_INCLUDED_ */
