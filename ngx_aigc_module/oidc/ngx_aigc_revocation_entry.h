/*
 * oidc/ngx_aigc_revocation_entry.h — a revocation, and its entry in the
 * ConfigMap aigc-revocations (pure; no request, no I/O):
 *
 *     <base64url(SHA-256(sid or sub))>: "<seconds>[ user| released]"
 *     floor: "<seconds>"
 *
 * A session of this sid or sub that started at that time or before is refused.
 * "user": the user is deleted or suspended, and the user's instances are still
 * to be released; "released": they have been.  "floor": every session that
 * started until then is refused, for older revocations are not kept.
 *
 * Two revocations of one key are merged: the greater "when" wins, that is the
 * later time, then the later reason.  A gateway that knows a greater one than
 * the ConfigMap writes it, so all gateways converge.
 */

#ifndef _NGX_AIGC_REVOCATION_ENTRY_H_INCLUDED_
#define _NGX_AIGC_REVOCATION_ENTRY_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AIGC_REVOCATION_NAME     "aigc-revocations"
#define NGX_AIGC_REVOCATION_FLOOR    "floor"
#define NGX_AIGC_REVOCATION_KEY_LEN  32 /* bytes: SHA-256 */
#define NGX_AIGC_REVOCATION_KEY_TEXT 43 /* the same as base64url */
#define NGX_AIGC_REVOCATION_LATE     30 /* s that a message of a revocation may
                                           take, clock skew included */
#define NGX_AIGC_REVOCATION_AHEAD    30 /* s that a session may begin in the
                                           future: another gateway's clock */


typedef enum {
    NGX_AIGC_REVOCATION_SESSION = 0,
    NGX_AIGC_REVOCATION_USER,
    NGX_AIGC_REVOCATION_RELEASED
} ngx_aigc_revocation_e;

typedef struct {
    u_char     key[NGX_AIGC_REVOCATION_KEY_LEN];
    uint64_t   when;
} ngx_aigc_revocation_t;


/* Time and reason in one number: of two revocations the greater one wins. */
#define ngx_aigc_when(time, reason)  (((uint64_t) (time) << 2) | (reason))
#define ngx_aigc_when_time(when)     ((time_t) ((when) >> 2))
#define ngx_aigc_when_reason(when)   ((ngx_aigc_revocation_e) ((when) & 3))


/*
 * Computes the key of a sid or sub: all zeros for an empty text.  NGX_OK;
 * NGX_ERROR: openssl failed.
 */
ngx_int_t ngx_aigc_revocation_key(ngx_str_t *text, u_char *key);

/*
 * Returns the time of a revocation, in seconds, whose sender dates it said by
 * its own clock.  It is now, but at most NGX_AIGC_REVOCATION_LATE after said,
 * so that a repeated message does not end newer sessions; and not before said,
 * because the same clock dates the tokens.
 */
time_t ngx_aigc_revocation_time(time_t now, time_t said);

/*
 * Parses one entry of the ConfigMap.  NGX_OK; NGX_DONE: it is the floor, key is
 * not set; NGX_DECLINED: not in the form that this file writes.
 */
ngx_int_t ngx_aigc_revocation_parse(ngx_str_t *name, ngx_str_t *value,
    ngx_aigc_revocation_t *revocation);

/*
 * Builds the ConfigMap with these n entries.  It serves both as the body that
 * creates it and as the merge patch (RFC 7396) that adds them.  It drops
 * managedFields, which would repeat every key.  NGX_OK: out is from pool;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_revocation_patch_add(ngx_pool_t *pool,
    ngx_aigc_revocation_t *revocation, ngx_uint_t n, ngx_str_t *out);

/*
 * Builds the JSON Patch (RFC 6902) that removes n entries and, if floor is not
 * 0, sets the floor.  A test op before each removal makes it fail if the entry
 * has changed (optimistic concurrency).  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_revocation_patch_remove(ngx_pool_t *pool,
    ngx_aigc_revocation_t *revocation, ngx_uint_t n, time_t floor,
    ngx_str_t *out);


#endif /* _NGX_AIGC_REVOCATION_ENTRY_H_INCLUDED_ */
