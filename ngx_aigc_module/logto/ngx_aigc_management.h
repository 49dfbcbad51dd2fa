/*
 * logto/ngx_aigc_management.h — Logto's Management API: the users, and their
 * custom data.  Any worker; the machine-to-machine application's token is
 * kept in its memory until shortly before it expires, and fetched anew when it
 * is refused.
 *
 * Source: Logto 1.41.  PATCH …/custom-data merges shallowly and stores a null
 * as null; PATCH of the user replaces customData whole, which alone removes a
 * key.  An application without the Management API's role gets a token all the
 * same, without a scope.
 */

#ifndef _NGX_AIGC_MANAGEMENT_H_INCLUDED_
#define _NGX_AIGC_MANAGEMENT_H_INCLUDED_

#include "ngx_aigc_logto.h"
#include "base/ngx_aigc_bounds.h"

#include <jansson.h>


#define NGX_AIGC_MANAGEMENT_SCOPE     "all"


typedef enum {
    NGX_AIGC_MANAGEMENT_OK = 0,
    NGX_AIGC_MANAGEMENT_NOT_FOUND,      /* no such user */
    NGX_AIGC_MANAGEMENT_DENIED,         /* wrong credentials, or no role */
    NGX_AIGC_MANAGEMENT_UNAVAILABLE,    /* no whole answer, 429, 5xx */
    NGX_AIGC_MANAGEMENT_TOO_LARGE,      /* an answer over the bound */
    NGX_AIGC_MANAGEMENT_GARBAGE         /* an answer that makes no sense, or
                                           another 4xx */
} ngx_aigc_management_e;


typedef struct ngx_aigc_management_s  ngx_aigc_management_t;

/*
 * json: with OK the answer, an array (a page of users) or an object (custom
 * data, a user), borrowed; else NULL.  Numbers are reals: as exact as Logto's.
 */
typedef void (*ngx_aigc_management_pt)(void *data,
    ngx_aigc_management_e result, json_t *json);


/*
 * Each starts a call: done is called once with data, unless the call is
 * cancelled.  NULL: it could not be started, done is not called.
 *
 * users: page counts from 1, of size users, newest first, customData included.
 * profile: the user with this id; custom_data: that user's.
 * merge: members is added to the custom data; members of the same name go.
 * replace: custom becomes the custom data.
 */
ngx_aigc_management_t *ngx_aigc_management_users(ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_uint_t page, ngx_uint_t size,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log);
ngx_aigc_management_t *ngx_aigc_management_profile(ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_str_t *user, ngx_aigc_management_pt done,
    void *data, ngx_log_t *log);
ngx_aigc_management_t *ngx_aigc_management_custom_data(ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_str_t *user, ngx_aigc_management_pt done,
    void *data, ngx_log_t *log);
ngx_aigc_management_t *ngx_aigc_management_merge(ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_str_t *user, json_t *members,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log);
ngx_aigc_management_t *ngx_aigc_management_replace(ngx_aigc_logto_t *logto,
    ngx_aigc_zone_t *zone, ngx_str_t *user, json_t *custom,
    ngx_aigc_management_pt done, void *data, ngx_log_t *log);

/* Ends a call without done(). */
void ngx_aigc_management_cancel(ngx_aigc_management_t *call);

/* A phrase for logs. */
const char *ngx_aigc_management_text(ngx_aigc_management_e result);


#endif /* _NGX_AIGC_MANAGEMENT_H_INCLUDED_ */
