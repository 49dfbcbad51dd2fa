/*
 * oidc/ngx_aigc_rotation_secret.c — calls to the API server, and what a failed
 * one means.
 */

#include "ngx_aigc_rotation_secret.h"


#define NGX_AIGC_ROTATION_AWAY     5000     /* ms without calls after one that
                                               failed, … */
#define NGX_AIGC_ROTATION_REFUSED  30000    /* … was refused */
#define NGX_AIGC_ROTATION_LOG      60000    /* ms between lines that say the
                                               same */


typedef struct {
    struct ngx_aigc_kubernetes_s  *k8s;
    ngx_aigc_rotation_call_pt      call;
    ngx_aigc_zone_t               *zone;    /* NULL: not begun, or ended */
    ngx_log_t                     *log;
    ngx_str_t                      ns;
    u_char                         buf[256];
    ngx_str_t                      path;    /* of a call, in buf */
    ngx_msec_t                     away;    /* no calls until then, … */
    ngx_uint_t                     failed;  /* … if 1 */
    ngx_aigc_seldom_t              complained;  /* of … */
    ngx_uint_t                     complaint;   /* … this status */
} ngx_aigc_rotation_secret_t;


static ngx_aigc_rotation_secret_t  ngx_aigc_rotation_api;


void
ngx_aigc_rotation_calls(ngx_cycle_t *cycle, ngx_aigc_zone_t *zone,
    struct ngx_aigc_kubernetes_s *k8s, ngx_aigc_rotation_call_pt call,
    ngx_str_t *ns)
{
    ngx_aigc_rotation_secret_t  *s;

    s = &ngx_aigc_rotation_api;

    ngx_memzero(s, sizeof(ngx_aigc_rotation_secret_t));

    s->k8s = k8s;
    s->call = call;
    s->zone = zone;
    s->log = cycle->log;
    s->ns = *ns;
}


void
ngx_aigc_rotation_calls_end(void)
{
    ngx_aigc_rotation_api.zone = NULL;
}


ngx_aigc_fetch_t *
ngx_aigc_rotation_call(const char *method, const char *content_type)
{
    ngx_aigc_fetch_t            *f;
    ngx_aigc_rotation_secret_t  *s;

    s = &ngx_aigc_rotation_api;

    s->path.data = s->buf;
    s->path.len = ngx_snprintf(s->buf, sizeof(s->buf),
                               "/api/v1/namespaces/%V/secrets/"
                               NGX_AIGC_ROTATION_NAME, &s->ns)
                  - s->buf;

    f = s->call(s->k8s, method, &s->path, content_type, s->log);

    if (f) {
        f->timeout = NGX_AIGC_ROTATION_TIMEOUT;

        /* the whole Secret comes back: its watch says the same */

        if (content_type) {
            f->data = ngx_aigc_fetch_drop;
        }
    }

    return f;
}


ngx_uint_t
ngx_aigc_rotation_may_call(void)
{
    ngx_aigc_rotation_secret_t  *s;

    s = &ngx_aigc_rotation_api;

    return s->zone && (!s->failed || ngx_aigc_reached(s->away));
}


void
ngx_aigc_rotation_complain(ngx_uint_t status, const char *error,
    const char *what)
{
    ngx_aigc_rotation_secret_t  *s;

    s = &ngx_aigc_rotation_api;

    s->failed = 1;
    s->away = ngx_current_msec + ((status == 403 || status == 404
                                   || status == 422)
                                  ? NGX_AIGC_ROTATION_REFUSED
                                  : NGX_AIGC_ROTATION_AWAY);

    ngx_aigc_rotation_say(status, error, what);
}


void
ngx_aigc_rotation_say(ngx_uint_t status, const char *error, const char *what)
{
    ngx_aigc_rotation_secret_t  *s;

    s = &ngx_aigc_rotation_api;

    ngx_aigc_count(s->zone, rotation_errors);

    if (!ngx_aigc_seldom_about(&s->complained, &s->complaint, status,
                               NGX_AIGC_ROTATION_LOG))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, s->log, 0,
                  "aigc: the Secret %V/" NGX_AIGC_ROTATION_NAME " could not be "
                  "%s: status %ui%s%s%s; this gateway goes on by the refresh "
                  "tokens that it knows itself", &s->ns, what, status,
                  error ? ", " : "", error ? error : "",
                  (status == 403 || status == 404)
                  ? ": apply docker/kubernetes/rbac.yaml"
                  : status == 422 ? ": is it immutable, or full?" : "");
}
