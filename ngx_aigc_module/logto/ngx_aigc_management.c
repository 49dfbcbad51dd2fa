/*
 * logto/ngx_aigc_management.c — a call, and before it the token that it needs.
 * Neither token nor secret is ever logged.
 */

#include "ngx_aigc_management.h"

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_scan.h"
#include "base/ngx_aigc_text.h"
#include "base/ngx_aigc_url.h"


#define NGX_AIGC_MANAGEMENT_EARLY  60   /* s before its end a token is given up,
                                           … */
#define NGX_AIGC_MANAGEMENT_SAID   60000 /* ms between lines about the role */


struct ngx_aigc_management_s {
    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_aigc_logto_t        *logto;
    ngx_aigc_zone_t         *zone;
    ngx_aigc_management_pt   done;
    void                    *data;

    const char              *method;    /* NULL: GET */
    ngx_str_t                url;
    ngx_str_t                body;
    json_type                type;      /* of the answer */

    ngx_aigc_fetch_t        *fetch;
    ngx_uint_t               refused;   /* a 401 has been met once */
};


static ngx_aigc_management_t *ngx_aigc_management_create(
    ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log);
static ngx_aigc_management_t *ngx_aigc_management_user(
    ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone, ngx_str_t *user,
    const char *tail, json_t *custom, ngx_aigc_management_pt done, void *data,
    ngx_log_t *log);
static ngx_int_t ngx_aigc_management_url(ngx_aigc_management_t *call,
    ngx_str_t *user, const char *tail);
static ngx_int_t ngx_aigc_management_body(ngx_aigc_management_t *call,
    json_t *custom);
static ngx_aigc_management_t *ngx_aigc_management_start(
    ngx_aigc_management_t *call, ngx_int_t rc);
static ngx_int_t ngx_aigc_management_token(ngx_aigc_management_t *call);
static void ngx_aigc_management_token_done(ngx_aigc_fetch_t *f);
static ngx_aigc_management_e ngx_aigc_management_token_read(
    ngx_aigc_fetch_t *f);
static ngx_int_t ngx_aigc_management_send(ngx_aigc_management_t *call);
static void ngx_aigc_management_sent(ngx_aigc_fetch_t *f);
static ngx_aigc_management_e ngx_aigc_management_status(ngx_aigc_fetch_t *f);
static void ngx_aigc_management_refused(ngx_aigc_fetch_t *f, json_t *root);
static ngx_uint_t ngx_aigc_management_entity(ngx_aigc_fetch_t *f);
static void ngx_aigc_management_denied(ngx_log_t *log, ngx_uint_t status,
    const char *why);
static void ngx_aigc_management_finish(ngx_aigc_management_t *call,
    ngx_aigc_management_e result, json_t *json);


/* of this worker, for all its calls */
static u_char      ngx_aigc_management_token_data[NGX_AIGC_MANAGEMENT_TOKEN];
static ngx_str_t   ngx_aigc_management_bearer =
                                       { 0, ngx_aigc_management_token_data };
static ngx_msec_t  ngx_aigc_management_until;   /* ngx_current_msec */


ngx_aigc_management_t *
ngx_aigc_management_users(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_uint_t page, ngx_uint_t size, ngx_aigc_management_pt done, void *data,
    ngx_log_t *log)
{
    size_t                  len;
    ngx_aigc_management_t  *call;

    call = ngx_aigc_management_create(logto, zone, done, data, log);
    if (call == NULL) {
        return NULL;
    }

    len = logto->endpoint.len + sizeof("/api/users?page=&page_size=")
          + 2 * NGX_INT_T_LEN;

    call->type = JSON_ARRAY;
    call->url.data = ngx_pnalloc(call->pool, len);

    if (call->url.data == NULL) {
        return ngx_aigc_management_start(call, NGX_ERROR);
    }

    call->url.len = ngx_sprintf(call->url.data,
                                "%V/api/users?page=%ui&page_size=%ui",
                                &logto->endpoint, page, size)
                    - call->url.data;

    return ngx_aigc_management_start(call, NGX_OK);
}


ngx_aigc_management_t *
ngx_aigc_management_profile(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_str_t *user, ngx_aigc_management_pt done, void *data, ngx_log_t *log)
{
    return ngx_aigc_management_user(logto, zone, user, "", NULL, done, data,
                                    log);
}


ngx_aigc_management_t *
ngx_aigc_management_custom_data(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_str_t *user, ngx_aigc_management_pt done, void *data, ngx_log_t *log)
{
    return ngx_aigc_management_user(logto, zone, user, "/custom-data", NULL,
                                    done, data, log);
}


ngx_aigc_management_t *
ngx_aigc_management_merge(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_str_t *user, json_t *members, ngx_aigc_management_pt done, void *data,
    ngx_log_t *log)
{
    return ngx_aigc_management_user(logto, zone, user, "/custom-data", members,
                                    done, data, log);
}


ngx_aigc_management_t *
ngx_aigc_management_replace(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_str_t *user, json_t *custom, ngx_aigc_management_pt done, void *data,
    ngx_log_t *log)
{
    return ngx_aigc_management_user(logto, zone, user, "", custom, done, data,
                                    log);
}


/* Of one user: a GET, or, with custom, a PATCH of the custom data. */
static ngx_aigc_management_t *
ngx_aigc_management_user(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_str_t *user, const char *tail, json_t *custom,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log)
{
    ngx_int_t               rc;
    ngx_aigc_management_t  *call;

    call = ngx_aigc_management_create(logto, zone, done, data, log);
    if (call == NULL) {
        return NULL;
    }

    rc = ngx_aigc_management_url(call, user, tail);

    if (rc == NGX_OK && custom) {
        rc = ngx_aigc_management_body(call, custom);
    }

    return ngx_aigc_management_start(call, rc);
}


void
ngx_aigc_management_cancel(ngx_aigc_management_t *call)
{
    if (call->fetch) {
        ngx_aigc_fetch_cancel(call->fetch);
    }

    ngx_destroy_pool(call->pool);
}


const char *
ngx_aigc_management_text(ngx_aigc_management_e result)
{
    static const char  *texts[] = {
        "all is well", "no such user", "access denied", "no answer",
        "an answer that is too large", "an answer that makes no sense"
    };

    return texts[result];
}


static ngx_aigc_management_t *
ngx_aigc_management_create(ngx_aigc_logto_t *logto, ngx_aigc_zone_t *zone,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log)
{
    ngx_pool_t             *pool;
    ngx_aigc_management_t  *call;

    pool = ngx_create_pool(1024, log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_aigc_management_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    call->pool = pool;
    call->log = log;
    call->logto = logto;
    call->zone = zone;
    call->done = done;
    call->data = data;
    call->type = JSON_OBJECT;

    return call;
}


static ngx_int_t
ngx_aigc_management_url(ngx_aigc_management_t *call, ngx_str_t *user,
    const char *tail)
{
    size_t     i, len;
    ngx_str_t  id;

    /* "." and ".." would be another path, however they are written */

    for (i = 0; i < user->len && user->data[i] == '.'; i++) { /* void */ }

    if (i == user->len
        || ngx_aigc_url_encode(call->pool, user, &id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = call->logto->endpoint.len + sizeof("/api/users/") + id.len
          + ngx_strlen(tail);

    call->url.data = ngx_pnalloc(call->pool, len);
    if (call->url.data == NULL) {
        return NGX_ERROR;
    }

    call->url.len = ngx_sprintf(call->url.data, "%V/api/users/%V%s",
                                &call->logto->endpoint, &id, tail)
                    - call->url.data;

    return NGX_OK;
}


static ngx_int_t
ngx_aigc_management_body(ngx_aigc_management_t *call, json_t *custom)
{
    json_t     *root;
    ngx_int_t   rc;

    root = json_pack("{s:O}", "customData", custom);
    if (root == NULL) {
        return NGX_ERROR;
    }

    call->method = "PATCH";
    call->body.len = json_dumpb(root, NULL, 0, JSON_COMPACT);
    call->body.data = ngx_pnalloc(call->pool, call->body.len);

    rc = (call->body.len && call->body.data
          && json_dumpb(root, (char *) call->body.data, call->body.len,
                        JSON_COMPACT) == call->body.len)
         ? NGX_OK : NGX_ERROR;

    json_decref(root);

    return rc;
}


/* rc: of what came before.  The call, or NULL, and the call is freed. */
static ngx_aigc_management_t *
ngx_aigc_management_start(ngx_aigc_management_t *call, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        rc = (ngx_aigc_management_bearer.len
              && !ngx_aigc_reached(ngx_aigc_management_until))
             ? ngx_aigc_management_send(call)
             : ngx_aigc_management_token(call);
    }

    if (rc == NGX_OK) {
        return call;
    }

    ngx_destroy_pool(call->pool);

    return NULL;
}


/* The client credentials grant (RFC 6749 4.4; RFC 8707 for "resource"). */
static ngx_int_t
ngx_aigc_management_token(ngx_aigc_management_t *call)
{
    ngx_str_t              resource;
    ngx_aigc_fetch_t      *f;
    ngx_aigc_endpoints_t   ep;

    if (ngx_aigc_issuer_endpoints(call->zone, call->pool, &ep) != NGX_OK) {
        return NGX_ERROR;
    }

    f = ngx_aigc_provider_form(&call->logto->provider, &ep.token, call->log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    if (ngx_aigc_url_encode(f->pool, &call->logto->m2m_resource, &resource)
        != NGX_OK
        || ngx_aigc_fetch_text(f, &f->body, "grant_type=client_credentials"
                               "&scope=" NGX_AIGC_MANAGEMENT_SCOPE
                               "&resource=", &resource)
           != NGX_OK
        || ngx_aigc_provider_authenticate(f, &ep, &call->logto->m2m_app_id,
                                          &call->logto->m2m_app_secret)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    f->ctx = call;
    f->done = ngx_aigc_management_token_done;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    call->fetch = f;

    return NGX_OK;
}


static void
ngx_aigc_management_token_done(ngx_aigc_fetch_t *f)
{
    ngx_aigc_management_t  *call;
    ngx_aigc_management_e   result;

    call = f->ctx;
    call->fetch = NULL;

    result = ngx_aigc_management_token_read(f);

    if (result == NGX_AIGC_MANAGEMENT_OK) {

        if (ngx_aigc_management_send(call) == NGX_OK) {
            return;
        }

        result = NGX_AIGC_MANAGEMENT_UNAVAILABLE;
    }

    ngx_aigc_management_finish(call, result, NULL);
}


/* By Logto's own code, and in words of what to change. */
static void
ngx_aigc_management_refused(ngx_aigc_fetch_t *f, json_t *root)
{
    u_char      buf[NGX_AIGC_WORD_MAX];
    u_char      text[NGX_AIGC_WORD_MAX + 256];
    ngx_str_t   error, word;
    const char  *why;

    error = ngx_aigc_json_text(root, "error");
    word = ngx_aigc_text_word(&error, buf);

    why = "check m2m_app_id= and m2m_app_secret_file=";

    if (ngx_aigc_text_is(&word, "invalid_target")) {
        why = "check m2m_resource=: it is https://<tenant>.logto.app/api on "
              "Logto Cloud, and with another tenant than \"default\"";
    }

    *ngx_snprintf(text, sizeof(text) - 1, "Logto gives the application of "
                  "m2m_app_id= no token, error \"%V\": %s", &word, why) = '\0';

    ngx_aigc_management_denied(f->log, f->status, (char *) text);
}


static ngx_aigc_management_e
ngx_aigc_management_token_read(ngx_aigc_fetch_t *f)
{
    time_t                  life;
    json_t                 *root;
    ngx_str_t               token, scope;
    ngx_aigc_management_e   result;

    if (f->status == 429 || f->status >= 500 || f->error) {
        return NGX_AIGC_MANAGEMENT_UNAVAILABLE;
    }

    root = json_loadb((char *) f->answer.data, f->answer.len,
                      JSON_REJECT_DUPLICATES, NULL);

    if (f->status >= 400) {
        ngx_aigc_management_refused(f, root);
        json_decref(root);
        return NGX_AIGC_MANAGEMENT_DENIED;
    }

    if (f->status != 200) {
        json_decref(root);
        return NGX_AIGC_MANAGEMENT_GARBAGE;
    }

    token = ngx_aigc_json_text(root, "access_token");
    scope = ngx_aigc_json_text(root, "scope");
    life = ngx_aigc_json_int(root, "expires_in", 1, NGX_MAX_INT_T_VALUE, 0);
    life = ngx_min(life, NGX_AIGC_MANAGEMENT_LIFE);

    result = NGX_AIGC_MANAGEMENT_OK;

    if (life == 0 || ngx_aigc_text_check(&token, NGX_AIGC_MANAGEMENT_TOKEN)
                     != NGX_OK)
    {
        result = NGX_AIGC_MANAGEMENT_GARBAGE;

    } else if (!ngx_aigc_text_is(&scope, NGX_AIGC_MANAGEMENT_SCOPE)) {
        ngx_aigc_management_denied(f->log, f->status, "the application of "
                                   "m2m_app_id= has no role with Logto's "
                                   "Management API permission \""
                                   NGX_AIGC_MANAGEMENT_SCOPE "\"");
        result = NGX_AIGC_MANAGEMENT_DENIED;

    } else {
        ngx_memcpy(ngx_aigc_management_token_data, token.data, token.len);
        ngx_aigc_management_bearer.len = token.len;

        ngx_aigc_management_until = ngx_current_msec
                      + (life - ngx_min(NGX_AIGC_MANAGEMENT_EARLY, life / 4))
                        * 1000;
    }

    json_decref(root);

    return result;
}


static ngx_int_t
ngx_aigc_management_send(ngx_aigc_management_t *call)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_fetch_create(call->log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->method = call->method;
    f->timeout = NGX_AIGC_PROVIDER_TIMEOUT;
    f->max = NGX_AIGC_MANAGEMENT_ANSWER;
    f->body = call->body;
    f->ctx = call;
    f->done = ngx_aigc_management_sent;

    if (ngx_aigc_fetch_text(f, &f->url, "", &call->url) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->ca_file, "",
                               &call->logto->provider.ca_file) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[0], "Authorization: Bearer ",
                               &ngx_aigc_management_bearer) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[1], "Accept: application/json",
                               NULL) != NGX_OK
        || ngx_aigc_fetch_text(f, &f->headers[2],
                               "Content-Type: application/json", NULL)
           != NGX_OK)
    {
        ngx_destroy_pool(f->pool);
        return NGX_ERROR;
    }

    f->nheaders = call->method ? 3 : 2;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        return NGX_ERROR;
    }

    call->fetch = f;

    return NGX_OK;
}


static void
ngx_aigc_management_sent(ngx_aigc_fetch_t *f)
{
    json_t                 *json;
    ngx_aigc_management_t  *call;
    ngx_aigc_management_e   result;

    call = f->ctx;
    call->fetch = NULL;
    json = NULL;

    if (f->status == 401 && !call->refused) {

        /* revoked, or Logto's key has gone: once more with a new one */

        call->refused = 1;
        ngx_aigc_management_bearer.len = 0;

        if (ngx_aigc_management_token(call) == NGX_OK) {
            return;
        }
    }

    result = ngx_aigc_management_status(f);

    if (result == NGX_AIGC_MANAGEMENT_OK) {

        /* all numbers as Logto has them, those beyond 64 bits, too */

        json = json_loadb((char *) f->answer.data, f->answer.len,
                          JSON_REJECT_DUPLICATES|JSON_DECODE_INT_AS_REAL
                          |JSON_ALLOW_NUL,
                          NULL);

        if (json == NULL || json_typeof(json) != call->type) {
            json_decref(json);
            json = NULL;
            result = NGX_AIGC_MANAGEMENT_GARBAGE;
        }
    }

    ngx_aigc_management_finish(call, result, json);
}


static ngx_aigc_management_e
ngx_aigc_management_status(ngx_aigc_fetch_t *f)
{
    if (f->large) {
        return NGX_AIGC_MANAGEMENT_TOO_LARGE;
    }

    if (f->error || f->status == 429 || f->status >= 500) {
        return NGX_AIGC_MANAGEMENT_UNAVAILABLE;
    }

    switch (f->status) {

    case 200:
        return NGX_AIGC_MANAGEMENT_OK;

    case 404:
        return ngx_aigc_management_entity(f) ? NGX_AIGC_MANAGEMENT_NOT_FOUND
                                             : NGX_AIGC_MANAGEMENT_GARBAGE;

    case 401:
    case 403:
        ngx_aigc_management_denied(f->log, f->status,
                                   "Logto's Management API refuses the "
                                   "application of m2m_app_id=");
        ngx_aigc_management_bearer.len = 0;
        return NGX_AIGC_MANAGEMENT_DENIED;

    default:
        return NGX_AIGC_MANAGEMENT_GARBAGE;
    }
}


/*
 * Is it Logto that does not know the user, or something in front of Logto that
 * does not know the path?  A user who is not there loses everything.
 */
static ngx_uint_t
ngx_aigc_management_entity(ngx_aigc_fetch_t *f)
{
    static u_char    code[] = "\"entity.not_found\"";

    ngx_aigc_scan_t  answer[] = { { "code", ngx_null_string } };

    return ngx_aigc_scan(&f->answer, answer, 1) == NGX_OK
           && answer[0].value.len == sizeof(code) - 1
           && ngx_memcmp(answer[0].value.data, code, sizeof(code) - 1) == 0;
}


static void
ngx_aigc_management_denied(ngx_log_t *log, ngx_uint_t status, const char *why)
{
    static ngx_aigc_seldom_t  said;

    if (!ngx_aigc_seldom(&said, NGX_AIGC_MANAGEMENT_SAID)) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "aigc: %s (status %ui): mend it at Logto, or in "
                  "\"aigc_logto\", where custom_data=off does without",
                  why, status);
}


static void
ngx_aigc_management_finish(ngx_aigc_management_t *call,
    ngx_aigc_management_e result, json_t *json)
{
    call->done(call->data, result, json);

    json_decref(json);

    ngx_destroy_pool(call->pool);
}
