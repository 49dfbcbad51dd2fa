/*
 * kube/ngx_aigc_trim.h — what the API server sends and nobody here reads:
 * metadata.managedFields, which name every annotation once more, an object
 * each.  Half of the time that an object takes to parse is theirs.
 */

#ifndef _NGX_AIGC_TRIM_H_INCLUDED_
#define _NGX_AIGC_TRIM_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Empties, in place, every array that is the value of a member managedFields
 * of a compact JSON text; json->len shrinks.  A text that is no JSON stays none,
 * and is never read past its end.
 */
void ngx_aigc_trim(ngx_str_t *json);


#endif /* _NGX_AIGC_TRIM_H_INCLUDED_ */
