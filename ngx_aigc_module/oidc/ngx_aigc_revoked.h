/*
 * oidc/ngx_aigc_revoked.h — what has been revoked, and how the ConfigMap
 * aigc-revocations says it (pure; no request, no I/O):
 *
 *     <base64url(SHA-256(sid or sub))>: "<seconds>[ user| released]"
 *     floor: "<seconds>"
 *
 * A session that started at that time or before is refused.  "user": the user
 * is deleted or suspended, so the instances are to be released, too;
 * "released": they have been.  "floor": whatever started until then is refused,
 * for older revocations than that are not kept.  Source: DESIGN §6.
 *
 * Two entries of one key are merged by the greater "when": the later time, then
 * the later reason.  Whoever knows the greater one writes it, so that all
 * gateways come to the same.
 */

#ifndef _NGX_AIGC_REVOKED_H_INCLUDED_
#define _NGX_AIGC_REVOKED_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AIGC_REVOKED_NAME     "aigc-revocations"
#define NGX_AIGC_REVOKED_FLOOR    "floor"
#define NGX_AIGC_REVOKED_KEY_LEN  32    /* bytes: SHA-256 */
#define NGX_AIGC_REVOKED_KEY_TEXT 43    /* … as base64url */
#define NGX_AIGC_REVOKED_LATE     30    /* s that what tells of a revocation may
                                           be under way, clocks included */


typedef enum {
    NGX_AIGC_REVOKED_SESSION = 0,
    NGX_AIGC_REVOKED_USER,
    NGX_AIGC_REVOKED_RELEASED
} ngx_aigc_revoked_e;

typedef struct {
    u_char     key[NGX_AIGC_REVOKED_KEY_LEN];
    uint64_t   when;
} ngx_aigc_revoked_t;


/* Time and reason in one number, which is greater for the one that counts. */
#define ngx_aigc_when(time, reason)  (((uint64_t) (time) << 2) | (reason))
#define ngx_aigc_when_time(when)     ((time_t) ((when) >> 2))
#define ngx_aigc_when_reason(when)   ((ngx_aigc_revoked_e) ((when) & 3))


/*
 * The key of a sid or sub; all zeros for an empty text.  NGX_OK or NGX_ERROR
 * (openssl).
 */
ngx_int_t ngx_aigc_revoked_key(ngx_str_t *text, u_char *key);

/*
 * The time of a revocation that somebody else dates said (seconds, by their
 * clock): now, but never more than NGX_AIGC_REVOKED_LATE after said, so that
 * the same message a second time does not end sessions that began since; nor
 * before said, for tokens are dated by that clock, too.
 */
time_t ngx_aigc_revoked_time(time_t now, time_t said);

/*
 * One entry of the ConfigMap.  NGX_OK; NGX_DONE: it is the floor, key is not
 * set; NGX_DECLINED: none of ours (another form than the one written here).
 */
ngx_int_t ngx_aigc_revoked_parse(ngx_str_t *name, ngx_str_t *value,
    ngx_aigc_revoked_t *revoked);

/*
 * The ConfigMap with these n entries alone: the body that creates it, and the
 * merge patch (RFC 7396) that adds them.  Both drop managedFields, which would
 * name every key once more.  NGX_OK, out from pool; NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_revoked_add(ngx_pool_t *pool, ngx_aigc_revoked_t *revoked,
    ngx_uint_t n, ngx_str_t *out);

/*
 * The JSON Patch (RFC 6902) that removes n entries as they are known (a test
 * each), and sets the floor where it is not 0.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_revoked_remove(ngx_pool_t *pool,
    ngx_aigc_revoked_t *revoked, ngx_uint_t n, time_t floor, ngx_str_t *out);


#endif /* _NGX_AIGC_REVOKED_H_INCLUDED_ */
