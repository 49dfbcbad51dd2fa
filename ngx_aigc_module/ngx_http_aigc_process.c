/*
 * ngx_http_aigc_process.c — what runs in which of nginx's processes.
 */

#include "ngx_http_aigc_module.h"
#include "ngx_http_aigc_directives.h"
#include "base/ngx_aigc_loop_time.h"
#include "base/ngx_aigc_on_shutdown.h"
#include "oidc/ngx_aigc_provider.h"
#include "oidc/ngx_aigc_revocation_store.h"
#include "oidc/ngx_aigc_rotation_store.h"
#include "oidc/ngx_http_aigc_memo.h"
#include "kube/ngx_aigc_lease.h"
#include "kube/ngx_aigc_watch.h"
#include "instances/ngx_aigc_reconcile.h"
#include "instances/ngx_aigc_set_aside.h"
#include "instances/ngx_aigc_stamp.h"
#include "instances/ngx_aigc_stray.h"
#include "logto/ngx_aigc_gone.h"
#include "logto/ngx_aigc_mirror.h"
#include "logto/ngx_aigc_release.h"


static void ngx_http_aigc_shutdown(void);


static const ngx_aigc_watch_sink_t  ngx_http_aigc_sink = {
    ngx_aigc_table_listed,
    ngx_aigc_table_holes,
    ngx_aigc_reconcile_kick,
    ngx_aigc_table_again
};

/* What the leader does, in this order, round after round. */
static ngx_aigc_step_t  ngx_http_aigc_steps[] = {
    { ngx_aigc_problem_events, NULL },          /* before it is mended */
    { ngx_aigc_stray, ngx_aigc_stray_stop },    /* before a repair gives its
                                                   id */
    { ngx_aigc_repair, NULL },
    { ngx_aigc_aside, NULL },
    { ngx_aigc_stamp, NULL },
    { ngx_aigc_uninstall, NULL },
    { ngx_aigc_bind, NULL },
    { ngx_aigc_release, ngx_aigc_release_stop },
    { ngx_aigc_revocation_store_prune, NULL },
    { ngx_aigc_rotation_prune, NULL },
    { ngx_aigc_mirror, ngx_aigc_mirror_stop },
    { NULL, NULL }
};


/*
 * Every worker calls Logto; the first one also watches the cluster and writes
 * the table.  ngx_worker is 0 in nginx's cache processes, too: these are none.
 */
ngx_int_t
ngx_http_aigc_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                  first;
    ngx_http_aigc_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aigc_module);

    if (mcf == NULL || mcf->zone == NULL) {
        return NGX_OK;
    }

    first = (ngx_process == NGX_PROCESS_SINGLE || ngx_worker == 0);

    if (first) {
        ngx_aigc_zone_take(mcf->zone);
        ngx_aigc_loop_time_start(mcf->zone);
        ngx_aigc_table_take(mcf->zone);
    }

    mcf->memo = ngx_http_aigc_memo_create(cycle->pool);

    if (mcf->memo == NULL
        || ngx_aigc_fetch_init(cycle, mcf->zone,
                               first ? ngx_http_aigc_duties(mcf) : 0)
           != NGX_OK
        || ngx_aigc_on_shutdown(cycle, ngx_http_aigc_shutdown) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_revocation_init(cycle, mcf->zone, mcf->k8s,
                             ngx_aigc_kubernetes_call, &mcf->k8s->lease_ns,
                             mcf->lifetime);
    ngx_aigc_rotation_init(cycle, mcf->zone, mcf->k8s,
                           ngx_aigc_kubernetes_call, &mcf->k8s->lease_ns);

    if (!first) {
        return NGX_OK;
    }

    ngx_aigc_mirror_init(mcf->k8s, mcf->logto, mcf->zone, cycle->log);
    ngx_aigc_gone_start(cycle, mcf->logto, mcf->zone, mcf->lifetime);

    if (ngx_aigc_reconcile_start(cycle, mcf->k8s, mcf->zone,
                                 ngx_http_aigc_steps)
        != NGX_OK
        || ngx_aigc_provider_start(cycle, mcf->provider, mcf->zone) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_aigc_revocation_start();
    ngx_aigc_rotation_start();

    return ngx_aigc_watch_start(cycle, mcf->k8s, mcf->zone,
                                &ngx_http_aigc_sink);
}


/* What is begun is finished; what others need to know is told to them. */
static void
ngx_http_aigc_shutdown(void)
{
    ngx_aigc_lease_release();
    ngx_aigc_revocation_shutdown();
}


void
ngx_http_aigc_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_aigc_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aigc_module);

    if (mcf == NULL || mcf->zone == NULL) {
        return;
    }

    ngx_aigc_on_shutdown_free();
    ngx_aigc_watch_stop();
    ngx_aigc_revocation_stop();
    ngx_aigc_rotation_stop();
    ngx_aigc_gone_stop();
    ngx_aigc_reconcile_stop();
    ngx_aigc_provider_stop();
    ngx_aigc_fetch_exit();
}
