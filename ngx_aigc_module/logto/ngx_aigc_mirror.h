/*
 * logto/ngx_aigc_mirror.h — the users' instances in their custom data at Logto,
 * in the original gateway's shape (logto/ngx_aigc_entry.h).  A mirror: nothing
 * is ever decided from it.  One process of all, the leader, keeps it up, off
 * the request path, a call at a time.
 *
 *   the table changes → a user's instances are not what was last written → read
 *   custom data, compare, and write only what differs; at the beginning, and
 *   then every nine minutes, all users are read page by page for what is stale,
 *   and for who is suspended or deleted (ngx_aigc_gone.h)
 *
 * Each user has a backoff of his own: one whose data Logto cannot read or write
 * delays nobody else.  When several fail in a row Logto is away: then there is
 * a call every two seconds, whoever's, until one succeeds.
 *
 * Other custom data is the user's own and stays.  Only a replacement of the
 * whole removes a key at Logto; what the user himself writes in the few
 * milliseconds between our reading and that is lost, so nothing else is done
 * between the two.
 *
 * Left alone: entries of templates that no gateway has written yet, and of
 * disks that are nobody's: an installation of the original, to be adopted.
 */

#ifndef _NGX_AIGC_MIRROR_H_INCLUDED_
#define _NGX_AIGC_MIRROR_H_INCLUDED_

#include "ngx_aigc_logto.h"
#include "kube/ngx_aigc_kubernetes.h"
#include "base/ngx_aigc_bounds.h"


#define NGX_AIGC_MIRROR_PACE     100    /* ms between the beginnings of calls,
                                           but a write that follows its read */
#define NGX_AIGC_MIRROR_USER     1000   /* ms until a user, or a page, that
                                           Logto failed is tried again, … */
#define NGX_AIGC_MIRROR_USER_MAX 30000  /* … doubled up to this */
#define NGX_AIGC_MIRROR_GARBAGE  5000   /* the same where the answer made no
                                           sense: that seldom mends itself */
#define NGX_AIGC_MIRROR_GARBAGE_MAX  3600000
#define NGX_AIGC_MIRROR_ROW      3      /* failures in a row: Logto is away, not
                                           one user's data */
#define NGX_AIGC_MIRROR_AWAY     2000   /* ms between calls then: whoever is not
                                           the cause waits no longer */
#define NGX_AIGC_MIRROR_DENIED   500    /* ms after we were refused, doubled up
                                           to … */
#define NGX_AIGC_MIRROR_DENIED_MAX  60000
#define NGX_AIGC_MIRROR_BUSY     500    /* ms until the table has settled */
#define NGX_AIGC_MIRROR_SCAN     540    /* s from one walk over all users to the
                                           next: who is suspended or deleted is
                                           found within ten minutes */
#define NGX_AIGC_MIRROR_SAID     30000  /* ms between lines about failures */


/* What the mirror needs; once, in the process that may lead. */
void ngx_aigc_mirror_init(ngx_aigc_kubernetes_t *k8s, ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * A step of the pass of a reconciler that leads, with a table that is whole:
 * begins when it has not begun, takes in what has changed.
 */
void ngx_aigc_mirror(ngx_aigc_kubernetes_t *k8s, ngx_aigc_zone_t *zone,
    ngx_log_t *log);

/* This process leads no more: calls end, all is forgotten.  At any time. */
void ngx_aigc_mirror_stop(void);


#endif /* _NGX_AIGC_MIRROR_H_INCLUDED_ */
