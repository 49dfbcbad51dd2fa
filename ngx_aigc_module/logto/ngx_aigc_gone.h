/*
 * logto/ngx_aigc_gone.h — finds users who were suspended or deleted at Logto
 * and whose webhook was lost (Logto sends it once, without retry), and revokes
 * their sessions as the webhook would have.
 *
 *   the leader's scan of all users (ngx_aigc_mirror.h), at its start and every
 *   ten minutes; Logto refuses to renew a session → the worker doubts the user
 *   (oidc/ngx_aigc_doubt.h) → worker 0 of that gateway asks Logto
 *
 * Without the Management API, or with custom_data=off, nothing is asked.
 */

#ifndef _NGX_AIGC_GONE_H_INCLUDED_
#define _NGX_AIGC_GONE_H_INCLUDED_

#include "ngx_aigc_management.h"


#define NGX_AIGC_GONE_POLL   500        /* ms between checks, and calls */
#define NGX_AIGC_GONE_RETRY  10000      /* ms after Logto has failed */


typedef enum {
    NGX_AIGC_GONE_SUSPENDED = 0,
    NGX_AIGC_GONE_DELETED
} ngx_aigc_gone_e;


/* For the worker that writes the table; it ends by itself as others do. */
void ngx_aigc_gone_start(ngx_cycle_t *cycle, ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, time_t lifetime);
void ngx_aigc_gone_stop(void);

/*
 * Logto says that sub, who signed in last at signed_in (0: unknown), is gone.
 * Revokes all that the user has, unless that was done since; runs: an instance
 * of the user's does.
 */
void ngx_aigc_gone(ngx_aigc_zone_t *zone, ngx_str_t *sub, ngx_aigc_gone_e how,
    time_t signed_in, ngx_uint_t runs, ngx_log_t *log);

/*
 * A user as the Management API shows one: NGX_OK: suspended, *signed_in (s; 0:
 * never); NGX_DECLINED.
 */
ngx_int_t ngx_aigc_gone_suspended(json_t *user, time_t *signed_in);

/* Whoever has signed in before that has no session, whatever Logto says. */
extern time_t  ngx_aigc_gone_lifetime;


#endif /* _NGX_AIGC_GONE_H_INCLUDED_ */
