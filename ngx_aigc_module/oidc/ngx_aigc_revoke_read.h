/*
 * oidc/ngx_aigc_revoke_read.h — one reading of the ConfigMap, in passes of the
 * event loop that are bounded by the number of entries.  For ngx_aigc_revoke.c.
 */

#ifndef _NGX_AIGC_REVOKE_READ_H_INCLUDED_
#define _NGX_AIGC_REVOKE_READ_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_aigc_revocation.h"


#define NGX_AIGC_REVOKE_SLICE  1024     /* entries of a pass, … */
#define NGX_AIGC_REVOKE_LOCK   256      /* … taken in under one lock */


/* NGX_OK: the zone says the same now; NGX_ERROR: the text makes no sense. */
typedef void (*ngx_aigc_revoke_read_pt)(ngx_int_t rc);


void ngx_aigc_revoke_read_init(ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * Begins to read object, the ConfigMap's JSON (list: an array with it alone, or
 * empty), which stays as it is until done()
 * is called, from a later pass.  One at a time.
 */
void ngx_aigc_revoke_read(ngx_str_t *object, ngx_uint_t list,
    ngx_aigc_revoke_read_pt done);

/* Not 0: it goes on. */
ngx_uint_t ngx_aigc_revoke_reads(void);

/* Ends it without done(). */
void ngx_aigc_revoke_read_stop(void);


#endif /* _NGX_AIGC_REVOKE_READ_H_INCLUDED_ */
