/*
 * gateway/ngx_http_aigc_decide.c — the decision, and how a refusal is answered.
 */

#include "ngx_http_aigc_decide.h"
#include "base/ngx_http_aigc_headers.h"
#include "base/ngx_http_aigc_page.h"
#include "base/ngx_http_aigc_reply.h"


static ngx_http_aigc_decision_e ngx_http_aigc_decide_host(
    ngx_http_aigc_main_conf_t *mcf, ngx_str_t *host,
    ngx_aigc_record_t *record);
static ngx_http_aigc_decision_e ngx_http_aigc_decide_pod(
    ngx_http_aigc_main_conf_t *mcf, ngx_aigc_record_t *record);


/* by ngx_http_aigc_decision_e; ALLOW is no problem */
static ngx_http_aigc_code_e  ngx_http_aigc_decision_codes[] = {
    NGX_HTTP_AIGC_CODE_UNDECIDED,
    NGX_HTTP_AIGC_CODE_UNDECIDED,
    NGX_HTTP_AIGC_CODE_BAD_HOST,
    NGX_HTTP_AIGC_CODE_STARTING,
    NGX_HTTP_AIGC_CODE_BUSY,
    NGX_HTTP_AIGC_CODE_UNKNOWN_HOST,
    NGX_HTTP_AIGC_CODE_HOST_COLLISION,
    NGX_HTTP_AIGC_CODE_NOT_SIGNED_IN,
    NGX_HTTP_AIGC_CODE_INSUFFICIENT_SCOPE,
    NGX_HTTP_AIGC_CODE_NO_USER,
    NGX_HTTP_AIGC_CODE_RENEWING,
    NGX_HTTP_AIGC_CODE_SIGN_IN_UNAVAILABLE,
    NGX_HTTP_AIGC_CODE_NOT_OWNER,
    NGX_HTTP_AIGC_CODE_FOREIGN_DISK,
    NGX_HTTP_AIGC_CODE_CROSS_ORIGIN,
    NGX_HTTP_AIGC_CODE_NOT_READY,
    NGX_HTTP_AIGC_CODE_STALE,
    NGX_HTTP_AIGC_CODE_FAILED
};


ngx_http_aigc_decision_e
ngx_http_aigc_decide(ngx_http_request_t *r, ngx_str_t *host,
    ngx_str_t *origin, ngx_aigc_record_t *record, ngx_http_aigc_user_t *user)
{
    ngx_http_aigc_outcome_e     outcome;
    ngx_http_aigc_decision_e    decision;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(user, sizeof(ngx_http_aigc_user_t));

    decision = ngx_http_aigc_decide_host(mcf, host, record);

    if (decision != NGX_HTTP_AIGC_ALLOW) {
        return decision;
    }

    outcome = ngx_http_aigc_identify_instance(r, host, user);
    decision = ngx_http_aigc_outcome(outcome)->decision;

    if (decision != NGX_HTTP_AIGC_ALLOW) {
        return decision;
    }

    if (record->collision) {
        return NGX_HTTP_AIGC_COLLISION;
    }

    if (record->owner.len == 0
        || !ngx_aigc_fixed_eq(&record->owner, &user->sub))
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

    return ngx_http_aigc_decide_pod(mcf, record);
}


ngx_http_aigc_decision_e
ngx_http_aigc_decide_preflight(ngx_http_request_t *r, ngx_str_t *host,
    ngx_aigc_record_t *record)
{
    ngx_http_aigc_decision_e    decision;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    decision = ngx_http_aigc_decide_host(mcf, host, record);

    if (decision != NGX_HTTP_AIGC_ALLOW) {
        return decision;
    }

    if (record->collision) {
        return NGX_HTTP_AIGC_COLLISION;
    }

    if (record->owner.len == 0) {
        return NGX_HTTP_AIGC_NOT_OWNER;
    }

    if (record->disk == NGX_AIGC_DISK_FOREIGN) {
        return NGX_HTTP_AIGC_FOREIGN_DISK;
    }

    if (record->disk == NGX_AIGC_DISK_LOST) {
        return NGX_HTTP_AIGC_BUSY;
    }

    return ngx_http_aigc_decide_pod(mcf, record);
}


/* ALLOW: record is the instance of host. */
static ngx_http_aigc_decision_e
ngx_http_aigc_decide_host(ngx_http_aigc_main_conf_t *mcf, ngx_str_t *host,
    ngx_aigc_record_t *record)
{
    ngx_int_t  rc;

    if (ngx_aigc_sync_complete(mcf->zone) != NGX_OK) {
        return NGX_HTTP_AIGC_COLD;
    }

    rc = ngx_aigc_table_by_host(mcf->zone, host, record);

    if (rc == NGX_BUSY
        || (rc == NGX_DECLINED && ngx_aigc_table_whole(mcf->zone) != NGX_OK))
    {
        return NGX_HTTP_AIGC_BUSY;
    }

    return (rc == NGX_OK) ? NGX_HTTP_AIGC_ALLOW : NGX_HTTP_AIGC_UNKNOWN;
}


/* ALLOW: its pod has an address that is to be trusted. */
static ngx_http_aigc_decision_e
ngx_http_aigc_decide_pod(ngx_http_aigc_main_conf_t *mcf,
    ngx_aigc_record_t *record)
{
    if (record->state != NGX_AIGC_RUNNING || !record->routed) {
        return NGX_HTTP_AIGC_NOT_READY;
    }

    if (ngx_aigc_sync_age(mcf->zone) > mcf->max_stale) {
        return NGX_HTTP_AIGC_STALE;
    }

    return NGX_HTTP_AIGC_ALLOW;
}


const ngx_str_t *
ngx_http_aigc_decision_name(ngx_http_aigc_decision_e decision)
{
    static ngx_str_t  allow = ngx_string("allow");

    if (decision == NGX_HTTP_AIGC_ALLOW) {
        return &allow;
    }

    return &ngx_http_aigc_code(ngx_http_aigc_decision_codes[decision])->text;
}


ngx_uint_t
ngx_http_aigc_decision_status(ngx_http_aigc_decision_e decision)
{
    if (decision == NGX_HTTP_AIGC_ALLOW) {
        return NGX_HTTP_OK;
    }

    return ngx_http_aigc_code(ngx_http_aigc_decision_codes[decision])->status;
}


ngx_int_t
ngx_http_aigc_refuse(ngx_http_request_t *r, ngx_http_aigc_decision_e decision)
{
    return ngx_http_aigc_problem(r, ngx_http_aigc_decision_codes[decision],
                                 NULL);
}


ngx_int_t
ngx_http_aigc_refuse_visitor(ngx_http_request_t *r,
    ngx_http_aigc_decision_e decision)
{
    return ngx_http_aigc_refusal(r, ngx_http_aigc_decision_codes[decision],
                                 NULL);
}
