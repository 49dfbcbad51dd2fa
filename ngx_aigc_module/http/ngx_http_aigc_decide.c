/*
 * http/ngx_http_aigc_decide.c — the decision, and how a refusal is answered.
 */

#include "ngx_http_aigc_decide.h"
#include "ngx_http_aigc_headers.h"
#include "ngx_http_aigc_page.h"
#include "ngx_http_aigc_renew.h"
#include "ngx_http_aigc_reply.h"


typedef struct {
    ngx_str_t     name;
    ngx_uint_t    status;
    const char   *detail;
    time_t        retry;
} ngx_http_aigc_answer_t;


static ngx_int_t ngx_http_aigc_forget(ngx_http_request_t *r,
    ngx_http_aigc_decision_e decision);


/* by ngx_http_aigc_decision_e */
static ngx_http_aigc_answer_t  ngx_http_aigc_answers[] = {
    { ngx_string("undecided"), 500, "No decision was made.", 0 },
    { ngx_string("allow"), 200, "", 0 },
    { ngx_string("bad-host"), 400,
      "The request names two different hosts, or none.", 0 },
    { ngx_string("starting"), 503,
      "The gateway has not seen the cluster yet.", NGX_HTTP_AIGC_RETRY_COLD },
    { ngx_string("busy"), 503,
      "The gateway cannot decide at this moment.", NGX_HTTP_AIGC_RETRY },
    { ngx_string("unknown-host"), 404,
      "There is no instance with this host name.", 0 },
    { ngx_string("host-collision"), 403,
      "Two instances claim this host name: tell your administrator.", 0 },
    { ngx_string("not-signed-in"), 401, "Sign in first.", 0 },
    { ngx_string("ambiguous-session"), 401,
      "The request carries several session cookies; close the browser's "
      "other tabs of this site and sign in again.", 0 },
    { ngx_string("renewing"), 503, "The session is being renewed.",
      NGX_HTTP_AIGC_RETRY },
    { ngx_string("sign-in-unavailable"), 503,
      "Your session has to be renewed, and the sign-in service cannot be "
      "reached.", NGX_HTTP_AIGC_RETRY },
    { ngx_string("not-owner"), 403,
      "This instance belongs to somebody else.", 0 },
    { ngx_string("foreign-disk"), 403,
      "The disk of this instance is not recorded as yours: tell your "
      "administrator.", 0 },
    { ngx_string("cross-origin"), 403,
      "The request comes from a page of another origin.", 0 },
    { ngx_string("not-ready"), 503,
      "The instance is not ready.", NGX_HTTP_AIGC_RETRY },
    { ngx_string("stale"), 503,
      "The gateway has not heard from the cluster for too long.",
      NGX_HTTP_AIGC_RETRY },
    { ngx_string("failed"), 500, "An internal error.", 0 }
};


ngx_http_aigc_decision_e
ngx_http_aigc_decide(ngx_http_request_t *r, ngx_str_t *host,
    ngx_str_t *origin, ngx_aigc_record_t *record, ngx_http_aigc_who_t *who)
{
    ngx_int_t                   rc;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(who, sizeof(ngx_http_aigc_who_t));

    if (ngx_aigc_zone_synced(mcf->zone) != NGX_OK) {
        return NGX_HTTP_AIGC_COLD;
    }

    rc = ngx_aigc_table_by_host(mcf->zone, host, record);

    if (rc == NGX_BUSY
        || (rc == NGX_DECLINED && ngx_aigc_zone_whole(mcf->zone) != NGX_OK))
    {
        return NGX_HTTP_AIGC_BUSY;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_AIGC_UNKNOWN;
    }

    rc = ngx_http_aigc_identify(r, who);

    if (rc == NGX_DECLINED && who->expired) {
        rc = ngx_http_aigc_renew(r, who);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_AIGC_FAILED;
    }

    if (rc == NGX_AGAIN) {
        return NGX_HTTP_AIGC_RENEWING;
    }

    if (rc == NGX_BUSY) {
        return NGX_HTTP_AIGC_UNRENEWED;
    }

    if (rc != NGX_OK) {
        return who->busy ? NGX_HTTP_AIGC_BUSY
               : who->ambiguous ? NGX_HTTP_AIGC_AMBIGUOUS
                                : NGX_HTTP_AIGC_ANONYMOUS;
    }

    if (record->collision) {
        return NGX_HTTP_AIGC_COLLISION;
    }

    if (record->owner.len == 0
        || !ngx_aigc_fixed_eq(&record->owner, &who->sub))
    {
        return NGX_HTTP_AIGC_NOT_OWNER;
    }

    if (record->disk == NGX_AIGC_DISK_FOREIGN) {
        ngx_aigc_count(mcf->zone, foreign_disk);
        return NGX_HTTP_AIGC_FOREIGN_DISK;
    }

    if (record->disk == NGX_AIGC_DISK_LOST) {
        return NGX_HTTP_AIGC_BUSY;
    }

    if (origin && ngx_http_aigc_same_origin(r, origin) != NGX_OK) {
        return NGX_HTTP_AIGC_CROSS_ORIGIN;
    }

    if (record->state != NGX_AIGC_RUNNING || !record->routed) {
        return NGX_HTTP_AIGC_NOT_READY;
    }

    if (ngx_aigc_zone_age(mcf->zone) > mcf->max_stale) {
        return NGX_HTTP_AIGC_STALE;
    }

    return NGX_HTTP_AIGC_ALLOW;
}


ngx_str_t *
ngx_http_aigc_decision_name(ngx_http_aigc_decision_e decision)
{
    return &ngx_http_aigc_answers[decision].name;
}


ngx_uint_t
ngx_http_aigc_decision_status(ngx_http_aigc_decision_e decision)
{
    return ngx_http_aigc_answers[decision].status;
}


ngx_int_t
ngx_http_aigc_refuse(ngx_http_request_t *r, ngx_http_aigc_decision_e decision)
{
    ngx_http_aigc_answer_t  *answer;

    answer = &ngx_http_aigc_answers[decision];

    if (ngx_http_aigc_forget(r, decision) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_problem(r, answer->status,
                                 (char *) answer->name.data, answer->detail,
                                 answer->retry);
}


ngx_int_t
ngx_http_aigc_refuse_visitor(ngx_http_request_t *r,
    ngx_http_aigc_decision_e decision)
{
    ngx_http_aigc_answer_t  *answer;

    answer = &ngx_http_aigc_answers[decision];

    if (ngx_http_aigc_forget(r, decision) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aigc_say(r, answer->status, (char *) answer->name.data,
                             answer->detail, answer->retry);
}


/* Clears the session cookie where two of them came. */
static ngx_int_t
ngx_http_aigc_forget(ngx_http_request_t *r, ngx_http_aigc_decision_e decision)
{
    ngx_str_t                   none;
    ngx_http_aigc_main_conf_t  *mcf;

    if (decision != NGX_HTTP_AIGC_AMBIGUOUS) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_str_null(&none);

    if (ngx_http_aigc_set_cookie(r, &mcf->cookie, &none, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aigc_set_cookie(r, &mcf->cookie, &none, &mcf->domain, 0);
}
