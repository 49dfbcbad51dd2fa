/*
 * api/ngx_http_aigc_pod.h — a request that ends an instance's pod, which comes
 * back under the same id, with the same disk: restart and update.  Whose it is
 * does not change, so nothing is written.
 */

#ifndef _NGX_HTTP_AIGC_POD_H_INCLUDED_
#define _NGX_HTTP_AIGC_POD_H_INCLUDED_

#include "base/ngx_http_aigc_conf.h"

#include "instances/ngx_aigc_table.h"


#define NGX_HTTP_AIGC_POD_WAKE  20      /* ms between checks of the table, at
                                           most */
#define NGX_HTTP_AIGC_POD_TIME  2000    /* ms for it to show the end of the
                                           pod; then it is said all the same */


/*
 * Deletes the pod of record, which lives as long as r, this very one where it
 * is known, and answers r in the end: 202, or 200 when there was none, or a
 * problem.  The caller holds a count of r->main for it: returns nothing.
 */
void ngx_http_aigc_pod_delete(ngx_http_request_t *r,
    ngx_aigc_record_t *record);


#endif /* _NGX_HTTP_AIGC_POD_H_INCLUDED_ */
