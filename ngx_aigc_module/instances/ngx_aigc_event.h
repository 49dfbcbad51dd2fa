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
 * and, when id is not negative, one of its instances.  Nobody waits for it: it
 * is sent at once or in its turn, and a failure is logged.  NGX_OK; NGX_BUSY: it
 * is not sent, as too many wait, which is logged, or there is no memory.
 */
ngx_int_t ngx_aigc_event(ngx_aigc_kubernetes_t *k8s, ngx_aigc_template_t *tmpl,
    ngx_int_t id, const char *reason, const char *message, ngx_log_t *log);

/* 1: the next one would be sent at once. */
ngx_uint_t ngx_aigc_event_idle(void);

/* Ends those that are under way; gives those up that wait, and logs it. */
void ngx_aigc_event_cancel(void);


#endif /* _NGX_AIGC_EVENT_H_INCLUDED_ */
