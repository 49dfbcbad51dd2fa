/*
 * base/ngx_http_aigc_code.h — the problem codes: each word that a program can
 * find in the "code" of problem details, with its status, its Retry-After and
 * its sentence.  This is the only list; a handler names a code, and
 * aigc_describe prints them all.
 *
 * To add a code: add a line to the list below, and answer with
 * ngx_http_aigc_problem(r, NGX_HTTP_AIGC_CODE_<NAME>, NULL), or with a sentence
 * of your own instead of NULL.  A code with API set belongs in
 * docs/openapi.yaml, at every call that can answer with it: t/openapi.t
 * compares both.
 *
 * One code has one status.
 */

#ifndef _NGX_HTTP_AIGC_CODE_H_INCLUDED_
#define _NGX_HTTP_AIGC_CODE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_AIGC_RETRY_COLD   2        /* s, Retry-After: soon over */
#define NGX_HTTP_AIGC_RETRY        5        /* s, Retry-After otherwise */

#define NGX_HTTP_AIGC_CODE_SITE    0        /* of pages and hosts alone */
#define NGX_HTTP_AIGC_CODE_API     1        /* of /api/v1 as well */


/* X(name, code, status, Retry-After or 0, SITE or API, sentence) */
#define NGX_HTTP_AIGC_CODES(X)                                                \
                                                                              \
    /* how a request is decided, see ngx_http_aigc_decide.h */                \
                                                                              \
    X(UNDECIDED, "undecided", 500, 0, SITE,                                   \
      "No decision was made.")                                                \
    X(BAD_HOST, "bad-host", 400, 0, SITE,                                     \
      "The request names two different hosts, or none.")                      \
    X(STARTING, "starting", 503, NGX_HTTP_AIGC_RETRY_COLD, API,               \
      "The gateway has not seen the cluster yet.")                            \
    X(BUSY, "busy", 503, NGX_HTTP_AIGC_RETRY_COLD, API,                       \
      "The gateway cannot decide at this moment.")                            \
    X(UNKNOWN_HOST, "unknown-host", 404, 0, SITE,                             \
      "There is no instance with this host name.")                            \
    X(HOST_COLLISION, "host-collision", 403, 0, SITE,                         \
      "Two instances claim this host name: tell your administrator.")         \
    X(NOT_SIGNED_IN, "not-signed-in", 401, 0, API,                            \
      "Sign in first.")                                                       \
    X(USER_GONE, "user-gone", 401, 0, API,                                    \
      "This account is suspended or deleted: what ran of it is released.")    \
    X(INSUFFICIENT_SCOPE, "insufficient-scope", 403, 0, API,                  \
      "The token has not the scope that this gateway asks for.")              \
    X(NO_USER, "no-user", 403, 0, API,                                        \
      "The token is an application's own: it is of no user, who could own "   \
      "anything here.")                                                       \
    X(RENEWING, "renewing", 503, NGX_HTTP_AIGC_RETRY, SITE,                   \
      "The session is being renewed.")                                        \
    X(SIGN_IN_UNAVAILABLE, "sign-in-unavailable", 503, NGX_HTTP_AIGC_RETRY,   \
      API,                                                                    \
      "Your session has to be renewed, and the sign-in service cannot be "    \
      "reached.")                                                             \
    X(NOT_OWNER, "not-owner", 403, 0, API,                                    \
      "This instance belongs to somebody else.")                              \
    X(FOREIGN_DISK, "foreign-disk", 403, 0, API,                              \
      "The disk of this instance is not recorded as yours: tell your "        \
      "administrator.")                                                       \
    X(CROSS_ORIGIN, "cross-origin", 403, 0, API,                              \
      "The request comes from a page of another origin.")                     \
    X(NOT_READY, "not-ready", 503, NGX_HTTP_AIGC_RETRY, SITE,                 \
      "The instance is not ready.")                                           \
    X(STALE, "stale", 503, NGX_HTTP_AIGC_RETRY, SITE,                         \
      "The gateway has not heard from the cluster for too long.")             \
    X(NO_ANSWER, "no-answer", 502, NGX_HTTP_AIGC_RETRY, SITE,                 \
      "The instance does not answer: it may be starting anew.")               \
    X(LATE_ANSWER, "late-answer", 504, NGX_HTTP_AIGC_RETRY, SITE,             \
      "The instance did not answer in time.")                                 \
    X(FAILED, "failed", 500, 0, SITE,                                         \
      "An internal error.")                                                   \
                                                                              \
    /* signing in, and what Logto sends */                                    \
                                                                              \
    X(BAD_RD, "bad-rd", 400, 0, SITE,                                         \
      "The page to return to (rd) is not one of this site.")                  \
    X(SIGN_IN_REFUSED, "sign-in-refused", 403, 0, SITE,                       \
      "The sign-in service refused.")                                         \
    X(SIGN_IN_CANCELLED, "sign-in-cancelled", 403, 0, SITE,                   \
      "The sign-in was cancelled.")                                           \
    X(SIGN_IN_FRAMED, "sign-in-framed", 403, 0, SITE,                         \
      "Sign-ins need a window of their own: this was asked for by a frame "   \
      "or a part of a page.")                                                 \
    X(TICKET_REFUSED, "ticket-refused", 403, 0, SITE,                         \
      "This way in was used already, is too old, or is for another browser: " \
      "begin again.")                                                         \
    X(SIGN_IN_FAILED, "sign-in-failed", 400, 0, SITE,                         \
      "The sign-in was not begun in this browser, or took too long.")         \
    X(SIGN_IN_GARBAGE, "sign-in-garbage", 502, 0, SITE,                       \
      "The sign-in service gave an answer that makes no sense.")              \
    X(SESSION_TOO_LARGE, "session-too-large", 500, 0, SITE,                   \
      "Your ID token does not fit a cookie: ask your administrator to drop "  \
      "custom claims or roles from it, or a long picture address or "         \
      "profile.")                                                             \
    X(BAD_LOGOUT_TOKEN, "bad-logout-token", 400, 0, SITE,                     \
      "The body is not a logout token of the provider's.")                    \
    X(BAD_SIGNATURE, "bad-signature", 403, 0, SITE,                           \
      "The signature is not Logto's.")                                        \
    X(BAD_WEBHOOK, "bad-webhook", 400, 0, SITE,                               \
      "The body is not an event of Logto's.")                                 \
                                                                              \
    /* the form of a call */                                                  \
                                                                              \
    X(BAD_AUTHORIZATION, "bad-authorization", 400, 0, API,                    \
      "The request has a malformed bearer token, or two.")                    \
    X(BAD_JSON, "bad-json", 400, 0, API,                                      \
      "The body is not a JSON object.")                                       \
    X(BAD_PARAMETER, "bad-parameter", 400, 0, API,                            \
      "A parameter has a value that it cannot have.")                         \
    X(BAD_CONFIRM, "bad-confirm", 400, 0, API,                                \
      "\"confirm\" is the text of that name in the list that is confirmed.")  \
    X(BODY_TOO_LARGE, "body-too-large", 413, 0, API,                          \
      "The body is too large.")                                               \
    X(NOT_FOUND, "not-found", 404, 0, API,                                    \
      "There is no such template or instance.")                               \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, 0, API,                  \
      "This path does not take that method.")                                 \
    X(NOT_ADMIN, "not-admin", 403, 0, API,                                    \
      "This call is for administrators.")                                     \
    X(TOO_MANY_STREAMS, "too-many-streams", 429, NGX_HTTP_AIGC_RETRY, API,    \
      "You have too many event streams open.")                                \
    X(STREAMS_FULL, "streams-full", 503, NGX_HTTP_AIGC_RETRY, API,            \
      "The gateway has too many event streams open.")                         \
                                                                              \
    /* operations */                                                          \
                                                                              \
    X(QUEUE_FULL, "queue-full", 429, NGX_HTTP_AIGC_RETRY, API,                \
      "Too many operations wait at this moment.")                             \
    X(NOT_RUNNING, "not-running", 409, 0, API,                                \
      "The instance is released: start it.")                                  \
    X(UNINSTALLING, "uninstalling", 409, 0, API,                              \
      "The instance is being uninstalled.")                                   \
    X(LIMIT_USER_TEMPLATE, "limit-user-template", 409, 0, API,                \
      "You have as many instances of this template as you may have.")         \
    X(LIMIT_USER_TOTAL, "limit-user-total", 409, 0, API,                      \
      "You have as many instances of all templates together as you may "      \
      "have.")                                                                \
    X(LIMIT_TEMPLATE, "limit-template", 409, 0, API,                          \
      "The template has as many instances as it may have.")                   \
    X(TEMPLATE_MISCONFIGURED, "template-misconfigured", 409, 0, API,          \
      "The template cannot be installed as it is: tell your administrator.")  \
    X(TEMPLATE_USED_UP, "template-used-up", 409, 0, API,                      \
      "The template has no more ids: tell your administrator.")               \
    X(ANNOTATION_TOO_LONG, "annotation-too-long", 409, 0, API,                \
      "The instance's annotation would be too long: tell your "               \
      "administrator.")                                                       \
    X(UNREADABLE_ANNOTATION, "unreadable-annotation", 409, 0, API,            \
      "The instance's annotation cannot be read: put it right, it runs for "  \
      "nobody.")                                                              \
    X(ZONE_FULL, "zone-full", 507, 0, API,                                    \
      "The gateway's zone is too small for all instances: tell your "         \
      "administrator.")                                                       \
    X(NOT_SHOWN_YET, "not-shown-yet", 503, NGX_HTTP_AIGC_RETRY_COLD, API,     \
      "It is done, but the gateway has not heard of it from the cluster "     \
      "yet.")                                                                 \
    X(CLUSTER_REFUSES, "cluster-refuses", 502, 0, API,                        \
      "The cluster refuses it.")                                              \
    X(CLUSTER_UNAVAILABLE, "cluster-unavailable", 502, NGX_HTTP_AIGC_RETRY,   \
      API,                                                                    \
      "The cluster does not answer as it should.")                            \
    X(CLUSTER_BUSY, "cluster-busy", 503, NGX_HTTP_AIGC_RETRY, API,            \
      "The cluster is busy with this template.")                              \
                                                                              \
    /* adoption */                                                            \
                                                                              \
    X(NO_CUSTOM_DATA, "no-custom-data", 501, 0, API,                          \
      "The gateway does not read custom data: \"aigc_logto\" has no "         \
      "m2m_app_id=, or custom_data=off.")                                     \
    X(LOGTO_UNAVAILABLE, "logto-unavailable", 503, NGX_HTTP_AIGC_RETRY, API,  \
      "Logto cannot be asked.")                                               \
    X(TOO_MANY_USERS, "too-many-users", 507, 0, API,                          \
      "Logto has more users than one run reads.")                             \
    X(LIST_CHANGED, "list-changed", 409, 0, API,                              \
      "It is not the list that was confirmed: look at this one.")             \
    X(CHANGED_MEANWHILE, "changed-meanwhile", 409, 0, API,                    \
      "The cluster has changed meanwhile: what was adopted stays so, ask "    \
      "again for the rest.")                                                  \
    X(TOO_SLOW, "too-slow", 503, NGX_HTTP_AIGC_RETRY, API,                    \
      "It took too long: what was adopted stays so, ask again for the rest.")


typedef enum {
#define NGX_HTTP_AIGC_CODE_ENUM(name, text, status, retry, api, detail)       \
    NGX_HTTP_AIGC_CODE_##name,
    NGX_HTTP_AIGC_CODES(NGX_HTTP_AIGC_CODE_ENUM)
#undef NGX_HTTP_AIGC_CODE_ENUM
    NGX_HTTP_AIGC_NCODES
} ngx_http_aigc_code_e;


typedef struct {
    ngx_str_t    text;      /* "not-owner"; a NUL follows */
    ngx_uint_t   status;
    time_t       retry;     /* s, Retry-After; 0: none */
    ngx_uint_t   api;       /* NGX_HTTP_AIGC_CODE_SITE or …_API */
    const char  *detail;    /* a sentence for people */
} ngx_http_aigc_code_t;


/* By ngx_http_aigc_code_e; never NULL. */
const ngx_http_aigc_code_t *ngx_http_aigc_code(ngx_http_aigc_code_e code);


#endif /* _NGX_HTTP_AIGC_CODE_H_INCLUDED_ */
