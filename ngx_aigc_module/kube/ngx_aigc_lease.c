/*
 * kube/ngx_aigc_lease.c — keeps the Lease by which one gateway leads: a timer
 * reads or renews it, with at most one call at a time.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_aigc_lease.h"

#include "ngx_aigc_date.h"

#include "base/ngx_aigc_timer.h"


typedef enum {
    NGX_AIGC_LEASE_READ = 0,
    NGX_AIGC_LEASE_WRITE,
    NGX_AIGC_LEASE_GIVE_UP
} ngx_aigc_lease_e;


typedef struct {
    ngx_aigc_kubernetes_t      *k8s;
    ngx_aigc_zone_t            *zone;
    ngx_log_t                  *log;
    ngx_aigc_lease_changed_pt   changed;

    ngx_aigc_election_t         election;
    json_t                     *lease;      /* as last read; NULL: absent, or
                                               to be read again */
    ngx_aigc_fetch_t           *fetch;      /* the call in progress, or NULL */
    ngx_aigc_lease_e            doing;
    ngx_msec_t                  sent;
    ngx_uint_t                  again;      /* one immediate read was used up */
    ngx_uint_t                  leads;      /* as the caller of start() knows */

    ngx_event_t                 timer;      /* the next call */
    ngx_event_t                 deadline;   /* the lead ends if not renewed */
    ngx_event_t                 exiting;    /* keeps a quitting worker alive */

    ngx_uint_t                  quitting;   /* only the release is left to do */
    ngx_aigc_seldom_t           complained;
    u_char                      identity[NGX_AIGC_HOLDER_MAX];
} ngx_aigc_lease_t;


static void ngx_aigc_lease_timer(ngx_event_t *ev);
static void ngx_aigc_lease_deadline(ngx_event_t *ev);
static void ngx_aigc_lease_exiting(ngx_event_t *ev);
static void ngx_aigc_lease_later(void);
static void ngx_aigc_lease_send(ngx_aigc_lease_e what);
static ngx_aigc_fetch_t *ngx_aigc_lease_call(ngx_aigc_lease_e what);
static ngx_int_t ngx_aigc_lease_body(ngx_aigc_fetch_t *f, ngx_uint_t release);
static void ngx_aigc_lease_done(ngx_aigc_fetch_t *f);
static void ngx_aigc_lease_end(ngx_aigc_fetch_t *f);
static void ngx_aigc_lease_was_read(ngx_aigc_fetch_t *f);
static void ngx_aigc_lease_was_written(ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_lease_take(ngx_aigc_fetch_t *f);
static void ngx_aigc_lease_observe(void);
static void ngx_aigc_lease_gain(ngx_msec_t until);
static void ngx_aigc_lease_lose(const char *why);
static void ngx_aigc_lease_complain(ngx_aigc_fetch_t *f);


static ngx_aigc_lease_t  ngx_aigc_lease;


ngx_int_t
ngx_aigc_lease_start(ngx_cycle_t *cycle, ngx_aigc_kubernetes_t *k8s,
    ngx_aigc_zone_t *zone, ngx_aigc_lease_changed_pt changed)
{
    ngx_msec_t         left;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    ngx_memzero(l, sizeof(ngx_aigc_lease_t));

    l->k8s = k8s;
    l->zone = zone;
    l->log = cycle->log;
    l->changed = changed;
    l->election.identity.data = l->identity;

    if (ngx_aigc_leader_identity(zone, &cycle->hostname, &l->election.identity)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, l->log, 0,
                      "aigc: no random bits for the leader's identity");
        return NGX_ERROR;
    }

    ngx_aigc_timer_init(&l->timer, ngx_aigc_lease_timer, 1, l->log);
    ngx_aigc_timer_init(&l->deadline, ngx_aigc_lease_deadline, 1, l->log);
    ngx_aigc_timer_init(&l->exiting, ngx_aigc_lease_exiting, 0, l->log);

    left = ngx_aigc_leader_left(zone);

    if (left) {
        l->leads = 1;
        ngx_add_timer(&l->deadline, left);
    }

    ngx_aigc_lease_send(NGX_AIGC_LEASE_READ);

    return NGX_OK;
}


void
ngx_aigc_lease_stop(void)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (l->zone == NULL) {
        return;
    }

    if (l->fetch) {
        ngx_aigc_fetch_cancel(l->fetch);
        l->fetch = NULL;
    }

    json_decref(l->lease);
    l->lease = NULL;

    ngx_aigc_timer_stop(&l->timer);

    ngx_aigc_timer_stop(&l->deadline);

    ngx_aigc_timer_stop(&l->exiting);

    l->zone = NULL;
}


/* Releases the Lease at a quit, so that another gateway can lead at once. */
void
ngx_aigc_lease_release(void)
{
    ngx_int_t          rc;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (l->zone == NULL) {
        return;                         /* stopped, or not in this worker */
    }

    if (ngx_aigc_zone_replaced(l->zone)) {
        return;                         /* the new worker keeps the lead */
    }

    rc = ngx_aigc_leader_leads(l->zone);

    ngx_aigc_lease_lose("this nginx quits");

    if (rc != NGX_OK || ngx_aigc_zone_is_writer(l->zone) != NGX_OK) {
        return;
    }

    ngx_aigc_timer_stop(&l->timer);

    l->quitting = 1;
    ngx_add_timer(&l->exiting, NGX_AIGC_LEASE_RELEASE);

    if (l->fetch == NULL) {
        ngx_aigc_lease_send(l->lease ? NGX_AIGC_LEASE_GIVE_UP
                                     : NGX_AIGC_LEASE_READ);
    }
}


static void
ngx_aigc_lease_exiting(ngx_event_t *ev)
{
    /* nothing to do: without a timer the worker may exit */
}


static void
ngx_aigc_lease_timer(ngx_event_t *ev)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (ngx_aigc_zone_is_writer(l->zone) != NGX_OK) {
        ngx_aigc_lease_stop();
        return;
    }

    l->again = 0;

    ngx_aigc_lease_send((l->lease && ngx_aigc_leader_leads(l->zone) == NGX_OK)
                        ? NGX_AIGC_LEASE_WRITE : NGX_AIGC_LEASE_READ);
}


static void
ngx_aigc_lease_deadline(ngx_event_t *ev)
{
    ngx_msec_t  left;

    left = ngx_aigc_leader_left(ngx_aigc_lease.zone);

    if (left) {
        ngx_add_timer(ev, left);
        return;
    }

    ngx_aigc_lease_lose("its Lease could not be renewed in time");
}


/*
 * Sets the timer of the next call.  The interval counts from the start of the
 * last call, so that a slow API server does not delay a leader's renewals.
 */
static void
ngx_aigc_lease_later(void)
{
    ngx_msec_int_t     wait;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (l->timer.timer_set) {
        return;
    }

    wait = (ngx_msec_int_t) (l->sent + NGX_AIGC_LEASE_RETRY
                             + ngx_random() % NGX_AIGC_LEASE_JITTER
                             - ngx_current_msec);

    ngx_add_timer(&l->timer, ngx_max(wait, NGX_AIGC_LEASE_SOON));
}


static void
ngx_aigc_lease_send(ngx_aigc_lease_e what)
{
    ngx_aigc_fetch_t  *f;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    l->sent = ngx_current_msec;

    f = ngx_aigc_lease_call(what);

    if (f) {
        f->timeout = NGX_AIGC_LEASE_TIMEOUT;
        f->connect_timeout = NGX_AIGC_LEASE_TIMEOUT;
        f->max = NGX_AIGC_LEASE_BODY;
        f->done = ngx_aigc_lease_done;

        l->doing = what;

        if (ngx_aigc_fetch_start(f) == NGX_OK) {
            l->fetch = f;
            return;
        }
    }

    if (!l->quitting) {
        ngx_aigc_lease_later();

    } else {
        ngx_aigc_timer_stop(&l->exiting);
    }
}


static ngx_aigc_fetch_t *
ngx_aigc_lease_call(ngx_aigc_lease_e what)
{
    u_char             buf[512];
    ngx_str_t          path;
    ngx_uint_t         create;
    const char        *method;
    ngx_aigc_fetch_t  *f;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    create = (what == NGX_AIGC_LEASE_WRITE && l->lease == NULL);
    method = (what == NGX_AIGC_LEASE_READ) ? "GET" : create ? "POST" : "PUT";

    path.data = buf;
    path.len = ngx_snprintf(buf, sizeof(buf),
                            "/apis/coordination.k8s.io/v1/namespaces/%V/leases"
                            "%s%V", &l->k8s->lease_ns, create ? "" : "/",
                            &l->k8s->lease_name)
               - buf;

    if (create) {
        path.len -= l->k8s->lease_name.len;
    }

    f = ngx_aigc_kubernetes_call(l->k8s, method, &path,
                                 what == NGX_AIGC_LEASE_READ
                                 ? NULL : "Content-Type: application/json",
                                 l->log);

    if (f && what != NGX_AIGC_LEASE_READ
        && ngx_aigc_lease_body(f, what == NGX_AIGC_LEASE_GIVE_UP) != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NULL;
    }

    return f;
}


static ngx_int_t
ngx_aigc_lease_body(ngx_aigc_fetch_t *f, ngx_uint_t release)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    return ngx_aigc_kubernetes_body(f,
                    ngx_aigc_election_lease(&l->election, l->lease,
                                            &l->k8s->lease_ns,
                                            &l->k8s->lease_name,
                                            ngx_timeofday(), release));
}


static void
ngx_aigc_lease_done(ngx_aigc_fetch_t *f)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    l->fetch = NULL;

    ngx_aigc_date_seen(l->zone, ngx_aigc_fetch_date(f));

    if (l->quitting) {
        ngx_aigc_lease_end(f);
        return;
    }

    if (l->doing == NGX_AIGC_LEASE_READ) {
        ngx_aigc_lease_was_read(f);

    } else {
        ngx_aigc_lease_was_written(f);
    }

    if (l->fetch == NULL) {
        ngx_aigc_lease_later();
    }
}


/* A call ended during a quit: if it shows the Lease as ours, releases it. */
static void
ngx_aigc_lease_end(ngx_aigc_fetch_t *f)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (l->doing != NGX_AIGC_LEASE_GIVE_UP
        && (f->status == 200 || f->status == 201)
        && ngx_aigc_lease_take(f) == NGX_OK
        && ngx_aigc_election_observe(&l->election, l->lease, ngx_current_msec)
           == NGX_AIGC_ELECTION_OURS)
    {
        ngx_aigc_lease_send(NGX_AIGC_LEASE_GIVE_UP);
        return;
    }

    ngx_aigc_timer_stop(&l->exiting);
}


static void
ngx_aigc_lease_was_read(ngx_aigc_fetch_t *f)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (f->status == 404 && f->error == NULL) {
        json_decref(l->lease);
        l->lease = NULL;
        ngx_aigc_lease_observe();
        return;
    }

    if (f->status != 200 || ngx_aigc_lease_take(f) != NGX_OK) {
        ngx_aigc_lease_complain(f);
        return;
    }

    ngx_aigc_lease_observe();
}


static void
ngx_aigc_lease_was_written(ngx_aigc_fetch_t *f)
{
    ngx_uint_t         created;
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    created = (l->lease == NULL);

    if ((f->status == 200 || f->status == 201)
        && ngx_aigc_lease_take(f) == NGX_OK)
    {
        if (ngx_aigc_election_observe(&l->election, l->lease, ngx_current_msec)
            == NGX_AIGC_ELECTION_OURS)
        {
            ngx_aigc_lease_gain(l->sent + NGX_AIGC_LEASE_DEADLINE);
        }

        return;
    }

    /* the write may have succeeded all the same: read the Lease again */

    json_decref(l->lease);
    l->lease = NULL;

    if (f->status != 409 && (f->status != 404 || created)) {
        ngx_aigc_lease_complain(f);

    } else if (!l->again) {
        l->again = 1;
        ngx_aigc_lease_send(NGX_AIGC_LEASE_READ);
    }
}


/* Stores the response, which is the current Lease.  NGX_OK or NGX_ERROR. */
static ngx_int_t
ngx_aigc_lease_take(ngx_aigc_fetch_t *f)
{
    json_t  *json;

    if (f->error) {
        return NGX_ERROR;
    }

    json = json_loadb((char *) f->answer.data, f->answer.len, 0, NULL);

    if (!json_is_object(json_object_get(json, "metadata"))) {
        json_decref(json);
        f->error = "the answer is no Lease";
        return NGX_ERROR;
    }

    json_decref(ngx_aigc_lease.lease);
    ngx_aigc_lease.lease = json;

    return NGX_OK;
}


static void
ngx_aigc_lease_observe(void)
{
    ngx_str_t             holder;
    ngx_aigc_lease_t     *l;
    ngx_aigc_election_e   what;

    l = &ngx_aigc_lease;

    what = ngx_aigc_election_observe(&l->election, l->lease, ngx_current_msec);

    holder.len = l->election.holder_len;
    holder.data = l->election.holder;
    ngx_aigc_leader_seen(l->zone, &holder);

    if (what == NGX_AIGC_ELECTION_WAIT) {
        ngx_aigc_lease_lose("the Lease is not its own any more");

        if (l->election.late && !l->again) {
            l->again = 1;
            ngx_aigc_lease_send(NGX_AIGC_LEASE_READ);
        }

        return;
    }

    ngx_aigc_lease_send(NGX_AIGC_LEASE_WRITE);
}


static void
ngx_aigc_lease_gain(ngx_msec_t until)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (ngx_aigc_reached(until)
        || ngx_aigc_zone_is_writer(l->zone) != NGX_OK)
    {
        return;
    }

    if (ngx_aigc_leader_lead(l->zone, until) == NGX_OK) {
        ngx_aigc_count(l->zone, leader_changes);
        ngx_aigc_leader_seen(l->zone, &l->election.identity);

        ngx_log_error(NGX_LOG_NOTICE, l->log, 0,
                      "aigc: this gateway leads, as \"%V\"",
                      &l->election.identity);
    }

    if (!l->deadline.timer_set) {
        ngx_add_timer(&l->deadline, until - ngx_current_msec);
    }

    if (!l->leads) {
        l->leads = 1;
        l->changed(1);
    }
}


static void
ngx_aigc_lease_lose(const char *why)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    ngx_aigc_timer_stop(&l->deadline);

    if (ngx_aigc_leader_lose(l->zone) == NGX_OK) {
        ngx_aigc_count(l->zone, leader_changes);

        ngx_log_error(NGX_LOG_NOTICE, l->log, 0,
                      "aigc: this gateway leads no more: %s", why);
    }

    if (l->leads) {
        l->leads = 0;
        l->changed(0);
    }
}


static void
ngx_aigc_lease_complain(ngx_aigc_fetch_t *f)
{
    ngx_aigc_lease_t  *l;

    l = &ngx_aigc_lease;

    if (!ngx_aigc_seldom(&l->complained, NGX_AIGC_LEASE_LOG)) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, f->log, 0,
                  "aigc: the Lease %V/%V could not be %s: status %ui%s%s%s",
                  &l->k8s->lease_ns, &l->k8s->lease_name,
                  l->doing == NGX_AIGC_LEASE_READ ? "read" : "written",
                  f->status, f->error ? ", " : "", f->error ? f->error : "",
                  f->status == 403 ? ": see docker/kubernetes/rbac.yaml" : "");
}
