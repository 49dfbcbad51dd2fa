/*
 * oidc/ngx_aigc_revocation.h — revocations as all workers know them: what this
 * gateway was told, at once, and what the ConfigMap says.  What an entry means
 * is in oidc/ngx_aigc_revoked.h.
 *
 * Any worker writes, under the lock; readers take none.  A chain changes by
 * single words, in an order that leaves it whole wherever a writer dies.
 *
 * Nothing that matters is forgotten.  Where there is no room the oldest entry
 * goes, and whatever started until its time is refused from then on (the
 * floor): with a full table people sign in more often, and nobody gets in.
 */

#ifndef _NGX_AIGC_REVOCATION_H_INCLUDED_
#define _NGX_AIGC_REVOCATION_H_INCLUDED_

#include "base/ngx_aigc_zone.h"

#include "ngx_aigc_revoked.h"


#define NGX_AIGC_REVOCATIONS_MAX  16384 /* fills a ConfigMap: 1 MiB */
#define NGX_AIGC_SUBJECT_KEY      16    /* bytes of a key that are compared */
#define NGX_AIGC_REVOCATIONS_LOCK 1024  /* entries looked at under one lock */
#define NGX_AIGC_REVOCATIONS_MADE 8     /* searches for a place to be freed, of
                                           all entries each, under one lock */


/* By what a credential can be revoked.  Zeros: it has none of that. */
typedef struct {
    u_char              session[NGX_AIGC_SUBJECT_KEY];  /* our own sid */
    u_char              login[NGX_AIGC_SUBJECT_KEY];    /* the provider's sid */
    u_char              user[NGX_AIGC_SUBJECT_KEY];     /* sub */
    time_t              start;          /* of the session; of a token: iat */
} ngx_aigc_subject_t;

typedef struct {
    ngx_aigc_revoked_t  revoked;        /* when 0: free */
    uint64_t            stored;         /* "when" of the ConfigMap, … */
    uint32_t            mark;           /* … as read then */
    uint32_t            next;           /* slot + 1; 0: none */
} ngx_aigc_revocation_t;


typedef struct {
    ngx_atomic_t      version;          /* grows with every revocation */
    ngx_atomic_t      known;            /* the ConfigMap was read, or cannot be */
    ngx_atomic_t      heard;            /* ngx_aigc_now() at its last event */
    ngx_atomic_t      floor;            /* what started until then is refused */
    ngx_atomic_t      moved;            /* grows before a place is used again */
    ngx_aigc_seldom_t told;             /* the line "no room" */
    ngx_atomic_t      begun;            /* readings of the ConfigMap, … */
    ngx_atomic_t      read;             /* … of which this one was the last to
                                           reach its end */
    uint32_t          used;
    uint32_t          cursor;           /* where a free place is looked for */
    ngx_aigc_revocation_t  slots[];
} ngx_aigc_revocations_t;


extern ngx_aigc_part_t  ngx_aigc_revocation_part;

#define ngx_aigc_revoked(zone)                                                \
    ((ngx_aigc_revocations_t *) ngx_aigc_part(zone, ngx_aigc_revocation_part))
#define ngx_aigc_revocations(zone)  (ngx_aigc_revoked(zone)->slots)
#define ngx_aigc_revocations_n(zone)                                          \
    ngx_aigc_part_slots(zone, ngx_aigc_revocation_part)

/* "when" of the ConfigMap; 0: it is not there */
#define ngx_aigc_revocation_stored(zone, r)                                   \
    (((int32_t) ((r)->mark - (uint32_t) ngx_aigc_revoked(zone)->read) >= 0)   \
     ? (r)->stored : 0)


/* Fills s from its texts, each of which may be empty.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_aigc_subject(ngx_str_t *session, ngx_str_t *login,
    ngx_str_t *user, time_t start, ngx_aigc_subject_t *s);

/*
 * NGX_OK: nobody has revoked it; NGX_DECLINED: it is revoked.  *version: an
 * answer holds for as long as ngx_aigc_revocation_version() is the same.
 */
ngx_int_t ngx_aigc_revocation_check(ngx_aigc_zone_t *zone,
    ngx_aigc_subject_t *s, ngx_atomic_uint_t *version);

#define ngx_aigc_revocation_version(zone)                                     \
    ((ngx_atomic_uint_t) ngx_aigc_revoked(zone)->version)

/* "when" of text (a sid or sub); 0: it was not revoked. */
uint64_t ngx_aigc_revocation_when(ngx_aigc_zone_t *zone, ngx_str_t *text);

/*
 * Not 0: the ConfigMap has been read once, or the cluster will not let us read
 * it.  Else nobody can tell yet who is revoked.
 */
#define ngx_aigc_revocation_known(zone)  (ngx_aigc_revoked(zone)->known)

/*
 * Of one that is revoked: NGX_OK when that is because the user was suspended or
 * deleted; NGX_DECLINED: a session was ended, or nobody knows why.
 */
ngx_int_t ngx_aigc_revocation_user_gone(ngx_aigc_zone_t *zone,
    ngx_aigc_subject_t *s);

/*
 * Revokes text (a sid or sub) as of time; every worker knows it when this
 * returns.  The ConfigMap follows (oidc/ngx_aigc_revoke.h).  NGX_OK;
 * NGX_DECLINED: it was known; NGX_ERROR (openssl).
 */
ngx_int_t ngx_aigc_revocation_put(ngx_aigc_zone_t *zone, ngx_str_t *text,
    time_t time, ngx_aigc_revoked_e reason, ngx_log_t *log);

/* told is called after each _put() of this process; NULL: nobody is. */
void ngx_aigc_revocation_notify(void (*told)(void));

/*
 * What the ConfigMap says, all of it at each reading, which may take many
 * steps: read begins one (its mark); seen takes in n entries, returns how many
 * it took (the others: in a later pass); whole ends it, and what the reading did
 * not name the ConfigMap has not.  A reading that is given up changes nothing.
 * With mark 0 seen takes in what was just written there.
 * floor; heard: it has been read, or cannot be.
 */
uint32_t ngx_aigc_revocation_read(ngx_aigc_zone_t *zone);
ngx_uint_t ngx_aigc_revocation_seen(ngx_aigc_zone_t *zone,
    ngx_aigc_revoked_t *list, ngx_uint_t n, uint32_t mark, ngx_log_t *log);
void ngx_aigc_revocation_whole(ngx_aigc_zone_t *zone, uint32_t mark);
void ngx_aigc_revocation_floor(ngx_aigc_zone_t *zone, time_t floor);
void ngx_aigc_revocation_heard(ngx_aigc_zone_t *zone);

/*
 * Copies up to max entries into list; their number.  _PENDING: from time on,
 * above the floor, and not in the ConfigMap; _PAST: from before time, and in the
 * ConfigMap; _USER: the user's instances are to be released.
 */
typedef enum {
    NGX_AIGC_REVOCATION_PENDING = 0,
    NGX_AIGC_REVOCATION_PAST,
    NGX_AIGC_REVOCATION_USER
} ngx_aigc_revocation_e;

ngx_uint_t ngx_aigc_revocation_list(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_e which, time_t time, ngx_aigc_revoked_t *list,
    ngx_uint_t max);

/* Nothing of that user's runs any more, unless it was revoked once more. */
void ngx_aigc_revocation_released(ngx_aigc_zone_t *zone,
    ngx_aigc_revoked_t *user);

/*
 * The earliest time until which there are n entries; 0: there are fewer, or no
 * memory.
 */
time_t ngx_aigc_revocation_oldest(ngx_aigc_zone_t *zone, ngx_uint_t n,
    ngx_log_t *log);

/*
 * Forgets what ended before time, for no session is that old any more, and what
 * the floor stands for; forget: these n, which the ConfigMap has no more.
 */
void ngx_aigc_revocation_prune(ngx_aigc_zone_t *zone, time_t time);
void ngx_aigc_revocation_forget(ngx_aigc_zone_t *zone,
    ngx_aigc_revoked_t *list, ngx_uint_t n);


#endif /* _NGX_AIGC_REVOCATION_H_INCLUDED_ */
