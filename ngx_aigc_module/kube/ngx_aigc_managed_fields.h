/*
 * kube/ngx_aigc_managed_fields.h — removes metadata.managedFields before JSON
 * is parsed.  Nobody here reads them; they repeat every annotation as an object
 * and take half of the parse time.
 */

#ifndef _NGX_AIGC_MANAGED_FIELDS_H_INCLUDED_
#define _NGX_AIGC_MANAGED_FIELDS_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Empties, in place, every array that is the value of a member managedFields
 * of a compact JSON text; json->len shrinks.  Invalid JSON stays invalid and
 * is never read past its end.
 */
void ngx_aigc_managed_fields_empty(ngx_str_t *json);


#endif /* _NGX_AIGC_MANAGED_FIELDS_H_INCLUDED_ */
