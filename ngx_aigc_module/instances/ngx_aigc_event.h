/*
 * instances/ngx_aigc_event.h — Kubernetes Events on a GameServerSet: what an
 * administrator should see with "kubectl describe gss".
 */

#ifndef _NGX_AIGC_EVENT_H_INCLUDED_
#define _NGX_AIGC_EVENT_H_INCLUDED_

#include "kube/ngx_aigc_kubernetes.h"

#include "ngx_aigc_table.h"


#define NGX_AIGC_EVENTS_MAX  4          /* under way at one time */
#define NGX_AIGC_EVENTS_WAIT 64         /* … and waiting for their turn */


/*
 * Emits a Warning with reason ("HostCollision") and message about the template
 * and, when id is not negative, one of its instances.  Nobody waits for it; a
 * failure is logged.  NGX_OK: it is sent, at once or in its turn; NGX_BUSY: too
 * many wait, or no memory: tell it later.
 */
ngx_int_t ngx_aigc_event(ngx_aigc_kubernetes_t *k8s, ngx_aigc_template_t *tmpl,
    ngx_int_t id, const char *reason, const char *message, ngx_log_t *log);

/* Ends those that are under way, and forgets those that wait. */
void ngx_aigc_event_cancel(void);


#endif /* _NGX_AIGC_EVENT_H_INCLUDED_ */
